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

TEST(Config, AFallbackStatusPointIsNothingElse) {
  const std::string good = R"([site]
role = "fallback-status-point"
code = "FP1"
data = "/var/lib/farpoint"
[fallback_status_point]
site_fingerprint = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
messages = 0
[[listener]]
port = 80
door = "clients"
[[listener]]
port = 8443
door = "site"
certificate = "/etc/farpoint/server.pem"
key = "/etc/farpoint/server.key"
)";
  SiteConfig config;
  const auto mistakes = parse_config(good, "farpoint.toml", config, false);
  EXPECT_TRUE(mistakes.empty()) << mistakes.front();
  EXPECT_EQ(config.role, HostRole::fallback_status_point);
  EXPECT_FALSE(config.mp_enabled || config.dp_enabled);
  EXPECT_EQ(config.admin_port, 0);
  EXPECT_EQ(config.fsp_messages, 0);
  EXPECT_EQ(config.fsp_interval_s, 3600);
  EXPECT_EQ(config.listeners[0].door, Door::intranet_http);
  for (const char* section : {"[pki]", "[management_point]", "[distribution_point]", "[admin]", "[maintenance]"})
    EXPECT_EQ(mistakes_of(good + section + "\n").size(), 1U) << section;
  const auto without = [&](const std::string& part, const std::string& instead) {
    std::string text = good;
    text.replace(text.find(part), part.size(), instead);
    return mistakes_of(text);
  };
  EXPECT_EQ(without("site_fingerprint = ", "#").size(), 1U);
  EXPECT_EQ(without("messages = 0", "messages = -1").size(), 1U);
  EXPECT_FALSE(without("door = \"clients\"", "door = \"intranet-http\"").empty());
  EXPECT_EQ(without("door = \"site\"\ncertificate = \"/etc/farpoint/server.pem\"\nkey = \"/etc/farpoint/server.key\"", "door = \"clients\"").size(), 1U);
}

}  // namespace fp::apps
