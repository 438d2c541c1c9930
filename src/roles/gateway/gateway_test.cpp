#include "roles/gateway/gateway.hpp"

#include <gtest/gtest.h>

namespace fp::gateway {
namespace {

const std::string kHost = "gw.example.test", kSite(64, 'a');

class GatewayTest : public ::testing::Test {
 protected:
  static net::Request of(const std::string& target, Door door = Door::internet_https) {
    net::Request request;
    request.method = "GET";
    request.target = request.path = target;
    request.peer.door = door;
    return request;
  }
  ManualClock clock_;
  Gateway gateway_{{kHost, kSite, true}, clock_};
};

}  // namespace

TEST_F(GatewayTest, ItsOwnPrefixIsTakenOffAndNoOther) {
  const std::string own = "/CCM_Proxy_MutualAuth/" + wire::gateway_id(kHost);
  auto request = of(own + "/SMS_MP/a%20b?x=%20");
  gateway_.take_off_prefix(request);
  EXPECT_EQ(request.path, "/SMS_MP/a b");
  EXPECT_EQ(request.target, "/SMS_MP/a%20b?x=%20");
  for (const std::string& other : {std::string("/SMS_MP/.sms_aut"), own, std::string("/CCM_Proxy_MutualAuth/1/SMS_MP/.sms_aut"),
                                   "/CCM_Proxy_ServerAuth/" + wire::gateway_id(kHost) + "/SMS_MP/.sms_aut"}) {
    auto left = of(other);
    gateway_.take_off_prefix(left);
    EXPECT_EQ(left.path, other);
    EXPECT_EQ(left.target, other);
  }
  auto twice = of(own + own + "/SMS_MP/.sms_aut");
  gateway_.take_off_prefix(twice);
  EXPECT_EQ(twice.path, own + "/SMS_MP/.sms_aut");
}

TEST_F(GatewayTest, ItCountsAndKeepsItsLastTrouble) {
  gateway_.count(of("/SMS_MP/.sms_aut"), net::Response::empty(200), false);
  gateway_.count(of("/SMS_MP/.sms_aut"), net::Response::empty(403), false);
  gateway_.count(of("/SMS_DP_SMSPKG$/x"), net::Response::text(206, "a/b", "12345"), true);
  gateway_.count(of("/SMS_DP_SMSPKG$/x"), net::Response::text(404, "a/b", "nothing"), true);
  gateway_.passed({});
  gateway_.passed(fail(Code::unavailable, "the site link to site is down: cut"));
  gateway_.certificate_until({7000});
  const auto said = gateway_.status();
  EXPECT_EQ(said.requests, 4);
  EXPECT_EQ(said.refused, 2);
  EXPECT_EQ(said.passed, 2);
  EXPECT_EQ(said.unanswered, 1);
  EXPECT_EQ(said.content_requests, 2);
  EXPECT_EQ(said.content_bytes, 5);
  EXPECT_EQ(said.certificate_until.ms, 7000);
  EXPECT_EQ(said.last_error, "the site link to site is down: cut");
  EXPECT_EQ(said.last_error_at, clock_.now());
}

TEST_F(GatewayTest, OnlyTheSiteIsToldAndOnlyOverTheLink) {
  auto site = of("/farpoint/gateway/v1/status", Door::intranet_https);
  EXPECT_EQ(gateway_.answer_site(site).status, 403);
  site.peer.fingerprint = kSite;
  EXPECT_EQ(gateway_.answer_site(site).status, 200);
  site.peer.door = Door::internet_https;
  EXPECT_EQ(gateway_.answer_site(site).status, 404);
  site.peer.door = Door::intranet_https;
  site.path = "/farpoint/gateway/v1/else";
  EXPECT_EQ(gateway_.answer_site(site).status, 404);
  site.path = "/farpoint/gateway/v1/status";
  site.method = "POST";
  EXPECT_EQ(gateway_.answer_site(site).status, 405);
}

TEST_F(GatewayTest, TheSiteReadsWhatTheGatewaySays) {
  const auto link = [&](const std::string& name, net::Request& request) -> Result<net::Response> {
    if (name != kHost) return fail(Code::unavailable, "the site link to {} is down: cut", name);
    request.path = request.target;
    request.peer.fingerprint = kSite;
    return gateway_.answer_site(request);
  };
  const auto said = status_of(kHost, link);
  ASSERT_TRUE(said) << said.error().message;
  EXPECT_EQ(*said, gateway_.status());
  EXPECT_EQ(status_of("other.test", link).error().code, Code::unavailable);
  EXPECT_EQ(status_of(kHost, {}).error().code, Code::unavailable);
}

}  // namespace fp::gateway
