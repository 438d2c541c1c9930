#include "apps/resident_schedule.hpp"

#include <algorithm>

namespace fp::apps {

namespace {
constexpr Backoff kCrash{10'000, ResidentSchedule::kLongestS * 1000};
}

void ResidentSchedule::worker_started(Instant now) {
  next_ = now.plus_s(kLongestS);  // its end says when
  if (network_) network_pass_ = now;
  network_ = false;
}

void ResidentSchedule::worker_ended(Instant now, std::optional<Instant> asked) {
  if (asked && *asked > now && *asked <= now.plus_s(kLongestS + kNetworkGapS)) {
    crashes_ = 0;
    next_ = std::min(*asked, now.plus_s(kLongestS));
    return;
  }
  next_ = now.plus_ms(std::max(kAfterCrashS * 1000, kCrash.delay_ms(crashes_, random_)));
  ++crashes_;
}

void ResidentSchedule::network_changed(Instant now) {
  if (network_) return;
  network_ = true;
  settled_ = std::max(now.plus_ms(kSettleMs), network_pass_.plus_s(kNetworkGapS));
}

void ResidentSchedule::network_noted(Instant now) { settled_ = now.plus_s(kNetworkGapS); }

void ResidentSchedule::clock_was_set(Instant now) {
  network_pass_ = {};
  if (next_ > now.plus_s(kLongestS)) next_ = now;
  if (settled_ > now.plus_s(kNetworkGapS)) settled_ = now.plus_ms(kSettleMs);
}

}  // namespace fp::apps
