#include "net/byte_ranges.hpp"

#include <algorithm>

namespace fp::net {
namespace {

constexpr std::size_t kBoundaryOfTagMax = 32;

// The tag without quotes and without anything that a boundary may not hold.
std::string boundary_of(const std::string& etag) {
  std::string out = "farpoint-";
  for (const char c : etag)
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-') out += c;
  return out.substr(0, 9 + kBoundaryOfTagMax);
}

}  // namespace

void put_ranges(Response& response, const RangedBody& body, const std::vector<wire::ByteSpan>& spans) {
  response.status = 206;
  if (spans.size() == 1) {
    response.set("Content-Type", body.content_type).set("Content-Range", wire::content_range(spans[0], body.size_bytes));
    response.body.push_back(body.part(spans[0]));
    return;
  }
  const std::string boundary = boundary_of(body.etag);
  response.set("Content-Type", "multipart/byteranges; boundary=" + boundary);
  for (const auto& span : spans) {
    const bool first = response.body.empty();
    response.body.emplace_back(wire::multipart_part_head(boundary, body.content_type, span, body.size_bytes, first));
    response.body.push_back(body.part(span));
  }
  response.body.emplace_back(wire::multipart_end(boundary));
}

}  // namespace fp::net
