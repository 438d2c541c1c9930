#include "domain/deployment/window.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace fp::deployment {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kEveryMax = 400;
constexpr std::int64_t kTimeMaxMs = 4'102'444'800'000LL * 2;  // the year 2100 doubled: far beyond use, far below overflow

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0); }
std::int64_t week_of(std::int64_t day) { return floor_div(day + 4, 7); }  // weeks begin on Sunday; day 0 was a Thursday
unsigned weekday_of(std::int64_t day) { return static_cast<unsigned>(day + 4 - 7 * week_of(day)); }

// The instant of a wall-clock time. Of two (clocks set back) the first; of none (set forward) the one moved by the leap.
Instant instant_of(std::int64_t wall_ms, const OffsetAt& offset) {
  const std::int64_t before = offset({wall_ms - kDayMs}) * 1000, after = offset({wall_ms + kDayMs}) * 1000;
  if (before == after || offset({wall_ms - before}) * 1000 == before) return {wall_ms - before};
  if (offset({wall_ms - after}) * 1000 == after) return {wall_ms - after};
  return {wall_ms - before};
}

struct Pattern {
  const MaintenanceWindow& window;
  const OffsetAt& offset;
  std::int64_t first_day, time_of_day_ms;

  [[nodiscard]] Interval on(std::int64_t day) const {
    const std::int64_t wall = day * kDayMs + time_of_day_ms;
    const Instant begin = window.utc ? Instant{wall} : instant_of(wall, offset);
    return {begin, begin.plus_s(window.duration_min * 60)};
  }
};

std::optional<Interval> next_daily(const Pattern& p, std::int64_t from_day, Instant after) {
  const std::int64_t every = p.window.every;
  std::int64_t day = p.first_day + std::max<std::int64_t>(0, (from_day - p.first_day) / every) * every;
  for (int tries = 0; tries < 8; ++tries, day += every) {
    if (const Interval found = p.on(day); found.end > after) return found;
  }
  return std::nullopt;
}

std::optional<Interval> next_weekly(const Pattern& p, std::int64_t from_day, Instant after) {
  const unsigned mask = p.window.weekdays & 0x7F ? p.window.weekdays & 0x7F : 1U << weekday_of(p.first_day);
  const std::int64_t last = std::max(from_day, p.first_day) + 7 * p.window.every + 14;
  for (std::int64_t day = std::max(from_day, p.first_day); day <= last; ++day) {
    const bool of_week = (week_of(day) - week_of(p.first_day)) % p.window.every == 0;
    if (!of_week || !(mask & (1U << weekday_of(day)))) continue;
    if (const Interval found = p.on(day); found.end > after) return found;
  }
  return std::nullopt;
}

// The day of the month of `start`; in a shorter month its last day.
std::optional<Interval> next_monthly(const Pattern& p, std::int64_t from_day, Instant after) {
  using namespace std::chrono;
  const year_month_day first{sys_days{days{p.first_day}}};
  const year_month_day from{sys_days{days{std::max(from_day, p.first_day)}}};
  const auto months_apart = (from.year() / from.month() - first.year() / first.month()).count();
  std::int64_t skip = std::max<std::int64_t>(0, (months_apart - 1) / p.window.every) * p.window.every;
  for (int tries = 0; tries < 6; ++tries, skip += p.window.every) {
    const year_month month = first.year() / first.month() + months{skip};
    const day last = year_month_day_last{month.year(), month_day_last{month.month()}}.day();
    const sys_days on = month / std::min(first.day(), last);
    if (const Interval found = p.on(on.time_since_epoch().count()); found.end > after) return found;
  }
  return std::nullopt;
}

bool usable(const MaintenanceWindow& w) {
  return w.enabled && w.duration_min >= 5 && w.duration_min < 24 * 60 && w.every >= 1 && w.every <= kEveryMax &&
         w.start.ms >= 0 && w.start.ms < kTimeMaxMs;
}

WindowDecision found(WindowDecision::Kind kind, Instant at, std::string because) {
  return {kind, at, {{"maintenance window", std::move(because)}}};
}

}  // namespace

OffsetAt fixed_offset(std::int64_t offset_s) {
  return [offset_s](Instant) { return offset_s; };
}

std::optional<Interval> next_occurrence(const MaintenanceWindow& window, Instant after, const OffsetAt& offset) {
  if (!usable(window) || after.ms >= kTimeMaxMs) return std::nullopt;
  after.ms = std::max<std::int64_t>(after.ms, -kDayMs);
  const std::int64_t first_day = floor_div(window.start.ms, kDayMs);
  const Pattern p{window, offset, first_day, window.start.ms - first_day * kDayMs};
  // Two days earlier: a window may reach into the next day, and a zone may be a day away from UTC.
  const std::int64_t from_day = floor_div(after.ms, kDayMs) - 2;
  switch (window.recurrence) {
    case Recurrence::once: {
      const Interval only = p.on(first_day);
      return only.end > after ? std::optional(only) : std::nullopt;
    }
    case Recurrence::daily: return next_daily(p, from_day, after);
    case Recurrence::weekly: return next_weekly(p, from_day, after);
    case Recurrence::monthly: return next_monthly(p, from_day, after);
  }
  return std::nullopt;
}

bool is_open(const MaintenanceWindow& window, Instant now, const OffsetAt& offset) {
  const auto occurrence = next_occurrence(window, now, offset);
  return occurrence && occurrence->contains(now);
}

std::vector<MaintenanceWindow> ruling_windows(const std::vector<MaintenanceWindow>& windows, WindowUse use,
                                              bool updates_use_both) {
  const bool update_windows = std::any_of(windows.begin(), windows.end(), [](const MaintenanceWindow& w) {
    return w.enabled && w.kind == WindowKind::software_updates;
  });
  std::vector<MaintenanceWindow> out;
  for (const auto& w : windows) {
    if (!w.enabled) continue;
    bool rules = w.kind == WindowKind::all_deployments;
    if (use == WindowUse::task_sequence) rules = rules || w.kind == WindowKind::task_sequences;
    if (use == WindowUse::updates && update_windows) {
      rules = w.kind == WindowKind::software_updates || (rules && updates_use_both);
    }
    if (rules) out.push_back(w);
  }
  return out;
}

std::vector<Interval> merged(const std::vector<MaintenanceWindow>& windows, Instant from, Instant to, const OffsetAt& offset) {
  std::vector<Interval> all;
  for (const auto& w : windows) {
    auto at = next_occurrence(w, from, offset);
    while (at && at->begin < to) {
      all.push_back(*at);
      at = next_occurrence(w, at->end, offset);
    }
  }
  std::sort(all.begin(), all.end(), [](const Interval& a, const Interval& b) { return a.begin < b.begin; });
  std::vector<Interval> out;
  for (const auto& i : all) {
    if (!out.empty() && i.begin <= out.back().end) {
      out.back().end = std::max(out.back().end, i.end);
    } else {
      out.push_back(i);
    }
  }
  return out;
}

WindowDecision decide_window(const std::vector<MaintenanceWindow>& windows, Instant now, std::int64_t run_time_min,
                             bool may_overrun, const OffsetAt& offset) {
  using Kind = WindowDecision::Kind;
  if (windows.empty()) return found(Kind::now, now, "none rules this device");
  const std::int64_t needed_s = may_overrun ? 1 : std::max<std::int64_t>(run_time_min, 0) * 60;
  std::int64_t longest_min = 0;
  // Nearly every window comes round within weeks; only then is the whole year worth its cost.
  for (const std::int64_t days : {40, 400}) {
    for (const auto& i : merged(windows, now, now.plus_s(days * 86400), offset)) {
      longest_min = std::max(longest_min, i.length_s() / 60);
      if (i.contains(now) && i.end.since_ms(now) >= needed_s * 1000) {
        return found(Kind::now, now, fmt::format("open until {}", to_iso(i.end)));
      }
      if (i.begin > now && i.length_s() >= needed_s) {
        return found(Kind::at, i.begin,
                     fmt::format("the next that has room for {} min opens at {}", run_time_min, to_iso(i.begin)));
      }
    }
  }
  if (longest_min == 0) return found(Kind::never, now, "none opens within the next 400 days");
  return found(Kind::never, now,
               fmt::format("none is long enough: {} min are needed, the longest has {} min", run_time_min, longest_min));
}

}  // namespace fp::deployment
