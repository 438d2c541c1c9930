#include "domain/deployment/schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fp::deployment {
namespace {

using testing::HasSubstr;

Instant at(const char* text) { return parse_time(text).value(); }

struct Desk : testing::Test {
  Deployment deployment;
  Situation now;
  Desk() {
    deployment.available_at = at("2026-05-01T08:00:00Z");
    deployment.deadline = at("2026-05-02T20:00:00Z");
    now.policy_received_at = at("2026-05-01T07:30:00Z");
  }
  Timing when(const char* time) {
    now.now = at(time);
    return when_to_act(deployment, now);
  }
  void night_window(std::int64_t minutes) {
    now.windows = {
        {"night", WindowKind::all_deployments, Recurrence::daily, at("2026-01-01T01:00:00Z"), minutes, 1, 0, true, true}};
  }
};
struct Required : Desk {};
struct Available : Desk {
  Available() { deployment.purpose = Purpose::available; }
};

TEST_F(Required, WaitsForItsAvailableTime) {
  const Timing t = when("2026-05-01T07:59:00Z");
  EXPECT_EQ(t.act, Act::wait);
  EXPECT_EQ(t.at, deployment.available_at);
}

TEST_F(Required, SpreadsItsStartByTheDrawnDelay) {
  now.activation_delay_s = 3600;
  EXPECT_EQ(when("2026-05-01T08:30:00Z").act, Act::wait);
  EXPECT_EQ(when("2026-05-01T09:00:00Z").act, Act::download);
  now.activation_delay_s = 1'000'000;
  EXPECT_EQ(when("2026-05-01T10:00:00Z").act, Act::download) << "the delay never exceeds two hours";
}

TEST_F(Required, FetchesContentBeforeAndRunsAtTheDeadline) {
  const Timing before = when("2026-05-02T19:59:00Z");
  EXPECT_EQ(before.act, Act::download);
  EXPECT_EQ(before.at, deployment.deadline);
  EXPECT_FALSE(before.waits_for_window);
  EXPECT_EQ(when("2026-05-02T20:00:00Z").act, Act::run);
}

TEST_F(Required, WithoutADeadlineRunsAsSoonAsItIsAvailable) {
  deployment.deadline.reset();
  EXPECT_EQ(when("2026-05-01T08:00:00Z").act, Act::run);
}

TEST_F(Required, WaitsForAWindowThatFits) {
  night_window(180);
  const Timing t = when("2026-05-02T20:30:00Z");
  EXPECT_EQ(t.act, Act::download);
  EXPECT_TRUE(t.waits_for_window);
  EXPECT_EQ(t.at, at("2026-05-03T01:00:00Z"));
  EXPECT_EQ(when("2026-05-03T01:00:00Z").act, Act::run);
  EXPECT_EQ(when("2026-05-03T03:00:00Z").at, at("2026-05-04T01:00:00Z")) << "a missed window is followed by the next one";
}

TEST_F(Required, SaysWhenNoWindowWillEverFit) {
  night_window(60);
  const Timing t = when("2026-05-02T20:30:00Z");
  EXPECT_EQ(t.act, Act::never);
  EXPECT_THAT(sentence(t.reasons), HasSubstr("120 min are needed, the longest has 60 min"));
  now.may_overrun = true;
  EXPECT_EQ(when("2026-05-02T20:30:00Z").act, Act::download);
}

TEST_F(Required, MayBeAllowedOutsideWindows) {
  night_window(60);
  deployment.install_outside_window = true;
  EXPECT_EQ(when("2026-05-02T20:30:00Z").act, Act::run);
}

TEST_F(Required, HasAGracePeriodWhenThePolicyCameTooLate) {
  now.grace_h = 24;
  EXPECT_EQ(when("2026-05-02T20:00:00Z").act, Act::run) << "the policy was there in time";
  now.policy_received_at = at("2026-05-03T08:00:00Z");
  EXPECT_EQ(when("2026-05-03T20:00:00Z").act, Act::download);
  EXPECT_EQ(when("2026-05-04T08:00:00Z").act, Act::run);
}

TEST_F(Required, RunsAtOnceWhenTheUserStartsIt) {
  night_window(180);
  now.user_started = true;
  EXPECT_EQ(when("2026-05-01T12:00:00Z").act, Act::run);
  EXPECT_EQ(when("2026-05-01T07:00:00Z").act, Act::wait) << "but not before it is available";
}

TEST_F(Required, NeverRunsWhenDisabled) {
  deployment.enabled = false;
  EXPECT_EQ(when("2026-05-03T12:00:00Z").act, Act::never);
}

TEST_F(Available, IsOfferedUntilTheUserStartsIt) {
  EXPECT_EQ(when("2026-05-01T07:00:00Z").act, Act::wait);
  EXPECT_EQ(when("2026-06-01T07:00:00Z").act, Act::offer);
  now.user_started = true;
  EXPECT_EQ(when("2026-06-01T07:00:00Z").act, Act::run);
}

TEST_F(Available, UninstallIsAlwaysRequired) {
  deployment.action = DeploymentAction::uninstall;
  EXPECT_EQ(when("2026-06-01T07:00:00Z").act, Act::run);
}

TEST(Rerun, FollowsItsBehaviour) {
  const RunHistory fresh, good{true, true, true}, bad{true, false, true}, quiet{true, false, false};
  EXPECT_TRUE(decide_rerun(RerunBehaviour::never, fresh).run);
  EXPECT_FALSE(decide_rerun(RerunBehaviour::never, bad).run);
  EXPECT_TRUE(decide_rerun(RerunBehaviour::always, good).run);
  EXPECT_FALSE(decide_rerun(RerunBehaviour::always, quiet).run);
  EXPECT_TRUE(decide_rerun(RerunBehaviour::if_failed, bad).run);
  EXPECT_FALSE(decide_rerun(RerunBehaviour::if_failed, good).run);
  EXPECT_TRUE(decide_rerun(RerunBehaviour::if_succeeded, good).run);
  EXPECT_FALSE(decide_rerun(RerunBehaviour::if_succeeded, bad).run);
}

TEST(Program, OfUnknownLengthHasTwelveHours) {
  EXPECT_EQ(run_time_limit_min(0), 720);
  EXPECT_EQ(run_time_limit_min(30), 30);
}

}  // namespace
}  // namespace fp::deployment
