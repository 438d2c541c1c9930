// Range and Content-Range headers: whatever comes, spans lie within the file.
#include <cstdlib>

#include "base/limits.hpp"
#include "wire/range.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 2) return 0;
  const std::int64_t file_bytes = data[0] * 256 + data[1];
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto decision = fp::wire::decide_range(text, file_bytes);
  if (decision.spans.size() > fp::limits::kRangesMax) std::abort();
  for (const auto& span : decision.spans)
    if (span.offset < 0 || span.length <= 0 || span.offset + span.length > file_bytes) std::abort();
  const auto range = fp::wire::parse_content_range(text);
  if (range && range->span && (range->span->offset < 0 || range->span->length <= 0)) std::abort();
  const fp::wire::Conditions conditions{text, text, text, text, text};
  (void)fp::wire::check_conditions(conditions, "\"e\"", {});
  (void)fp::wire::if_range_holds(text, "\"e\"", {});
  return 0;
}
