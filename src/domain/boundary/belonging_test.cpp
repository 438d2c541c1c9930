#include "domain/boundary/belonging.hpp"

#include <gtest/gtest.h>

namespace fp::boundary {
namespace {

// HQ is assigned to the site, the branch to nobody.
Map offices() {
  Map map{.site_code = "FP1"};
  map.boundaries = {{.id = "B1", .name = "HQ net", .value = "10.1.0.0/16"},
                    {.id = "B2", .name = "Branch", .type = BoundaryType::ip_range, .value = "10.2.0.10-10.2.0.90"},
                    {.id = "B3", .name = "Six", .type = BoundaryType::ipv6_prefix, .value = "2001:db8:1::/48"}};
  map.groups = {{.id = "G1", .name = "HQ", .boundaries = {"B1", "B3"}, .assigned_site = "FP1"}, {.id = "G2", .name = "Branch", .boundaries = {"B2"}}};
  return map;
}

TEST(CheckedPlace, WhatAClientSaysOfItsAddressesCountsIfItsConnectionBearsItOut) {
  const Place said{.addresses = {{"10.1.0.0", "10.1.0.7"}, {"", "fd00::7"}}, .ad_site = "Berlin"};
  EXPECT_EQ(checked_place(said, "10.1.0.7").place.addresses.size(), 2U);
  EXPECT_EQ(checked_place(said, "::ffff:10.1.0.7").doubt, "");
  EXPECT_EQ(checked_place(said, "fd00:0::7").doubt, "");
  const auto doubted = checked_place(said, "192.0.2.1");
  ASSERT_EQ(doubted.place.addresses.size(), 1U);
  EXPECT_EQ(doubted.place.addresses[0].address, "192.0.2.1");
  EXPECT_EQ(doubted.place.ad_site, "Berlin");
  EXPECT_EQ(doubted.doubt, "its connection comes from 192.0.2.1, which is none of the addresses that it names (10.1.0.7): that one counts");
  // Nothing was said, and nothing is seen: neither is a doubt.
  EXPECT_EQ(checked_place({}, "192.0.2.1").place.addresses[0].address, "192.0.2.1");
  EXPECT_EQ(checked_place({}, "192.0.2.1").doubt, "");
  EXPECT_EQ(checked_place(said, "127.0.0.1").place.addresses.size(), 2U);
  EXPECT_EQ(checked_place(said, "::1").place.addresses.size(), 2U);
  EXPECT_EQ(checked_place(said, "").place.addresses.size(), 2U);
}

TEST(Belonging, IsToABoundaryOfAGroupThatIsAssignedToTheSite) {
  Map map = offices();
  EXPECT_TRUE(belongs_to_site(map, "10.1.2.3").inside);
  EXPECT_EQ(belongs_to_site(map, "10.1.2.3").because, "10.1.2.3 is in 10.1.0.0/16 (boundary HQ net, boundary group HQ)");
  EXPECT_TRUE(belongs_to_site(map, "2001:db8:1::5").inside);
  EXPECT_FALSE(belongs_to_site(map, "10.2.0.20").inside);
  EXPECT_EQ(belongs_to_site(map, "10.2.0.20").because, "10.2.0.20 is in boundary Branch, which is in no boundary group that is assigned to site FP1");
  EXPECT_EQ(belongs_to_site(map, "203.0.113.7").because, "203.0.113.7 is in no boundary of a boundary group that is assigned to site FP1");
  map.groups[0].assigned_site = "XYZ";
  EXPECT_NE(belongs_to_site(map, "10.1.2.3").because.find("no boundary group is assigned to site FP1"), std::string::npos);
}

}  // namespace
}  // namespace fp::boundary
