#include "base/subnet.hpp"

#include <gtest/gtest.h>

namespace fp {
namespace {

bool inside(std::string_view network, std::string_view address) {
  return contains(parse_network(network).value(), parse_address(address).value());
}

}  // namespace

TEST(Subnet, IsCanonicalAndHoldsItsAddresses) {
  EXPECT_EQ(parse_subnet("10.1.2.3/16").value(), "10.1.0.0/16");
  EXPECT_EQ(parse_subnet("2001:DB8::1/32").value(), "2001:db8::/32");
  EXPECT_TRUE(subnet_holds("10.1.0.0/16", "10.1.255.1"));
  EXPECT_FALSE(subnet_holds("10.1.0.0/16", "10.2.0.1"));
  EXPECT_TRUE(subnet_holds("0.0.0.0/0", "203.0.113.9"));
  EXPECT_TRUE(subnet_holds("2001:db8::/32", "2001:db8:7::9"));
  EXPECT_FALSE(subnet_holds("10.1.0.0/16", "2001:db8::1"));
  EXPECT_TRUE(subnet_holds("10.1.2.192/27", "10.1.2.223"));
  EXPECT_FALSE(subnet_holds("10.1.2.192/27", "10.1.2.224"));
}

TEST(Subnet, AnythingElseIsRefused) {
  for (const auto* text : {"", "10.1.0.0", "10.1.0.0/33", "10.1.0/16", "/16", "10.1.0.0/", "10.1.0.0/-1", "::/129", "x/8"}) {
    EXPECT_FALSE(parse_subnet(text)) << text;
    EXPECT_FALSE(subnet_holds(text, "10.1.0.1")) << text;
  }
}

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

TEST(Addresses, OfIPv4ThroughAnIPv6SocketAreOfIPv4) {
  EXPECT_TRUE(subnet_holds("10.1.0.0/16", "::ffff:10.1.2.3"));
  EXPECT_EQ(to_text(parse_address("::ffff:10.1.2.3").value()), "10.1.2.3");
  EXPECT_FALSE(parse_address(std::string_view("10.1.2.3\0x", 10)));
  EXPECT_LT(parse_address("10.1.2.9").value(), parse_address("10.1.2.10").value());
}

TEST(HostPort, IsAHostAndAPort) {
  EXPECT_EQ(parse_host_port("MP1.example:10443").value().host, "mp1.example");
  EXPECT_EQ(parse_host_port("[2001:db8::1]:443").value().port, 443);
  for (const auto* text : {"", "mp1", "mp1:", "mp1:0", "mp1:65536", ":443", "a b:443", "mp1:4x"}) EXPECT_FALSE(parse_host_port(text)) << text;
}

}  // namespace fp
