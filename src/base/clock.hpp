// Time as a value. Instant is milliseconds since 1970-01-01 UTC; Clock is the one seam through which it comes in.
// Any thread. Nobody calls now() of the standard library outside clock.cpp (rule 2).
#pragma once
#include <compare>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fp {

struct Instant {
  std::int64_t ms = 0;
  auto operator<=>(const Instant&) const = default;
  [[nodiscard]] Instant plus_s(std::int64_t s) const { return {ms + s * 1000}; }
  [[nodiscard]] Instant plus_ms(std::int64_t d) const { return {ms + d}; }
  [[nodiscard]] std::int64_t since_ms(Instant earlier) const { return ms - earlier.ms; }
};

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant now() const = 0;           // wall clock, UTC
  [[nodiscard]] virtual std::int64_t steady_ms() const = 0;  // monotonic, for durations
};

// The machine's clock; one object, lives for ever.
[[nodiscard]] const Clock& system_clock();

// A clock that moves only when told to: tests and the simulator. Thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Instant start = {1'800'000'000'000}) : now_(start) {}
  Instant now() const override { std::lock_guard lock(mutex_); return now_; }
  std::int64_t steady_ms() const override { std::lock_guard lock(mutex_); return now_.ms; }
  void advance_s(std::int64_t s) { std::lock_guard lock(mutex_); now_ = now_.plus_s(s); }
  void set(Instant at) { std::lock_guard lock(mutex_); now_ = at; }

 private:
  mutable std::mutex mutex_;
  Instant now_;
};

[[nodiscard]] std::string to_iso(Instant at);          // 2026-11-22T14:52:20Z
[[nodiscard]] std::string to_iso_ms(Instant at);       // 2026-11-22T14:52:20.123Z
[[nodiscard]] std::string to_cim(Instant at);          // 20261122145220.123000+000 (wire.md §9)
[[nodiscard]] std::string to_cookie(Instant at);       // 2026-11-22 14:52:20.123 (wire.md §6.1 ServerCookie)
[[nodiscard]] std::string to_http_date(Instant at);    // Sun, 22 Nov 2026 14:52:20 GMT (RFC 9110 §5.6.7)

// Reads ISO-8601 (with Z, an offset, both, or nothing = UTC; a space or T between), CIM and MM/DD/YYYY hh:mm:ss.
// Code::invalid with the text in the message otherwise.
[[nodiscard]] Result<Instant> parse_time(std::string_view text);
[[nodiscard]] Result<Instant> parse_http_date(std::string_view text);  // all three forms of RFC 9110 §5.6.7

}  // namespace fp
