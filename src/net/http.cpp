#include "net/http.hpp"

#include <unistd.h>

#include <cerrno>

#include "base/text.hpp"

namespace fp::net {

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (iequals(key, name)) return value;
  return {};
}

bool Request::has_header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (iequals(key, name)) return true;
  return false;
}

Result<std::string> bytes_of(const Segment& segment) {
  if (const auto* text = std::get_if<std::string>(&segment)) return *text;
  const auto& slice = std::get<FileSlice>(segment);
  std::string out(static_cast<std::size_t>(slice.length), '\0');
  std::size_t got = 0;
  while (got < out.size()) {
    const auto n = ::pread(slice.file->get(), out.data() + got, out.size() - got, slice.offset + static_cast<std::int64_t>(got));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail_errno("reading a stretch of a file");
    got += static_cast<std::size_t>(n);
  }
  return out;
}

Result<std::string> body_of(const Response& response) {
  std::string out;
  for (const auto& segment : response.body) {
    FP_TRY(bytes, bytes_of(segment));
    out += bytes;
  }
  return out;
}

Response Response::text(int status, std::string content_type, std::string body) {
  Response r;
  r.status = status;
  r.headers.emplace_back("Content-Type", std::move(content_type));
  r.body.emplace_back(std::move(body));
  return r;
}

}  // namespace fp::net
