// Variables of a task sequence: names without case, %NAME% in texts, secrets that no log may show. Any thread; pure.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/task_sequence.hpp"

namespace fp::tasksequence {

struct Variable {
  std::string value;
  bool secret = false;
  bool operator==(const Variable&) const = default;
};
using Variables = std::map<std::string, Variable>;  // by the upper-case name

[[nodiscard]] const Variable* find(const Variables& variables, std::string_view name);
void set(Variables& variables, std::string_view name, std::string value, bool secret);
void set(Variables& variables, const std::vector<SequenceVariable>& list);  // values with %NAME% of those before them

// %NAME% becomes the variable's value; a name that is none stays as it is written (date +%Y-%m), %% is one %.
[[nodiscard]] std::string substitute(std::string_view text, const Variables& variables);
// Every secret value in the text becomes ******. For all that is logged, kept or reported.
[[nodiscard]] std::string mask(std::string text, const Variables& variables);
// FPTS_<NAME> for each; what cannot stand in the name of an environment variable becomes _.
[[nodiscard]] std::map<std::string, std::string> environment(const Variables& variables);

}  // namespace fp::tasksequence
