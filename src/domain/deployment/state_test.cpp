#include "domain/deployment/state.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace fp::deployment {
namespace {

State state(int i) { return static_cast<State>(i); }
Event event(int i) { return static_cast<Event>(i); }

TEST(EnforcementStates, EveryPairIsInTheTableOnceOrRefusedWithBothNames) {
  std::map<std::pair<State, Event>, int> rows;
  for (const auto& t : transitions()) {
    const int times = ++rows[{t.from, t.event}];
    EXPECT_EQ(times, 1) << to_string(t.from) << " " << to_string(t.event);
  }
  for (int s = 0; s < kStates; ++s) {
    for (int e = 0; e < kEvents; ++e) {
      const auto to = next(state(s), event(e));
      EXPECT_EQ(to.has_value(), rows.contains({state(s), event(e)}));
      if (to) continue;
      EXPECT_EQ(to.error().code, Code::conflict);
      EXPECT_NE(to.error().message.find(to_string(state(s))), std::string::npos);
      EXPECT_NE(to.error().message.find(to_string(event(e))), std::string::npos);
    }
  }
}

TEST(EnforcementStates, EveryEventIsUsedAndEveryStateIsReached) {
  std::set<Event> events;
  std::set<State> reached = {State::waiting_schedule};
  for (std::size_t before = 0; before != reached.size();) {
    before = reached.size();
    for (const auto& t : transitions()) {
      events.insert(t.event);
      if (reached.contains(t.from)) reached.insert(t.to);
    }
  }
  EXPECT_EQ(events.size(), static_cast<std::size_t>(kEvents));
  EXPECT_EQ(reached.size(), static_cast<std::size_t>(kStates));
}

TEST(EnforcementStates, FromEveryStateTheEndIsInReach) {
  for (int s = 0; s < kStates; ++s) {
    std::set<State> reached = {state(s)};
    for (std::size_t before = 0; before != reached.size();) {
      before = reached.size();
      for (const auto& t : transitions()) {
        if (reached.contains(t.from)) reached.insert(t.to);
      }
    }
    EXPECT_TRUE(reached.contains(State::succeeded)) << to_string(state(s));
    EXPECT_TRUE(reached.contains(State::failed)) << to_string(state(s));
  }
}

TEST(EnforcementStates, AnInterruptionNeverCountsAsSuccessAndWorkThatRunsTakesIt) {
  for (int s = 0; s < kStates; ++s) {
    const auto to = next(state(s), Event::interrupted);
    const bool works = !is_final(state(s)) && state(s) != State::waiting_schedule;
    EXPECT_TRUE(to || !works) << to_string(state(s));
    EXPECT_FALSE(to && is_final(*to)) << to_string(state(s));
  }
}

TEST(EnforcementStates, ANewRevisionIsTakenEverywhereButInTheMiddleOfARun) {
  for (int s = 0; s < kStates; ++s) {
    EXPECT_EQ(next(state(s), Event::policy_changed).has_value(), state(s) != State::installing) << to_string(state(s));
  }
}

TEST(EnforcementStates, EveryStateAndFailureHasAnIdOfItsFamily) {
  for (int s = 0; s < kStates; ++s) {
    const int id = topic_1702(state(s));
    const int family = state(s) == State::succeeded || state(s) == State::already_installed ? 1
                       : state(s) == State::requirements_not_met                           ? 3
                       : state(s) == State::failed                                         ? 5
                                                                                           : 2;
    EXPECT_EQ(id / 1000, family) << to_string(state(s));
  }
  std::set<int> ids;
  for (int f = 0; f < kFailures; ++f) ids.insert(topic_1702(State::failed, static_cast<Failure>(f)));
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(kFailures));
  EXPECT_EQ(*ids.begin() / 1000, 5);
}

TEST(EnforcementStates, NamesAreDistinctAndReadBack) {
  std::set<std::string_view> names;
  for (int s = 0; s < kStates; ++s) {
    names.insert(to_string(state(s)));
    EXPECT_EQ(parse_state(to_string(state(s))).value(), state(s));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kStates));
  names.clear();
  for (int e = 0; e < kEvents; ++e) names.insert(to_string(event(e)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kEvents));
  EXPECT_EQ(parse_state("resting").error().code, Code::invalid);
}

TEST(EnforcementStates, TheUsualWayLeadsToSuccess) {
  State now = State::waiting_schedule;
  for (const auto e : {Event::activated, Event::requirements_met, Event::not_compliant, Event::dependencies_ready,
                       Event::content_started, Event::content_lost, Event::content_started, Event::content_ready, Event::due,
                       Event::window_open, Event::run_needs_reboot, Event::rebooted, Event::compliant}) {
    now = next(now, e).value();
  }
  EXPECT_EQ(now, State::succeeded);
}

}  // namespace
}  // namespace fp::deployment
