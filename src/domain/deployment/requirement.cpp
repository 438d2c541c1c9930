#include "domain/deployment/requirement.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.hpp"

namespace fp::deployment {
namespace {

bool is_version(std::string_view attribute) {
  return attribute == "os.version" || attribute == "kernel" || attribute.starts_with("package:");
}

bool by_order(int order, Compare op) {
  switch (op) {
    case Compare::lt: return order < 0;
    case Compare::le: return order <= 0;
    case Compare::gt: return order > 0;
    case Compare::ge: return order >= 0;
    default: return order == 0;
  }
}

bool relates(std::string_view attribute, std::string_view have, Compare op, std::string_view want, VersionScheme scheme) {
  if (is_version(attribute)) return by_order(compare_versions(scheme, have, want), op);
  const auto a = parse_int(have), b = parse_int(want);
  if (a && b) return by_order(*a < *b ? -1 : *a > *b ? 1 : 0, op);
  return by_order(lower(have).compare(lower(want)), op);
}

bool holds(const Requirement& r, std::string_view have, VersionScheme scheme) {
  const auto same = [&](const std::string& v) { return relates(r.attribute, have, Compare::eq, v, scheme); };
  switch (r.op) {
    case Compare::exists: return true;
    case Compare::not_exists: return false;
    case Compare::eq:
    case Compare::one_of: return std::any_of(r.values.begin(), r.values.end(), same);
    case Compare::ne: return std::none_of(r.values.begin(), r.values.end(), same);
    case Compare::contains:
      return std::any_of(r.values.begin(), r.values.end(), [&](const std::string& v) { return icontains(have, v); });
    default: return r.values.size() == 1 && relates(r.attribute, have, r.op, r.values[0], scheme);
  }
}

}  // namespace

VersionScheme version_scheme(const Facts& facts) {
  const auto found = facts.find("package_manager");
  return found != facts.end() && found->second == "rpm" ? VersionScheme::rpm : VersionScheme::dpkg;
}

Verdict evaluate(const Requirement& requirement, const Facts& facts) {
  const bool unary = requirement.op == Compare::exists || requirement.op == Compare::not_exists;
  const std::string values = unary ? "" : fmt::format(" {}", fmt::join(requirement.values, ", "));
  Reason reason{fmt::format("requirement {} {}{}", requirement.attribute, symbol(requirement.op), values), {}};
  const auto fact = facts.find(requirement.attribute);
  if (fact == facts.end()) {
    reason.because = requirement.attribute.starts_with("package:") ? "it is not installed" : "it is not known of this device";
    return {requirement.op == Compare::not_exists, {std::move(reason)}};
  }
  reason.because = fmt::format("it is {}", fact->second);
  return {holds(requirement, fact->second, version_scheme(facts)), {std::move(reason)}};
}

Verdict evaluate(const std::vector<Requirement>& requirements, const Facts& facts) {
  Verdict all{true, {}};
  Reasons good;
  for (const auto& r : requirements) {
    Verdict one = evaluate(r, facts);
    all.holds = all.holds && one.holds;
    append(one.holds ? good : all.reasons, std::move(one.reasons));
  }
  append(all.reasons, std::move(good));
  if (requirements.empty()) all.reasons.push_back({"requirements", "there are none"});
  return all;
}

}  // namespace fp::deployment
