// Failures within a window, counted by whatever they have in common: an address, an account, a token. Any thread; a map look-up. Never
// remembers more than kSubjectsMax: those that are new while it is full share one count, so that a flood cannot empty it.
#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace fp::enrollment {

class Throttle {
 public:
  Throttle(int failures_max, std::int64_t window_ms) : failures_max_(failures_max), window_ms_(window_ms) {}

  // Milliseconds to wait; 0: go on.
  [[nodiscard]] std::int64_t wait_ms(std::string_view subject, std::int64_t steady_ms) const {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(subject);
    const Count count = found != counts_.end() ? found->second : full() ? others_ : Count();
    if (count.failures < failures_max_ || steady_ms - count.began_ms >= window_ms_) return 0;
    return window_ms_ - (steady_ms - count.began_ms);
  }
  // Whether this one is over the limit.
  bool count(std::string_view subject, std::int64_t steady_ms) {
    const std::lock_guard lock(mutex_);
    if (full()) std::erase_if(counts_, [&](const auto& entry) { return steady_ms - entry.second.began_ms >= window_ms_; });
    const auto found = counts_.find(subject);
    Count& count = found != counts_.end() ? found->second : full() ? others_ : counts_[std::string(subject)];
    if (count.failures == 0 || steady_ms - count.began_ms >= window_ms_) count = {steady_ms, 0};
    return ++count.failures > failures_max_;
  }

  static constexpr std::size_t kSubjectsMax = 10'000;

 private:
  struct Count {
    std::int64_t began_ms = 0;
    int failures = 0;
  };
  [[nodiscard]] bool full() const { return counts_.size() >= kSubjectsMax; }

  const int failures_max_;
  const std::int64_t window_ms_;
  mutable std::mutex mutex_;
  std::map<std::string, Count, std::less<>> counts_;
  Count others_;
};

// An address, or of IPv6 the network of 64 bits that one host may have whole.
[[nodiscard]] std::string subject_of_address(std::string_view address);

}  // namespace fp::enrollment
