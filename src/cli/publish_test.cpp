// The real programs check and run what is generated (tests/test_proxies.py); here stands what must never be in it, or missing.
#include "cli/publish.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace fp::cli {
namespace {

const std::vector<PublishedHost> kHosts{{"mp.example.org", 8443, "site.corp.test:8443", "", "site.corp.test:8443"},
                                        {"dp.example.org", 443, "", "dp.corp.test:443", ""}};

PublishOptions options(bool strict = false) {
  PublishOptions o;
  o.strict = strict;
  o.folder = "/etc/proxy";
  o.certificate = "/etc/proxy/proxy.pem";
  o.key = "/etc/proxy/proxy.key";
  return o;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(Publish, NamesAreFilledOnceAndOthersStay) {
  EXPECT_EQ(filled("a @X@ b @Y@ c@d", {{"X", "@Y@"}, {"Y", "y"}}), "a @Y@ b y c@d");
  EXPECT_EQ(label_of(kHosts[0]), "mp_example_org_8443");
}

TEST(Publish, TheStrictListsAreThoseOfTheTable) {
  const auto& mp = strict_headers_mp();
  for (const auto* name : {"range", "ccmclientid", "ccmclientidsignature", "ccmclienttimestamp", "ccmclienttimestampssignature"})
    EXPECT_NE(std::ranges::find(mp, name), mp.end()) << name;
  for (const auto* name : {"depth", "if-range", "clienttoken", "x-forwarded-for", "cookie"}) {
    EXPECT_EQ(std::ranges::find(mp, name), mp.end()) << name;
    EXPECT_EQ(std::ranges::find(strict_headers_dp(), name), strict_headers_dp().end()) << name;
  }
}

TEST(Publish, ABridgeVerifiesBothSidesAndLeavesNoPlaceholder) {
  for (const bool strict : {false, true})
    for (const std::string& text : {nginx_bridge(kHosts, options(strict)), haproxy_bridge(kHosts, options(strict))}) {
      EXPECT_FALSE(has(text, "@"));
      EXPECT_TRUE(has(text, "CCM_POST") && has(text, "BITS_POST") && has(text, "PROPFIND"));
      EXPECT_TRUE(has(text, "/etc/proxy/issuers.pem") && has(text, "/etc/proxy/backend-issuers.pem") && has(text, "/etc/proxy/revoked.pem"));
      EXPECT_FALSE(has(text, "farpoint/dp/v1"));
    }
  EXPECT_TRUE(has(nginx_bridge(kHosts, options()), "proxy_ssl_verify on;"));
  EXPECT_TRUE(has(nginx_bridge(kHosts, options(true)), "proxy_pass_request_headers off;"));
  EXPECT_TRUE(has(haproxy_bridge(kHosts, options()), "verify required"));
  EXPECT_TRUE(has(haproxy_bridge(kHosts, options(true)), "del-header ^(?!(range|host|"));
}

TEST(Publish, ScansForUpdatesPassByPostOnlyAndOnlyWhereThereIsAPoint) {
  const std::string nginx = nginx_bridge(kHosts, options(true)), haproxy = haproxy_bridge(kHosts, options(true));
  EXPECT_TRUE(has(nginx, "map $request_method $sup_verb { default 0; POST 1; }") && has(nginx, "https://sup_mp_example_org_8443;"));
  EXPECT_TRUE(has(nginx, "client_max_body_size 2048k;") && has(nginx, "proxy_set_header soapaction $http_soapaction;"));
  EXPECT_FALSE(has(nginx, "sup_dp_example_org_443"));
  EXPECT_TRUE(has(haproxy, "deny_status 405 if sup_scan !{ method POST }") && has(haproxy, "use_backend sup_mp_example_org_8443 if sup_scan"));
  EXPECT_TRUE(has(haproxy, "deny_status 404 if sup_scan { req.hdr(host),field(1,:),lower -m str dp.example.org }"));
}

TEST(Publish, ATunnelHasNoCertificate) {
  PublishOptions o = options();
  o.proxy_protocol = true;
  for (const std::string& text : {nginx_tunnel(kHosts, o), haproxy_tunnel(kHosts, o)}) {
    EXPECT_FALSE(has(text, "@"));
    EXPECT_FALSE(has(text, "proxy.pem"));
    EXPECT_TRUE(has(text, "mp.example.org") && has(text, "dp.corp.test:443"));
    EXPECT_TRUE(has(text, "proxy_protocol on;") || has(text, "send-proxy-v2"));
  }
}

}  // namespace
}  // namespace fp::cli
