// Enrolment in the configuration: what does not fit together is named.
#include <gtest/gtest.h>

#include "apps/config.hpp"

namespace fp::apps {
namespace {

std::string site(std::string_view more) {
  return fmt::format(R"([site]
code = "fp1"
data = "/var/lib/farpoint"
internet_fqdn = "site.example.com"
[pki]
issuers = ["/etc/farpoint/root.pem"]
[admin]
port = 0
{}
[[listener]]
port = 443
door = "internet-https"
certificate = "/etc/farpoint/server.pem"
key = "/etc/farpoint/server.key"
)", more);
}

std::string mistakes_of(const std::string& text, SiteConfig& config) {
  std::string all;
  for (const auto& m : parse_config(text, "farpoint.toml", config, false)) all += m + "\n";
  return all;
}
std::string mistakes_of(const std::string& text) {
  SiteConfig config;
  return mistakes_of(text, config);
}
bool says(const std::string& text, std::string_view part) {
  const std::string all = mistakes_of(text);
  if (all.find(part) == std::string::npos) ADD_FAILURE() << part << " is not in: " << all;
  return true;
}

}  // namespace

TEST(EnrollmentConfig, IsOffUnlessSwitchedOn) {
  SiteConfig config;
  EXPECT_EQ(mistakes_of(site(""), config), "");
  EXPECT_FALSE(config.enrollment.point);
  EXPECT_FALSE(config.enrollment.proxy);
  EXPECT_EQ(mistakes_of(site("[enrollment]\nenabled = true\n[enrollment_proxy_point]\nconnections = \"internet\""), config), "");
  EXPECT_TRUE(config.enrollment.point);
  EXPECT_EQ(config.enrollment.proxy, Connections::internet);
}

TEST(EnrollmentConfig, WhatDoesNotFitTogetherIsNamed) {
  says(site("[enrollment_proxy_point]\nconnections = \"internet\""), "there is no enrollment point behind it");
  says(site("[enrollment]\nenabled = true\n[enrollment_proxy_point]\nconnections = \"both\""), "no listener has the door intranet-https");
  says(site("[enrollment]\nenabled = true\ndomain_accounts = true"), "windows_auth.keytab and windows_auth.domains are needed");
  says(site("[enrollment]\ndomain_accounts = true"), "there is no enrollment point");
  says(site("[enrollment]\nenabled = true\ncertificate_days = 0"), "certificate_days");
  says(site("[enrollment]\nenable = true"), "enrollment.enable: no such setting");
}

TEST(EnrollmentConfig, AHostInThePerimeterHasTheProxyPointAndNeverThePoint) {
  const std::string link = "[link]\naddress = \"0.0.0.0\"\nport = 10443\ncertificate = \"/l.pem\"\nkey = \"/l.key\"\nsite_fingerprint = \"" +
                           std::string(64, 'a') + "\"\n";
  const auto host = [&](std::string_view role, const std::string& more) {
    std::string text = site(link + more);
    text.replace(text.find("[site]\n"), 7, fmt::format("[site]\n{}\n", role));
    text.replace(text.find("[admin]\nport = 0\n"), 17, "");
    return text;
  };
  SiteConfig config;
  EXPECT_EQ(mistakes_of(host("role = \"enrollment-proxy-point\"", ""), config), "");
  EXPECT_EQ(config.enrollment.proxy, Connections::internet);
  EXPECT_FALSE(config.mp_enabled);
  EXPECT_FALSE(config.dp_enabled);
  SiteConfig beside;
  EXPECT_EQ(mistakes_of(host("role = \"management-point\"", "[enrollment_proxy_point]\nconnections = \"internet\""), beside), "");
  EXPECT_TRUE(beside.mp_enabled);
  says(host("role = \"enrollment-proxy-point\"", "[enrollment]\nenabled = true"), "runs in the site server alone");
  says(host("role = \"enrollment-proxy-point\"", "[management_point]\nenabled = true"), "has no management point");
}

TEST(EnrollmentConfig, ASecondarySiteEnrolsNobodyFromTheInternet) {
  std::string text = site("[enrollment_proxy_point]\nconnections = \"internet\"");
  text.replace(text.find("[site]\n"), 7, "[site]\ntype = \"secondary\"\nparent = \"fp0\"\n");
  says(text, "enrollment_proxy_point.connections: must be intranet at a secondary site");
}

}  // namespace fp::apps
