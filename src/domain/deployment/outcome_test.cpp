#include "domain/deployment/outcome.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/deployment/cache.hpp"

namespace fp::deployment {
namespace {

const Instant kNow = parse_time("2026-05-02T20:00:00Z").value();

OutcomeDecision outcome(int exit_code, int retries = 0) {
  return decide_outcome(DeploymentType{}, {exit_code, 0, false}, retries, kNow);
}

TEST(Outcome, DefaultCodesMeanWhatTheyAlwaysMeant) {
  EXPECT_EQ(outcome(0).event, Event::run_succeeded);
  EXPECT_EQ(outcome(1707).event, Event::run_succeeded);
  EXPECT_EQ(outcome(3010).event, Event::run_needs_reboot);
  EXPECT_FALSE(outcome(3010).hard_reboot);
  EXPECT_TRUE(outcome(1641).hard_reboot);
  EXPECT_EQ(outcome(1618).event, Event::run_retry);
  EXPECT_EQ(outcome(1).event, Event::run_failed);
}

TEST(Outcome, ACodeOverAByteAlsoMatchesWhatIsLeftOfIt) {
  EXPECT_EQ(outcome(3010 & 0xFF).event, Event::run_needs_reboot);
  EXPECT_TRUE(outcome(1641 & 0xFF).hard_reboot);
  DeploymentType own;
  own.return_codes = {{0, ReturnKind::success}, {512, ReturnKind::failure}, {7, ReturnKind::success}, {263, ReturnKind::failure}};
  EXPECT_EQ(classify(own, 0), ReturnKind::success);
  EXPECT_EQ(classify(own, 7), ReturnKind::success) << "an exact match comes first";
}

TEST(Outcome, ATypeWithItsOwnTableHasNoOther) {
  DeploymentType own;
  own.return_codes = {{5, ReturnKind::success}};
  EXPECT_EQ(classify(own, 5), ReturnKind::success);
  EXPECT_EQ(classify(own, 0), ReturnKind::failure);
  EXPECT_EQ(classify(own, 3010), ReturnKind::failure);
}

TEST(Outcome, FastRetryComesTenTimesEveryTwoHours) {
  EXPECT_EQ(outcome(1618, 0).retry_at, kNow.plus_s(7200));
  EXPECT_EQ(outcome(1618, 9).event, Event::run_retry);
  EXPECT_EQ(outcome(1618, 10).event, Event::retries_exhausted);
}

TEST(Outcome, ATimeoutOrASignalIsAFailureWhateverTheCode) {
  EXPECT_EQ(decide_outcome({}, {0, 0, true}, 0, kNow).event, Event::run_failed);
  EXPECT_EQ(decide_outcome({}, {0, 9, false}, 0, kNow).event, Event::run_failed);
}

struct Restart : testing::Test {
  Deployment deployment;
  std::vector<MaintenanceWindow> night = {{"night", WindowKind::all_deployments, Recurrence::daily,
                                           parse_time("2026-01-01T20:00:00Z").value(), 60, 1, 0, true, true}};
  RestartDecision decide(bool hard, Instant now, const std::vector<MaintenanceWindow>& windows, bool user = false) {
    return decide_restart(deployment, hard, user, now, windows, {}, fixed_offset(0));
  }
};

TEST_F(Restart, ComesAfterNinetyMinutesOrTheFinalCountdown) {
  EXPECT_EQ(decide(false, kNow, {}).at, kNow.plus_s(90 * 60));
  EXPECT_EQ(decide(false, kNow, {}).notify_final_at, kNow.plus_s(75 * 60));
  EXPECT_EQ(decide(true, kNow, {}).at, kNow.plus_s(15 * 60));
}

TEST_F(Restart, StaysWithinTheWindow) {
  const auto open = decide(false, kNow, night);
  EXPECT_EQ(open.kind, RestartDecision::Kind::at);
  EXPECT_EQ(open.at, kNow.plus_s(3600)) << "the window ends before the 90 minutes do";
  const auto late = decide(true, kNow.plus_s(50 * 60), night);
  EXPECT_EQ(late.kind, RestartDecision::Kind::wait_window) << "no room for the countdown";
  EXPECT_EQ(late.at, kNow.plus_s(86400));
}

TEST_F(Restart, LeavesTheWindowWhenAllowedOrWhenTheUserBegan) {
  EXPECT_EQ(decide(true, kNow.plus_s(7200), night, true).kind, RestartDecision::Kind::at);
  deployment.restart_outside_window = true;
  EXPECT_EQ(decide(true, kNow.plus_s(7200), night).kind, RestartDecision::Kind::at);
  deployment.suppress_restart = true;
  EXPECT_EQ(decide(true, kNow, {}).kind, RestartDecision::Kind::suppressed);
}

constexpr std::int64_t kMb = 1 << 20;

CacheEntry entry(const char* id, std::int64_t mb, std::int64_t hours_ago, bool persist = false, bool in_use = false) {
  return {id, mb * kMb, kNow.plus_s(-hours_ago * 3600), persist, in_use};
}

CacheDecision cache(std::int64_t mb, const std::vector<CacheEntry>& entries, int retries = 0, bool updates = false,
                    std::int64_t free_mb = -1) {
  CacheLimits limits;
  limits.bytes_max = 100 * kMb;
  limits.disk_free_bytes = free_mb < 0 ? -1 : free_mb * kMb;
  return decide_cache(mb * kMb, entries, limits, retries, updates, kNow);
}

TEST(Cache, WhatFitsEvictsNothing) {
  EXPECT_EQ(cache(50, {entry("a", 50, 99)}).kind, CacheDecision::Kind::fits);
}

TEST(Cache, EvictsTheOldestAndNoMoreThanNeeded) {
  const auto decision = cache(50, {entry("new", 30, 30), entry("old", 30, 90), entry("older", 30, 100)});
  EXPECT_EQ(decision.kind, CacheDecision::Kind::evict);
  EXPECT_EQ(decision.evict, (std::vector<std::string>{"older", "old"}));
}

TEST(Cache, KeepsWhatIsYoungPersistentOrInUse) {
  const auto decision = cache(50, {entry("young", 30, 1), entry("persistent", 30, 99, true), entry("used", 30, 99, false, true)});
  EXPECT_EQ(decision.kind, CacheDecision::Kind::retry);
  EXPECT_EQ(decision.retry_at, kNow.plus_s(4 * 3600));
  EXPECT_TRUE(decision.evict.empty());
}

TEST(Cache, GivesUpAfterEighteenTries) {
  EXPECT_EQ(cache(50, {entry("young", 90, 1)}, 17).kind, CacheDecision::Kind::retry);
  const auto decision = cache(50, {entry("young", 90, 1)}, 18);
  EXPECT_EQ(decision.kind, CacheDecision::Kind::given_up);
  EXPECT_EQ(decision.status_id, 10050);
}

TEST(Cache, TooBigForTheWholeOfItIsAStatusMessage) {
  EXPECT_EQ(cache(101, {}).kind, CacheDecision::Kind::too_big);
  EXPECT_EQ(cache(101, {}).status_id, 10050);
  EXPECT_EQ(cache(60, {entry("kept", 50, 99, true)}).kind, CacheDecision::Kind::too_big)
      << "what is kept for good never makes room";
}

TEST(Cache, UpdatesGoOverTheLimitButNotOverTheDisk) {
  EXPECT_EQ(cache(150, {entry("young", 90, 1)}, 0, true).kind, CacheDecision::Kind::fits);
  EXPECT_EQ(cache(150, {entry("young", 90, 1)}, 0, true, 100).kind, CacheDecision::Kind::retry);
  EXPECT_EQ(cache(40, {entry("old", 50, 99)}, 0, false, 10).evict, (std::vector<std::string>{"old"}));
}

TEST(Cache, TheLowerOfSizeAndShareOfTheDiskCounts) {
  EXPECT_EQ(cache_bytes_max(100, 0, 1000 * kMb), 100 * kMb);
  EXPECT_EQ(cache_bytes_max(100, 5, 1000 * kMb), 50 * kMb);
  EXPECT_EQ(cache_bytes_max(100, 50, 1000 * kMb), 100 * kMb);
}

}  // namespace
}  // namespace fp::deployment
