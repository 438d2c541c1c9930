#include "apps/resident_schedule.hpp"

#include <gtest/gtest.h>

using namespace fp;
using fp::apps::ResidentSchedule;

namespace {

constexpr std::int64_t kYearS = 365LL * 86400;

struct ResidentScheduleTest : testing::Test {
  Instant now{1'800'000'000'000};
  SeededRandom random{7};
  ResidentSchedule schedule{random};
  void pass(std::int64_t next_s) {
    schedule.worker_started(now);
    schedule.worker_ended(now, now.plus_s(next_s));
  }
};

}  // namespace

TEST_F(ResidentScheduleTest, TheWorkerSaysWhenAndNobodyAsksForMoreThanAnHour) {
  pass(60);
  EXPECT_EQ(schedule.wake_at(), now.plus_s(60));
  EXPECT_FALSE(schedule.due(now.plus_s(59)));
  EXPECT_TRUE(schedule.due(now.plus_s(60)));
  pass(3600);
  EXPECT_EQ(schedule.wake_at(), now.plus_s(3600));
}

TEST_F(ResidentScheduleTest, AWorkerThatCountedByAClockThatWasADayBeforeIsFollowedSoon) {
  schedule.worker_started(now);
  schedule.clock_was_set(now);  // while it ran: nothing is beyond an hour yet
  schedule.worker_ended(now, now.plus_s(86'400 + 60));
  EXPECT_LE(schedule.wake_at().since_ms(now), 10'000);
}

TEST_F(ResidentScheduleTest, AWorkerThatDiesIsTriedAgainEverMoreSlowly) {
  std::int64_t longest_ms = 0;
  for (int n = 0; n < 20; ++n) {
    schedule.worker_started(now);
    // Nothing said, and what was said before the crash: neither makes the next one come at once.
    schedule.worker_ended(now, n % 2 == 0 ? std::nullopt : std::optional(now.plus_s(-5)));
    const auto delay = schedule.wake_at().since_ms(now);
    EXPECT_GE(delay, 5000);
    EXPECT_LE(delay, std::max<std::int64_t>(5000, std::min<std::int64_t>(3'600'000, 10'000LL << n)));
    longest_ms = std::max(longest_ms, delay);
    now = schedule.wake_at();
  }
  EXPECT_GT(longest_ms, 600'000);
  pass(60);
  schedule.worker_started(now);
  schedule.worker_ended(now, std::nullopt);
  EXPECT_LE(schedule.wake_at().since_ms(now), 10'000);
}

TEST_F(ResidentScheduleTest, AClockThatGoesBackDoesNotStarveTheClient) {
  pass(600);
  const auto earlier = now.plus_s(-kYearS);
  schedule.clock_was_set(earlier);
  EXPECT_TRUE(schedule.due(earlier));
  now = earlier;
  pass(600);
  EXPECT_EQ(schedule.wake_at(), now.plus_s(600));
}

TEST_F(ResidentScheduleTest, AClockThatGoesForwardCausesOnePassAndNoMore) {
  pass(600);
  now = now.plus_s(kYearS);
  schedule.clock_was_set(now);
  EXPECT_TRUE(schedule.due(now));
  schedule.worker_started(now);
  EXPECT_FALSE(schedule.due(now));
  schedule.worker_ended(now, now.plus_s(600));
  for (int n = 0; n < 100; ++n) {
    now = now.plus_ms(10);
    schedule.clock_was_set(now);  // as time daemons do it, in many small steps
    EXPECT_FALSE(schedule.due(now));
  }
}

TEST_F(ResidentScheduleTest, AFlappingNetworkIsLookedAtWhenItSettledAndNotAllTheTime) {
  pass(600);
  schedule.network_changed(now);
  EXPECT_FALSE(schedule.due(now));
  EXPECT_EQ(schedule.wake_at(), now.plus_ms(ResidentSchedule::kSettleMs));
  now = now.plus_ms(ResidentSchedule::kSettleMs);
  EXPECT_TRUE(schedule.network_due(now));
  int passes = 0;
  const auto end = now.plus_s(60);
  while (now < end) {
    schedule.network_changed(now);
    if (schedule.due(now)) {
      ++passes;
      pass(600);
    }
    now = now.plus_ms(100);
  }
  EXPECT_LE(passes, 60 / ResidentSchedule::kNetworkGapS + 1);
  EXPECT_GE(passes, 60 / (ResidentSchedule::kNetworkGapS + 2));
}

TEST_F(ResidentScheduleTest, AChangeOfTheNetworkSurvivesAClockThatGoesBack) {
  pass(600);
  schedule.network_changed(now);
  now = now.plus_s(-kYearS);
  schedule.clock_was_set(now);
  EXPECT_TRUE(schedule.network_due(now.plus_ms(3000)));
}
