#include "pki/selection.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "pki/names.hpp"

namespace fp::pki {
namespace {

constexpr std::size_t kRuleCharsMax = 2048;
constexpr std::size_t kIssuerRulesMax = 64;

// Cuts at any of the separators that stand outside double quotes.
Result<std::vector<std::string_view>> cut(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> out;
  bool quoted = false;
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') quoted = !quoted;
    if (quoted || separators.find(text[at]) == std::string_view::npos) continue;
    out.push_back(trim(text.substr(start, at - start)));
    start = at + 1;
  }
  if (quoted) return fail(Code::invalid, "issuers list: a quotation mark is not closed");
  out.push_back(trim(text.substr(start)));
  return out;
}

std::string_view unquoted(std::string_view text) {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"' ? text.substr(1, text.size() - 2) : text;
}

Result<std::pair<std::string, std::string>> parse_attribute(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return fail(Code::invalid, "\"{}\" is not <attribute> = <value>", text);
  const std::string_view name = trim(text.substr(0, equals)), value = unquoted(trim(text.substr(equals + 1)));
  if (attribute_oid(name).empty()) return fail(Code::invalid, "\"{}\" is not a known certificate attribute", name);
  if (value.empty()) return fail(Code::invalid, "attribute {} has no value", name);
  return std::pair(std::string(name), std::string(value));
}

bool subject_fits(const SubjectRule& rule, const Certificate& c) {
  const auto& names = c.alternative_names();
  switch (rule.kind) {
    case SubjectRule::Kind::exact:
      return c.subject() == rule.value || c.common_name() == rule.value ||
             std::ranges::any_of(names, [&](const std::string& n) { return iequals(n, rule.value); });
    case SubjectRule::Kind::partial:
      return icontains(c.subject(), rule.value) ||
             std::ranges::any_of(names, [&](const std::string& n) { return icontains(n, rule.value); });
    case SubjectRule::Kind::attribute:
      return std::ranges::any_of(c.attribute(rule.attribute), [&](const std::string& v) { return v == rule.value; });
  }
  return false;
}

std::string describe(const SubjectRule& rule) {
  switch (rule.kind) {
    case SubjectRule::Kind::exact:
      return fmt::format("its subject is not \"{}\"", rule.value);
    case SubjectRule::Kind::partial:
      return fmt::format("neither subject nor alternative names contain \"{}\"", rule.value);
    case SubjectRule::Kind::attribute:
      return fmt::format("attribute {} is not \"{}\"", rule.attribute, rule.value);
  }
  return {};
}

bool issuer_fits(const std::vector<IssuerRule>& rules, const Candidate& candidate) {
  const Certificate& top = candidate.chain.empty() ? candidate.certificate : candidate.chain.back();
  for (const IssuerRule& rule : rules) {
    if (matches(rule, top)) return true;
    // The root itself may not be at hand: then the name that the last known certificate gives for its issuer counts.
    const bool named = std::ranges::all_of(rule.attributes, [&](const auto& wanted) {
      const std::string oid = attribute_oid(wanted.first);
      return std::ranges::any_of(top.issuer_attributes(),
                                 [&](const auto& a) { return a.first == oid && a.second == wanted.second; });
    });
    if (named) return true;
  }
  return false;
}

// Steps 2 to 5 of domain.md §5.2 for one candidate; empty: it fits.
std::string why_not(const Candidate& candidate, const SelectionCriteria& criteria) {
  const Certificate& c = candidate.certificate;
  if (!iequals(candidate.store, criteria.store)) return fmt::format("it is in store {}, not {}", candidate.store, criteria.store);
  if (c.not_after() <= criteria.now) return fmt::format("expired {}", to_iso(c.not_after()));
  if (c.not_before() > criteria.now) return fmt::format("not valid before {}", to_iso(c.not_before()));
  if (candidate.revoked) return "revoked";
  if (!candidate.key_accessible) return "its private key is not accessible";
  if (!c.has_eku(kEkuClientAuth)) return "no client authentication purpose";
  if ((c.key_usage() & kDigitalSignature) == 0) return "key usage without digitalSignature";
  if (c.public_key().rsa_bits() < 2048) return "not an RSA key of 2048 bits or more";
  if (criteria.subject) return subject_fits(*criteria.subject, c) ? "" : describe(*criteria.subject);
  if (criteria.computer_name.empty()) return {};
  // Of several alternative names only the first one counts (domain.md §5.1).
  const bool named = icontains(c.subject(), criteria.computer_name) ||
                     (!c.alternative_names().empty() && icontains(c.alternative_names().front(), criteria.computer_name));
  return named ? ""
               : fmt::format("neither subject nor first alternative name contain the computer name {}", criteria.computer_name);
}

std::int64_t validity_ms(const Candidate& c) { return c.certificate.not_after().since_ms(c.certificate.not_before()); }

}  // namespace

Result<SubjectRule> parse_certsel(std::string_view text) {
  text = trim(text);
  if (text.size() > kRuleCharsMax) return fail(Code::invalid, "certificate criteria of {} characters", text.size());
  if (!is_utf8(text)) return fail(Code::invalid, "certificate criteria that are not UTF-8");
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos)
    return fail(Code::invalid, "certificate criteria begin with Subject:, SubjectStr: or SubjectAttr:, not \"{}\"", text);
  const std::string_view keyword = trim(text.substr(0, colon)), value = trim(text.substr(colon + 1));
  if (value.empty()) return fail(Code::invalid, "certificate criteria {}: without a value", keyword);
  if (iequals(keyword, "Subject")) return SubjectRule{SubjectRule::Kind::exact, std::string(unquoted(value)), {}};
  if (iequals(keyword, "SubjectStr")) return SubjectRule{SubjectRule::Kind::partial, std::string(unquoted(value)), {}};
  if (!iequals(keyword, "SubjectAttr")) return fail(Code::invalid, "unknown certificate criteria \"{}\"", keyword);
  FP_TRY(attribute, parse_attribute(value));
  return SubjectRule{SubjectRule::Kind::attribute, attribute.second, attribute.first};
}

Result<std::vector<IssuerRule>> parse_issuers(std::string_view text) {
  if (text.size() > kRuleCharsMax * 8) return fail(Code::invalid, "issuers list of {} characters", text.size());
  if (!is_utf8(text)) return fail(Code::invalid, "issuers list that is not UTF-8");
  std::vector<IssuerRule> out;
  if (trim(text).empty()) return out;
  FP_TRY(roots, cut(text, "|"));
  if (roots.size() > kIssuerRulesMax) return fail(Code::invalid, "issuers list of {} roots", roots.size());
  for (const std::string_view root : roots) {
    FP_TRY(parts, cut(root, ",;"));
    IssuerRule rule;
    for (const std::string_view part : parts) {
      if (part.empty()) continue;
      FP_TRY(attribute, parse_attribute(part));
      rule.attributes.push_back(std::move(attribute));
    }
    // A root without attributes would fit every certificate.
    if (rule.attributes.empty()) return fail(Code::invalid, "issuers list with an empty root");
    out.push_back(std::move(rule));
  }
  return out;
}

bool matches(const IssuerRule& rule, const Certificate& root) {
  return !rule.attributes.empty() && std::ranges::all_of(rule.attributes, [&](const auto& wanted) {
    const auto values = root.attribute(wanted.first);
    return std::ranges::find(values, wanted.second) != values.end();
  });
}

Selection select_certificate(const std::vector<Candidate>& candidates, const SelectionCriteria& criteria) {
  Selection out;
  std::vector<std::size_t> fit;
  bool any_issuer = criteria.issuers.empty();
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!criteria.issuers.empty() && !issuer_fits(criteria.issuers, candidates[i])) {
      out.rejected.push_back({i, "does not chain to a root of the issuers list"});
      continue;
    }
    any_issuer = true;
    if (std::string reason = why_not(candidates[i], criteria); !reason.empty())
      out.rejected.push_back({i, std::move(reason)});
    else
      fit.push_back(i);
  }
  if (fit.empty()) {
    out.reason = candidates.empty() ? "there is no certificate to choose from"
                 : any_issuer       ? "no certificate fits the criteria"
                                    : "no certificate chains to a root of the issuers list, so no other criterion was tried";
    return out;
  }
  if (fit.size() > 1 && criteria.several == Several::none) {
    for (const std::size_t i : fit) out.rejected.push_back({i, "fits, but so do others, and the setting is to choose none then"});
    out.reason = fmt::format("{} certificates fit and the setting is to choose none then", fit.size());
  } else {
    // Of equally long ones the one that ends last, then the first: the same choice every time.
    const auto best = std::ranges::max_element(fit, [&](std::size_t a, std::size_t b) {
      return std::pair(validity_ms(candidates[a]), candidates[a].certificate.not_after()) <
             std::pair(validity_ms(candidates[b]), candidates[b].certificate.not_after());
    });
    out.chosen = *best;
    out.reason = fit.size() == 1 ? fmt::format("{} is the one certificate that fits", candidates[*best].certificate.label())
                                 : fmt::format("{} has the longest validity of {} that fit",
                                               candidates[*best].certificate.label(), fit.size());
    for (const std::size_t i : fit)
      if (i != *best) out.rejected.push_back({i, "fits, but another one has a longer validity"});
  }
  std::ranges::sort(out.rejected, {}, &Rejection::candidate);
  return out;
}

}  // namespace fp::pki
