#include "wire/link_frame.hpp"

#include <limits>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace fp::wire {
namespace {

constexpr std::size_t kMethodBytesMax = 64, kReasonBytesMax = 200, kAddressBytesMax = 64, kHostBytesMax = 255;

class Writer {
 public:
  void number(std::uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out_.push_back(static_cast<char>(value >> shift));
  }
  void text(std::string_view value) {
    number(value.size(), 4);
    out_ += value;
  }
  void headers(const LinkHeaders& list) {
    number(list.size(), 2);
    for (const auto& [name, value] : list) {
      text(name);
      text(value);
    }
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}

  Result<std::uint64_t> number(std::size_t bytes) {
    if (left_.size() < bytes) return fail(Code::invalid, "site link: a frame ends early");
    std::uint64_t value = 0;
    for (const char c : left_.substr(0, bytes)) value = value << 8 | static_cast<unsigned char>(c);
    left_.remove_prefix(bytes);
    return value;
  }
  Result<std::string> text(std::string_view what, std::size_t bytes_max) {
    FP_TRY(size, number(4));
    if (size > bytes_max) return fail(Code::too_large, "site link: {} of {} bytes", what, size);
    if (size > left_.size()) return fail(Code::invalid, "site link: a frame ends early");
    std::string value(left_.substr(0, size));
    left_.remove_prefix(size);
    return value;
  }
  Result<LinkHeaders> headers() {
    FP_TRY(count, number(2));
    if (count > limits::kLinkHeadersMax) return fail(Code::too_large, "site link: {} headers", count);
    LinkHeaders out;
    std::size_t sum = 0;
    for (std::uint64_t n = 0; n < count; ++n) {
      FP_TRY(name, text("a header", limits::kHeaderBytesMax));
      FP_TRY(value, text("a header", limits::kHeaderBytesMax));
      sum += name.size() + value.size();
      if (sum > limits::kHeaderBytesMax) return fail(Code::too_large, "site link: headers over {} bytes", limits::kHeaderBytesMax);
      out.emplace_back(std::move(name), std::move(value));
    }
    return out;
  }
  [[nodiscard]] Status end() const {
    if (!left_.empty()) return fail(Code::invalid, "site link: {} bytes too many in a frame", left_.size());
    return {};
  }

 private:
  std::string_view left_;
};

Result<std::int64_t> length(Reader& in, std::int64_t least, std::int64_t most) {
  FP_TRY(raw, in.number(8));
  const auto value = static_cast<std::int64_t>(raw);
  if (value < least || value > most) return fail(Code::too_large, "site link: a body of {} bytes", value);
  return value;
}

// Printable ASCII: what is written into a request line or a log.
bool is_word(std::string_view text, bool space) {
  for (const char c : text)
    if (c > '~' || c < (space ? ' ' : '!')) return false;
  return true;
}

Status check_headers(const LinkHeaders& headers) {
  for (const auto& [name, value] : headers) {
    if (name.empty() || !is_word(name, false) || name.find(':') != std::string::npos)
      return fail(Code::invalid, "site link: a header name that is none");
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
      return fail(Code::invalid, "site link: a line break in the header {}", name);
  }
  return {};
}

}  // namespace

Result<std::optional<LinkFrameHead>> decode_link_frame_head(std::string_view bytes) {
  if (bytes.size() < kLinkFrameHeadBytes) return std::nullopt;
  Reader in(bytes.substr(0, kLinkFrameHeadBytes));
  FP_TRY(kind, in.number(1));
  FP_TRY(stream, in.number(4));
  FP_TRY(size, in.number(4));
  if (kind < 1 || kind > 8) return fail(Code::invalid, "site link: unknown frame {}", kind);
  const auto known = static_cast<LinkFrameKind>(kind);
  const bool of_connection = known == LinkFrameKind::hello || known == LinkFrameKind::ping || known == LinkFrameKind::pong;
  if (of_connection != (stream == 0)) return fail(Code::invalid, "site link: frame {} on stream {}", kind, stream);
  if (size > limits::kLinkFrameBytesMax) return fail(Code::too_large, "site link: a frame of {} bytes", size);
  return LinkFrameHead{known, static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(size)};
}

std::string encode_link_frame(LinkFrameKind kind, std::uint32_t stream, std::string_view payload) {
  Writer out;
  out.number(static_cast<std::uint8_t>(kind), 1);
  out.number(stream, 4);
  out.text(payload);  // its length and itself
  return out.take();
}

std::string encode_link_hello(const LinkHello& hello) {
  Writer out;
  out.number(hello.version, 2);
  out.text(hello.site_code);
  out.text(hello.name);
  out.text(hello.certificate_der);
  return out.take();
}

Result<LinkHello> decode_link_hello(std::string_view payload) {
  Reader in(payload);
  FP_TRY(version, in.number(2));
  if (version != kLinkVersion) return fail(Code::invalid, "site link: the other end speaks version {}, and this one {}", version, kLinkVersion);
  FP_TRY(site_text, in.text("a site code", 3));
  FP_TRY(site_code, parse_site_code(site_text));
  FP_TRY(name_text, in.text("a name", kHostBytesMax));
  FP_TRY(name, parse_host(name_text));
  FP_TRY(certificate, in.text("a certificate", limits::kCertificateBytesMax));
  FP_CHECK(in.end());
  return LinkHello{static_cast<std::uint16_t>(version), site_code, name, std::move(certificate)};
}

std::string encode_link_request(const LinkRequest& r) {
  Writer out;
  out.text(r.method);
  out.text(r.target);
  out.headers(r.headers);
  out.number(static_cast<std::uint64_t>(r.body_bytes), 8);
  out.number(static_cast<std::uint8_t>(r.door), 1);
  out.text(r.address);
  out.number(r.port, 2);
  out.text(r.certificate_der);
  out.number(r.chain_der.size(), 1);
  for (const auto& der : r.chain_der) out.text(der);
  return out.take();
}

Result<LinkRequest> decode_link_request(std::string_view payload) {
  Reader in(payload);
  LinkRequest r;
  FP_TRY(method, in.text("a method", kMethodBytesMax));
  FP_TRY(target, in.text("a target", limits::kTargetBytesMax));
  FP_TRY(headers, in.headers());
  FP_TRY(body_bytes, length(in, 0, static_cast<std::int64_t>(limits::kUploadBytesMax)));
  FP_TRY(door, in.number(1));
  if (door > static_cast<std::uint64_t>(Door::internet_https)) return fail(Code::invalid, "site link: unknown door {}", door);
  FP_TRY(address, in.text("an address", kAddressBytesMax));
  FP_TRY(port, in.number(2));
  FP_TRY(certificate, in.text("a certificate", limits::kCertificateBytesMax));
  FP_TRY(chain, in.number(1));
  if (chain > limits::kLinkChainMax) return fail(Code::too_large, "site link: a chain of {} certificates", chain);
  for (std::uint64_t n = 0; n < chain; ++n) {
    FP_TRY(der, in.text("a certificate", limits::kCertificateBytesMax));
    r.chain_der.push_back(std::move(der));
  }
  FP_CHECK(in.end());
  if (method.empty() || !is_word(method, false) || !target.starts_with('/') || !is_word(target, false) || !is_word(address, false))
    return fail(Code::invalid, "site link: a request line that is none");
  FP_CHECK(check_headers(headers));
  r.method = std::move(method);
  r.target = std::move(target);
  r.headers = std::move(headers);
  r.body_bytes = body_bytes;
  r.door = static_cast<Door>(door);
  r.address = std::move(address);
  r.port = static_cast<std::uint16_t>(port);
  r.certificate_der = std::move(certificate);
  return r;
}

std::string encode_link_reply(const LinkReply& r) {
  Writer out;
  out.number(static_cast<std::uint64_t>(r.status), 2);
  out.text(r.reason);
  out.headers(r.headers);
  out.number(static_cast<std::uint64_t>(r.body_bytes), 8);
  out.number(static_cast<std::uint64_t>(r.head_length), 8);
  return out.take();
}

Result<LinkReply> decode_link_reply(std::string_view payload) {
  Reader in(payload);
  FP_TRY(status, in.number(2));
  FP_TRY(reason, in.text("a reason", kReasonBytesMax));
  FP_TRY(headers, in.headers());
  FP_TRY(body_bytes, length(in, 0, limits::kLinkReplyBytesMax));
  FP_TRY(head_length, length(in, -1, std::numeric_limits<std::int64_t>::max()));
  FP_CHECK(in.end());
  if (status < 200 || status > 599 || !is_word(reason, true)) return fail(Code::invalid, "site link: a status that is none");
  FP_CHECK(check_headers(headers));
  return LinkReply{static_cast<int>(status), std::move(reason), std::move(headers), body_bytes, head_length};
}

std::string encode_link_credit(std::uint32_t bytes) {
  Writer out;
  out.number(bytes, 4);
  return out.take();
}

Result<std::uint32_t> decode_link_credit(std::string_view payload) {
  Reader in(payload);
  FP_TRY(bytes, in.number(4));
  FP_CHECK(in.end());
  if (bytes == 0) return fail(Code::invalid, "site link: a credit of nothing");
  return static_cast<std::uint32_t>(bytes);
}

}  // namespace fp::wire
