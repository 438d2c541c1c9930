// An account of a directory, as a Windows login proved it (wire.md §15). Plain values.
#pragma once
#include <string>

namespace fp {

struct Account {
  std::string domain;  // as the site's configuration calls it, upper case: CORP.EXAMPLE
  std::string name;    // without the domain: alice, PC1$
  bool computer = false;
  [[nodiscard]] std::string full_name() const { return name + "@" + domain; }
};

}  // namespace fp
