// Gateways in the API: one order makes and takes all that such a host is, and what does not fit is refused by name.
#include <gmock/gmock.h>

#include "roles/admin/admin_site_test.hpp"

namespace fp::admin {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string kCertificate(64, 'a'), kOther(64, 'b');

std::string order(const std::string& more = {}, const std::string& fingerprint = kCertificate) {
  return R"({"internet_url": "https://gw.test:443", "fingerprint": ")" + fingerprint + R"(", "link": "gw.test:10443")" + more + "}";
}

class Gateways : public AdminSite {
 protected:
  std::vector<ManagementPoint> points() {
    return read([](store::Repositories& r) { return r.site.management_points(); });
  }
  bool is_dp() {
    return store_->read([](store::Repositories& r) { return r.contents.find_dp("gw.test"); }).has_value();
  }
  bool is_fsp() {
    return store_->read([](store::Repositories& r) { return r.fallback.find_point("gw.test"); }).has_value();
  }
};

class ClosedGateways : public Gateways {
 protected:
  void SetUp() override {
    gateway_traffic_ = false;
    Gateways::SetUp();
  }
};

}  // namespace

TEST_F(Gateways, OneOrderMakesAllThatItIsAndOneTakesIt) {
  ASSERT_EQ(call("PUT", "/gateways/gw.test", order(R"(, "fallback": true)")).status, 200);
  ASSERT_THAT(points(), SizeIs(1));
  EXPECT_TRUE(points()[0].gateway);
  EXPECT_EQ(points()[0].connections, Connections::internet);
  EXPECT_TRUE(points()[0].intranet_url.empty());
  EXPECT_TRUE(is_fsp());
  const auto dp = read([](store::Repositories& r) { return r.contents.find_dp("gw.test"); });
  EXPECT_TRUE(dp.over_link);
  EXPECT_EQ(dp.connections, Connections::internet);
  // What is not named stays.
  ASSERT_EQ(call("PUT", "/gateways/gw.test", order()).status, 200);
  EXPECT_TRUE(is_dp() && is_fsp());
  ASSERT_EQ(call("PUT", "/gateways/gw.test", order(R"(, "content": false, "fallback": false)")).status, 200);
  EXPECT_FALSE(is_dp() || is_fsp());
  ASSERT_EQ(call("PUT", "/gateways/gw.test", order(R"(, "content": true)")).status, 200);
  EXPECT_EQ(call("DELETE", "/gateways/gw.test").status, 204);
  EXPECT_THAT(points(), IsEmpty());
  EXPECT_FALSE(is_dp());
  EXPECT_EQ(call("DELETE", "/gateways/gw.test").status, 404);
}

TEST_F(Gateways, WhatDoesNotFitAGatewayIsRefusedByName) {
  const auto refused = [&](const std::string& body) { return call("PUT", "/gateways/gw.test", body); };
  EXPECT_THAT(refused(order(R"(, "site_code": "BR1")")).text, HasSubstr("Secondary sites don't support client connections from untrusted locations"));
  EXPECT_THAT(refused(order(R"(, "intranet_url": "https://gw.corp.test")")).text, HasSubstr("intranet_url"));
  EXPECT_THAT(refused(order(R"(, "content": 1)")).text, HasSubstr("content"));
  EXPECT_THAT(refused(order({}, "")).text, HasSubstr("fingerprint"));
  EXPECT_THAT(refused(R"({"internet_url": "https://gw.test", "fingerprint": ")" + kCertificate + R"("})").text, HasSubstr("link"));
  EXPECT_THAT(refused(R"({"internet_url": "http://gw.test", "fingerprint": ")" + kCertificate + R"(", "link": "gw.test:1"})").text, HasSubstr("https"));
  EXPECT_THAT(points(), IsEmpty());
}

TEST_F(Gateways, ASecondarySiteHasNoneAndAManagementPointBecomesNone) {
  write([](store::Repositories& r) -> Status {
    ManagementPoint branch{.name = "br.test", .intranet_url = "https://br.test", .connections = Connections::intranet};
    branch.fingerprint = kOther;
    branch.site_code = "BR1";
    FP_CHECK(r.site.put_management_point(branch));
    branch.name = "mp2.test";
    branch.fingerprint = std::string(64, 'c');
    branch.site_code.clear();
    return r.site.put_management_point(branch);
  });
  const auto secondary = call("PUT", "/gateways/br.test", order());
  EXPECT_EQ(secondary.status, 400);
  EXPECT_THAT(secondary.text, HasSubstr("Secondary sites don't support client connections from untrusted locations"));
  EXPECT_EQ(call("PUT", "/gateways/mp2.test", order()).status, 409);
  EXPECT_THAT(call("PUT", "/gateways/gw.test", order({}, kOther)).text, HasSubstr("br.test has that certificate already"));
}

TEST_F(Gateways, TheVerbsOfManagementPointsLeaveThemAlone) {
  ASSERT_EQ(call("PUT", "/gateways/gw.test", order()).status, 200);
  const std::string as_mp = R"({"name": "gw.test", "internet_url": "https://gw.test", "connections": "internet", "fingerprint": ")" + kCertificate + R"("})";
  EXPECT_THAT(call("PUT", "/management-points/gw.test", as_mp).text, HasSubstr("gateway add"));
  EXPECT_THAT(call("DELETE", "/management-points/gw.test").text, HasSubstr("gateway remove"));
  std::string forged = as_mp;
  forged.replace(forged.find("gw.test"), 7, "zz.test");
  forged.insert(forged.size() - 1, R"(, "gateway": true)");
  EXPECT_EQ(call("PUT", "/management-points/zz.test", forged).status, 400);
}

TEST_F(Gateways, AFallbackStatusPointHasALinkOfItsOwnOrIsOnAGateway) {
  const std::string own = R"({"fingerprint": ")" + kOther + R"(", "link": "fsp.test:10443"})";
  EXPECT_EQ(call("PUT", "/fallback/points/gw.test", "{}").status, 400);
  ASSERT_EQ(call("PUT", "/gateways/gw.test", order()).status, 200);
  EXPECT_EQ(call("PUT", "/fallback/points/gw.test", own).status, 409);
  EXPECT_EQ(call("PUT", "/fallback/points/gw.test", "{}").status, 200);
  EXPECT_TRUE(is_fsp());
  EXPECT_EQ(call("PUT", "/fallback/points/fsp.test", own).status, 200);
  EXPECT_EQ(call("PUT", "/fallback/points/fsp2.test", own).status, 409);
  EXPECT_THAT(call("PUT", "/gateways/gw2.test", order({}, kOther)).text, HasSubstr("fsp.test has that certificate already"));
  EXPECT_THAT(call("PUT", "/gateways/fsp.test", order({}, std::string(64, 'd'))).text, HasSubstr("site link already"));
}

TEST_F(Gateways, ItsHealthIsShownWithWhatToLookAt) {
  ASSERT_EQ(call("PUT", "/gateways/gw.test", order()).status, 200);
  gateway_status_ = wire::GatewayStatus{};
  gateway_status_->requests = 7;
  gateway_status_->verifies_revocation = false;
  gateway_status_->certificate_until = clock_.now().plus_s(86'400);
  const auto shown = call("GET", "/gateways/gw.test").text;
  EXPECT_THAT(shown, HasSubstr(R"("requests":7)"));
  EXPECT_THAT(shown, HasSubstr("expires on"));
  EXPECT_THAT(shown, HasSubstr("pki.check_crl"));
  EXPECT_THAT(shown, HasSubstr("/CCM_Proxy_MutualAuth/" + wire::gateway_id("gw.test")));
  gateway_status_ = fail(Code::unavailable, "the site link to gw.test is down: cut");
  EXPECT_THAT(call("GET", "/gateways/gw.test").text, HasSubstr("is down: cut"));
  EXPECT_EQ(call("GET", "/gateways/gw2.test").status, 404);
}

TEST_F(ClosedGateways, WithoutTheSettingNoneIsTaken) {
  const auto refused = call("PUT", "/gateways/gw.test", order());
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.text, HasSubstr("management_point.allow_gateway_traffic"));
  EXPECT_THAT(points(), IsEmpty());
}

}  // namespace fp::admin
