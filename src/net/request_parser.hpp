// Bytes of an HTTP/1.1 request to a Request, strictly (protocols.md §1.3): what a proxy in front of us could read in another
// way is refused, so nothing can be smuggled. A raw scan for framing first, then Beast's parser, then our own rules.
// Any thread; one HeadScan and one ChunkedBody per connection. It never reads from a socket and never answers.
#pragma once
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "net/http.hpp"

namespace fp::net {

// What to answer before the connection is closed, and the reason for the log and the answer's text.
struct HttpFault {
  int status = 400;
  std::string why;
};

// Finds the end of a header section as bytes arrive: no bare CR or LF, no control characters, no folded lines, within
// limits::kHeaderBytesMax and kTargetBytesMax.
class HeadScan {
 public:
  // `buffer` begins at the request line and only ever grows between calls. Returns the length of the head with its empty
  // line, or 0 if more bytes are needed.
  [[nodiscard]] std::expected<std::size_t, HttpFault> advance(std::string_view buffer);
  void reset() { *this = HeadScan(); }

 private:
  std::size_t at_ = 0;
  std::size_t line_ = 0;
};

struct RequestHead {
  Request request;  // body, peer and received_at are not filled
  bool http11 = true;
  bool keep_alive = true;
  bool chunked = false;
  bool expect_continue = false;
  std::uint64_t content_length = 0;
};

// `head`: exactly what HeadScan delimited.
[[nodiscard]] std::expected<RequestHead, HttpFault> parse_request_head(std::string_view head);

// Decodes a chunked body; trailers are read and dropped.
class ChunkedBody {
 public:
  explicit ChunkedBody(std::string_view head);  // of the same request, already accepted by parse_request_head
  ~ChunkedBody();
  // Appends decoded bytes to `body`; returns how many bytes of `input` were used up. 413 when it grows over bytes_max.
  [[nodiscard]] std::expected<std::size_t, HttpFault> feed(std::string_view input, std::string& body, std::size_t bytes_max);
  [[nodiscard]] bool done() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fp::net
