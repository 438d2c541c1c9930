// When the resident part of the agent starts its next worker: what the last worker asked for, a change of the network, a clock
// that was set, a worker that died. Decisions only: no timer, no process. One thread; values.
#pragma once
#include <algorithm>
#include <optional>

#include "base/clock.hpp"
#include "base/random.hpp"

namespace fp::apps {

class ResidentSchedule {
 public:
  static constexpr std::int64_t kLongestS = 3600;    // between two passes
  static constexpr std::int64_t kSettleMs = 1500;    // a network that changes comes in several messages
  static constexpr std::int64_t kNetworkGapS = 5;    // a host whose links flap does not look at them all the time
  static constexpr std::int64_t kAfterCrashS = 5;    // at least; then the back-off of the house up to kLongestS

  explicit ResidentSchedule(Random& random) : random_(random) {}

  void at_once(Instant now) { next_ = now; }
  void worker_started(Instant now);
  // `asked`: when the worker wants its successor; empty or past: it did not come to say so; later than anybody may: it said so by
  // another clock than the one of now.
  void worker_ended(Instant now, std::optional<Instant> asked);
  void network_changed(Instant now);
  void network_noted(Instant now);                   // a running worker was told; look again later
  // Times that were meant on the old clock mean nothing on the new one: neither a starved client nor one pass after another.
  void clock_was_set(Instant now);

  [[nodiscard]] bool network_pending() const { return network_; }
  [[nodiscard]] bool network_due(Instant now) const { return network_ && settled_ <= now; }
  [[nodiscard]] bool due(Instant now) const { return next_ <= now || network_due(now); }
  [[nodiscard]] Instant wake_at() const { return network_ ? std::min(next_, settled_) : next_; }
  [[nodiscard]] Instant next() const { return next_; }

 private:
  Random& random_;
  Instant next_;
  Instant settled_;        // when a change of the network is looked at
  Instant network_pass_;   // the last pass because of one
  bool network_ = false;
  int crashes_ = 0;        // in a row
};

}  // namespace fp::apps
