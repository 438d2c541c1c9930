#include "domain/location/location.hpp"

#include <gtest/gtest.h>

#include <set>

using namespace fp;
using namespace fp::location;

namespace {
const Where kOutside{ConnectionType::currently_internet, ""};
const Where kInside{ConnectionType::currently_intranet, ""};
Candidate inside(std::string url, int category = 2, bool ssl = true) { return {std::move(url), "", false, category, 3, ssl}; }
Candidate outside(std::string url) { return {std::move(url), "", true, 2, 3, true}; }
}  // namespace

TEST(Location, AlwaysInternetNeedsNoProbe) {
  EXPECT_EQ(decide(true, {{Probe::Kind::domain_controller, "dc1", true, ""}}).type, ConnectionType::always_internet);
}

TEST(Location, OneAnswerOfEitherKindMeansIntranet) {
  auto w = decide(false, {{Probe::Kind::intranet_management_point, "mp1", false, "refused"},
                          {Probe::Kind::domain_controller, "dc1", true, ""}});
  EXPECT_EQ(w.type, ConnectionType::currently_intranet);
  EXPECT_NE(w.reason.find("dc1"), std::string::npos);
}

TEST(Location, ADomainControllerWithoutAnIntranetManagementPointIsInsideAndServedFromOutside) {
  const auto w = decide(false, {{Probe::Kind::domain_controller, "dc1", true, ""},
                                {Probe::Kind::intranet_management_point, "mp1", false, "timed out"}});
  EXPECT_EQ(w.type, ConnectionType::currently_intranet);
  EXPECT_FALSE(w.management_point);
  EXPECT_NE(w.reason.find("no intranet management point"), std::string::npos);
  SeededRandom random(7);
  EXPECT_EQ(choose({inside("a"), outside("b")}, w, {"a", {0}, {}}, {0}, random).url, "b");
  EXPECT_EQ(order({inside("a"), outside("b")}, w, "", random), std::vector<std::string>{"b"});
}

TEST(Location, WhoFoundNothingOfTheIntranetLooksAgainAFewTimes) {
  for (const auto& where : {kOutside, Where{ConnectionType::currently_intranet, "", false}}) {
    EXPECT_EQ(look_again_s(where, 0), 10);
    EXPECT_EQ(look_again_s(where, 1), 30);
    EXPECT_EQ(look_again_s(where, 2), 120);
    EXPECT_EQ(look_again_s(where, 3), std::nullopt);
  }
  EXPECT_EQ(look_again_s(kInside, 0), std::nullopt);
  EXPECT_EQ(look_again_s({ConnectionType::always_internet, ""}, 0), std::nullopt);
}

TEST(Location, AnIntranetManagementPointThatAnswersServesWhateverTheDirectorySays) {
  for (const bool directory : {false, true}) {
    const auto w = decide(false, {{Probe::Kind::domain_controller, "dc1", directory, ""},
                                  {Probe::Kind::intranet_management_point, "mp1", true, ""}});
    EXPECT_EQ(w.type, ConnectionType::currently_intranet);
    EXPECT_FALSE(w.served_from_internet());
  }
}

TEST(Location, SilenceMeansInternetAndSaysWhatWasTried) {
  auto w = decide(false, {{Probe::Kind::intranet_management_point, "mp1", false, "refused"}});
  EXPECT_EQ(w.type, ConnectionType::currently_internet);
  EXPECT_NE(w.reason.find("mp1 (refused)"), std::string::npos);
  EXPECT_EQ(decide(false, {}).type, ConnectionType::currently_internet);
}

TEST(Location, OnTheInternetOnlyInternetManagementPointsAreChosenAndEachOfThemSometimes) {
  SeededRandom random(7);
  std::set<std::string> seen;
  for (int n = 0; n < 100; ++n) {
    seen.insert(choose({inside("a"), outside("b"), outside("c")}, kOutside, {}, {0}, random).url);
  }
  EXPECT_EQ(seen, (std::set<std::string>{"b", "c"}));
}

TEST(Location, OnTheIntranetCategoryComesFirstThenTls) {
  SeededRandom random(7);
  for (int n = 0; n < 20; ++n) {
    auto all = order({inside("assigned"), inside("plain", 1, false), inside("local", 1), inside("proxy", 0), outside("x")}, kInside, "",
                     random);
    EXPECT_EQ(all, (std::vector<std::string>{"proxy", "local", "plain", "assigned"}));
  }
}

TEST(Location, TheOneInUseStaysUntilItFailsFiveTimesInTenMinutes) {
  SeededRandom random(7);
  Current current{"b", {0}, {{1}, {2}, {3}, {4}}};
  EXPECT_EQ(choose({outside("b"), outside("c")}, kOutside, current, {60'000}, random).url, "b");
  current.failures.push_back({5});
  auto moved = choose({outside("b"), outside("c")}, kOutside, current, {60'000}, random);
  EXPECT_EQ(moved.url, "c");
  EXPECT_TRUE(moved.changed);
  EXPECT_EQ(choose({outside("b"), outside("c")}, kOutside, current, {700'000}, random).url, "b");
}

// domain.md §1: every 25 hours, whether or not it answers.
TEST(Location, TheOneInUseIsChosenAnewAfterTwentyFiveHoursAndNotBefore) {
  constexpr std::int64_t kLast = 25LL * 3600 * 1000 - 1000;
  std::set<std::string> early, late;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SeededRandom random(seed);
    const auto stays = choose({outside("b"), outside("c")}, kOutside, {"b", {0}, {}}, {kLast}, random);
    early.insert(stays.url);
    const auto anew = choose({outside("b"), outside("c")}, kOutside, {"b", {0}, {}}, {kLast + 1000}, random);
    late.insert(anew.url);
    EXPECT_NE(anew.reason.find("25 hours have passed"), std::string::npos) << anew.reason;
  }
  EXPECT_EQ(early, std::set<std::string>{"b"});
  EXPECT_EQ(late, (std::set<std::string>{"b", "c"}));
}

TEST(Location, TheOnlyOneIsKeptEvenIfItFails) {
  SeededRandom random(7);
  Current current{"b", {0}, {{1}, {2}, {3}, {4}, {5}}};
  EXPECT_EQ(choose({outside("b")}, kOutside, current, {60'000}, random).url, "b");
}

TEST(Location, WithoutAnyFittingEntryTheReasonSaysSo) {
  SeededRandom random(7);
  auto none = choose({inside("a")}, kOutside, {"a", {0}, {}}, {0}, random);
  EXPECT_EQ(none.url, "");
  EXPECT_TRUE(none.changed);
  EXPECT_NE(none.reason.find("no internet management point"), std::string::npos);
}

TEST(Location, TheFirstOfTheOrderIsTheOneInUse) {
  SeededRandom random(7);
  EXPECT_EQ(order({outside("a"), outside("b"), outside("c")}, kOutside, "c", random).front(), "c");
}

TEST(Location, ANearerManagementPointTakesOverWhenTheListIsNewAndNotBefore) {
  SeededRandom random(7);
  const Where in{ConnectionType::currently_intranet, ""};
  auto far = inside("a"), near = inside("b", 1);
  Current current{"a", {0}, {}};
  EXPECT_EQ(choose({far, near}, in, current, {1000}, random).url, "a");
  current.refreshed = true;
  const auto moved = choose({far, near}, in, current, {1000}, random);
  EXPECT_EQ(moved.url, "b");
  EXPECT_NE(moved.reason.find("b is nearer than a"), std::string::npos) << moved.reason;
  // Equal ones stay where they are, and the internet has no nearer one.
  EXPECT_EQ(choose({inside("a"), inside("c")}, in, current, {1000}, random).url, "a");
  Candidate out_far = outside("a"), out_near = outside("b");
  out_near.category = 1;
  EXPECT_EQ(choose({out_far, out_near}, kOutside, current, {1000}, random).url, "a");
}
