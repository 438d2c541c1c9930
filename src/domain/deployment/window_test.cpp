#include "domain/deployment/window.hpp"

#include <gtest/gtest.h>

#include <random>

namespace fp::deployment {
namespace {

Instant at(const char* text) { return parse_time(text).value(); }

MaintenanceWindow window(Recurrence recurrence, const char* start, std::int64_t duration_min, std::int64_t every = 1,
                         unsigned weekdays = 0) {
  return {"w", WindowKind::all_deployments, recurrence, at(start), duration_min, every, weekdays, true, true};
}

std::string begin_of(const MaintenanceWindow& w, const char* after, const OffsetAt& offset = fixed_offset(0)) {
  const auto found = next_occurrence(w, at(after), offset);
  return found ? to_iso(found->begin) : "none";
}

// Central Europe in 2026: +2 h between 29 March 01:00 UTC and 25 October 01:00 UTC, else +1 h.
std::int64_t central_europe(Instant t) {
  return t >= at("2026-03-29T01:00:00Z") && t < at("2026-10-25T01:00:00Z") ? 7200 : 3600;
}

TEST(Window, OnceIsOverAfterItsEnd) {
  const auto w = window(Recurrence::once, "2026-05-01T22:00:00Z", 240);
  EXPECT_EQ(begin_of(w, "2026-04-01T00:00:00Z"), "2026-05-01T22:00:00Z");
  EXPECT_EQ(begin_of(w, "2026-05-02T01:59:59Z"), "2026-05-01T22:00:00Z");
  EXPECT_EQ(begin_of(w, "2026-05-02T02:00:00Z"), "none");
}

TEST(Window, OneThatIsOpenCountsAsNext) {
  const auto w = window(Recurrence::daily, "2026-01-01T23:00:00Z", 180);
  EXPECT_EQ(begin_of(w, "2026-06-10T01:30:00Z"), "2026-06-09T23:00:00Z");
  EXPECT_TRUE(is_open(w, at("2026-06-10T01:30:00Z"), fixed_offset(0)));
  EXPECT_FALSE(is_open(w, at("2026-06-10T02:00:00Z"), fixed_offset(0)));
  EXPECT_EQ(begin_of(w, "2025-01-01T00:00:00Z"), "2026-01-01T23:00:00Z") << "nothing comes before the start";
}

TEST(Window, EveryThirdDayKeepsItsRhythm) {
  const auto w = window(Recurrence::daily, "2026-01-01T01:00:00Z", 60, 3);
  EXPECT_EQ(begin_of(w, "2026-01-01T02:00:00Z"), "2026-01-04T01:00:00Z");
  EXPECT_EQ(begin_of(w, "2026-01-05T00:00:00Z"), "2026-01-07T01:00:00Z");
}

TEST(Window, WeeklyTakesTheDayOfItsStartUnlessDaysAreNamed) {
  const auto sunday = window(Recurrence::weekly, "2026-03-01T01:00:00Z", 180);  // a Sunday
  EXPECT_EQ(begin_of(sunday, "2026-03-02T00:00:00Z"), "2026-03-08T01:00:00Z");
  const auto tuesday_friday = window(Recurrence::weekly, "2026-03-01T01:00:00Z", 180, 1, 0b0100100);
  EXPECT_EQ(begin_of(tuesday_friday, "2026-03-01T00:00:00Z"), "2026-03-03T01:00:00Z");
  EXPECT_EQ(begin_of(tuesday_friday, "2026-03-03T12:00:00Z"), "2026-03-06T01:00:00Z");
}

TEST(Window, EverySecondWeekCountsWeeksFromSunday) {
  const auto w = window(Recurrence::weekly, "2026-03-04T01:00:00Z", 60, 2, 0b0000011);  // Wednesday; Sunday and Monday
  EXPECT_EQ(begin_of(w, "2026-03-04T00:00:00Z"), "2026-03-15T01:00:00Z");
  EXPECT_EQ(begin_of(w, "2026-03-17T00:00:00Z"), "2026-03-29T01:00:00Z");
}

TEST(Window, MonthlyFallsOnTheLastDayOfAShortMonth) {
  const auto w = window(Recurrence::monthly, "2026-01-31T01:00:00Z", 60);
  EXPECT_EQ(begin_of(w, "2026-02-01T00:00:00Z"), "2026-02-28T01:00:00Z");
  EXPECT_EQ(begin_of(w, "2026-03-01T00:00:00Z"), "2026-03-31T01:00:00Z");
  EXPECT_EQ(begin_of(window(Recurrence::monthly, "2026-01-15T01:00:00Z", 60, 3), "2026-02-01T00:00:00Z"), "2026-04-15T01:00:00Z");
}

TEST(Window, LocalTimeStaysTheSameThroughDaylightSaving) {
  auto w = window(Recurrence::daily, "2026-03-01T01:00:00Z", 60);
  w.utc = false;
  EXPECT_EQ(begin_of(w, "2026-03-20T12:00:00Z", central_europe), "2026-03-21T00:00:00Z");
  EXPECT_EQ(begin_of(w, "2026-04-20T12:00:00Z", central_europe), "2026-04-20T23:00:00Z");
  w.utc = true;
  EXPECT_EQ(begin_of(w, "2026-04-20T12:00:00Z", central_europe), "2026-04-21T01:00:00Z");
}

TEST(Window, ATimeThatTheClockLeapsOverMovesByTheLeap) {
  auto w = window(Recurrence::daily, "2026-03-01T02:30:00Z", 60);
  w.utc = false;
  EXPECT_EQ(begin_of(w, "2026-03-28T12:00:00Z", central_europe), "2026-03-29T01:30:00Z");  // 03:30 local
  EXPECT_EQ(begin_of(w, "2026-10-24T12:00:00Z", central_europe), "2026-10-25T00:30:00Z");  // the first 02:30
}

TEST(Window, OneOutsideTheLimitsIsNeverOpen) {
  EXPECT_EQ(begin_of(window(Recurrence::daily, "2026-01-01T00:00:00Z", 4), "2026-01-01T00:00:00Z"), "none");
  EXPECT_EQ(begin_of(window(Recurrence::daily, "2026-01-01T00:00:00Z", 1440), "2026-01-01T00:00:00Z"), "none");
  EXPECT_EQ(begin_of(window(Recurrence::daily, "2026-01-01T00:00:00Z", 60, 0), "2026-01-01T00:00:00Z"), "none");
  auto off = window(Recurrence::daily, "2026-01-01T00:00:00Z", 60);
  off.enabled = false;
  EXPECT_EQ(begin_of(off, "2026-01-01T00:00:00Z"), "none");
}

TEST(Window, OverlappingOnesMergeAndOthersStayApart) {
  const auto a = window(Recurrence::once, "2026-01-01T01:00:00Z", 120), b = window(Recurrence::once, "2026-01-01T02:00:00Z", 120),
             c = window(Recurrence::once, "2026-01-01T05:00:00Z", 60), d = window(Recurrence::once, "2026-01-01T04:00:00Z", 60);
  EXPECT_EQ(merged({a, b, c}, at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"), fixed_offset(0)),
            (std::vector<Interval>{{at("2026-01-01T01:00:00Z"), at("2026-01-01T04:00:00Z")},
                                   {at("2026-01-01T05:00:00Z"), at("2026-01-01T06:00:00Z")}}));
  EXPECT_EQ(merged({c, d, b, a}, at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"), fixed_offset(0)).size(), 1U)
      << "windows that touch are one";
}

TEST(Window, TypesRuleTheirOwnUse) {
  auto all = window(Recurrence::daily, "2026-01-01T00:00:00Z", 60), updates = all, sequences = all;
  updates.kind = WindowKind::software_updates;
  sequences.kind = WindowKind::task_sequences;
  EXPECT_EQ(ruling_windows({all, updates, sequences}, WindowUse::deployment).size(), 1U);
  EXPECT_EQ(ruling_windows({all, updates, sequences}, WindowUse::updates).at(0).kind, WindowKind::software_updates);
  EXPECT_EQ(ruling_windows({all, updates, sequences}, WindowUse::updates, true).size(), 2U);
  EXPECT_EQ(ruling_windows({all, sequences}, WindowUse::updates).size(), 1U) << "without one of their own the general ones rule";
  EXPECT_EQ(ruling_windows({all, updates, sequences}, WindowUse::task_sequence).size(), 2U);
  EXPECT_TRUE(ruling_windows({updates}, WindowUse::deployment).empty());
}

TEST(Window, ARunStartsOnlyIfItFits) {
  const std::vector<MaintenanceWindow> night = {window(Recurrence::daily, "2026-01-01T01:00:00Z", 180)};
  const auto decide = [&](const char* now, std::int64_t run_min, bool overrun = false) {
    return decide_window(night, at(now), run_min, overrun, fixed_offset(0));
  };
  EXPECT_EQ(decide("2026-02-01T01:30:00Z", 120).kind, WindowDecision::Kind::now);
  EXPECT_EQ(decide("2026-02-01T02:30:00Z", 120).at, at("2026-02-02T01:00:00Z")) << "too late for today";
  EXPECT_EQ(decide("2026-02-01T02:30:00Z", 120, true).kind, WindowDecision::Kind::now) << "of unknown length: may overrun";
  const auto never = decide("2026-02-01T02:30:00Z", 181);
  EXPECT_EQ(never.kind, WindowDecision::Kind::never);
  EXPECT_EQ(sentence(never.reasons), "maintenance window: none is long enough: 181 min are needed, the longest has 180 min");
  EXPECT_EQ(decide_window({}, at("2026-02-01T02:30:00Z"), 999, false, fixed_offset(0)).kind, WindowDecision::Kind::now);
}

TEST(Window, APastOnceWindowStillRules) {
  const auto decision = decide_window({window(Recurrence::once, "2026-01-01T01:00:00Z", 180)}, at("2026-02-01T00:00:00Z"), 10,
                                      false, fixed_offset(0));
  EXPECT_EQ(decision.kind, WindowDecision::Kind::never);
}

TEST(Window, AYearlyOneIsFound) {
  const auto decision = decide_window({window(Recurrence::monthly, "2026-01-10T01:00:00Z", 180, 12)},
                                      at("2026-02-01T00:00:00Z"), 10, false, fixed_offset(0));
  EXPECT_EQ(decision.at, at("2027-01-10T01:00:00Z"));
}

// Whatever the window: the next occurrence ends later than asked for, and asking again at its begin gives the same.
TEST(Window, NextOccurrenceIsStable) {
  std::mt19937 engine(3);
  for (int round = 0; round < 20'000; ++round) {
    MaintenanceWindow w;
    w.recurrence = static_cast<Recurrence>(engine() % 4);
    w.start = {static_cast<std::int64_t>(engine() % 2'000'000) * 1'000'000};
    w.duration_min = 5 + engine() % 1430;
    w.every = 1 + engine() % 13;
    w.weekdays = engine() % 128;
    w.utc = engine() % 2 == 0;
    const Instant after{static_cast<std::int64_t>(engine() % 2'200'000) * 1'000'000};
    const auto found = next_occurrence(w, after, central_europe);
    if (!found) {
      ASSERT_EQ(w.recurrence, Recurrence::once);
      continue;
    }
    ASSERT_GT(found->end, after);
    ASSERT_EQ(found->length_s(), w.duration_min * 60);
    const auto again = next_occurrence(w, std::max(after, found->begin), central_europe);
    ASSERT_TRUE(again);
    ASSERT_LE(again->begin, std::max(after, found->begin).plus_s(24 * 3600 * 400));
    if (found->begin > after) {
      const auto same = next_occurrence(w, {found->begin.ms}, central_europe);
      ASSERT_TRUE(same && same->begin <= found->begin);
    }
  }
}

}  // namespace
}  // namespace fp::deployment
