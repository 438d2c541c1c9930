#include "domain/deployment/applicability.hpp"

#include <algorithm>

#include "domain/deployment/version.hpp"

namespace fp::deployment {
namespace {

bool compares(const std::string& comparison, int order) {
  if (comparison.empty()) return true;  // that it is there is enough
  if (comparison == "LessThan") return order < 0;
  if (comparison == "LessThanOrEqualTo") return order <= 0;
  if (comparison == "EqualTo") return order == 0;
  if (comparison == "GreaterThanOrEqualTo") return order >= 0;
  return comparison == "GreaterThan" && order > 0;
}

}  // namespace

PackageIndex::PackageIndex(const PackagesOnDevice& device) : architecture_(device.architecture) {
  for (const auto& p : device.packages) packages_.emplace(p.name, p);
}

bool PackageIndex::package_holds(const UpdateRule& rule) const {
  const auto [begin, end] = packages_.equal_range(rule.name);
  return std::any_of(begin, end, [&](const auto& entry) {
    const PackageOnDevice& p = entry.second;
    const bool fits = rule.architecture.empty() || p.architecture == rule.architecture || p.architecture == "all" || rule.architecture == "all";
    return fits && compares(rule.comparison, compare_dpkg(p.version, rule.version));
  });
}

bool PackageIndex::holds(const UpdateRule& rule) const {
  const auto inside = [&](const UpdateRule& r) { return holds(r); };
  switch (rule.op) {
    case RuleOp::always: return true;
    case RuleOp::never: return false;
    case RuleOp::all: return std::ranges::all_of(rule.operands, inside);
    case RuleOp::any: return std::ranges::any_of(rule.operands, inside);
    case RuleOp::negation: return !rule.operands.empty() && !holds(rule.operands.front());
    case RuleOp::package: return package_holds(rule);
    case RuleOp::architecture: return rule.architecture == "all" || rule.architecture == architecture_;
  }
  return false;
}

int PackageIndex::state_of(const UpdateMetadata& update) const {
  if (holds(update.is_installed)) return update_state::kInstalled;
  return holds(update.is_installable) ? update_state::kRequired : update_state::kNotRequired;
}

}  // namespace fp::deployment
