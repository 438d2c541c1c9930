#include "wire/envelope.hpp"

#include <algorithm>
#include <functional>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "wire/xml.hpp"
#include "wire/zlib.hpp"

namespace fp::wire {
namespace {

constexpr std::size_t kFieldBytesMax = 1024;
constexpr std::size_t kHexBytesMax = 16384;
constexpr XmlLimits kHeaderLimits{512U << 10, 16, 4096};

Result<std::string> bounded(std::string text, std::string_view name, std::size_t bytes_max = kFieldBytesMax) {
  if (text.size() > bytes_max) return fail(Code::too_large, "{} of {} bytes in a message header", name, text.size());
  return text;
}

// The elements of a header, walked over once: there are some twenty, and nearly each is asked for by its name.
class Fields {
 public:
  explicit Fields(const XmlNode& msg) {
    const std::vector<XmlNode> children = msg.children();
    named_.reserve(children.size());
    for (const XmlNode& node : children) named_.emplace_back(node.name(), node);
  }
  [[nodiscard]] XmlNode node(std::string_view name) const {  // the first of that name
    const auto found = std::ranges::find(named_, name, &Named::first);
    return found == named_.end() ? XmlNode() : found->second;
  }
  [[nodiscard]] std::string text(std::string_view name) const { return node(name).trimmed(); }

 private:
  using Named = std::pair<std::string_view, XmlNode>;
  std::vector<Named> named_;
};

Result<std::string> field(const Fields& msg, std::string_view name) { return bounded(msg.text(name), name); }

// Message ids are GUIDs, but nobody is refused because his are not.
Result<std::string> message_id(const Fields& msg, std::string_view name) {
  const std::string text = msg.text(name);
  if (auto guid = parse_guid(text)) return *guid;
  const bool plain = std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
  if (text.size() > 64 || !plain) return fail(Code::invalid, "{} in a message header is not an id", name);
  return text;
}

Result<std::string> source_id(const std::string& text) {
  if (text.empty()) return text;
  std::string_view id = text;
  if (istarts_with(id, "GUID:")) id.remove_prefix(5);
  FP_TRY(guid, parse_guid(id));
  return "GUID:" + guid;
}

std::string_view last_segment(std::string_view address) {
  const auto colon = address.rfind(':');
  if (colon != std::string_view::npos) address.remove_prefix(colon + 1);
  const auto bracket = address.rfind(']');
  return bracket == std::string_view::npos ? address : address.substr(bracket + 1);
}

bool is_endpoint(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  });
}

Result<std::uint64_t> size_attr(const XmlNode& node, std::string_view name) {
  const std::string_view text = trim(node.attr(name));
  if (text.empty()) return 0;
  const auto value = parse_int(text);
  if (!value || *value < 0) return fail(Code::invalid, "{}/@{} is not a size: {:.30}", node.name(), name, text);
  return static_cast<std::uint64_t>(*value);
}

Result<ByteRange> byte_range(const XmlNode& node) {
  FP_TRY(name, bounded(std::string(node.attr("Name")), "Attachment/@Name"));
  FP_TRY(offset, size_attr(node, "Offset"));
  FP_TRY(length, size_attr(node, "Length"));
  return ByteRange{name, offset, length};
}

Result<ClientAuth> client_auth(const XmlNode& hook) {
  ClientAuth auth;
  for (const XmlNode& property : hook.children("Property")) {
    const std::string name = lower(property.attr("Name"));
    std::string* place = name == "authsendermachine"                                   ? &auth.sender_machine
                         : name == "publickey"                                         ? &auth.public_key
                         : name == "clientidsignature"                                 ? &auth.client_id_signature
                         : name == "payloadsignature"                                  ? &auth.payload_signature
                         : name == "clientcapabilities" || name == "clientcapability"  ? &auth.capabilities
                         : name == "hashalgorithm"                                     ? &auth.hash_algorithm
                         : name == "token"                                             ? &auth.token
                                                                                       : nullptr;
    if (place == nullptr) continue;
    FP_TRY(value, bounded(property.trimmed(), name, kHexBytesMax));
    *place = std::move(value);
  }
  return auth;
}

Status read_hooks(const XmlNode& hooks, MessageHeader& h) {
  for (const XmlNode& hook : hooks.children()) {
    const std::string_view name = hook.attr("Name");
    if (iequals(name, "zlib-compress")) h.compressed = true;
    if (!iequals(name, "clientauth")) continue;
    FP_TRY(auth, client_auth(hook));
    h.auth = std::move(auth);
  }
  return {};
}

Status read_ranges(const XmlNode& msg, MessageHeader& h) {
  for (const XmlNode& attachment : msg.children("Attachment")) {
    if (attachment.has_attr("Type") && !iequals(attachment.attr("Type"), "ByteRange")) continue;
    if (h.attachments.size() == limits::kAttachmentsMax)
      return fail(Code::too_large, "a message of more than {} attachments", limits::kAttachmentsMax);
    FP_TRY(range, byte_range(attachment));
    h.attachments.push_back(std::move(range));
  }
  const XmlNode body = msg.child("Body");
  if (body && (body.has_attr("Length") || body.has_attr("Offset"))) {
    FP_TRY(range, byte_range(body));
    if (range.length == 0) range.length = UINT64_MAX;
    h.body = std::move(range);
  }
  return {};
}

void read_numbers(const Fields& msg, MessageHeader& h) {
  if (const auto v = parse_int(msg.text("Timeout")); v && *v >= 0) h.timeout_ms = *v;
  if (const auto v = parse_int(msg.text("Priority")); v && *v >= -100 && *v <= 100) h.priority = static_cast<int>(*v);
  if (const auto at = parse_time(msg.text("SentTime"))) h.sent_at = *at;
}

Result<MessageHeader> decode_header(std::string_view bytes, bool needs_endpoint) {
  FP_TRY(document, parse_xml_as("Msg", bytes, kHeaderLimits));
  const XmlNode root = document.root();
  const Fields msg(root);
  MessageHeader h;
  FP_TRY(id, message_id(msg, "ID"));
  FP_TRY(correlation, message_id(msg, "CorrelationID"));
  FP_TRY(source, field(msg, "SourceID"));
  FP_TRY(canonical, source_id(source));
  FP_TRY(source_host, field(msg, "SourceHost"));
  FP_TRY(address, field(msg, "TargetAddress"));
  FP_TRY(target, field(msg, "TargetEndpoint"));
  FP_TRY(target_host, field(msg, "TargetHost"));
  FP_TRY(reply_to, field(msg, "ReplyTo"));
  FP_TRY(version, field(msg, "ReqVersion"));
  FP_TRY(payload_type, bounded(std::string(msg.node("Payload").attr("Type")), "Payload/@Type"));
  FP_TRY(payload_name, bounded(std::string(msg.node("Payload").attr("Name")), "Payload/@Name"));
  h.id = std::move(id);
  h.correlation_id = std::move(correlation);
  h.source_id = std::move(canonical);
  h.source_id_as_sent = std::move(source);
  h.source_host = std::move(source_host);
  h.target_endpoint = target.empty() ? std::string(last_segment(address)) : std::move(target);
  h.target_address = std::move(address);
  h.endpoint = lower(h.target_endpoint);
  h.target_host = std::move(target_host);
  h.reply_to = std::move(reply_to);
  h.request_version = std::move(version);
  h.payload_type = lower(payload_type);
  h.payload_name = std::move(payload_name);
  h.async = iequals(msg.text("ReplyMode"), "ASync");
  h.reply_compression = lower(trim(root.attr("ReplyCompression")));
  if (needs_endpoint && !is_endpoint(h.target_endpoint)) return fail(Code::invalid, "a message without a target endpoint");
  for (const XmlNode& capability : msg.node("ReplyCapabilities").children()) {
    if (h.reply_capabilities.size() == limits::kPropertiesMax) return fail(Code::too_large, "too many reply capabilities");
    h.reply_capabilities.emplace_back(capability.name(), capability.trimmed());
  }
  read_numbers(msg, h);
  FP_CHECK(read_ranges(root, h));
  FP_CHECK(read_hooks(msg.node("Hooks"), h));
  return h;
}

// The text in a range: up to its NUL where it has one. XML holds no U+0000, so what is behind is not part of it.
Result<std::string> document_in(std::string_view bytes) {
  const bool wide = bytes.size() >= 2 && (bytes[1] == '\0' || bytes.starts_with("\xFF\xFE"));
  if (wide) {
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2)
      if (bytes[i] == '\0' && bytes[i + 1] == '\0') {
        bytes = bytes.substr(0, i);
        break;
      }
    if (bytes.size() % 2 != 0) bytes.remove_suffix(1);
  } else if (const auto nul = bytes.find('\0'); nul != std::string_view::npos) {
    bytes = bytes.substr(0, nul);
  }
  return decode_text(bytes);
}

std::string braced(std::string_view id) { return parse_guid(id) ? fmt::format("{{{}}}", id) : std::string(id); }

void write_auth(XmlWriter& x, const ClientAuth& auth) {
  const auto property = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) x.open("Property").attr("Name", name).text(value).close();
  };
  x.open("Hook2").attr("Name", "clientauth");
  property("AuthSenderMachine", auth.sender_machine);
  property("PublicKey", auth.public_key);
  property("ClientIDSignature", auth.client_id_signature);
  property("PayloadSignature", auth.payload_signature);
  property("ClientCapabilities", auth.capabilities);
  property("HashAlgorithm", auth.hash_algorithm);
  if (!auth.token.empty()) x.open("Property").attr("Name", "Token").cdata(auth.token).close();
  x.close();
}

void write_range(XmlWriter& x, std::string_view element, const ByteRange& range) {
  x.open(element).attr("Type", "ByteRange");
  if (!range.name.empty()) x.attr("Name", range.name);
  x.attr("Offset", static_cast<std::int64_t>(range.offset)).attr("Length", static_cast<std::int64_t>(range.length)).close();
}

std::string with_bom(std::string_view utf8) { return "\xFF\xFE" + to_utf16le(utf8); }

}  // namespace

Result<Envelope> decode_envelope(std::string_view content_type, std::string_view body) {
  FP_TRY(parts, parse_multipart(content_type, body));
  if (parts.size() < 2) return fail(Code::invalid, "a message of {} parts instead of two", parts.size());
  FP_TRY(header, decode_header(parts[0], true));
  return Envelope{std::move(header), std::string(parts[1])};
}

Result<Documents> open_documents(const Envelope& envelope) {
  std::string inflated;
  std::string_view bytes = envelope.payload;
  if (envelope.header.compressed) {
    FP_TRY(opened, inflate_zlib(envelope.payload));
    inflated = std::move(opened);
    bytes = inflated;
  }
  const ByteRange body = envelope.header.body.value_or(ByteRange{{}, 0, UINT64_MAX});
  std::vector<ByteRange> ranges = envelope.header.attachments;
  // Body and one of the attachments name the same document; the body's length is the one with the NUL.
  std::erase_if(ranges, [&](const ByteRange& r) { return r.offset == body.offset; });
  ranges.push_back(body);
  std::ranges::sort(ranges, {}, &ByteRange::offset);
  const auto repeated = std::ranges::unique(ranges, {}, &ByteRange::offset);
  ranges.erase(repeated.begin(), repeated.end());
  Documents documents;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const std::uint64_t offset = ranges[i].offset;
    if (offset >= bytes.size()) return fail(Code::invalid, "an offset of {} in {} bytes", offset, bytes.size());
    // Ranges that overlap are cut where the next one begins, so no byte is decoded twice.
    const std::uint64_t end = i + 1 < ranges.size() ? ranges[i + 1].offset : bytes.size();
    const std::uint64_t room = std::min<std::uint64_t>(std::max(end, offset), bytes.size()) - offset;
    FP_TRY(text, document_in(bytes.substr(offset, std::min(ranges[i].length, room))));
    if (offset == body.offset) documents.main = documents.all.size();
    documents.all.push_back(std::move(text));
  }
  return documents;
}

Payload make_payload(const std::vector<std::string>& documents, bool compress) {
  const std::string nul(2, '\0');
  Payload payload;
  std::string plain;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const std::uint64_t offset = plain.size();
    plain += to_utf16le(documents[i]);
    if (documents.size() > 1)
      payload.attachments.push_back({fmt::format("{{00000000-0000-0000-0000-{:012X}}}", i + 1), offset, plain.size() - offset});
    plain += nul;
    payload.body = {{}, offset, plain.size() - offset};
    plain += "\r\n";
  }
  payload.compressed = compress;
  payload.bytes = compress ? deflate_zlib(plain) : std::move(plain);
  return payload;
}

std::string encode_request(const MessageHeader& h, const Payload& payload) {
  XmlWriter x;
  x.open("Msg");
  if (!h.reply_compression.empty()) x.attr("ReplyCompression", h.reply_compression);
  x.attr("SchemaVersion", "1.1");
  for (const ByteRange& attachment : payload.attachments) write_range(x, "Attachment", attachment);
  write_range(x, "Body", payload.body);
  x.leaf("CorrelationID", h.correlation_id.empty() ? "{00000000-0000-0000-0000-000000000000}" : braced(h.correlation_id));
  x.open("Hooks");
  if (h.auth) write_auth(x, *h.auth);
  if (payload.compressed) x.open("Hook3").attr("Name", "zlib-compress").close();
  x.close();
  x.leaf("ID", braced(h.id));
  x.open("Payload").attr("Type", h.payload_type.empty() ? "inline" : h.payload_type);
  if (!h.payload_name.empty()) x.attr("Name", h.payload_name);
  x.close();
  x.leaf("Priority", std::to_string(h.priority)).leaf("Protocol", "http").leaf("ReplyMode", h.async ? "ASync" : "Sync");
  if (!h.reply_capabilities.empty()) {
    x.open("ReplyCapabilities");
    for (const auto& [name, value] : h.reply_capabilities) x.leaf(name, value);
    x.close();
  }
  x.leaf("ReplyTo", h.reply_to.empty() ? fmt::format("direct:{}:SccmMessaging", h.source_host) : h.reply_to);
  x.leaf("ReqVersion", h.request_version);
  if (h.sent_at) x.leaf("SentTime", to_iso(*h.sent_at));
  if (!h.source_id.empty()) x.leaf("SourceID", h.source_id);
  x.leaf("SourceHost", h.source_host);
  x.leaf("TargetAddress", h.target_address.empty() ? "mp:" + h.target_endpoint : h.target_address);
  x.leaf("TargetEndpoint", h.target_endpoint).leaf("TargetHost", h.target_host);
  x.leaf("Timeout", std::to_string(h.timeout_ms));
  return encode_multipart(with_bom(x.take()), payload.bytes);
}

std::string encode_reply(const MessageHeader& request, std::string_view document, const ReplyOrigin& origin) {
  const bool compress = request.reply_compression != "none";
  const std::string plain = to_utf16le(document) + std::string(2, '\0');
  XmlWriter x;
  x.open("Msg").attr("ReplyCompression", compress ? "zlib" : "none").attr("SchemaVersion", "1.1");
  write_range(x, "Body", {{}, 0, plain.size()});
  x.leaf("CorrelationID", braced(request.id));
  x.open("Hooks");
  if (compress) x.open("Hook3").attr("Name", "zlib-compress").close();
  x.close();
  x.leaf("ID", braced(origin.id));
  x.open("Payload").attr("Type", "inline").close();
  x.leaf("Priority", "0").leaf("Protocol", "http").leaf("ReplyTo", request.target_address);
  x.leaf("SentTime", to_iso(origin.sent_at)).leaf("SourceHost", origin.host);
  x.leaf("TargetAddress", request.reply_to).leaf("TargetEndpoint", last_segment(request.reply_to));
  x.leaf("TargetHost", request.source_host).leaf("Timeout", "60000");
  return encode_multipart(with_bom(x.take()), compress ? deflate_zlib(plain) : plain);
}

Result<Reply> decode_reply(std::string_view content_type, std::string_view body) {
  if (body.empty()) return fail(Code::unavailable, "the management point answered without a body: refused, or not ready");
  FP_TRY(parts, parse_multipart(content_type, body));
  if (parts.size() < 2) return fail(Code::invalid, "a reply of {} parts instead of two", parts.size());
  FP_TRY(header, decode_header(parts[0], false));
  Envelope envelope{std::move(header), std::string(parts[1])};
  FP_TRY(documents, open_documents(envelope));
  return Reply{std::move(envelope.header), documents.all[documents.main]};
}

std::string with_freshness(std::string_view document, const Freshness& f) {
  std::size_t at = document.find('<');
  while (at != std::string_view::npos) {  // over a declaration and comments
    const std::string_view rest = document.substr(at);
    const std::string_view close = rest.starts_with("<!--") ? "-->" : rest.starts_with("<?") ? "?>" : "";
    if (close.empty()) break;
    const std::size_t behind = document.find(close, at + 2);
    at = behind == std::string_view::npos ? behind : document.find('<', behind);
  }
  if (at == std::string_view::npos) return std::string(document);
  const std::size_t end = std::min(document.find_first_of(" \t\r\n/>", at + 1), document.size());
  return fmt::format("{} FPNonce=\"{}\" FPCounter=\"{}\" FPTime=\"{}\"{}", document.substr(0, end), f.nonce, f.counter,
                     to_iso_ms(f.sent_at), document.substr(end));
}

Result<std::optional<Freshness>> decode_freshness(std::string_view document) {
  FP_TRY(parsed, XmlDocument::parse(document));
  const XmlNode root = parsed.root();
  if (!root.has_attr("FPNonce") && !root.has_attr("FPCounter") && !root.has_attr("FPTime")) return std::optional<Freshness>();
  Freshness f;
  f.nonce = upper(root.attr("FPNonce"));
  if (f.nonce.size() < 16 || f.nonce.size() > 64 || !unhex(f.nonce))
    return fail(Code::invalid, "FPNonce is not 16 to 64 hex digits");
  FP_TRY(counter, parse_int(root.attr("FPCounter")));
  if (counter <= 0) return fail(Code::invalid, "FPCounter is not above zero");
  FP_TRY(sent_at, parse_time(root.attr("FPTime")));
  f.counter = counter;
  f.sent_at = sent_at;
  return std::optional<Freshness>(std::move(f));
}

}  // namespace fp::wire
