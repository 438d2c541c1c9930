// The client cache (domain.md §11.5): does content fit, and what has to go for it. Any thread; pure; sorts the entries once.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "domain/deployment/reason.hpp"

namespace fp::deployment {

inline constexpr std::int64_t kCacheRetryEveryS = 4 * 3600;
inline constexpr int kCacheRetriesMax = 18;
inline constexpr int kStatusCacheInsufficient = 10050;  // status message id (domain.md §21.6)

struct CacheEntry {
  std::string content_id;
  std::int64_t bytes = 0;
  Instant last_used_at;
  bool persist = false;   // never evicted
  bool in_use = false;    // being downloaded or run
};
struct CacheLimits {
  std::int64_t bytes_max = 5120LL << 20;
  std::int64_t keep_s = 1440 * 60;       // not evicted sooner after its last use
  std::int64_t disk_free_bytes = -1;     // -1: not known; content also has to fit the disk
};
struct CacheDecision {
  enum class Kind { fits, evict, retry, too_big, given_up };
  Kind kind = Kind::fits;
  std::vector<std::string> evict;        // Kind::evict: oldest first, no more than needed
  std::optional<Instant> retry_at;       // Kind::retry
  int status_id = 0;                     // too_big and given_up: 10050
  Reasons reasons;
};
// `updates`: software updates are fetched whatever the limit says (they still evict what may go).
[[nodiscard]] CacheDecision decide_cache(std::int64_t bytes_needed, const std::vector<CacheEntry>& entries,
                                         const CacheLimits& limits, int retries, bool updates, Instant now);
// The size setting: MB and per cent of the disk, the lower wins.
[[nodiscard]] std::int64_t cache_bytes_max(std::int64_t size_mb, int percent_of_disk, std::int64_t disk_bytes);

}  // namespace fp::deployment
