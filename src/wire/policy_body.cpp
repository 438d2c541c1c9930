#include "wire/policy_body.hpp"

#include "base/ids.hpp"
#include "base/text.hpp"
#include "wire/xml.hpp"
#include "wire/zlib.hpp"

namespace fp::wire {
namespace {

constexpr std::string_view kWrapper = "CollectionSettings";
constexpr std::size_t kBodyBytesMax = 16U << 20;

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > 128) return false;
  for (const char c : text)
    if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '.')) return false;
  return true;
}

std::string braced(std::string_view id) { return parse_guid(id) ? fmt::format("{{{}}}", id) : std::string(id); }
std::string bare(std::string_view id) {
  auto guid = parse_guid(id);
  return guid ? *guid : std::string(id);
}

Result<PolicyInstance> read_instance(const XmlNode& node) {
  PolicyInstance instance;
  instance.class_name = node.attr("class");
  if (!is_name(instance.class_name)) return fail(Code::invalid, "a policy instance of a class that is no name");
  for (const XmlNode& p : node.children("property")) {
    PolicyProperty property;
    property.name = p.attr("name");
    if (!is_name(property.name)) return fail(Code::invalid, "a property of {} that is no name", instance.class_name);
    if (const auto type = parse_int(p.attr("type")); type && *type > 0 && *type < 0x4000) property.type = static_cast<int>(*type);
    property.secret = xml_flag(p.attr("secret"));
    property.value = p.child("value").text();
    instance.properties.push_back(std::move(property));
  }
  return instance;
}

Result<PolicyBody> read_body(const XmlNode& root) {
  PolicyBody body;
  body.id = bare(root.attr("PolicyID"));
  body.version = root.attr("PolicyVersion");
  body.source = root.attr("PolicySource");
  for (const XmlNode& rule : root.children("PolicyRule")) {
    if (body.rule_id.empty()) body.rule_id = bare(rule.attr("PolicyRuleID"));
    for (const XmlNode& action : rule.children("PolicyAction"))
      for (const XmlNode& node : action.children("instance")) {
        FP_TRY(instance, read_instance(node));
        body.instances.push_back(std::move(instance));
      }
  }
  return body;
}

// The text up to the NUL that some bodies carry behind it.
Result<std::string> text_of(std::string_view bytes) {
  return decode_text(without_sealing_nul(bytes), kBodyBytesMax);
}

}  // namespace

std::string_view PolicyInstance::value(std::string_view name) const {
  for (const auto& p : properties)
    if (iequals(p.name, name)) return p.value;
  return {};
}

std::string encode_policy_body(const PolicyBody& body) {
  XmlWriter x;
  x.open("Policy").attr("PolicyID", braced(body.id)).attr("PolicyType", "Machine").attr("PolicyVersion", body.version);
  x.attr("PolicySource", body.source).attr("SchemaVersion", "1.00");
  x.open("PolicyRule").attr("PolicyRuleID", braced(body.rule_id.empty() ? body.id : body.rule_id));
  x.open("PolicyAction").attr("PolicyActionType", "WMI-XML");
  for (const auto& instance : body.instances) {
    x.open("instance").attr("class", instance.class_name);
    for (const auto& p : instance.properties) {
      x.open("property").attr("name", p.name).attr("type", p.type);
      if (p.secret) x.attr("secret", "1");
      x.open("value").cdata(p.value).close().close();
    }
    x.close();
  }
  return x.take();
}

Result<PolicyBody> decode_policy_body(std::string_view bytes) {
  FP_TRY(text, text_of(bytes));
  FP_TRY(parsed, XmlDocument::parse(text));
  if (parsed.root().name() == "Policy") return read_body(parsed.root());
  // Whatever the wrapper is called, its text is the policy.
  if (!parsed.root().children().empty()) return fail(Code::invalid, "a policy body with the root {:.40}", parsed.root().name());
  FP_TRY(packed, unhex(parsed.root().trimmed()));
  FP_TRY(inner, inflate_zlib(packed, kBodyBytesMax));
  FP_TRY(inner_text, text_of(inner));
  FP_TRY(inner_parsed, parse_xml_as("Policy", inner_text));
  return read_body(inner_parsed.root());
}

std::string wrap_collection_settings(std::string_view body_xml) {
  XmlWriter x;
  x.leaf(kWrapper, hex(deflate_zlib(to_utf16le(body_xml))));
  return x.take();
}

std::string policy_body_bytes(std::string_view body_xml) { return "\xFF\xFE" + to_utf16le(body_xml); }

std::string sealed_plain_text(std::string_view body_xml) { return policy_body_bytes(body_xml) + std::string(2, '\0'); }

std::string_view without_sealing_nul(std::string_view plain) {
  if (plain.size() >= 2 && plain.size() % 2 == 0 && plain.ends_with(std::string_view("\0\0", 2))) plain.remove_suffix(2);
  return plain;
}

}  // namespace fp::wire
