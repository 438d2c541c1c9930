#include "agent/core/settings.hpp"

#include <gtest/gtest.h>

#include "agent/core/service_location.hpp"

using namespace fp;
using namespace fp::agent;

namespace {

InstallSettings with(const std::vector<std::pair<std::string, std::string>>& properties) {
  InstallSettings s;
  for (const auto& [name, value] : properties) EXPECT_TRUE(apply_property(s, name, value)) << name;
  return s;
}

bool complains(const InstallSettings& s, std::string_view first, std::string_view second) {
  for (const auto& p : check_settings(s)) {
    if (p.find(first) != std::string::npos && p.find(second) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST(InstallSettings, AGatewayMayBeNamedAsOthersWriteIt) {
  const auto given = [](const char* host) {
    InstallSettings s;
    const Status set = apply_property(s, "CCMHOSTNAME", host);
    return set ? s.internet_mp : "refused: " + set.error().message;
  };
  EXPECT_EQ(given("gw.example.org"), "gw.example.org");
  const char* whole = "gw.example.org:8443/CCM_Proxy_MutualAuth/72057594037928290";
  EXPECT_EQ(given(whole), whole);
  EXPECT_EQ(base_url(whole, {}, true), std::string("https://") + whole);
  EXPECT_EQ(base_url("gw.example.org/CCM_Proxy_MutualAuth/7", {}, true), "https://gw.example.org:443/CCM_Proxy_MutualAuth/7");
  for (const char* other : {"gw.example.org/", "gw.example.org/x", "gw.example.org/CCM_Proxy_MutualAuth", "gw.example.org/CCM_Proxy_ServerAuth/7",
                            "gw.example.org/CCM_Proxy_MutualAuth/7/", "gw.example.org/CCM_Proxy_MutualAuth/7/x", "https://gw.example.org/CCM_Proxy_MutualAuth/7"})
    EXPECT_TRUE(given(other).starts_with("refused")) << other << " " << given(other);
}

TEST(Properties, TheSpellingOfAdministratorsIsRead) {
  auto s = with({{"SMSSITECODE", "lab"}, {"CCMHOSTNAME", "mp.example.org"}, {"ccmalwaysinf", "1"}, {"SMSMP", "https://mp1.corp"},
                 {"SMSMPLIST", "mp2;https://mp3:8443"}, {"CCMCERTSEL", "SubjectStr:pc"}, {"SMSCACHESIZE", "100"}});
  s.use_pki = true;
  EXPECT_EQ(s.site_code, "LAB");
  EXPECT_TRUE(s.always_internet);
  EXPECT_EQ(s.management_points.size(), 3U);
  EXPECT_TRUE(check_settings(s).empty());
}

TEST(Properties, WhatCannotBeReadIsRefusedByName) {
  InstallSettings s;
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"SMSSITECODE", "TOOLONG"}, {"CCMHOSTNAME", "https://mp"}, {"CCMALWAYSINF", "maybe"}, {"CCMHTTPSPORT", "70000"},
           {"CCMCERTSEL", "Nothing:x"}, {"SMSMP", "bad host"}, {"CCMLOGLEVEL", "9"},
           {"SMSPUBLICROOTKEY", "no hex"}, {"DNSSUFFIX", "a b"}}) {
    auto done = apply_property(s, name, value);
    ASSERT_FALSE(done) << name;
    EXPECT_NE(done.error().message.find(name), std::string::npos);
  }
  EXPECT_EQ(apply_property(s, "NOSUCH", "1").error().code, Code::not_found);
}

TEST(Properties, CombinationsThatCannotWorkNameBoth) {
  EXPECT_TRUE(complains(with({{"SMSSITECODE", "LAB"}, {"CCMALWAYSINF", "1"}}), "CCMALWAYSINF", "CCMHOSTNAME"));
  EXPECT_TRUE(complains(with({{"SMSSITECODE", "AUTO"}, {"CCMHOSTNAME", "mp"}}), "SMSSITECODE=AUTO", "CCMHOSTNAME"));
  EXPECT_TRUE(complains(with({{"SMSSITECODE", "LAB"}, {"CCMHOSTNAME", "mp"}}), "CCMHOSTNAME", "/UsePKICert"));
  EXPECT_TRUE(complains(with({{"SMSSITECODE", "LAB"}}), "SMSMP", "CCMHOSTNAME"));
  EXPECT_TRUE(complains(with({{"SMSSITECODE", "AUTO"}}), "SMSSITECODE=AUTO", "SMSMP"));
  EXPECT_TRUE(check_settings(with({{"SMSSITECODE", "AUTO"}, {"DNSSUFFIX", "corp.test"}})).empty());
  EXPECT_TRUE(check_settings(with({{"SMSSITECODE", "AUTO"}, {"DOMAIN", "corp.test"}})).empty());
  EXPECT_TRUE(complains(with({{"SMSSITECODE", "AUTO"}, {"CCMALWAYSINF", "1"}}), "SMSSITECODE=AUTO", "CCMALWAYSINF"));
  EXPECT_TRUE(check_settings(with({{"SMSSITECODE", "AUTO"}, {"SMSMP", "mp1"}})).empty());
  EXPECT_TRUE(check_settings(with({{"SMSSITECODE", "LAB"}, {"DNSSUFFIX", "corp.test"}})).empty());
  EXPECT_TRUE(complains(with({{"SMSMP", "mp"}}), "SMSSITECODE", "missing"));
  EXPECT_TRUE(
      complains(with({{"SMSSITECODE", "LAB"}, {"SMSMP", "mp"}, {"SMSSIGNCERT", "/nowhere.pem"}}), "SMSSIGNCERT", "/nowhere.pem"));
}

TEST(Properties, AProxyIsAnAddressWithoutSecrets) {
  for (const auto* good : {"proxy:3128", "http://proxy.example:3128", "https://proxy:443/", "socks5h://10.0.0.1:1080", "http://[2001:db8::1]:3128"})
    EXPECT_TRUE(check_proxy(good)) << good;
  for (const auto* bad : {"ftp://proxy:21", "http://proxy:99999", "http://pro xy:1", "http://"}) EXPECT_FALSE(check_proxy(bad)) << bad;
  const auto secret = check_proxy("http://user:word@proxy:3128");
  ASSERT_FALSE(secret);
  EXPECT_NE(secret.error().message.find("PROXYCREDENTIALS"), std::string::npos);
  EXPECT_EQ(secret.error().message.find("word@"), std::string::npos);
}

TEST(Properties, TheFileIsReadAsItWasWritten) {
  auto s = with({{"SMSSITECODE", "LAB"}, {"SMSMPLIST", "a;b"}, {"CCMCERTISSUERS", "CN=Root; O=Example"}, {"USEPKICERT", "1"}});
  auto back = parse_settings(to_text(s));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_text(*back), to_text(s));
  EXPECT_EQ(back->management_points, s.management_points);
  EXPECT_TRUE(back->use_pki);
  auto bad = parse_settings("SMSSITECODE=LAB\nrubbish\n");
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("line 2"), std::string::npos);
}

TEST(Properties, AddressesBecomeUrlsWithSchemeAndPort) {
  InstallSettings s;
  EXPECT_EQ(base_url("MP1", s, false), "http://mp1:80");
  EXPECT_EQ(base_url("mp1", s, true), "https://mp1:443");
  s.use_pki = true;
  s.https_port = 8443;
  EXPECT_EQ(base_url("mp1", s, false), "https://mp1:8443");
  EXPECT_EQ(base_url("http://mp1:81", s, false), "http://mp1:81");
  EXPECT_EQ(base_url("[2001:db8::1]:444", s, true), "https://[2001:db8::1]:444");
}
