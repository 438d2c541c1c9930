#include "wire/range.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace fp::wire {
namespace {

constexpr std::size_t kDigitsMax = 18;  // always fits into 63 bits

std::optional<std::int64_t> digits(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  while (text.size() > 1 && text.front() == '0') text.remove_prefix(1);
  if (text.size() > kDigitsMax) return std::int64_t{999'999'999'999'999'999};
  const auto value = parse_int(text);
  if (!value) return std::nullopt;
  return *value;
}

enum class OneRange { malformed, behind_the_end, good };

OneRange parse_one(std::string_view text, std::int64_t size, ByteSpan& span) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return OneRange::malformed;
  const std::string_view first_text = text.substr(0, dash), last_text = text.substr(dash + 1);
  if (first_text.empty()) {
    const auto suffix = digits(last_text);
    if (!suffix) return OneRange::malformed;
    if (*suffix == 0 || size == 0) return OneRange::behind_the_end;
    const std::int64_t length = std::min(*suffix, size);
    span = {size - length, length};
    return OneRange::good;
  }
  const auto first = digits(first_text);
  if (!first) return OneRange::malformed;
  std::int64_t last = size - 1;
  if (!last_text.empty()) {
    const auto given = digits(last_text);
    if (!given || *given < *first) return OneRange::malformed;
    last = std::min(*given, size - 1);
  }
  if (*first >= size) return OneRange::behind_the_end;
  span = {*first, last - *first + 1};
  return OneRange::good;
}

// How many ranges share a byte with another one.
std::size_t overlapping(std::vector<ByteSpan> spans) {
  std::ranges::sort(spans, {}, &ByteSpan::offset);
  std::size_t count = 0;
  std::int64_t end = -1;
  for (const auto& span : spans) {
    if (span.offset < end) ++count;
    end = std::max(end, span.offset + span.length);
  }
  return count;
}

// A list of entity tags: "a", W/"b", *. `weak`: compare as If-None-Match does.
bool tag_list_has(std::string_view list, std::string_view etag, bool weak) {
  list = trim(list);
  if (list == "*") return true;
  while (!list.empty()) {
    const bool is_weak = list.starts_with("W/");
    if (is_weak) list.remove_prefix(2);
    if (list.empty() || list.front() != '"') return false;
    const auto close = list.find('"', 1);
    if (close == std::string_view::npos) return false;
    if (list.substr(0, close + 1) == etag && (weak || !is_weak)) return true;
    list.remove_prefix(close + 1);
    while (!list.empty() && (list.front() == ',' || list.front() == ' ' || list.front() == '\t')) list.remove_prefix(1);
  }
  return false;
}

std::int64_t seconds(Instant at) { return at.ms / 1000; }

}  // namespace

RangeDecision decide_range(std::string_view header, std::int64_t size_bytes) {
  header = trim(header);
  const auto equals = header.find('=');
  if (equals == std::string_view::npos || !iequals(trim(header.substr(0, equals)), "bytes")) return {};
  std::vector<ByteSpan> spans;
  std::size_t asked = 0;
  for (const auto part : split(header.substr(equals + 1), ',')) {
    const std::string_view text = trim(part);
    if (text.empty()) continue;
    if (++asked > limits::kRangesMax) return {};
    ByteSpan span;
    switch (parse_one(text, size_bytes, span)) {
      case OneRange::malformed: return {};
      case OneRange::behind_the_end: break;
      case OneRange::good: spans.push_back(span); break;
    }
  }
  if (asked == 0) return {};
  if (spans.empty()) return {RangeOutcome::unsatisfiable, {}};
  if (overlapping(spans) > 2) return {};
  return {RangeOutcome::partial, std::move(spans)};
}

ConditionOutcome check_conditions(const Conditions& conditions, std::string_view etag, Instant modified) {
  if (!conditions.if_match.empty()) {
    if (!tag_list_has(conditions.if_match, etag, false)) return ConditionOutcome::failed;
  } else if (!conditions.if_unmodified_since.empty()) {
    const auto since = parse_http_date(trim(conditions.if_unmodified_since));
    if (since && seconds(modified) > seconds(*since)) return ConditionOutcome::failed;
  }
  if (!conditions.if_none_match.empty()) {
    if (tag_list_has(conditions.if_none_match, etag, true)) return ConditionOutcome::not_modified;
  } else if (!conditions.if_modified_since.empty()) {
    const auto since = parse_http_date(trim(conditions.if_modified_since));
    if (since && seconds(modified) <= seconds(*since)) return ConditionOutcome::not_modified;
  }
  return ConditionOutcome::proceed;
}

bool if_range_holds(std::string_view if_range, std::string_view etag, Instant modified) {
  if_range = trim(if_range);
  if (if_range.empty()) return true;
  if (if_range.front() == '"') return if_range == etag;
  if (if_range.starts_with("W/")) return false;
  const auto date = parse_http_date(if_range);
  return date && seconds(*date) == seconds(modified);
}

std::string content_range(ByteSpan span, std::int64_t size_bytes) {
  return fmt::format("bytes {}-{}/{}", span.offset, span.offset + span.length - 1, size_bytes);
}

std::string content_range_unsatisfied(std::int64_t size_bytes) { return fmt::format("bytes */{}", size_bytes); }

Result<ContentRange> parse_content_range(std::string_view value) {
  const auto bad = [&] { return fail(Code::invalid, "not a Content-Range: {:.60}", value); };
  std::string_view text = trim(value);
  if (!istarts_with(text, "bytes ")) return bad();
  text = trim(text.substr(6));
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return bad();
  const std::string_view range = text.substr(0, slash), size = text.substr(slash + 1);
  ContentRange out;
  if (size != "*") {
    out.size_bytes = digits(size);
    if (!out.size_bytes) return bad();
  }
  if (range != "*") {
    const auto dash = range.find('-');
    if (dash == std::string_view::npos) return bad();
    const auto first = digits(range.substr(0, dash)), last = digits(range.substr(dash + 1));
    if (!first || !last || *last < *first || (out.size_bytes && *last >= *out.size_bytes)) return bad();
    out.span = ByteSpan{*first, *last - *first + 1};
  } else if (!out.size_bytes) {
    return bad();
  }
  return out;
}

std::string multipart_part_head(std::string_view boundary, std::string_view content_type, ByteSpan span,
                                std::int64_t size_bytes, bool first) {
  return fmt::format("{}--{}\r\nContent-Type: {}\r\nContent-Range: {}\r\n\r\n", first ? "" : "\r\n", boundary, content_type,
                     content_range(span, size_bytes));
}

std::string multipart_end(std::string_view boundary) { return fmt::format("\r\n--{}--\r\n", boundary); }

}  // namespace fp::wire
