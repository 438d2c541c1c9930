// Whether an update is for a device: its rules against what dpkg has there (domain.md §12.3, docs/protocol/updates.md). Any thread; pure.
// Costs a walk over the rule, and a look-up for each package that it names.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/update.hpp"

namespace fp::deployment {

class PackageIndex {
 public:
  explicit PackageIndex(const PackagesOnDevice& device);
  // A rule about a package holds if any installed one of that name does it: of the architecture that the rule names, where either
  // of the two is not "all".
  [[nodiscard]] bool holds(const UpdateRule& rule) const;
  // update_state::kInstalled, kRequired or kNotRequired; what is neither installed nor installable is not required.
  [[nodiscard]] int state_of(const UpdateMetadata& update) const;

  [[nodiscard]] const std::string& architecture() const { return architecture_; }

 private:
  [[nodiscard]] bool package_holds(const UpdateRule& rule) const;
  std::string architecture_;
  std::multimap<std::string, PackageOnDevice, std::less<>> packages_;
};

}  // namespace fp::deployment
