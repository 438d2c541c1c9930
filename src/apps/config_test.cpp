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

TEST(Config, WindowsDoorsNeedSomebodyToLogInAListenerAndDomains) {
  const std::string doors = "[windows_auth]\ndoors = [\"internet-https\"]\n";
  const auto mistakes_with = [&](std::string_view more) { return mistakes_of(with("[admin]", doors + std::string(more) + "[admin]")); };
  EXPECT_EQ(mistakes_with("keytab = \"/etc/farpoint/http.keytab\"\ndomains = [\"CORP.EXAMPLE=CORP\"]\n").size(), 0U);
  EXPECT_EQ(mistakes_with("ntlm_winbind = true\ndomains = [\"CORP.EXAMPLE\"]\nchannel_binding = \"when-offered\"\n").size(), 0U);
  const auto bare = mistakes_with("");
  ASSERT_EQ(bare.size(), 2U);
  EXPECT_TRUE(bare[0].starts_with("farpoint.toml:10: windows_auth.doors: nobody can log in")) << bare[0];
  EXPECT_TRUE(bare[1].starts_with("farpoint.toml:9: windows_auth.domains: must name")) << bare[1];
  EXPECT_EQ(mistakes_with("ntlm_winbind = true\ndomains = [\"a b\"]\n").size(), 2U);
  EXPECT_EQ(mistakes_of(with("[admin]", "[windows_auth]\nntlm_winbind = true\n[admin]")).size(), 1U);
  EXPECT_EQ(mistakes_of(with("[admin]", "[windows_auth]\ndoors = [\"intranet-http\"]\nntlm_winbind = true\ndomains = [\"A\"]\n[admin]")).size(), 1U);
  EXPECT_EQ(mistakes_of(with("[admin]", "[windows_auth]\ndoors = [\"lan\"]\n[admin]")).size(), 1U);
  EXPECT_EQ(mistakes_of(with("[admin]", "[management_point]\nwindows_auth = true\n[admin]")).size(), 1U);

  SiteConfig config;
  EXPECT_TRUE(parse_config(with("[admin]", doors + "ntlm_winbind = true\ndomains = [\"A\"]\n[admin]"), "farpoint.toml", config, false).empty());
  const auto notes = config_notes(config);
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(notes[0].find("enable_user_policy_on_internet"), std::string::npos);
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
