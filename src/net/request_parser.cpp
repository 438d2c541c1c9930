#include "net/request_parser.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace fp::net {
namespace {

namespace http = boost::beast::http;
using BeastText = boost::beast::string_view;
using BeastError = boost::beast::error_code;

std::string_view std_view(BeastText text) { return {text.data(), text.size()}; }

std::unexpected<HttpFault> fault(int status, std::string why) { return std::unexpected(HttpFault{status, std::move(why)}); }

// Beast's parser, writing straight into a Request; body bytes go to `body` as long as there is room.
class Parser final : public http::basic_parser<true> {
 public:
  Parser() {
    header_limit(limits::kHeaderBytesMax + 1024);
    body_limit(boost::none);
  }

  Request request;
  int http_version = 0;  // 10 or 11
  std::string* body = nullptr;
  std::size_t body_bytes_max = 0;
  bool too_large = false;

 private:
  void on_request_impl(http::verb, BeastText method, BeastText target, int version, BeastError&) override {
    http_version = version;
    request.method = std_view(method);
    request.target = std_view(target);
  }
  void on_response_impl(int, BeastText, int, BeastError&) override {}
  void on_field_impl(http::field, BeastText name, BeastText value, BeastError&) override {
    if (body == nullptr) request.headers.emplace_back(std_view(name), std_view(value));
  }
  void on_header_impl(BeastError&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, BeastError&) override {}
  std::size_t on_body_impl(BeastText, BeastError& ec) override {
    ec = http::error::unexpected_body;
    return 0;
  }
  void on_chunk_header_impl(std::uint64_t size, BeastText, BeastError& ec) override {
    if (size > body_bytes_max - std::min(body_bytes_max, body->size())) {
      too_large = true;
      ec = http::error::body_limit;
    }
  }
  std::size_t on_chunk_body_impl(std::uint64_t, BeastText bytes, BeastError&) override {
    body->append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_finish_impl(BeastError&) override {}
};

// "HTTP/2.0" in the place of a version is understood well enough to be refused by name.
int version_fault_status(std::string_view head) {
  const auto line = head.substr(0, head.find('\r'));
  const auto space = line.rfind(' ');
  const auto version = space == line.npos ? std::string_view() : line.substr(space + 1);
  const bool shaped = version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.' && version[5] >= '0' &&
                      version[5] <= '9' && version[7] >= '0' && version[7] <= '9';
  return shaped && version[5] != '1' ? 505 : 400;
}

std::size_t count_of(const Request& request, std::string_view name) {
  std::size_t count = 0;
  for (const auto& [key, value] : request.headers) count += iequals(key, name) ? 1 : 0;
  return count;
}

// Framing headers that two parsers could read differently (RFC 9112 §6.3, §11.2).
std::expected<void, HttpFault> check_framing(const Request& request, bool http11) {
  const auto lengths = count_of(request, "Content-Length");
  const auto codings = count_of(request, "Transfer-Encoding");
  if (lengths > 0 && codings > 0) return fault(400, "Content-Length together with Transfer-Encoding");
  if (lengths > 1) return fault(400, "more than one Content-Length");
  if (lengths == 1 && request.header("Content-Length").find_first_not_of("0123456789") != std::string_view::npos)
    return fault(400, "malformed Content-Length");
  if (codings > 1) return fault(400, "more than one Transfer-Encoding");
  if (codings == 1) {
    if (!http11) return fault(400, "Transfer-Encoding in HTTP/1.0");
    if (!iequals(trim(request.header("Transfer-Encoding")), "chunked"))
      return fault(501, "a transfer coding other than chunked");
  }
  const auto hosts = count_of(request, "Host");
  if (hosts > 1) return fault(400, "more than one Host");
  if (hosts == 0 && http11) return fault(400, "no Host");
  return {};
}

// Cuts an absolute-form target to path and query; splits and decodes them. Its authority counts for as little as Host does:
// one site stands behind every name (wire.md §2; RFC 9112 §3.2.2 has a server ignore Host then).
std::expected<void, HttpFault> split_target(Request& request) {
  auto& target = request.target;
  if (target.size() > limits::kTargetBytesMax) return fault(414, "request target too long");
  if (target.find('#') != target.npos) return fault(400, "a fragment in the request target");
  if (istarts_with(target, "http://") || istarts_with(target, "https://")) {
    const auto begin = target.find("//") + 2;
    auto end = target.find_first_of("/?", begin);
    if (end == target.npos) end = target.size();
    if (end == begin) return fault(400, "an absolute request target without a host");
    const bool bare = end == target.size() || target[end] == '?';
    std::string rest(bare ? 1 : 0, '/');
    rest += std::string_view(target).substr(end);
    target = std::move(rest);
  }
  if (target != "*" && (target.empty() || target.front() != '/')) return fault(400, "malformed request target");
  if (target == "*" && request.method != "OPTIONS") return fault(400, "malformed request target");
  const auto question = target.find('?');
  auto path = percent_decode(std::string_view(target).substr(0, question));
  if (!path) return fault(400, "malformed percent-encoding in the path");
  if (path->find('\0') != path->npos) return fault(400, "NUL in the path");
  request.path = std::move(*path);
  if (question != target.npos) request.query = target.substr(question + 1);
  return {};
}

}  // namespace

std::expected<std::size_t, HttpFault> HeadScan::advance(std::string_view buffer) {
  for (; at_ < buffer.size() && at_ < limits::kHeaderBytesMax; ++at_) {
    const auto c = static_cast<unsigned char>(buffer[at_]);
    const bool after_cr = at_ > line_ && buffer[at_ - 1] == '\r';
    if (c == '\n') {
      if (!after_cr) return fault(400, "a line that ends without CR");
      const bool empty = at_ - line_ == 1;
      line_ = at_ + 1;
      if (empty) return at_ + 1;
    } else if (after_cr) {
      return fault(400, "CR without LF");
    } else if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f) {
      return fault(400, "a control character in the header");
    } else if (at_ == line_ && (c == ' ' || c == '\t')) {
      return fault(400, "a folded header line");
    }
  }
  constexpr std::size_t kRequestLineRest = 64;  // method, spaces and version
  if (line_ == 0 && at_ > limits::kTargetBytesMax + kRequestLineRest) return fault(414, "request line too long");
  if (at_ >= limits::kHeaderBytesMax) return fault(431, "header section too large");
  return 0;
}

std::expected<RequestHead, HttpFault> parse_request_head(std::string_view head) {
  Parser parser;
  BeastError ec;
  parser.put(boost::asio::buffer(head.data(), head.size()), ec);
  if (ec == http::error::bad_version) return fault(version_fault_status(head), "unknown protocol version");
  if (ec == http::error::bad_transfer_encoding || ec == http::error::bad_content_length)
    return fault(400, "malformed or conflicting Content-Length or Transfer-Encoding");
  if (ec || !parser.is_header_done()) return fault(400, "malformed request: " + ec.message());
  RequestHead result;
  result.request = std::move(parser.request);
  result.http11 = parser.http_version >= 11;
  result.request.http_minor = result.http11 ? 1 : 0;
  result.keep_alive = parser.keep_alive();
  result.chunked = parser.chunked();
  result.content_length = parser.content_length().value_or(0);
  if (auto checked = check_framing(result.request, result.http11); !checked) return std::unexpected(checked.error());
  if (auto split = split_target(result.request); !split) return std::unexpected(split.error());
  if (const auto expect = result.request.header("Expect"); !expect.empty()) {
    if (!iequals(expect, "100-continue")) return fault(417, "an expectation other than 100-continue");
    result.expect_continue = result.http11 && (result.chunked || result.content_length > 0);
  }
  return result;
}

struct ChunkedBody::Impl {
  Parser parser;
};

ChunkedBody::ChunkedBody(std::string_view head) : impl_(std::make_unique<Impl>()) {
  BeastError ec;
  impl_->parser.put(boost::asio::buffer(head.data(), head.size()), ec);
}

ChunkedBody::~ChunkedBody() = default;

std::expected<std::size_t, HttpFault> ChunkedBody::feed(std::string_view input, std::string& body, std::size_t bytes_max) {
  auto& parser = impl_->parser;
  parser.body = &body;
  parser.body_bytes_max = bytes_max;
  constexpr std::size_t kFramingBytesMax = 8U << 10;  // one chunk line with its extensions, or all trailers
  std::size_t used = 0;
  while (!parser.is_done() && used < input.size()) {
    BeastError ec;
    const auto step = parser.put(boost::asio::buffer(input.data() + used, input.size() - used), ec);
    used += step;
    if (parser.too_large) return fault(413, "chunked body too large");
    if (ec == http::error::need_more) break;
    if (ec) return fault(400, "malformed chunked body: " + ec.message());
    if (step == 0) break;
  }
  if (!parser.is_done() && input.size() - used > kFramingBytesMax) return fault(400, "chunk line or trailers too long");
  return used;
}

bool ChunkedBody::done() const { return impl_->parser.is_done(); }

}  // namespace fp::net
