#include "net/proxy_rules.hpp"

#include <gtest/gtest.h>

namespace fp::net {
namespace {

TEST(ProxyRules, ANameMeansItselfAndWhatIsBelowIt) {
  for (const auto* list : {"corp.example", ".corp.example", "*.corp.example", "a, corp.example;b", "CORP.example"}) {
    EXPECT_TRUE(is_excepted(list, "corp.example")) << list;
    EXPECT_TRUE(is_excepted(list, "mp1.Corp.Example")) << list;
    EXPECT_TRUE(is_excepted(list, "mp1.corp.example.")) << list;
    EXPECT_FALSE(is_excepted(list, "notcorp.example")) << list;
    EXPECT_FALSE(is_excepted(list, "example")) << list;
  }
}

TEST(ProxyRules, ANetworkMeansItsAddressesOnly) {
  EXPECT_TRUE(is_excepted("10.0.0.0/8", "10.77.1.10"));
  EXPECT_FALSE(is_excepted("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(is_excepted("192.168.7.0/25", "192.168.7.127"));
  EXPECT_FALSE(is_excepted("192.168.7.0/25", "192.168.7.128"));
  EXPECT_TRUE(is_excepted("192.0.2.1", "192.0.2.1"));
  EXPECT_TRUE(is_excepted("2001:db8::/32", "2001:db8:1::5"));
  EXPECT_FALSE(is_excepted("2001:db8::/32", "2001:db9::5"));
  EXPECT_FALSE(is_excepted("10.0.0.0/8", "mp1.corp.example"));
}

TEST(ProxyRules, AStarMeansEverythingAndNonsenseNothing) {
  EXPECT_TRUE(is_excepted("*", "mp1.corp.example"));
  EXPECT_TRUE(is_excepted(" , *", "10.0.0.1"));
  for (const auto* list : {"", ",,;", "10.0.0.0/99", "10.0.0.0/x", "/8", ".", "::/"})
    EXPECT_FALSE(is_excepted(list, "10.0.0.1")) << list;
  EXPECT_FALSE(is_excepted(".", "mp1"));
}

}  // namespace
}  // namespace fp::net
