#include "domain/internet/client_push.hpp"

#include <gtest/gtest.h>

namespace fp::internet {
namespace {

constexpr Instant kNow{1'800'000'000'000};
using Addresses = Result<std::vector<HostAddress>>;
const HostAddress kInside{"10.77.1.50", true, "10.77.1.50 is in 10.77.1.0/24"}, kOutside{"203.0.113.7", false, "203.0.113.7 is in no boundary"};

Device device(ConnectionType connection) {
  Device d;
  d.name = "PC1";
  d.connection = connection;
  d.last_policy_at = kNow;
  return d;
}
std::string refusal(const std::optional<Device>& known, const Addresses& addresses) {
  const auto v = may_push("pc1.corp.test", known, addresses, kNow);
  EXPECT_FALSE(v.offered);
  EXPECT_EQ(v.code, kOnInternet);
  return v.reason;
}

}  // namespace

TEST(ClientPush, GoesToComputersInsideOnly) {
  EXPECT_TRUE(may_push("pc1.corp.test", {}, Addresses{{kInside}}, kNow).offered);
  EXPECT_TRUE(may_push("pc1.corp.test", device(ConnectionType::currently_intranet), Addresses{{kInside}}, kNow).offered);
  EXPECT_NE(refusal(device(ConnectionType::currently_internet), Addresses{{kInside}}).find("currently on the internet"), std::string::npos);
  EXPECT_NE(refusal(device(ConnectionType::unknown), Addresses{{kInside}}).find("unknown place"), std::string::npos);
  EXPECT_NE(refusal({}, Addresses{{kOutside}}).find("pc1.corp.test is not known to be on the intranet: 203.0.113.7 is in no boundary"), std::string::npos);
  EXPECT_NE(refusal({}, Addresses{{kInside, kOutside}}).find("203.0.113.7"), std::string::npos);
  EXPECT_NE(refusal({}, fail(Code::not_found, "no such name")).find("no such name"), std::string::npos);
  EXPECT_NE(refusal({}, Addresses{}).find("has no address"), std::string::npos);
}

TEST(ClientPush, IsTriedHourlyForSevenDaysAndThenGivenUp) {
  auto push = ordered({}, kNow);
  EXPECT_EQ(push.next_at, kNow);
  int attempts = 0;
  Instant at = kNow;
  while (push.state == PushState::waiting) {
    at = push.next_at;
    push.state = PushState::running;
    push = after_attempt(push, {at, false, "no route"});
    ++attempts;
  }
  EXPECT_EQ(push.state, PushState::failed);
  EXPECT_EQ(attempts, 7 * 24 + 1);
  EXPECT_EQ(at, kNow.plus_ms(kPushForMs));
  EXPECT_EQ(push.finished_at, at);
  EXPECT_EQ(push.attempts.size(), static_cast<std::size_t>(attempts));
}

TEST(ClientPush, EndsWithTheFirstSuccess) {
  auto push = ordered({}, kNow);
  push = after_attempt(push, {kNow, false, "wrong key"});
  EXPECT_EQ(push.state, PushState::waiting);
  EXPECT_EQ(push.next_at, kNow.plus_ms(kPushEveryMs));
  push = after_attempt(push, {kNow.plus_s(9), true, "installed"});
  EXPECT_EQ(push.state, PushState::succeeded);
  EXPECT_EQ(push.finished_at, kNow.plus_s(9));
}

TEST(ClientPush, CancelledWhileItRunsStaysCancelledUnlessItSucceeded) {
  auto push = cancelled(ordered({}, kNow), kNow, "ola");
  EXPECT_EQ(push.state, PushState::cancelled);
  EXPECT_EQ(after_attempt(push, {kNow, false, "no route"}).state, PushState::cancelled);
  EXPECT_EQ(after_attempt(push, {kNow, true, "installed"}).state, PushState::succeeded);
}

TEST(ClientPush, GoesOnAfterARestartOfTheServer) {
  auto push = ordered({}, kNow);
  push.state = PushState::running;
  push = interrupted(push, kNow.plus_s(60));
  EXPECT_EQ(push.state, PushState::waiting);
  EXPECT_EQ(push.next_at, kNow.plus_s(60));
  EXPECT_EQ(push.attempts.back().reason, "the site server stopped while it was at it");
}

TEST(ClientPush, KeepsABoundedNumberOfAttempts) {
  auto push = ordered({}, kNow);
  for (std::size_t i = 0; i < kPushAttemptsMax + 7; ++i) push = after_attempt(push, {kNow, false, std::to_string(i)});
  EXPECT_EQ(push.attempts.size(), kPushAttemptsMax);
  EXPECT_EQ(push.attempts.front().reason, "7");
}

}  // namespace fp::internet
