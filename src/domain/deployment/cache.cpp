#include "domain/deployment/cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace fp::deployment {
namespace {

std::int64_t sum(std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  return __builtin_add_overflow(a, std::max<std::int64_t>(b, 0), &out) ? std::numeric_limits<std::int64_t>::max() : out;
}

std::string mb(std::int64_t bytes) { return fmt::format("{} MB", (bytes + (1 << 20) - 1) / (1 << 20)); }

CacheDecision refused(CacheDecision::Kind kind, std::string because) {
  return {kind, {}, std::nullopt, kStatusCacheInsufficient, {{"client cache", std::move(because)}}};
}

}  // namespace

CacheDecision decide_cache(std::int64_t bytes_needed, const std::vector<CacheEntry>& entries, const CacheLimits& limits,
                           int retries, bool updates, Instant now) {
  using Kind = CacheDecision::Kind;
  const std::int64_t needed = std::max<std::int64_t>(bytes_needed, 0);
  std::int64_t used = 0, fixed = 0;
  std::vector<const CacheEntry*> removable;
  for (const auto& e : entries) {
    used = sum(used, e.bytes);
    if (e.persist) fixed = sum(fixed, e.bytes);
    if (!e.persist && !e.in_use && now.since_ms(e.last_used_at) >= limits.keep_s * 1000) removable.push_back(&e);
  }
  if (!updates && sum(fixed, needed) > limits.bytes_max) {
    const std::string kept = fixed > 0 ? fmt::format(", of which {} are kept for good", mb(fixed)) : "";
    return refused(Kind::too_big, fmt::format("{} never fit into its {}{}", mb(needed), mb(limits.bytes_max), kept));
  }
  std::sort(removable.begin(), removable.end(), [](const CacheEntry* a, const CacheEntry* b) {
    return a->last_used_at != b->last_used_at ? a->last_used_at < b->last_used_at : a->content_id < b->content_id;
  });
  std::int64_t over = std::max<std::int64_t>(sum(used, needed) - limits.bytes_max, 0);
  const std::int64_t off_disk = limits.disk_free_bytes < 0 ? 0 : std::max<std::int64_t>(needed - limits.disk_free_bytes, 0);
  std::int64_t missing = std::max(over, off_disk);
  CacheDecision out;
  std::int64_t freed = 0;
  for (const auto* e : removable) {
    if (freed >= missing) break;
    out.evict.push_back(e->content_id);
    freed = sum(freed, e->bytes);
  }
  const bool enough = freed >= (updates ? off_disk : missing);
  if (enough) {
    out.kind = out.evict.empty() ? Kind::fits : Kind::evict;
    out.reasons = {{"client cache", out.evict.empty()
                                        ? fmt::format("{} fit, {} of {} are used", mb(needed), mb(used), mb(limits.bytes_max))
                                        : fmt::format("{} go to make room for {}", mb(freed), mb(needed))}};
    return out;
  }
  std::string why = fmt::format("{} are needed, {} of {} are used and only {} may go now", mb(needed), mb(used),
                                mb(limits.bytes_max), mb(freed));
  if (off_disk > freed)
    why = fmt::format("not enough disk space: {} are needed, {} are free on the disk and only {} may go now", mb(needed),
                      mb(limits.disk_free_bytes), mb(freed));
  if (retries >= kCacheRetriesMax) return refused(Kind::given_up, fmt::format("{}; tried {} times", why, retries));
  return {Kind::retry, {}, now.plus_s(kCacheRetryEveryS), 0, {{"client cache", why}}};
}

std::int64_t cache_bytes_max(std::int64_t size_mb, int percent_of_disk, std::int64_t disk_bytes) {
  const std::int64_t by_size = std::max<std::int64_t>(size_mb, 0) << 20;
  if (percent_of_disk <= 0 || disk_bytes <= 0) return by_size;
  return std::min(by_size, disk_bytes / 100 * std::min(percent_of_disk, 100));
}

}  // namespace fp::deployment
