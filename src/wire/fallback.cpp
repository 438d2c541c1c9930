#include "wire/fallback.hpp"

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "wire/envelope.hpp"
#include "wire/plain_text.hpp"
#include "wire/report.hpp"
#include "wire/xml.hpp"

namespace fp::wire {
namespace {

constexpr std::size_t kNameBytesMax = 256;
constexpr std::size_t kDocumentsMax = 4;
constexpr XmlLimits kXml{4 * limits::kFallbackBodyBytesMax, 16, 4000};

Result<std::string> text_within(std::string_view text, std::size_t bytes_max, std::string_view what) {
  if (text.size() > bytes_max) return fail(Code::too_large, "{} of {} bytes, {} are allowed", what, text.size(), bytes_max);
  return plain_text(text);
}

// Who the message says that it is of: an id of ours where it is one, else the text.
void claim(FallbackMessage& m, std::string_view sender) {
  if (auto id = parse_client_id(trim(sender))) m.client_id = std::move(*id);
  else m.sender = plain_text(sender.substr(0, kNameBytesMax));
}

// The client's identity in StateDetails: names as elements, and a sentence. What does not parse stays text and tells nobody's name.
void read_identity(FallbackMessage& m, std::string_view details) {
  const auto document = XmlDocument::parse(details, kXml);
  if (!document) return;
  m.details = plain_text(document->root().anywhere("Detail").trimmed());
  for (const char* element : {"FQDN", "NetBIOSName", "ComputerName"}) {
    if (const auto name = plain_text(document->root().anywhere(element).trimmed()); !name.empty() && name.size() <= kNameBytesMax) {
      m.name = name;
      return;
    }
  }
}

Status read_claims(const XmlNode& node, const XmlNode& root, FallbackMessage& m) {
  const XmlNode own = node.child("Site"), of_all = root.child("Site");
  const std::string_view site = own ? own.attr("SiteCode") : of_all.attr("SiteCode");
  if (!trim(site).empty()) {
    FP_TRY(code, parse_site_code(trim(site)));
    m.site_code = std::move(code);
  }
  const XmlNode sender = node.child("Sender") ? node.child("Sender") : root.child("Sender");
  if (sender.has_attr("ID")) claim(m, sender.attr("ID"));
  if (m.client_id.empty() && istarts_with(m.topic_id, "GUID:"))
    if (auto id = parse_client_id(m.topic_id)) m.client_id = std::move(*id);
  const XmlNode details = node.child("StateDetails");
  if (!details) return {};
  const std::string text = details.text();
  FP_TRY(clean, text_within(text, limits::kFallbackTextBytesMax, "StateDetails"));
  m.details = std::move(clean);
  if (iequals(details.attr("Type"), "Xml")) read_identity(m, text);
  return {};
}

Status read_document(std::string_view document, std::vector<FallbackMessage>& out) {
  FP_TRY(parsed, XmlDocument::parse(document, kXml));
  FP_TRY(report, decode_report(document));
  const XmlNode root = parsed.root();
  const auto nodes = root.name() == "StateMessage" ? std::vector<XmlNode>{root} : root.child("ReportBody").children("StateMessage");
  if (nodes.size() != report.states.size()) return fail(Code::invalid, "a report whose states cannot be told apart");
  if (out.size() + nodes.size() > limits::kFallbackStatesMax)
    return fail(Code::too_large, "more than {} states in one message", limits::kFallbackStatesMax);
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    auto& state = report.states[n];
    FallbackMessage m;
    m.part = static_cast<int>(out.size());
    m.client_id = report.header.client_id;
    m.name = plain_text(report.header.netbios_name);
    m.topic_type = state.topic_type;
    m.topic_id = plain_text(state.topic_id);
    m.state_id = state.state_id;
    m.criticality = state.criticality;
    m.sent_at = state.sent_at;
    if (state.parameters.size() > limits::kFallbackParametersMax)
      return fail(Code::too_large, "more than {} parameters", limits::kFallbackParametersMax);
    for (const auto& parameter : state.parameters) {
      FP_TRY(clean, text_within(parameter, limits::kFallbackTextBytesMax, "a parameter"));
      m.parameters.push_back(std::move(clean));
    }
    FP_CHECK(read_claims(nodes[n], root, m));
    out.push_back(std::move(m));
  }
  return {};
}

}  // namespace

bool is_sealed_fallback(std::string_view content_type, std::string_view body) {
  if (!istarts_with(content_type, "application/pkcs7-mime") || body.size() < 4 || body.front() != '\x30') return false;
  const auto first = static_cast<unsigned char>(body[1]);
  if (first < 0x80) return body.size() == std::size_t{2} + first;
  const std::size_t count = first & 0x7FU;
  if (count == 0 || count > 4 || body.size() < 2 + count) return false;
  std::size_t length = 0;
  for (std::size_t n = 0; n < count; ++n) length = length << 8U | static_cast<unsigned char>(body[2 + n]);
  return body.size() == 2 + count + length;
}

Result<std::vector<FallbackMessage>> decode_fallback(std::string_view content_type, std::string_view body) {
  if (body.size() > limits::kFallbackBodyBytesMax)
    return fail(Code::too_large, "a message of {} bytes, {} are allowed", body.size(), limits::kFallbackBodyBytesMax);
  std::vector<FallbackMessage> out;
  if (istarts_with(content_type, "multipart/")) {
    FP_TRY(envelope, decode_envelope(content_type, body));
    FP_TRY(documents, open_documents(envelope));
    if (documents.all.size() > kDocumentsMax) return fail(Code::too_large, "{} documents in one message", documents.all.size());
    for (const auto& document : documents.all) FP_CHECK(read_document(document, out));
    for (auto& m : out)
      if (m.client_id.empty()) m.client_id = envelope.header.source_id;
  } else {
    FP_CHECK(read_document(body, out));
  }
  if (out.empty()) return fail(Code::invalid, "a message without a StateMessage");
  return out;
}

std::string encode_fallback(const FallbackMessage& m) {
  XmlWriter identity;
  identity.open("ClientIdentity").leaf("FQDN", m.name);
  if (!m.details.empty()) identity.leaf("Detail", m.details);
  XmlWriter x;
  x.open("StateMessage").attr("MessageTime", to_cim(m.sent_at));
  x.open("Site").attr("SiteCode", m.site_code).close();
  x.open("Sender").attr("ID", m.client_id).attr("IDType", std::int64_t{0}).attr("IDFlag", "Insecure").close();
  x.open("Topic").attr("ID", m.topic_id).attr("Type", m.topic_type).attr("IDType", std::int64_t{0}).close();
  x.open("State").attr("ID", m.state_id).attr("Criticality", m.criticality).close();
  x.open("UserParameters").attr("Flags", std::int64_t{0}).attr("Count", static_cast<std::int64_t>(m.parameters.size()));
  for (const auto& parameter : m.parameters) x.leaf("Param", parameter);
  x.close();
  x.open("StateDetails").attr("Type", "Xml").cdata(identity.take()).close();
  return x.take();
}

}  // namespace fp::wire
