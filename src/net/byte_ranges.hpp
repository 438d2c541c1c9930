// The answer to a GET of some byte ranges (RFC 9110 §15.3.7, wire.md §11.5): one range as itself, several as
// multipart/byteranges in the order of the request. Any thread; copies nothing but the heads of the parts.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "net/http.hpp"
#include "wire/range.hpp"

namespace fp::net {

struct RangedBody {
  std::string content_type;
  std::string etag;             // strong, with its quotes: it also makes the boundary
  std::int64_t size_bytes = 0;  // of the whole
  std::function<Segment(wire::ByteSpan)> part;
};

// Makes `response` a 206 with these spans (of wire::decide_range, at least one), its Content-Type and, for one span, its
// Content-Range. Other headers are the caller's.
void put_ranges(Response& response, const RangedBody& body, const std::vector<wire::ByteSpan>& spans);

}  // namespace fp::net
