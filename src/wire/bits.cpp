#include "wire/bits.hpp"

#include <fmt/format.h>

#include "base/ids.hpp"
#include "base/text.hpp"

namespace fp::wire {
namespace {

std::string_view find(const BitsHeaders& headers, std::string_view name) {
  for (const auto& [key, value] : headers)
    if (iequals(key, name)) return trim(value);
  return {};
}

bool has(const BitsHeaders& headers, std::string_view name) {
  for (const auto& [key, value] : headers)
    if (iequals(key, name)) return true;
  return false;
}

bool speaks_our_protocol(std::string_view list) {
  std::size_t at = 0;
  while (at < list.size()) {
    const std::size_t end = std::min(list.find_first_of(" ,\t", at), list.size());
    if (iequals(list.substr(at, end - at), kBitsProtocol)) return true;
    at = end + 1;
  }
  return false;
}

std::expected<BitsKind, BitsError> kind_of(std::string_view text) {
  if (iequals(text, "Create-Session")) return BitsKind::create;
  if (iequals(text, "Ping")) return BitsKind::ping;
  if (iequals(text, "Fragment")) return BitsKind::fragment;
  if (iequals(text, "Close-Session")) return BitsKind::close;
  if (iequals(text, "Cancel-Session")) return BitsKind::cancel;
  return std::unexpected(bits_bad_argument("unknown or missing BITS-Packet-Type"));
}

std::expected<void, BitsError> check_sizes(const BitsHeaders& headers) {
  for (const auto& [name, value] : headers)
    if (value.size() > kBitsHeaderValueBytesMax)
      return std::unexpected(bits_bad_argument(
          fmt::format("header {} is longer than {} bytes", name, kBitsHeaderValueBytesMax)));
  const std::string_view encoding = find(headers, "Content-Encoding");
  if (!encoding.empty() && !iequals(encoding, "identity"))
    return std::unexpected(bits_bad_argument("only identity encoding is accepted"));
  return {};
}

}  // namespace

Status decode_content_range(std::string_view text, BitsPacket& out) {
  text = trim(text);
  if (!istarts_with(text, "bytes")) return fail(Code::invalid, "Content-Range does not start with bytes");
  text = trim(text.substr(5));
  if (text.starts_with('=')) text = trim(text.substr(1));
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash)
    return fail(Code::invalid, "Content-Range is not first-last/total");
  FP_TRY(first, parse_int(trim(text.substr(0, dash))));
  FP_TRY(last, parse_int(trim(text.substr(dash + 1, slash - dash - 1))));
  FP_TRY(total, parse_int(trim(text.substr(slash + 1))));
  if (first < 0 || last < first || total <= last) return fail(Code::invalid, "Content-Range is out of order");
  out.first = first;
  out.last = last;
  out.total = total;
  return {};
}

std::expected<BitsPacket, BitsError> decode_bits(const BitsHeaders& headers, std::size_t body_bytes) {
  if (auto good = check_sizes(headers); !good) return std::unexpected(good.error());
  if (!has(headers, "Content-Length")) return std::unexpected(bits_length_required());
  auto kind = kind_of(find(headers, "BITS-Packet-Type"));
  if (!kind) return std::unexpected(kind.error());
  BitsPacket packet;
  packet.kind = *kind;
  packet.content_name = std::string(find(headers, "Content-Name"));
  if (packet.content_name.size() > kBitsContentNameCharsMax * 4)
    return std::unexpected(bits_bad_argument("Content-Name is too long"));
  if (packet.kind == BitsKind::create) {
    if (!speaks_our_protocol(find(headers, "BITS-Supported-Protocols")))
      return std::unexpected(bits_bad_argument("no common protocol in BITS-Supported-Protocols"));
  } else if (packet.kind == BitsKind::ping) {
    packet.session = parse_guid(find(headers, "BITS-Session-Id")).value_or("");  // may name one, and hears it again
  } else {
    const std::string_view session = find(headers, "BITS-Session-Id");
    if (session.empty()) return std::unexpected(bits_bad_argument("no BITS-Session-Id"));
    auto id = parse_guid(session);
    if (!id) return std::unexpected(bits_unknown_session());  // an id that we never gave out
    packet.session = *id;
  }
  if (packet.kind != BitsKind::fragment) {
    if (body_bytes != 0) return std::unexpected(bits_bad_argument("only a fragment has a body"));
    return packet;
  }
  if (auto range = decode_content_range(find(headers, "Content-Range"), packet); !range)
    return std::unexpected(bits_bad_argument(range.error().message));
  if (static_cast<std::int64_t>(body_bytes) != packet.last - packet.first + 1)
    return std::unexpected(bits_bad_argument("the body is not as long as its Content-Range"));
  return packet;
}

BitsError bits_bad_argument(std::string reason) { return {400, 0x80070057, 0x5, std::move(reason)}; }
BitsError bits_length_required() { return {411, 0x80070057, 0x5, "no Content-Length"}; }
BitsError bits_unknown_session() { return {500, 0x8020001F, 0x5, "unknown session"}; }
BitsError bits_access_denied(std::string reason) { return {403, 0x80070005, 0x5, std::move(reason)}; }
BitsError bits_switched_off() { return {501, 0x80070005, 0x5, "uploads are not offered here"}; }
BitsError bits_fragment_too_large() { return {413, 0x80200020, 0x5, "the fragment is too large"}; }
BitsError bits_too_large() { return {500, 0x80200020, 0x5, "the upload is too large"}; }
BitsError bits_disk_full() { return {500, 0x80070112, 0x5, "no space left for uploads"}; }
BitsError bits_gone() { return {404, 0x80070002, 0x5, "the uploaded entity is gone"}; }

BitsHeaders bits_ack(std::string_view session) {
  BitsHeaders headers{{"BITS-Packet-Type", "Ack"}};
  if (!session.empty()) headers.emplace_back("BITS-Session-Id", bits_session_text(session));
  return headers;
}

BitsHeaders bits_create_ack(std::string_view session) {
  BitsHeaders headers{{"BITS-Packet-Type", "Ack"}, {"BITS-Protocol", std::string(kBitsProtocol)}};
  headers.emplace_back("BITS-Session-Id", bits_session_text(session));
  headers.emplace_back("Accept-Encoding", "identity");
  return headers;
}

BitsHeaders bits_fragment_ack(std::string_view session, std::int64_t next) {
  BitsHeaders headers = bits_ack(session);
  headers.emplace_back("BITS-Received-Content-Range", std::to_string(next));
  return headers;
}

BitsHeaders bits_error_ack(const BitsError& error, std::string_view session) {
  BitsHeaders headers = bits_ack(session);
  if (error.code == 0) return headers;
  const std::string code = fmt::format("0x{:08X}", error.code);
  headers.emplace_back("BITS-Error", code);
  headers.emplace_back("BITS-Error-Code", code);
  headers.emplace_back("BITS-Error-Context", fmt::format("0x{:X}", error.context));
  return headers;
}

std::string bits_session_text(std::string_view canonical) { return "{" + lower(canonical) + "}"; }

}  // namespace fp::wire
