#include "wire/wsus_metadata.hpp"

#include <algorithm>
#include <array>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "wire/wsus_limits.hpp"
#include "wire/xml.hpp"

namespace fp::wire {
namespace {

using namespace wsus_limits;

constexpr XmlLimits kLimits{kFragmentBytesMax + 64, kRuleDepthMax + 8, 4096};
constexpr std::array<std::string_view, 5> kComparisons{"LessThan", "LessThanOrEqualTo", "EqualTo", "GreaterThanOrEqualTo", "GreaterThan"};
constexpr std::string_view kPackageRule = "dpkg.Package", kArchitectureRule = "dpkg.Architecture";

void write_rule(XmlWriter& x, const UpdateRule& rule) {
  const auto group = [&](const char* name) {
    x.open(name);
    for (const auto& operand : rule.operands) write_rule(x, operand);
    x.close();
  };
  switch (rule.op) {
    case RuleOp::always: x.leaf("True"); return;
    case RuleOp::never: x.leaf("False"); return;
    case RuleOp::all: return group("And");
    case RuleOp::any: return group("Or");
    case RuleOp::negation: return group("Not");
    case RuleOp::package:
      x.open(kPackageRule).attr("Name", rule.name).attr("Architecture", rule.architecture);
      if (!rule.comparison.empty()) x.attr("Comparison", rule.comparison).attr("Version", rule.version);
      x.close();
      return;
    case RuleOp::architecture: x.open(kArchitectureRule).attr("Value", rule.architecture).close(); return;
  }
}

Result<std::string> word(const XmlNode& node, std::string_view name, bool needed) {
  const auto value = node.attr(name);
  if (value.empty() && !needed) return std::string();
  return parse_name(value, 256);
}

Result<UpdateRule> read_package_rule(const XmlNode& node) {
  UpdateRule rule;
  rule.op = RuleOp::package;
  FP_TRY(name, word(node, "Name", true));
  FP_TRY(architecture, word(node, "Architecture", false));
  FP_TRY(comparison, word(node, "Comparison", false));
  FP_TRY(version, word(node, "Version", !comparison.empty()));
  if (!comparison.empty() && std::ranges::find(kComparisons, comparison) == kComparisons.end())
    return fail(Code::invalid, "a rule compares by {}", comparison);
  rule.name = std::move(name);
  rule.architecture = std::move(architecture);
  rule.comparison = std::move(comparison);
  rule.version = std::move(version);
  return rule;
}

// The parser of XML strips prefixes, so a name comes without its "dpkg.": that is a dot, not a colon, and stays.
Result<UpdateRule> read_rule(const XmlNode& node, int depth) {
  if (depth > kRuleDepthMax) return fail(Code::too_large, "a rule of more than {} levels", kRuleDepthMax);
  UpdateRule rule;
  const auto name = node.name();
  if (name == "True") rule.op = RuleOp::always;
  else if (name == "False") rule.op = RuleOp::never;
  else if (name == "And") rule.op = RuleOp::all;
  else if (name == "Or") rule.op = RuleOp::any;
  else if (name == "Not") rule.op = RuleOp::negation;
  else if (name == kPackageRule) return read_package_rule(node);
  else if (name == kArchitectureRule) {
    rule.op = RuleOp::architecture;
    FP_TRY(value, word(node, "Value", true));
    rule.architecture = std::move(value);
    return rule;
  } else {
    return fail(Code::invalid, "a rule that is not known: {:.64}", name);
  }
  const auto operands = node.children();
  if (operands.size() > kRuleOperandsMax) return fail(Code::too_large, "a rule of more than {} parts", kRuleOperandsMax);
  if (rule.op == RuleOp::negation && operands.size() != 1) return fail(Code::invalid, "Not takes one rule");
  for (const auto& operand : operands) {
    FP_TRY(inner, read_rule(operand, depth + 1));
    rule.operands.push_back(std::move(inner));
  }
  return rule;
}

// Absent or empty: the rule never holds.
Result<UpdateRule> read_rules(const XmlNode& parent) {
  const auto inside = parent.children();
  if (inside.empty()) return UpdateRule{};
  return read_rule(inside.front(), 1);
}

Result<XmlDocument> parse_fragment(std::string_view fragment) {
  if (fragment.size() > kFragmentBytesMax) return fail(Code::too_large, "a fragment of more than {} bytes", kFragmentBytesMax);
  return XmlDocument::parse(fmt::format("<fragment>{}</fragment>", fragment), kLimits);
}

Result<std::string> read_id(const XmlNode& node) { return parse_guid(node.attr("UpdateID")); }

Result<std::vector<std::vector<std::string>>> read_prerequisites(const XmlNode& node) {
  std::vector<std::vector<std::string>> out;
  for (const auto& clause : node.children()) {
    std::vector<std::string> ids;
    if (clause.name() == "AtLeastOne") {
      for (const auto& member : clause.children("UpdateIdentity")) {
        FP_TRY(id, read_id(member));
        ids.push_back(std::move(id));
      }
    } else if (clause.name() == "UpdateIdentity") {
      FP_TRY(id, read_id(clause));
      ids.push_back(std::move(id));
    } else {
      continue;
    }
    if (ids.size() > kClauseIdsMax || out.size() == kClausesMax) return fail(Code::too_large, "too many prerequisites");
    out.push_back(std::move(ids));
  }
  return out;
}

constexpr std::array<std::string_view, 3> kKinds{"Software", "Category", "Detectoid"};

}  // namespace

std::string encode_core_fragment(const UpdateMetadata& u) {
  XmlWriter x;
  x.open("UpdateIdentity").attr("UpdateID", lower(u.id)).attr("RevisionNumber", u.revision).close();
  x.open("Properties").attr("UpdateType", kKinds[static_cast<std::size_t>(u.kind)]);
  if (u.kind == UpdateKind::software) x.attr("ExplicitlyDeployable", "true");
  x.close();
  x.open("Relationships");
  if (!u.prerequisites.empty()) {
    x.open("Prerequisites");
    for (const auto& clause : u.prerequisites) {
      const bool one = clause.size() == 1;
      if (!one) x.open("AtLeastOne");
      for (const auto& id : clause) x.open("UpdateIdentity").attr("UpdateID", lower(id)).close();
      if (!one) x.close();
    }
    x.close();
  }
  x.close().open("ApplicabilityRules");
  x.open("IsInstalled");
  write_rule(x, u.is_installed);
  x.close();
  if (u.kind == UpdateKind::software) {
    x.open("IsInstallable");
    write_rule(x, u.is_installable);
    x.close();
  }
  return x.take();
}

Result<UpdateMetadata> decode_core_fragment(std::string_view fragment) {
  FP_TRY(parsed, parse_fragment(fragment));
  const XmlNode root = parsed.root();
  UpdateMetadata u;
  const XmlNode identity = root.child("UpdateIdentity");
  FP_TRY(id, read_id(identity));
  FP_TRY(revision, parse_int(identity.attr("RevisionNumber")));
  if (revision < 0 || revision > INT32_MAX) return fail(Code::invalid, "a revision of {}", revision);
  u.id = std::move(id);
  u.revision = revision;
  const auto kind = std::ranges::find(kKinds, root.child("Properties").attr("UpdateType"));
  if (kind == kKinds.end()) return fail(Code::invalid, "an update of the type {:.64}", root.child("Properties").attr("UpdateType"));
  u.kind = static_cast<UpdateKind>(kind - kKinds.begin());
  FP_TRY(prerequisites, read_prerequisites(root.at("Relationships/Prerequisites")));
  u.prerequisites = std::move(prerequisites);
  FP_TRY(installed, read_rules(root.at("ApplicabilityRules/IsInstalled")));
  FP_TRY(installable, read_rules(root.at("ApplicabilityRules/IsInstallable")));
  u.is_installed = std::move(installed);
  u.is_installable = std::move(installable);
  return u;
}

std::string encode_extended_fragment(const UpdateFile& file) {
  const auto digest = base64(unhex(file.sha256).value_or(""));
  XmlWriter x;
  x.open("ExtendedProperties").attr("DefaultPropertiesLanguage", "en").attr("Handler", "dpkg").attr("MaxDownloadSize", file.bytes);
  x.attr("MinDownloadSize", std::int64_t{0}).close();
  x.open("Files").open("File").attr("Digest", digest).attr("DigestAlgorithm", "SHA256").attr("FileName", file.file_name).attr("Size", file.bytes);
  x.open("AdditionalDigest").attr("Algorithm", "SHA256").text(digest).close().close().close();
  return x.take();
}

Result<UpdateFile> decode_extended_fragment(std::string_view fragment) {
  FP_TRY(parsed, parse_fragment(fragment));
  const XmlNode node = parsed.root().at("Files/File");
  if (!node) return fail(Code::invalid, "the metadata names no file");
  UpdateFile file;
  FP_TRY(name, parse_name(node.attr("FileName"), 256));
  FP_TRY(bytes, parse_int(node.attr("Size")));
  FP_TRY(digest, unbase64(node.child("AdditionalDigest").trimmed()));
  if (bytes < 0 || digest.size() != 32) return fail(Code::invalid, "the metadata of {} names no size or no SHA-256", name);
  file.file_name = std::move(name);
  file.bytes = bytes;
  file.sha256 = hex_lower(digest);
  return file;
}

std::string encode_localized_fragment(std::string_view title, std::string_view description) {
  XmlWriter x;
  x.open("LocalizedProperties").leaf("Language", "en").leaf("Title", title).leaf("Description", description);
  return x.take();
}

Result<std::string> decode_localized_fragment(std::string_view fragment) {
  FP_TRY(parsed, parse_fragment(fragment));
  return parse_name(parsed.root().text_of("LocalizedProperties/Title"), kTextBytesMax);
}

}  // namespace fp::wire
