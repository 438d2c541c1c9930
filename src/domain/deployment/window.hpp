// Maintenance windows (domain.md §19): when they are open, whether a run fits, what merges with what. Any thread; pure.
// A window that is not UTC holds wall-clock time: `start` read as if it were UTC gives the local date and time of day. Each
// occurrence is turned into an instant with the offset in force on its own day, so a window at 01:00 stays at 01:00 through
// changes to and from daylight saving (a time that a change leaps over moves by the leap). Lengths are elapsed time.
#pragma once
#include <functional>
#include <optional>
#include <vector>

#include "domain/deployment/reason.hpp"
#include "model/collection.hpp"

namespace fp::deployment {

// Seconds east of UTC that the device's zone has at the instant.
using OffsetAt = std::function<std::int64_t(Instant)>;
[[nodiscard]] OffsetAt fixed_offset(std::int64_t offset_s);

struct Interval {  // [begin, end)
  Instant begin, end;
  bool operator==(const Interval&) const = default;
  [[nodiscard]] bool contains(Instant at) const { return begin <= at && at < end; }
  [[nodiscard]] std::int64_t length_s() const { return end.since_ms(begin) / 1000; }
};

// The first occurrence that ends after `after` (so one that is open now counts). Nothing: a past `once`, a disabled window
// or one outside the limits of domain.md §19 (5 minutes to below a day, every >= 1).
[[nodiscard]] std::optional<Interval> next_occurrence(const MaintenanceWindow& window, Instant after, const OffsetAt& offset);
[[nodiscard]] bool is_open(const MaintenanceWindow& window, Instant now, const OffsetAt& offset);

enum class WindowUse { deployment, updates, task_sequence };

// The windows that rule a use: all_deployments for deployments; task_sequences and all_deployments for task sequences;
// for updates the software_updates ones if there is any, else all_deployments, and both with `updates_use_both`.
// Empty: the use is not restricted.
[[nodiscard]] std::vector<MaintenanceWindow> ruling_windows(const std::vector<MaintenanceWindow>& windows, WindowUse use,
                                                            bool updates_use_both = false);

// Occurrences of all of them that end after `from` and begin before `to`; those that overlap or touch are merged. Sorted.
[[nodiscard]] std::vector<Interval> merged(const std::vector<MaintenanceWindow>& windows, Instant from, Instant to,
                                           const OffsetAt& offset);

struct WindowDecision {
  enum class Kind { now, at, never };
  Kind kind = Kind::now;
  Instant at;      // Kind::at: the beginning of the window to wait for
  Reasons reasons;
};

// When may something start that needs `run_time_min`? `may_overrun`: it need not fit (a program of unknown length).
// `windows` are the ruling ones; looks a year ahead (a monthly window of every 12 months included).
[[nodiscard]] WindowDecision decide_window(const std::vector<MaintenanceWindow>& windows, Instant now, std::int64_t run_time_min,
                                           bool may_overrun, const OffsetAt& offset);

}  // namespace fp::deployment
