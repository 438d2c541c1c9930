#include "base/limits.hpp"
#include "net/request_parser.hpp"

// Head and chunked body as a connection reads them. What is accepted must hold the promises that roles rely on.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  fp::net::HeadScan scan;
  const auto length = scan.advance(input);
  if (!length || *length == 0) return 0;
  const auto head = fp::net::parse_request_head(input.substr(0, *length));
  if (!head) return 0;
  const auto& request = head->request;
  if (request.target.size() > fp::limits::kTargetBytesMax || request.path.empty() || request.method.empty()) __builtin_trap();
  if (request.path.find('\0') != request.path.npos) __builtin_trap();
  if (head->chunked && (head->content_length != 0 || request.has_header("Content-Length"))) __builtin_trap();
  if (!head->chunked) return 0;
  constexpr std::size_t kBodyBytesMax = 4096;
  fp::net::ChunkedBody whole(input.substr(0, *length)), pieces(input.substr(0, *length));
  std::string body, body_again, waiting;
  const auto rest = input.substr(*length);
  const auto used = whole.feed(rest, body, kBodyBytesMax);
  if (body.size() > kBodyBytesMax) __builtin_trap();
  for (std::size_t at = 0; at < rest.size() && !pieces.done(); ++at) {
    waiting += rest[at];
    const auto step = pieces.feed(waiting, body_again, kBodyBytesMax);
    if (!step) return 0;
    waiting.erase(0, *step);
  }
  if (used && (whole.done() != pieces.done() || (whole.done() && body != body_again))) __builtin_trap();
  return 0;
}
