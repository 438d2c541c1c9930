#include "apps/config.hpp"

#include <gtest/gtest.h>

#include <algorithm>

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

TEST(Config, PublishingInADirectoryNeedsADomainAndAKeytab) {
  const auto file = [](const std::string& section) { return with("[[listener]]", "[directory_publishing]\n" + section + "\n[[listener]]"); };
  SiteConfig config;
  EXPECT_TRUE(parse_config(file("domain = \"Corp.Example\"\nkeytab = \"/etc/k\""), "farpoint.toml", config, false).empty());
  EXPECT_TRUE(config.directory_publishing.enabled);
  EXPECT_EQ(config.directory_publishing.account.domain, "corp.example");
  SiteConfig none;
  EXPECT_TRUE(parse_config(kGood, "farpoint.toml", none, false).empty());
  EXPECT_FALSE(none.directory_publishing.enabled);
  for (const auto* wrong : {"keytab = \"/etc/k\"", "domain = \"corp.example\"", "domain = \"corp..example\"\nkeytab = \"/etc/k\"",
                            "domain = \"corp.example)(x\"\nkeytab = \"/etc/k\"", "domain = \"corp.example\"\nkeytab = \"/etc/k\"\npassword = \"x\""})
    EXPECT_EQ(mistakes_of(file(wrong)).size(), 1U) << wrong;
}

TEST(Config, ASoftwareUpdatePointHasRepositoriesWhoseKeysAreNamed) {
  const std::string source = "[[software_update_point.source]]\nname = \"security\"\nurl = \"http://deb.example/debian-security\"\nsuite = "
                             "\"bookworm-security\"\nkeyring = \"/usr/share/keyrings/debian-archive-keyring.gpg\"\n";
  SiteConfig config;
  EXPECT_TRUE(parse_config(with("[admin]", "[software_update_point]\nconnections = \"internet\"\n" + source + "[admin]"), "farpoint.toml", config, false).empty());
  EXPECT_TRUE(config.sup_enabled);
  EXPECT_EQ(config.sup_connections, Connections::internet);
  ASSERT_EQ(config.sup_sources.size(), 1U);
  EXPECT_EQ(config.sup_sources[0].components, std::vector<std::string>{"main"});
  SiteConfig none;
  EXPECT_TRUE(parse_config(kGood, "farpoint.toml", none, false).empty());
  EXPECT_FALSE(none.sup_enabled);
  const auto first = [&](const std::string& text) {
    const auto mistakes = mistakes_of(with("[admin]", text + "[admin]"));
    return mistakes.empty() ? std::string() : mistakes.front();
  };
  EXPECT_NE(first("[software_update_point]\n").find("software_update_point.source: at least one"), std::string::npos);
  EXPECT_NE(first("[software_update_point]\nconnections = \"intranet\"\n" + source).find("no listener has an intranet door"), std::string::npos);
  EXPECT_NE(first("[software_update_point]\n[[software_update_point.source]]\nname = \"x\"\nurl = \"ftp://x\"\nsuite = \"x\"\nkeyring = \"/k\"\n")
                .find("software_update_point.source.url: must be http://"), std::string::npos);
  EXPECT_NE(first("[software_update_point]\n" + source + source).find("source.name: is needed, and each source has one of its own"), std::string::npos);
}

TEST(Config, ASoftwareUpdatePointStandsOnThePrimarySitesServer) {
  const auto mistakes = mistakes_of(with("code = \"fp1\"", "code = \"fp1\"\nrole = \"distribution-point\"") + "[software_update_point]\n");
  EXPECT_TRUE(std::ranges::any_of(mistakes, [](const auto& m) { return m.find("away from the primary site's server has no software update point") != m.npos; }));
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

TEST(Config, WhoIsPushedToAndHowPacketsAreSentIsChecked) {
  SiteConfig config;
  const std::string more = "[wake_on_lan]\nsend = \"unicast\"\nport = 7\n\n[[listener]]";
  EXPECT_TRUE(parse_config(with("[[listener]]", more), "farpoint.toml", config, false).empty());
  EXPECT_TRUE(config.wake_unicast);
  EXPECT_EQ(config.wake_port, 7);
  const auto wrong = mistakes_of(with("[[listener]]", "[client_push]\nnetworks = [\"10.0.0.0/8\"]\n\n[wake_on_lan]\nsend = \"shout\"\n\n[[listener]]"));
  ASSERT_EQ(wrong.size(), 2U);
  EXPECT_NE(wrong[0].find("client_push.networks"), std::string::npos);
  EXPECT_NE(wrong[0].find("boundaries say which networks are the intranet"), std::string::npos) << wrong[0];
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
  EXPECT_NE(mistakes_of(good + "[windows_auth]\n").front().find("a host of the role distribution-point has no door for Windows logins"), std::string::npos);
  EXPECT_TRUE(mistakes_of(wrong)[0].starts_with("farpoint.toml:7: distribution_point.site_fingerprint: is needed")) << mistakes_of(wrong)[0];
  EXPECT_EQ(mistakes_of(good + "[management_point]\nenabled = true\n").size(), 1U);
  std::string bridged = good;
  bridged.replace(bridged.find("[distribution_point]"), 0, "pinned_proxies = [\"" + std::string(64, 'a') + "\"]\n");
  ASSERT_EQ(mistakes_of(bridged).size(), 1U);
  EXPECT_NE(mistakes_of(bridged)[0].find("bridging from HTTPS to HTTP is not supported"), std::string::npos);
  bridged.replace(bridged.find("intranet-https"), 14, "internet-https");
  bridged.replace(bridged.find("data ="), 0, "internet_fqdn = \"dp2.example.org\"\n");
  EXPECT_TRUE(mistakes_of(bridged).empty()) << mistakes_of(bridged)[0];
  bridged.replace(bridged.find(std::string(64, 'a')), 64, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
  EXPECT_NE(mistakes_of(bridged)[0].find("no proxy's"), std::string::npos);
  EXPECT_EQ(mistakes_of(good + "[admin]\nport = 9443\ncertificate = \"a\"\nkey = \"b\"\n").size(), 1U);
}

// The one mistake of a text, or all of them, to be found in.
std::string said(const std::string& text) {
  std::string all;
  for (const auto& m : mistakes_of(text)) all += m + "\n";
  return all;
}

TEST(Config, WhatThePlanForInternetClientsAsksIsRefusedInItsWords) {
  EXPECT_NE(said(with("internet-https", "internet-http")).find("IBCM requires the use of PKI certificates"), std::string::npos);
  EXPECT_NE(said(with("internet_fqdn = \"site.example.com\"", "")).find("Register public DNS host entries"), std::string::npos);
  EXPECT_NE(said(with("code = \"fp1\"", "code = \"fp1\"\nuse_pki_client_certificate = false")).find("This option is required."), std::string::npos);
  EXPECT_NE(said(with("issuers = [\"/etc/farpoint/root.pem\"]", "")).find("IBCM requires the use of PKI certificates"), std::string::npos);
  // Without a door to the internet none of it is asked.
  EXPECT_EQ(said(with("port = 443\ndoor = \"internet-https\"", "port = 443\ndoor = \"intranet-https\"")), "");
}

TEST(Config, ARoleIsOfferedWhereADoorIsAndADoorIsThereForARole) {
  const std::string roles = "[management_point]\nconnections = \"intranet\"\n[distribution_point]\nconnections = \"intranet\"\n[admin]";
  const std::string both = said(with("[admin]", roles));
  EXPECT_NE(both.find("management_point.connections: is intranet, and no listener has an intranet door"), std::string::npos) << both;
  EXPECT_NE(both.find("nothing is offered at the internet listener"), std::string::npos) << both;
  std::string inside = with("door = \"internet-https\"", "door = \"intranet-https\"");
  inside.replace(inside.find("[admin]"), 7, "[distribution_point]\nconnections = \"internet\"\n[admin]");
  EXPECT_NE(said(inside).find("distribution_point.connections: is internet, and no listener has the door internet-https"), std::string::npos) << said(inside);
}

TEST(Config, ASiteSystemStandsInOneNetwork) {
  std::string two = with("port = 443\n", "address = \"203.0.113.9\"\nport = 443\n");
  two += "[[listener]]\naddress = \"10.1.0.9\"\nport = 443\ndoor = \"intranet-https\"\ncertificate = \"/etc/farpoint/server.pem\"\nkey = \"/etc/farpoint/server.key\"\n";
  EXPECT_NE(said(two).find("goes around the firewall"), std::string::npos) << said(two);
  two.replace(two.find("10.1.0.9"), 8, "203.0.113.9");
  EXPECT_EQ(said(two), "");
}

constexpr const char* kEdge = R"([site]
role = "management-point"
code = "FP1"
data = "/var/lib/farpoint"
internet_fqdn = "mp.example.com"
[pki]
issuers = ["/etc/farpoint/root.pem"]
[link]
address = "10.2.0.30"
port = 10443
certificate = "/etc/farpoint/link.pem"
key = "/etc/farpoint/link.key"
site_fingerprint = "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff"
[[listener]]
port = 443
door = "internet-https"
certificate = "/etc/farpoint/server.pem"
key = "/etc/farpoint/server.key"
)";

std::string edge_with(std::string_view from, std::string_view to) {
  std::string text = kEdge;
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos);
  return text.replace(at, from.size(), to);
}

TEST(Config, AManagementPointAwayFromTheSiteHasALinkAndNothingOfTheSite) {
  SiteConfig config;
  const auto none = parse_config(kEdge, "farpoint.toml", config, false);
  EXPECT_TRUE(none.empty()) << none.front();
  EXPECT_EQ(config.role, HostRole::management_point);
  EXPECT_FALSE(config.dp_enabled);
  EXPECT_EQ(config.admin_port, 0);
  EXPECT_EQ(config.link.site_fingerprint.substr(20, 4), "aabb");
  EXPECT_NE(said(edge_with("site_fingerprint", "#")).find("link.site_fingerprint: is needed"), std::string::npos);
  EXPECT_NE(said(edge_with("port = 10443", "port = 10443\nsite = \"site.corp:10443\"")).find("name either address and port"), std::string::npos);
  EXPECT_NE(said(edge_with("address = \"10.2.0.30\"\nport = 10443", "")).find("name either address and port"), std::string::npos);
  EXPECT_EQ(said(edge_with("address = \"10.2.0.30\"\nport = 10443", "site = \"site.corp:10443\"")), "");
  EXPECT_NE(said(edge_with("[link]", "[management_point]\nclient_files = \"/srv\"\n[link]")).find("client files lie on the site server"), std::string::npos);
  EXPECT_NE(said(edge_with("[link]", "[distribution_point]\nenabled = true\n[link]")).find("has no distribution point"), std::string::npos);
  EXPECT_NE(said(edge_with("[link]", "[admin]\nport = 9443\ncertificate = \"a\"\nkey = \"b\"\n[link]")).find("has no admin API"), std::string::npos);
}

TEST(Config, ASecondarySiteServesNobodyFromUntrustedLocations) {
  std::string good = edge_with("role = \"management-point\"", "type = \"secondary\"\nparent = \"FP1\"");
  good.replace(good.find("internet_fqdn = \"mp.example.com\""), 32, "intranet_fqdn = \"mp.branch.example\"");
  good.replace(good.find("code = \"FP1\""), 12, "code = \"BR1\"");
  const std::string outside = good;
  good.replace(good.find("internet-https"), 14, "intranet-https");
  EXPECT_EQ(said(good), "");
  SiteConfig config;
  EXPECT_TRUE(parse_config(good, "farpoint.toml", config, false).empty());
  EXPECT_EQ(config.role, HostRole::secondary_site);
  EXPECT_EQ(config.parent_code, "FP1");
  EXPECT_TRUE(config.mp_enabled && config.dp_enabled);
  EXPECT_EQ(config.mp_connections, Connections::intranet);
  EXPECT_NE(said(outside).find("Secondary sites don't support client connections from untrusted locations."), std::string::npos) << said(outside);
  std::string both = good;
  both.replace(both.find("[link]"), 6, "[management_point]\nconnections = \"both\"\n[link]");
  EXPECT_NE(said(both).find("management_point.connections: must be intranet at a secondary site"), std::string::npos) << said(both);
  std::string orphan = good;
  orphan.replace(orphan.find("parent = \"FP1\""), 14, "");
  EXPECT_NE(said(orphan).find("site.parent: must be the site code of the primary site"), std::string::npos);
}

// Its doors are the primary site server's own: on a host that passes on, the section would open nothing, and says so.
TEST(Config, WindowsDoorsAwayFromThePrimarySitesServerAreRefusedByName) {
  const std::string more = "[windows_auth]\ndoors = [\"internet-https\"]\nkeytab = \"/etc/farpoint/http.keytab\"\ndomains = [\"CORP.EXAMPLE=CORP\"]\n";
  const std::string edge = edge_with("[link]", more + "[link]");
  for (const char* role : {"management-point", "enrollment-proxy-point", "gateway"}) {
    std::string text = edge;
    text.replace(text.find("management-point"), 16, role);
    const auto mistakes = mistakes_of(text);
    ASSERT_EQ(mistakes.size(), 1U) << role << ": " << mistakes.back();
    EXPECT_NE(mistakes[0].find(fmt::format("windows_auth.doors: a host of the role {} has no door for Windows logins", role)), std::string::npos) << mistakes[0];
    EXPECT_NE(mistakes[0].find("farpoint publish --mode tunnel"), std::string::npos) << mistakes[0];
  }
  std::string secondary = edge;
  secondary.replace(secondary.find("role = \"management-point\""), 25, "type = \"secondary\"\nparent = \"FP1\"");
  EXPECT_NE(said(secondary).find("has no door for Windows logins"), std::string::npos) << said(secondary);
}

TEST(Config, AFallbackStatusPointIsNothingElse) {
  const std::string good = R"([site]
role = "fallback-status-point"
code = "FP1"
data = "/var/lib/farpoint"
internet_fqdn = "fsp.example.test"
[fallback_status_point]
messages = 0
[link]
address = "10.2.0.40"
port = 10443
certificate = "/etc/farpoint/link.pem"
key = "/etc/farpoint/link.key"
site_fingerprint = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
[[listener]]
port = 80
door = "clients"
)";
  SiteConfig config;
  const auto mistakes = parse_config(good, "farpoint.toml", config, false);
  EXPECT_TRUE(mistakes.empty()) << mistakes.front();
  EXPECT_EQ(config.role, HostRole::fallback_status_point);
  EXPECT_TRUE(has_fallback(config));
  EXPECT_FALSE(config.mp_enabled || config.dp_enabled);
  EXPECT_EQ(config.admin_port, 0);
  EXPECT_EQ(config.fsp_messages, 0);
  EXPECT_EQ(config.fsp_interval_s, 3600);
  EXPECT_EQ(config.listeners[0].door, Door::intranet_http);
  for (const char* section : {"[pki]", "[management_point]", "[distribution_point]", "[windows_auth]", "[admin]", "[maintenance]"})
    EXPECT_EQ(mistakes_of(good + section + "\n").size(), 1U) << section;
  const auto without = [&](const std::string& part, const std::string& instead) {
    std::string text = good;
    text.replace(text.find(part), part.size(), instead);
    return mistakes_of(text);
  };
  EXPECT_EQ(without("site_fingerprint = ", "#").size(), 1U);
  EXPECT_EQ(without("messages = 0", "messages = -1").size(), 1U);
  EXPECT_NE(without("internet_fqdn = \"fsp.example.test\"", "").front().find("site.internet_fqdn"), std::string::npos);
  EXPECT_NE(without("messages = 0", "site_fingerprint = \"00\"").front().find("stands in [link] now"), std::string::npos);
  EXPECT_FALSE(without("door = \"clients\"", "door = \"intranet-http\"").empty());
  EXPECT_FALSE(without("door = \"clients\"", "door = \"site\"").empty());
  const auto inwards = without("address = \"10.2.0.40\"\nport = 10443", "site = \"site.corp.test:10443\"");
  ASSERT_EQ(inwards.size(), 1U);
  EXPECT_NE(inwards.front().find("the site opens the link"), std::string::npos);
}

TEST(Config, AGatewayStandsOnTheInternetForTheInternet) {
  const std::string good = R"([site]
role = "gateway"
code = "FP1"
data = "/var/lib/farpoint"
internet_fqdn = "gw.example.test"
[pki]
issuers = ["/etc/farpoint/issuers.pem"]
[link]
address = "0.0.0.0"
port = 10443
certificate = "/etc/farpoint/link.pem"
key = "/etc/farpoint/link.key"
site_fingerprint = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
[[listener]]
port = 443
door = "internet-https"
certificate = "/etc/farpoint/server.pem"
key = "/etc/farpoint/server.key"
)";
  SiteConfig config;
  const auto mistakes = parse_config(good, "farpoint.toml", config, false);
  EXPECT_TRUE(mistakes.empty()) << mistakes.front();
  EXPECT_EQ(config.role, HostRole::gateway);
  EXPECT_TRUE(config.mp_enabled && config.dp_enabled && config.check_crl);
  EXPECT_EQ(config.mp_connections, Connections::internet);
  EXPECT_EQ(config.dp_connections, Connections::internet);
  EXPECT_FALSE(has_fallback(config));
  SiteConfig heard;
  EXPECT_TRUE(parse_config(good + "[[listener]]\nport = 80\ndoor = \"clients\"\n", "farpoint.toml", heard, false).empty());
  EXPECT_TRUE(has_fallback(heard));
  const auto with = [&](const std::string& part, const std::string& instead) {
    std::string text = good;
    text.replace(text.find(part), part.size(), instead);
    const auto found = mistakes_of(text);
    return found.empty() ? std::string() : found.front();
  };
  EXPECT_NE(with("role = \"gateway\"", "role = \"gateway\"\ntype = \"secondary\"").find("Secondary sites don't support client connections"), std::string::npos);
  EXPECT_NE(with("[link]", "[management_point]\nconnections = \"both\"\n[link]").find("must be internet at a gateway"), std::string::npos);
  EXPECT_NE(with("[link]", "[management_point]\nallow_gateway_traffic = true\n[link]").find("on the site server"), std::string::npos);
  EXPECT_NE(with("address = \"0.0.0.0\"\nport = 10443", "site = \"site.corp.test:10443\"").find("the site opens the link"), std::string::npos);
  EXPECT_NE(with("door = \"internet-https\"", "door = \"intranet-https\"").find("listener.door"), std::string::npos);
  EXPECT_NE(with("internet_fqdn", "intranet_fqdn = \"gw.corp.test\"\ninternet_fqdn").find("serves nobody of the intranet"), std::string::npos);
  EXPECT_NE(with("[link]", "[windows_auth]\n[link]").find("has no door for Windows logins"), std::string::npos);
  EXPECT_NE(with("[link]", "[admin]\n[link]").find("a gateway has nothing of it"), std::string::npos);
}

}  // namespace fp::apps
