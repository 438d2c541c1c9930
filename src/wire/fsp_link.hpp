// JSON of the site's conversation with a fallback status point under /farpoint/fsp/v1/ (docs/protocol/fallback.md), and of the
// files in its spool: one message each. Any thread; pure. Costs one JSON parse. Both ends read it as coming from outside.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace fp::wire {

struct SpooledMessage {
  std::string id;            // 32 hex digits, lower case: made by the status point, never used again
  Instant received_at;
  std::string address;       // of the sender
  std::string content_type;
  std::string body;          // as it came
  bool operator==(const SpooledMessage&) const = default;
};
[[nodiscard]] std::string encode_spooled(const SpooledMessage& message);
[[nodiscard]] Result<SpooledMessage> decode_spooled(std::string_view json);

struct SpoolCounts {         // since the process started, but for the first two
  std::int64_t waiting = 0, waiting_bytes = 0;
  std::int64_t accepted = 0, refused = 0, throttled = 0;
};
struct SpoolBatch {
  SpoolCounts counts;
  std::vector<SpooledMessage> messages;  // oldest first
};
[[nodiscard]] std::string encode_spool_batch(const SpoolBatch& batch);
[[nodiscard]] Result<SpoolBatch> decode_spool_batch(std::string_view json);

// What the site has on its disk now.
[[nodiscard]] std::string encode_receipts(const std::vector<std::string>& ids);
[[nodiscard]] Result<std::vector<std::string>> decode_receipts(std::string_view json);

}  // namespace fp::wire
