#include "wire/gateway.hpp"

#include <gtest/gtest.h>

#include "wire/gateway_limits.hpp"

namespace fp::wire {
namespace {

// Golden bytes: what a gateway tells the site.
constexpr const char* kStatus =
    R"({"started_at_ms":1800000000000,"requests":9,"refused":1,"passed":5,"unanswered":1,"content_requests":3,"content_bytes":4096,)"
    R"("verifies_revocation":true,"certificate_until_ms":1830000000000,"last_error":"the site link to site is down: cut","last_error_at_ms":1800000000500})";

GatewayStatus sample() {
  return {{1'800'000'000'000}, 9, 1, 5, 1, 3, 4096, true, {1'830'000'000'000}, "the site link to site is down: cut", {1'800'000'000'500}};
}

}  // namespace

TEST(Gateway, TheStatusHasTheGoldenBytes) {
  EXPECT_EQ(encode_gateway_status(sample()), kStatus);
  const auto read = decode_gateway_status(kStatus);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, sample());
}

TEST(Gateway, WhatAGatewayOfTheEnemyMaySayIsLimited) {
  EXPECT_FALSE(decode_gateway_status("{}"));
  auto bad = sample();
  bad.requests = -1;
  EXPECT_FALSE(decode_gateway_status(encode_gateway_status(bad)));
  bad = sample();
  bad.certificate_until.ms = INT64_MAX;
  EXPECT_FALSE(decode_gateway_status(encode_gateway_status(bad)));
  bad = sample();
  bad.last_error = std::string(kGatewayErrorBytesMax + 1, 'x');
  EXPECT_FALSE(decode_gateway_status(encode_gateway_status(bad)));
  bad.last_error = "\x1b[2J";
  EXPECT_EQ(decode_gateway_status(encode_gateway_status(bad))->last_error, "[2J");
}

TEST(Gateway, TheNumberFollowsFromTheName) {
  // 2^56 + 0x... of SHA-256("gw.example.test"): the same at both ends, and of one name in any case.
  EXPECT_EQ(gateway_id("gw.example.test"), gateway_id("GW.Example.Test"));
  EXPECT_EQ(gateway_id("gw.example.test"), "72057595149214094");
  EXPECT_NE(gateway_id("gw.example.test"), gateway_id("gw2.example.test"));
  EXPECT_EQ(gateway_address("gw.example.test", "https://gw.example.test:8443"),
            "gw.example.test:8443/CCM_Proxy_MutualAuth/" + gateway_id("gw.example.test"));
}

TEST(Gateway, ThePrefixIsTakenOffOnceAndTheRestStaysAsItCame) {
  const auto split = [](std::string_view target) { return split_gateway_target(target).value_or(GatewayTarget{}); };
  EXPECT_EQ(split("/CCM_Proxy_MutualAuth/7205/SMS_MP/.sms_aut?MPLIST"), (GatewayTarget{"7205", "/SMS_MP/.sms_aut?MPLIST"}));
  EXPECT_EQ(split("/ccm%5Fproxy_mutualauth/%37/SMS_DP_SMSPKG$/a%20b"), (GatewayTarget{"7", "/SMS_DP_SMSPKG$/a%20b"}));
  EXPECT_EQ(split("/CCM_Proxy_MutualAuth/1/CCM_Proxy_MutualAuth/1/x").rest, "/CCM_Proxy_MutualAuth/1/x");
  EXPECT_EQ(split("/CCM_Proxy_MutualAuth/1/").rest, "/");
  for (const char* other : {"", "*", "/", "/CCM_Proxy_MutualAuth", "/CCM_Proxy_MutualAuth/", "/CCM_Proxy_MutualAuth/1", "/CCM_Proxy_MutualAuth//x",
                            "/CCM_Proxy_MutualAuth/1a/x", "/CCM_Proxy_MutualAuth/-1/x", "/CCM_Proxy_MutualAuth/123456789012345678901/x",
                            "/CCM_Proxy_MutualAuth%2F1/x/y", "/CCM_Proxy_MutualAuth/1%2Fx", "/CCM_Proxy_ServerAuth/1/x", "/x/CCM_Proxy_MutualAuth/1/y",
                            "/CCM_Proxy_MutualAuth/%zz/x", "//CCM_Proxy_MutualAuth/1/x", "/SMS_MP/.sms_aut?/CCM_Proxy_MutualAuth/1/x"})
    EXPECT_FALSE(split_gateway_target(other)) << other;
}

}  // namespace fp::wire
