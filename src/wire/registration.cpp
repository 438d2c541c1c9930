#include "wire/registration.hpp"

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "wire/xml.hpp"

namespace fp::wire {
namespace {

constexpr XmlLimits kLimits{256U << 10, 16, 4096};
constexpr std::size_t kNameBytesMax = 256;
constexpr std::size_t kSignatureCharsMax = 4096;

// First "<Data" to last "</Data>": the literal text that is signed, whatever white space is in it.
Result<std::string_view> data_text(std::string_view document) {
  const auto begin = document.find("<Data");
  const auto end = document.rfind("</Data>");
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin)
    return fail(Code::invalid, "a registration without <Data>");
  return document.substr(begin, end + 7 - begin);
}

Result<std::string> certificate(const XmlNode& node) {
  std::string text = node.text();
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  if (text.size() > 2 * limits::kCertificateBytesMax)
    return fail(Code::too_large, "a certificate of more than {} bytes", limits::kCertificateBytesMax);
  return unhex(text);
}

Result<std::string> plain(std::string_view text, std::string_view what, std::size_t bytes_max = kNameBytesMax) {
  text = trim(text);
  if (text.size() > bytes_max) return fail(Code::too_large, "{} of {} bytes in a registration", what, text.size());
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return fail(Code::invalid, "{} with a control character", what);
  return std::string(text);
}

Status read_properties(const XmlNode& bag, RegistrationRequest& r) {
  for (const XmlNode& property : bag.children("Property")) {
    if (r.properties.size() == limits::kPropertiesMax)
      return fail(Code::too_large, "more than {} properties", limits::kPropertiesMax);
    FP_TRY(name, plain(property.attr("Name"), "the name of a property"));
    FP_TRY(value, plain(property.attr("Value"), name, 4096));
    if (iequals(name, "Netbios Name")) {
      FP_TRY(checked, plain(value, name));
      r.netbios_name = std::move(checked);
    } else if (iequals(name, "FQ Name")) {
      FP_TRY(checked, plain(value, name));
      r.fqdn = std::move(checked);
    } else if (iequals(name, "InternetFlag")) {
      r.internet = xml_flag(value);
    }
    r.properties.emplace(std::move(name), std::move(value));
  }
  return {};
}

int small_int(std::string_view text) {
  const auto value = parse_int(trim(text));
  return value && *value >= 0 && *value <= 1000 ? static_cast<int>(*value) : 0;
}

Status read_data(const XmlNode& data, RegistrationRequest& r) {
  const std::string_view type = data.attr("RequestType");
  if (iequals(type, "Confirmation")) {
    r.type = RegistrationRequest::Type::confirmation;
  } else if (!type.empty() && !iequals(type, "Registration")) {
    return fail(Code::invalid, "a registration of unknown type {:.40}", type);
  }
  FP_TRY(algorithm, plain(data.attr("HashAlgorithm"), "HashAlgorithm", 64));
  r.hash_algorithm = std::move(algorithm);
  if (const std::string_view id = trim(data.attr("SMSID")); !id.empty()) {
    FP_TRY(client_id, parse_client_id(id));
    r.client_id = std::move(client_id);
  }
  FP_TRY(sent_at, parse_time(data.attr("TimeStamp")));
  r.sent_at = sent_at;
  const XmlNode agent = data.child("AgentInformation");
  FP_TRY(identity, plain(agent.attr("AgentIdentity"), "AgentIdentity"));
  FP_TRY(version, plain(agent.attr("AgentVersion"), "AgentVersion", 64));
  r.agent_identity = std::move(identity);
  r.agent_version = std::move(version);
  r.agent_type = small_int(agent.attr("AgentType"));
  const XmlNode signing = data.at("Certificates/Signing");
  FP_TRY(signing_der, certificate(signing));
  FP_TRY(encryption_der, certificate(data.at("Certificates/Encryption")));
  r.key_type = small_int(signing.attr("KeyType"));
  r.signing_certificate_der = std::move(signing_der);
  r.encryption_certificate_der = std::move(encryption_der);
  if (r.type == RegistrationRequest::Type::registration && r.signing_certificate_der.empty())
    return fail(Code::invalid, "a registration without a signing certificate");
  return read_properties(data.child("DiscoveryProperties"), r);
}

const char* type_name(RegistrationRequest::Type type) {
  return type == RegistrationRequest::Type::confirmation ? "Confirmation" : "Registration";
}

}  // namespace

Result<RegistrationRequest> decode_registration(std::string_view document) {
  FP_TRY(outer, parse_xml_as("ClientRegistrationRequest", document, kLimits));
  FP_TRY(text, data_text(document));
  // Parsed on its own: values from any other place in the document are not covered by the signature.
  FP_TRY(inner, parse_xml_as("Data", text, kLimits));
  RegistrationRequest request;
  FP_CHECK(read_data(inner.root(), request));
  request.signature = outer.root().text_of("Signature/SignatureValue");
  // Anything but hex proves nothing, and is answered as a bad signature is.
  if (request.signature.size() > kSignatureCharsMax || !unhex(request.signature)) request.signature.clear();
  request.signed_bytes = to_utf16le(text);
  return request;
}

std::string registration_data(const RegistrationRequest& r) {
  XmlWriter x;
  x.open("Data").attr("HashAlgorithm", r.hash_algorithm).attr("SMSID", r.client_id).attr("RequestType", type_name(r.type));
  x.attr("TimeStamp", to_iso(r.sent_at));
  x.open("AgentInformation").attr("AgentIdentity", r.agent_identity).attr("AgentVersion", r.agent_version);
  x.attr("AgentType", r.agent_type).close();
  x.open("Certificates");
  const auto put = [&](const char* name, const std::string& der) {
    if (!der.empty()) x.open(name).attr("Encoding", "HexBinary").attr("KeyType", r.key_type).text(hex(der)).close();
  };
  put("Encryption", r.encryption_certificate_der);
  put("Signing", r.signing_certificate_der);
  x.close().open("DiscoveryProperties");
  const auto property = [&](std::string_view name, std::string_view value) {
    x.open("Property").attr("Name", name).attr("Value", value).close();
  };
  property("Netbios Name", r.netbios_name);
  property("FQ Name", r.fqdn);
  property("InternetFlag", r.internet ? "1" : "0");
  for (const auto& [name, value] : r.properties)
    if (!iequals(name, "Netbios Name") && !iequals(name, "FQ Name") && !iequals(name, "InternetFlag")) property(name, value);
  return x.take();
}

std::string encode_registration(std::string_view data, std::string_view signature_hex) {
  XmlWriter x;
  x.open("ClientRegistrationRequest").raw(data).open("Signature").leaf("SignatureValue", signature_hex);
  return x.take();
}

// The spelling of SMSID="GUID:..." is matched as text by clients (wire.md §5).
std::string encode_registration_reply(const RegistrationReply& reply) {
  XmlWriter x;
  x.open("ClientRegistrationResponse").attr("ResponseType", type_name(reply.type)).attr("TimeStamp", to_iso(reply.sent_at));
  x.attr("Status", static_cast<int>(reply.status)).attr("SMSID", reply.client_id);
  x.attr("ApprovalStatus", static_cast<int>(reply.approval));
  return x.take();
}

Result<RegistrationReply> decode_registration_reply(std::string_view document) {
  FP_TRY(parsed, parse_xml_as("ClientRegistrationResponse", document, kLimits));
  const XmlNode root = parsed.root();
  RegistrationReply reply;
  if (iequals(root.attr("ResponseType"), "Confirmation")) reply.type = RegistrationRequest::Type::confirmation;
  FP_TRY(status, parse_int(root.attr("Status")));
  if (status < 0 || status > 3) return fail(Code::invalid, "a registration status of {}", status);
  reply.status = static_cast<RegistrationReply::Status>(status);
  if (!root.attr("SMSID").empty()) {
    FP_TRY(client_id, parse_client_id(root.attr("SMSID")));
    reply.client_id = std::move(client_id);
  }
  if (const auto approval = parse_int(root.attr("ApprovalStatus")); approval && *approval >= 0 && *approval <= 4)
    reply.approval = static_cast<Approval>(*approval);
  if (const auto at = parse_time(root.attr("TimeStamp"))) reply.sent_at = *at;
  return reply;
}

}  // namespace fp::wire
