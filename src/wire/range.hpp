// Which bytes of a file an HTTP request asks for: Range, If-Range, the conditional headers (RFC 9110 §13, §14), and the
// encodings of what is sent back. wire.md §11.5. Any thread; pure. Costs one pass over the header; at most
// limits::kRangesMax ranges come out. Never merges or reorders ranges: a BITS client wants them as it asked.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace fp::wire {

struct ByteSpan {
  std::int64_t offset = 0;
  std::int64_t length = 0;
  bool operator==(const ByteSpan&) const = default;
};

enum class RangeOutcome {
  whole,          // 200: no Range, one of another unit, a malformed one, or one that asks for too much
  partial,        // 206
  unsatisfiable,  // 416
};
struct RangeDecision {
  RangeOutcome outcome = RangeOutcome::whole;
  std::vector<ByteSpan> spans;  // partial: in the order of the request; those behind the end are left out
};

// `header`: value of Range, empty if absent. `size_bytes`: of the file. More than kRangesMax ranges, or more than two that
// overlap another, are answered with the whole file.
[[nodiscard]] RangeDecision decide_range(std::string_view header, std::int64_t size_bytes);

// Values as sent; empty = absent.
struct Conditions {
  std::string_view if_match, if_none_match, if_modified_since, if_unmodified_since, if_range;
};
enum class ConditionOutcome { proceed, not_modified /* 304 */, failed /* 412 */ };

// For GET and HEAD of something that exists, in the order of RFC 9110 §13.2.2. `etag`: strong, with its quotes.
[[nodiscard]] ConditionOutcome check_conditions(const Conditions& conditions, std::string_view etag, Instant modified);
// True if Range may be honoured: no If-Range, or one that names this very version (strong ETag, or the exact date).
[[nodiscard]] bool if_range_holds(std::string_view if_range, std::string_view etag, Instant modified);

[[nodiscard]] std::string content_range(ByteSpan span, std::int64_t size_bytes);       // bytes 0-9/100
[[nodiscard]] std::string content_range_unsatisfied(std::int64_t size_bytes);          // bytes */100

struct ContentRange {
  std::optional<ByteSpan> span;            // absent: "*"
  std::optional<std::int64_t> size_bytes;  // absent: "*"
};
[[nodiscard]] Result<ContentRange> parse_content_range(std::string_view value);

// multipart/byteranges: head of each part, then its bytes, then the end. `boundary` without dashes in front.
[[nodiscard]] std::string multipart_part_head(std::string_view boundary, std::string_view content_type, ByteSpan span,
                                              std::int64_t size_bytes, bool first);
[[nodiscard]] std::string multipart_end(std::string_view boundary);

}  // namespace fp::wire
