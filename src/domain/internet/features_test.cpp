#include "domain/internet/features.hpp"

#include <gtest/gtest.h>

#include <set>

namespace fp::internet {
namespace {

constexpr Instant kNow{1'800'000'000'000};

Device device(ConnectionType connection, std::int64_t heard_ago_ms) {
  Device d;
  d.name = "LAPTOP";
  d.connection = connection;
  d.last_policy_at = kNow.plus_ms(-heard_ago_ms);
  return d;
}

}  // namespace

TEST(Features, StandInTheOrderOfTheirNumbersEachWithAReason) {
  std::set<std::string_view> ids;
  for (std::size_t i = 0; i < features().size(); ++i) {
    const auto& rule = features()[i];
    EXPECT_EQ(static_cast<std::size_t>(rule.feature), i);
    EXPECT_TRUE(ids.insert(rule.id).second);
    EXPECT_EQ(find_feature(rule.id), &rule);
    EXPECT_TRUE(rule.internet.ends_with('.') && !rule.seed.empty() && !rule.asked_by.empty()) << rule.id;
  }
  EXPECT_EQ(ids.size(), 8U);
  EXPECT_EQ(find_feature("teleportation"), nullptr);
}

TEST(Features, EveryOneIsRefusedWhereverTheDeviceIsNotKnownToBeInside) {
  for (const auto& rule : features())
    for (const auto c : {ConnectionType::unknown, ConnectionType::always_internet, ConnectionType::currently_internet}) {
      const auto v = verdict(rule.feature, place_of(device(c, 1000), kNow));
      EXPECT_FALSE(v.offered) << rule.id;
      EXPECT_EQ(v.code, kOnInternet);
      EXPECT_NE(v.reason.find("internet"), std::string::npos) << v.reason;
      EXPECT_NE(v.reason.find(rule.internet), std::string::npos) << v.reason;
    }
}

TEST(Features, OnTheIntranetFourAreOfferedAndTheOthersSayThatTheyAreNotYet) {
  std::set<std::string_view> offered;
  for (const auto& rule : features()) {
    const auto v = verdict(rule.feature, place_of(device(ConnectionType::currently_intranet, 1000), kNow));
    if (v.offered) offered.insert(rule.id);
    else EXPECT_EQ(v.code, kNotOffered);
  }
  EXPECT_EQ(offered, (std::set<std::string_view>{"client-push", "automatic-site-assignment", "wake-on-lan", "roaming"}));
}

TEST(Features, AnOldPlaceIsAnUnknownOne) {
  EXPECT_FALSE(place_of(device(ConnectionType::currently_intranet, kPlaceFreshMs - 1), kNow).internet());
  const auto old = place_of(device(ConnectionType::currently_intranet, kPlaceFreshMs), kNow);
  EXPECT_EQ(old.connection, ConnectionType::unknown);
  EXPECT_NE(old.because.find("last heard of"), std::string::npos);
  Device silent;
  silent.name = "NEW";
  silent.connection = ConnectionType::currently_intranet;
  EXPECT_TRUE(place_of(silent, kNow).internet());
}

TEST(Features, TheYoungestOfPolicyHeartbeatAndRegistrationCounts) {
  Device d = device(ConnectionType::currently_intranet, 2 * kPlaceFreshMs);
  d.last_heartbeat_at = kNow.plus_ms(-5);
  EXPECT_FALSE(place_of(d, kNow).internet());
}

TEST(Features, TheAgentsOwnViewGivesTheReasonOfItsDecision) {
  const auto v = verdict(Feature::roaming, place_of(ConnectionType::currently_internet, "nobody answered"));
  EXPECT_NE(v.reason.find("this computer is currently on the internet (nobody answered)"), std::string::npos) << v.reason;
}

}  // namespace fp::internet
