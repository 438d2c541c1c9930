// So many messages in each interval: of everybody together, and of one address (domain.md §25). Any thread; a map look-up. Never
// remembers more than limits::kFallbackAddressesMax addresses: with more, the counts of addresses begin anew.
#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/limits.hpp"

namespace fp::fsp {

struct ThrottleLimits {
  std::int64_t messages = 10'000;      // 0: no limit
  std::int64_t of_one_address = 1000;  // 0: no limit
  std::int64_t interval_s = 3600;
};

enum class Throttled { no, all, address };

class Throttle {
 public:
  explicit Throttle(const ThrottleLimits& limits) : limits_(limits) {}

  // Counts one message, if it may come in.
  [[nodiscard]] Throttled take(std::string_view address, std::int64_t steady_ms) {
    std::lock_guard lock(mutex_);
    if (began_ms_ < 0 || steady_ms - began_ms_ >= limits_.interval_s * 1000) {
      began_ms_ = steady_ms;
      ++interval_;
      count_ = 0;
      addresses_.clear();
    }
    if (limits_.messages > 0 && count_ >= limits_.messages) return Throttled::all;
    if (limits_.of_one_address > 0) {
      if (addresses_.size() >= limits::kFallbackAddressesMax && !addresses_.contains(address)) addresses_.clear();
      auto& of_this = addresses_[std::string(address)];
      if (of_this >= limits_.of_one_address) return Throttled::address;
      ++of_this;
    }
    ++count_;
    return Throttled::no;
  }
  // Which interval it is, counted from 1.
  [[nodiscard]] std::int64_t interval() const {
    std::lock_guard lock(mutex_);
    return interval_;
  }
  // Until the interval ends, at least 1.
  [[nodiscard]] std::int64_t wait_s(std::int64_t steady_ms) const {
    std::lock_guard lock(mutex_);
    return std::max<std::int64_t>(1, limits_.interval_s - (steady_ms - began_ms_) / 1000);
  }

 private:
  const ThrottleLimits limits_;
  mutable std::mutex mutex_;
  std::int64_t began_ms_ = -1, count_ = 0, interval_ = 0;
  std::map<std::string, std::int64_t, std::less<>> addresses_;
};

}  // namespace fp::fsp
