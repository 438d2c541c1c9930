#include "domain/internet/networks.hpp"

#include <gtest/gtest.h>

namespace fp::internet {
namespace {

bool inside(std::string_view network, std::string_view address) {
  return contains(parse_network(network).value(), parse_address(address).value());
}

}  // namespace

TEST(Networks, HoldTheirAddressesAndNoOthers) {
  EXPECT_TRUE(inside("10.0.0.0/8", "10.255.1.2"));
  EXPECT_FALSE(inside("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(inside("10.77.1.0/25", "10.77.1.127"));
  EXPECT_FALSE(inside("10.77.1.0/25", "10.77.1.128"));
  EXPECT_TRUE(inside("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(inside("192.0.2.7", "192.0.2.8"));
  EXPECT_TRUE(inside("0.0.0.0/0", "203.0.113.9"));
  EXPECT_TRUE(inside("fd00::/7", "fd12::1"));
  EXPECT_FALSE(inside("fd00::/8", "2001:db8::1"));
  EXPECT_FALSE(inside("0.0.0.0/0", "::1"));
}

TEST(Networks, WhatIsNoNetworkIsRefused) {
  for (const auto* text : {"", "10.0.0.0/33", "10.0.0/8", "fd00::/129", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "name/8"})
    EXPECT_FALSE(parse_network(text)) << text;
}

TEST(Networks, HaveADirectedBroadcastWhereThereIsOne) {
  EXPECT_EQ(broadcast_of(*parse_network("10.77.1.50/24")), "10.77.1.255");
  EXPECT_EQ(broadcast_of(*parse_network("10.77.1.50/22")), "10.77.3.255");
  EXPECT_EQ(broadcast_of(*parse_network("192.168.7.9/30")), "192.168.7.11");
  EXPECT_EQ(broadcast_of(*parse_network("192.168.7.9/31")), "");
  EXPECT_EQ(broadcast_of(*parse_network("192.168.7.9/32")), "");
  EXPECT_EQ(broadcast_of(*parse_network("fd00::1/64")), "");
}

}  // namespace fp::internet
