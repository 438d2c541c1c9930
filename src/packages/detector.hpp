// Looks whether a deployment type is installed: asks dpkg or rpm, hashes files, runs scripts; domain/deployment judges.
// Blocks; script rules take up to their limit each. Thread-safe if the runner is. Never: changes anything (scripts aside).
#pragma once
#include "domain/deployment/detection.hpp"
#include "model/application.hpp"
#include "packages/installer.hpp"

namespace fp::packages {

inline constexpr std::size_t kScriptBytesMax = 32U << 10;     // domain.md §13
inline constexpr std::int64_t kScriptLimitMs = 60 * 1000;     // domain.md §9, compliance script time

class Detector {
 public:
  Detector(Runner& runner, Roots roots = {}, std::int64_t script_limit_ms = kScriptLimitMs);
  // Never fails: what could not be looked at is Detected::unknown with its reason. Without rules a deb or rpm type is unknown.
  [[nodiscard]] deployment::Detection detect(const DeploymentType& type);
  // deb rules ask dpkg, rpm rules rpm; for script and fileset types whichever of the two databases the machine has.
  [[nodiscard]] deployment::Detection detect(const DetectionRule& rule, Technology technology);

 private:
  Runner& runner_;
  Roots roots_;
  std::int64_t script_limit_ms_;
};

// SHA-256 of a file, lower-case hex, read in pieces.
[[nodiscard]] Result<std::string> sha256_of_file(const Path& path);

}  // namespace fp::packages
