#include "base/subnet.hpp"

#include <gtest/gtest.h>

namespace fp {

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

TEST(HostPort, IsAHostAndAPort) {
  EXPECT_EQ(parse_host_port("MP1.example:10443").value().host, "mp1.example");
  EXPECT_EQ(parse_host_port("[2001:db8::1]:443").value().port, 443);
  for (const auto* text : {"", "mp1", "mp1:", "mp1:0", "mp1:65536", ":443", "a b:443", "mp1:4x"}) EXPECT_FALSE(parse_host_port(text)) << text;
}

}  // namespace fp
