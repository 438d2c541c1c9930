#include "domain/boundary/boundary.hpp"

#include <gtest/gtest.h>

#include <set>

namespace fp::boundary {
namespace {

Place at(const std::string& address, const std::string& subnet = {}) { return {.addresses = {{subnet, address}}}; }

// Two offices that are neighbours one way, a VPN, an AD site; dp3 and mp3 belong to nobody.
Map two_offices() {
  Map map{.site_code = "FP1"};
  map.boundaries = {{.id = "B1", .name = "HQ net", .value = "10.1.0.0/16"},
                    {.id = "B2", .name = "Branch range", .type = BoundaryType::ip_range, .value = "10.2.0.10-10.2.0.90"},
                    {.id = "B3", .name = "Tunnels", .type = BoundaryType::vpn, .value = "wg"},
                    {.id = "B4", .name = "Berlin", .type = BoundaryType::ad_site, .value = "Berlin"},
                    {.id = "B5", .name = "Six", .type = BoundaryType::ipv6_prefix, .value = "2001:db8:1::/48"},
                    {.id = "B6", .name = "By ID", .value = "10.9.0.0"}};
  map.groups = {{.id = "G1",
                 .name = "HQ",
                 .boundaries = {"B1", "B5", "B6"},
                 .distribution_points = {"dp1"},
                 .management_points = {"mp1"},
                 .assigned_site = "FP1",
                 .neighbours = {{"G2", 60, kNoFallback}}},
                {.id = "G2",
                 .name = "Branch",
                 .boundaries = {"B2", "B3", "B4"},
                 .distribution_points = {"dp2"},
                 .management_points = {"mp2"},
                 .assigned_site = "XY2"}};
  return map;
}

std::string groups_at(const Place& place, const Map& map = two_offices()) {
  std::string out;
  for (const auto& id : find_groups(map, place).groups) out += (out.empty() ? "" : " ") + id;
  return out;
}

// "dp1@3 dp2@2+60 dp3@1+120", never is "-".
std::string ranked(const Map& map, const Place& place, SystemRole role, const std::vector<std::string>& names) {
  std::string out;
  for (const auto& r : rank(map, find_groups(map, place), role, names)) {
    out += fmt::format("{}{}@{}", out.empty() ? "" : " ", r.name, r.locality);
    if (r.opens_min < 0) out += "-";
    else if (r.opens_min > 0) out += fmt::format("+{}", r.opens_min);
    EXPECT_FALSE(r.because.empty());
  }
  return out;
}
const std::vector<std::string> kDps{"dp3", "dp2", "dp1"};

TEST(Boundaries, EveryTypeMatchesWhatItIsFor) {
  EXPECT_EQ(groups_at(at("10.1.255.255")), "G1");
  EXPECT_EQ(groups_at(at("10.2.0.10")), "G2");
  EXPECT_EQ(groups_at(at("10.2.0.90")), "G2");
  EXPECT_EQ(groups_at(at("10.2.0.9")), "FP100000");
  EXPECT_EQ(groups_at(at("10.2.0.91")), "FP100000");
  EXPECT_EQ(groups_at(at("2001:db8:1:7::9")), "G1");
  EXPECT_EQ(groups_at(at("2001:db8:2::9")), "FP100000");
  EXPECT_EQ(groups_at(at("10.9.0.5", "10.9.0.0")), "G1");
  EXPECT_EQ(groups_at(at("10.9.0.5")), "FP100000");
  EXPECT_EQ(groups_at(at("::ffff:10.1.2.3")), "G1");
  EXPECT_EQ(groups_at({.ad_site = "BERLIN"}), "G2");
  EXPECT_EQ(groups_at({.tunnels = {{"WG0", ""}}}), "G2");
  EXPECT_EQ(groups_at({.tunnels = {{"tun0", "wgs of the company"}}}), "G2");
  EXPECT_EQ(groups_at({.tunnels = {{"tun0", ""}}}), "FP100000");
  EXPECT_EQ(groups_at(at("not an address")), "FP100000");
  EXPECT_EQ(find_groups(two_offices(), at("10.1.0.7")).boundaries[0].because, "10.1.0.7 is in 10.1.0.0/16");
}

TEST(Boundaries, SeveralGroupsAreAUnion) {
  const Place both{.addresses = {{"", "10.1.0.7"}}, .ad_site = "Berlin"};
  EXPECT_EQ(groups_at(both), "G1 G2");
  EXPECT_EQ(ranked(two_offices(), both, SystemRole::distribution_point, kDps), "dp2@3 dp1@3 dp3@1+120");
}

TEST(Boundaries, NeighboursOpenAfterTheirTimeAndOnlyOneWay) {
  EXPECT_EQ(ranked(two_offices(), at("10.1.0.7"), SystemRole::distribution_point, kDps), "dp1@3 dp2@2+60 dp3@1+120");
  EXPECT_EQ(ranked(two_offices(), at("10.2.0.20"), SystemRole::distribution_point, kDps), "dp2@3 dp3@1+120 dp1@0-");
  const auto all = rank(two_offices(), find_groups(two_offices(), at("10.1.0.7")), SystemRole::distribution_point, kDps);
  EXPECT_TRUE(all[0].offered(0));
  EXPECT_FALSE(all[1].offered(59));
  EXPECT_TRUE(all[1].offered(60));
  EXPECT_EQ(all[1].because, "in Branch, neighbour of HQ, after 60 min");
}

TEST(Boundaries, OnlyDirectNeighboursAreSearched) {
  auto map = two_offices();
  map.groups[1].neighbours = {{"G3", 0, 0}};
  map.groups.push_back({.id = "G3", .name = "Far", .distribution_points = {"dp3"}});
  EXPECT_EQ(ranked(map, at("10.1.0.7"), SystemRole::distribution_point, {"dp3"}), "dp3@0-");
  EXPECT_EQ(ranked(map, at("10.2.0.20"), SystemRole::distribution_point, {"dp3"}), "dp3@2");
}

TEST(Boundaries, ALinkToTheDefaultGroupOverridesItsBehaviour) {
  auto map = two_offices();
  map.groups[0].neighbours.push_back({"FP100000", 5, kNoFallback});
  EXPECT_EQ(ranked(map, at("10.1.0.7"), SystemRole::distribution_point, kDps), "dp1@3 dp3@1+5 dp2@2+60");
  map.groups[0].neighbours.back().content_fallback_min = kNoFallback;
  EXPECT_EQ(ranked(map, at("10.1.0.7"), SystemRole::distribution_point, {"dp3"}), "dp3@1-");
  map.settings.content_fallback_min = 7;
  EXPECT_EQ(ranked(map, at("10.2.0.20"), SystemRole::distribution_point, {"dp3"}), "dp3@1+7");
}

TEST(Boundaries, OutsideEveryBoundaryTheDefaultGroupServesAtOnce) {
  EXPECT_EQ(ranked(two_offices(), at("172.16.0.1"), SystemRole::distribution_point, kDps), "dp3@1 dp2@0- dp1@0-");
  auto map = two_offices();
  map.groups.push_back({.id = "FP100000", .name = "Default", .distribution_points = {"dp2"}, .neighbours = {{"G1", 30, 0}}});
  EXPECT_EQ(ranked(map, at("172.16.0.1"), SystemRole::distribution_point, kDps), "dp3@1 dp2@1 dp1@2+30");
  // Without any group everything is the default group's: nothing has changed for a site that knows no boundaries.
  EXPECT_EQ(ranked(Map{.site_code = "FP1"}, at("10.1.0.7"), SystemRole::distribution_point, {"a", "b"}), "a@1 b@1");
}

TEST(Boundaries, PreferredManagementPointsComeFirstAndNoneIsLost) {
  auto map = two_offices();
  const std::vector<std::string> names{"mp3", "mp2", "mp1"};
  const auto text = [&](const Place& place) {
    std::string out;
    for (const auto& p : rank_points(map, find_groups(map, place), names))
      out += fmt::format("{}{}:{}/{}", out.empty() ? "" : " ", p.name, p.category, p.locality);
    return out;
  };
  EXPECT_EQ(text(at("10.1.0.7")), "mp3:2/3 mp2:2/3 mp1:2/3");
  map.settings.prefer_management_points = true;
  EXPECT_EQ(text(at("10.1.0.7")), "mp1:1/3 mp3:1/1 mp2:2/0");
  EXPECT_EQ(text(at("10.2.0.20")), "mp2:1/3 mp3:1/1 mp1:2/0");
  map.groups[0].neighbours[0].management_point_fallback_min = 0;
  EXPECT_EQ(text(at("10.1.0.7")), "mp1:1/3 mp2:1/2 mp3:1/1");
}

TEST(Boundaries, TheSiteIsThatOfTheGroupAtRandomWhereTheyOverlap) {
  SeededRandom random(7);
  const auto map = two_offices();
  const auto site = [&](const Map& m, const Place& place) { return assign_site(m, find_groups(m, place), random).site_code; };
  EXPECT_EQ(site(map, at("10.1.0.7")), "FP1");
  EXPECT_EQ(site(map, at("10.2.0.20")), "XY2");
  EXPECT_EQ(site(map, at("172.16.0.1")), "");
  std::set<std::string> seen;
  for (int i = 0; i < 64; ++i) seen.insert(site(map, {.addresses = {{"", "10.1.0.7"}}, .ad_site = "Berlin"}));
  EXPECT_EQ(seen, (std::set<std::string>{"FP1", "XY2"}));
  auto fallback = map;
  fallback.settings.fallback_site = "FB3";
  EXPECT_EQ(site(fallback, at("172.16.0.1")), "FB3");
  EXPECT_EQ(site(Map{.site_code = "FP1"}, at("172.16.0.1")), "FP1");
}

TEST(Boundaries, AValueHasOneSpellingAndMistakesAreNamed) {
  const auto good = [](BoundaryType type, std::string_view value) { return check_value(type, value).value_or("?"); };
  const auto bad = [](BoundaryType type, std::string_view value) {
    const auto r = check_value(type, value);
    return r ? "accepted: " + *r : r.error().message;
  };
  EXPECT_EQ(good(BoundaryType::ip_subnet, " 10.1.0.0/16 "), "10.1.0.0/16");
  EXPECT_EQ(good(BoundaryType::ip_subnet, "10.1.0.0"), "10.1.0.0");
  EXPECT_EQ(good(BoundaryType::ip_range, "10.1.0.1 - 10.1.0.9"), "10.1.0.1-10.1.0.9");
  EXPECT_EQ(good(BoundaryType::ipv6_prefix, "2001:DB8:0:0::/32"), "2001:db8::/32");
  EXPECT_EQ(good(BoundaryType::vpn, ""), "");
  EXPECT_EQ(bad(BoundaryType::ip_subnet, "10.1.2.3/16"), "10.1.2.3/16 has bits of a host: 10.1.0.0/16 is the network");
  EXPECT_EQ(bad(BoundaryType::ip_subnet, "2001:db8::/32"), "must be a subnet such as 10.1.2.0/24");
  EXPECT_EQ(bad(BoundaryType::ip_subnet, "10.1.0.0/33"), "must be a subnet such as 10.1.2.0/24");
  EXPECT_EQ(bad(BoundaryType::ip_range, "10.1.0.9-10.1.0.1"), "the range ends before it begins");
  EXPECT_EQ(bad(BoundaryType::ip_range, "10.1.0.9"), "must be a range such as 10.1.2.10-10.1.2.90");
  EXPECT_EQ(bad(BoundaryType::ipv6_prefix, "10.1.0.0/16"), "must be an IPv6 prefix such as 2001:db8:1::/48");
  EXPECT_FALSE(check_value(BoundaryType::ad_site, ""));
}

}  // namespace
}  // namespace fp::boundary
