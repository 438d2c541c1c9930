#include "domain/deployment/detection.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace fp::deployment {

Detection judge_script(const ScriptOutcome& outcome) {
  const std::string what = "detection script";
  if (!outcome.finished) return {Detected::unknown, {{what, "it did not come to its end"}}};
  if (outcome.exit_code != 0) return {Detected::unknown, {{what, fmt::format("it ended with exit code {}", outcome.exit_code)}}};
  if (!outcome.out.empty()) return {Detected::installed, {{what, "exit code 0 and something on standard output"}}};
  if (!outcome.err.empty()) {
    return {Detected::unknown, {{what, "exit code 0 and nothing on standard output, but something on standard error"}}};
  }
  return {Detected::not_installed, {{what, "exit code 0 and no output"}}};
}

Detection judge_package(const DetectionRule& rule, const std::optional<std::string>& installed, VersionScheme scheme) {
  const bool unary = rule.op == Compare::exists || rule.op == Compare::not_exists;
  Reason reason{fmt::format("package {} {}{}{}", rule.package, symbol(rule.op), unary ? "" : " ", unary ? "" : rule.version), {}};
  bool holds = false;
  if (!installed) {
    reason.because = "it is not installed";
    holds = rule.op == Compare::not_exists;
  } else {
    reason.because = fmt::format("version {} is installed", *installed);
    holds = rule.op == Compare::exists || version_holds(scheme, *installed, rule.op, rule.version);
  }
  return {holds ? Detected::installed : Detected::not_installed, {std::move(reason)}};
}

Detection judge_file(const DetectionRule& rule, const std::optional<std::string>& sha256) {
  if (rule.op == Compare::not_exists) {
    return {sha256 ? Detected::not_installed : Detected::installed,
            {{fmt::format("file {} must be absent", rule.path), sha256 ? "it is there" : "it is not there"}}};
  }
  const std::string what = fmt::format("file {}", rule.path);
  if (!sha256) return {Detected::not_installed, {{what, "it is not there"}}};
  if (rule.sha256.empty()) return {Detected::installed, {{what, "it is there"}}};
  const bool same = iequals(rule.sha256, *sha256);
  return {same ? Detected::installed : Detected::not_installed, {{what, same ? "its hash is right" : "its hash is another one"}}};
}

Detection combine(const std::vector<Detection>& rules) {
  if (rules.empty()) return {Detected::unknown, {{"detection", "there is no detection rule"}}};
  Detection all{Detected::installed, {}};
  for (const auto wanted : {Detected::not_installed, Detected::unknown}) {
    for (const auto& rule : rules) {
      if (rule.state != wanted) continue;
      if (all.state == Detected::installed) all.state = wanted;
      append(all.reasons, rule.reasons);
    }
  }
  for (const auto& rule : rules) {
    if (rule.state == Detected::installed) append(all.reasons, rule.reasons);
  }
  return all;
}

}  // namespace fp::deployment
