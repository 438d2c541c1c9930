// Why a decision was taken: a list of short facts that `farpoint-agent why`, the console and state messages print as they are.
// Any thread; plain values. Never: a decision without at least one reason.
#pragma once
#include <string>
#include <vector>

namespace fp::deployment {

struct Reason {
  std::string what;     // "requirement os.version >= 12"
  std::string because;  // "os.version is 11"
};
using Reasons = std::vector<Reason>;

[[nodiscard]] std::string sentence(const Reasons& reasons);  // "what: because; what: because"; for state messages and logs
void append(Reasons& to, Reasons more);

}  // namespace fp::deployment
