// From what was found on the device to "installed or not" (domain.md §13). Looking is done by packages; judging here.
// Any thread; pure.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "domain/deployment/reason.hpp"
#include "domain/deployment/version.hpp"
#include "model/application.hpp"

namespace fp::deployment {

enum class Detected { installed, not_installed, unknown };

struct Detection {
  Detected state = Detected::unknown;
  Reasons reasons;
};

struct ScriptOutcome {
  int exit_code = 0;
  bool finished = true;  // false: killed at its limit, or by a signal, or could not be started
  std::string out, err;
};

// Exit-code table of domain.md §13: only 0 with output is installed, 0 with nothing at all is not, the rest is unknown.
[[nodiscard]] Detection judge_script(const ScriptOutcome& outcome);
// `installed`: the version that is there, if any.
[[nodiscard]] Detection judge_package(const DetectionRule& rule, const std::optional<std::string>& installed,
                                      VersionScheme scheme);
// `sha256`: lower-case hex of the file, empty when the rule asks for none; nothing: no such file.
[[nodiscard]] Detection judge_file(const DetectionRule& rule, const std::optional<std::string>& sha256);

// All rules must hold: one that does not decides, else one that is unknown. No rule at all: unknown.
[[nodiscard]] Detection combine(const std::vector<Detection>& rules);

}  // namespace fp::deployment
