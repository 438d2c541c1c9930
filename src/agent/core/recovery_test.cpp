// After a fault nobody comes by: how the agent gets back to work by its own schedule.
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/core/fake_world.hpp"
#include "base/text.hpp"

using namespace fp;
using namespace fp::agent;
using namespace fp::agent::fake;

namespace {

std::ptrdiff_t polls(const Bench& b) {
  return std::ranges::count_if(b.site.calls, [](const auto& c) { return c.find("MP_PolicyManager") != std::string::npos; });
}

// What the resident part does: pass after pass, each when the one before asked for it.
void live(Bench& b, Instant until) {
  while (b.clock.now() < until) {
    const auto next = b.pass().next;
    EXPECT_GE(next.since_ms(b.clock.now()), 5000) << "one pass after another";
    b.clock.advance_s(std::max<std::int64_t>(1, (next.since_ms(b.clock.now()) + 999) / 1000));
  }
}

void cut_off(Bench& b) { b.site.offline = {"https://mp1", "https://mp1:443", "http://mp1:80", "https://mp9", "https://mp9:443"}; }

}  // namespace

TEST(Recovery, HoweverLongNobodyAnsweredPolicyIsAskedForWithinAQuarterOfAnHour) {
  for (int n = 0; n < 3; ++n) {
    Bench b;
    b.random = SeededRandom(static_cast<std::uint64_t>(n));
    b.pass_all();
    cut_off(b);
    live(b, b.clock.now().plus_s(3 * 3600));
    b.site.offline.clear();
    const auto mended = b.clock.now();
    const auto before = polls(b);
    while (polls(b) == before && b.clock.now().since_ms(mended) < 2LL * 3600 * 1000) live(b, b.clock.now().plus_s(1));
    EXPECT_LE(b.clock.now().since_ms(mended), 2 * kRetryWithinMs + 10'000);  // live() ends when the pass after it is due
    EXPECT_EQ(b.pass().problem, "");
  }
}

TEST(Recovery, AProblemStaysUntilAnAttemptWentWell) {
  Bench b;
  b.pass_all();
  cut_off(b);
  b.pass({{"policy"}, false, false});
  const auto said = b.pass().problem;  // nothing is due
  EXPECT_NE(said.find("not reached"), std::string::npos) << said;
  b.site.offline.clear();
  EXPECT_NE(b.pass().problem, "");
  EXPECT_EQ(b.pass({{"policy"}, false, false}).problem, "");
  EXPECT_EQ(b.pass().problem, "");
}

TEST(Recovery, OnAnotherNetworkWhatFailedOnTheOldOneIsTriedAtOnce) {
  Bench b;
  b.pass_all();
  b.pass({{}, true, false});
  const auto quiet = polls(b);
  EXPECT_EQ(b.pass({{}, true, false}).problem, "");
  EXPECT_EQ(polls(b), quiet) << "nothing had failed";
  cut_off(b);
  for (int n = 0; n < 5; ++n) b.pass({{"policy"}, false, false});
  b.site.offline.clear();
  EXPECT_EQ(b.pass({{}, true, false}).problem, "");
  EXPECT_GT(polls(b), quiet);
}

TEST(Recovery, APlaceWhereNobodyWasReachedIsLookedForAgainWithoutAnotherChange) {
  Bench b;
  b.pass_all();
  const auto reachable = b.site.offline;
  cut_off(b);  // the address is there, the server of names is not yet
  b.pass({{}, true, false});
  EXPECT_EQ((*b.memory->decisions("location", 1))[0].verdict, "Currently internet");
  b.site.offline = reachable;
  live(b, b.clock.now().plus_s(120));
  EXPECT_EQ((*b.memory->decisions("location", 1))[0].verdict, "Currently intranet");
}

TEST(Recovery, ARegistrationThatFailedOnTheOldNetworkIsTriedAtOnceOnTheNewOne) {
  Bench b;
  cut_off(b);
  for (int n = 0; n < 5; ++n) b.pass({{"policy"}, false, false});
  b.site.offline.clear();
  EXPECT_EQ(b.pass({{}, true, false}).problem, "");
  EXPECT_EQ(b.memory->identity()->registration, "registered");
}

TEST(Recovery, ABodyThatDidNotComeIsAskedForSoonAndNotAtTheNextPoll) {
  Bench b;
  b.pass_all();
  b.site.put_settings({{"client_policy.polling_interval_min", "600"}});
  b.site.policies.begin()->second.bad_hash = true;
  EXPECT_NE(b.pass({{"policy"}, false, false}).problem.find("1 bodies waiting"), std::string::npos);
  b.site.put_settings({{"client_policy.polling_interval_min", "600"}});
  live(b, b.clock.now().plus_ms(kRetryWithinMs));
  EXPECT_EQ(effective_policy(*b.memory)->number("client_policy.polling_interval_min", 60), 600);
}

TEST(Recovery, WhatASignalCutOffIsDoneByTheNextPassAndIsNoFailure) {
  Bench b;
  b.pass_all();
  for (const char* mp : {"https://mp1", "https://mp1:443", "https://mp9:443"}) b.site.failing.insert_or_assign(mp, Error{Code::io, "ended: the caller has to stop"});
  b.stop = [] { return true; };
  b.pass({{"policy"}, false, false});
  EXPECT_EQ(b.memory->schedule("policy")->value().failures, 0);
  b.site.failing.clear();
  b.stop = {};
  const auto before = polls(b);
  EXPECT_EQ(b.pass().problem, "");
  EXPECT_GT(polls(b), before);
}

TEST(Recovery, AnUnprovedSigningCertificateIsAskedForAgainSoon) {
  Bench b;
  b.settings.root_key = hex("no key of this site");
  EXPECT_NE(b.pass().problem, "");
  b.settings.root_key.clear();
  live(b, b.clock.now().plus_ms(kRetryWithinMs));
  EXPECT_TRUE(file_exists(b.dir / "site-signing.pem"));
  EXPECT_EQ(b.pass().problem, "");
}

TEST(WayOut, WithoutAWebProxyWhySaysDirectAndWhyOnce) {
  Bench b;
  b.pass();
  b.pass();
  const auto told = *b.memory->decisions("proxy", 10);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].verdict, "direct");
  EXPECT_NE(told[0].reason.find("names a web proxy"), std::string::npos);
}
