#include "apps/config.hpp"

#include <gtest/gtest.h>

namespace fp::apps {
namespace {

constexpr const char* kGood = R"(
[site]
code = "fp1"
data = "/var/lib/farpoint"
intranet_fqdn = "site.corp.example"
internet_fqdn = "site.example.com"
[pki]
issuers = ["/etc/farpoint/root.pem"]
[admin]
port = 0
[[listener]]
port = 443
door = "internet-https"
certificate = "/etc/farpoint/server.pem"
key = "/etc/farpoint/server.key"
)";

std::vector<std::string> mistakes_of(std::string text) {
  SiteConfig config;
  return parse_config(text, "farpoint.toml", config, false);
}

std::string with(std::string_view from, std::string_view to) {
  std::string text = kGood;
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST(Config, AGoodFileIsReadWhole) {
  SiteConfig config;
  EXPECT_TRUE(parse_config(kGood, "farpoint.toml", config, false).empty());
  EXPECT_EQ(config.site_code, "FP1");
  ASSERT_EQ(config.listeners.size(), 1U);
  EXPECT_EQ(config.listeners[0].door, Door::internet_https);
  EXPECT_EQ(config.dp_name, "site.corp.example");
}

TEST(Config, EveryMistakeIsNamedWithItsLine) {
  const auto mistakes = mistakes_of(with("port = 443", "prot = 443\nproxy_protocol = 1"));
  ASSERT_EQ(mistakes.size(), 2U);
  EXPECT_EQ(mistakes[0], "farpoint.toml:13: listener.proxy_protocol: must be true or false");
  EXPECT_EQ(mistakes[1], "farpoint.toml:12: listener.prot: no such setting");
}

TEST(Config, ASyntaxErrorHasItsLine) {
  const auto mistakes = mistakes_of("[site]\ncode = FP1\n");
  ASSERT_EQ(mistakes.size(), 1U);
  EXPECT_TRUE(mistakes[0].starts_with("farpoint.toml:2: ")) << mistakes[0];
}

TEST(Config, AnInternetListenerIsNeverPlainHttpAndNeedsItsPrerequisites) {
  EXPECT_FALSE(mistakes_of(with("internet-https", "internet-http")).empty());
  EXPECT_FALSE(mistakes_of(with("internet_fqdn = \"site.example.com\"", "")).empty());
  EXPECT_FALSE(mistakes_of(with("issuers = [\"/etc/farpoint/root.pem\"]", "")).empty());
  EXPECT_FALSE(mistakes_of(with("code = \"fp1\"", "code = \"fp1\"\nuse_pki_client_certificate = false")).empty());
  EXPECT_FALSE(mistakes_of(with("key = \"/etc/farpoint/server.key\"", "")).empty());
}

TEST(Config, WhoIsPushedToAndHowPacketsAreSentIsChecked) {
  SiteConfig config;
  const std::string more = "[client_push]\nnetworks = [\"10.0.0.0/8\", \"fd00::/8\"]\n\n[wake_on_lan]\nsend = \"unicast\"\nport = 7\n\n[[listener]]";
  EXPECT_TRUE(parse_config(with("[[listener]]", more), "farpoint.toml", config, false).empty());
  EXPECT_EQ(config.push_networks.size(), 2U);
  EXPECT_TRUE(config.wake_unicast);
  EXPECT_EQ(config.wake_port, 7);
  const auto wrong = mistakes_of(with("[[listener]]", "[client_push]\nnetworks = [\"10.0.0.0/33\"]\n\n[wake_on_lan]\nsend = \"shout\"\n\n[[listener]]"));
  ASSERT_EQ(wrong.size(), 2U);
  EXPECT_NE(wrong[0].find("client_push.networks"), std::string::npos);
  EXPECT_NE(wrong[1].find("must be one of: broadcast, unicast"), std::string::npos);
}

TEST(Config, ADistributionPointAwayFromTheSiteIsNothingElse) {
  const std::string good = R"([site]
role = "distribution-point"
code = "FP1"
data = "/var/lib/farpoint"
[pki]
issuers = ["/etc/farpoint/root.pem"]
[distribution_point]
name = "dp2.corp.example"
site_fingerprint = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
[[listener]]
port = 443
door = "intranet-https"
certificate = "/etc/farpoint/server.pem"
key = "/etc/farpoint/server.key"
)";
  SiteConfig config;
  EXPECT_TRUE(parse_config(good, "farpoint.toml", config, false).empty());
  EXPECT_FALSE(config.mp_enabled);
  EXPECT_EQ(config.admin_port, 0);
  std::string wrong = good;
  wrong.replace(wrong.find("site_fingerprint"), 16, "#");
  ASSERT_EQ(mistakes_of(wrong).size(), 1U);
  EXPECT_TRUE(mistakes_of(wrong)[0].starts_with("farpoint.toml:7: distribution_point.site_fingerprint: is needed")) << mistakes_of(wrong)[0];
  EXPECT_EQ(mistakes_of(good + "[management_point]\nenabled = true\n").size(), 1U);
  std::string bridged = good;
  bridged.replace(bridged.find("[distribution_point]"), 0, "pinned_proxies = [\"" + std::string(64, 'a') + "\"]\n");
  EXPECT_EQ(mistakes_of(bridged).size(), 1U);
  EXPECT_EQ(mistakes_of(good + "[admin]\nport = 9443\ncertificate = \"a\"\nkey = \"b\"\n").size(), 1U);
}

}  // namespace fp::apps
