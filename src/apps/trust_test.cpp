#include "apps/trust.hpp"

#include <gtest/gtest.h>

#include "base/ids.hpp"
#include "pki/issue.hpp"

namespace fp::apps {
namespace {

TEST(Authorities, EveryIssuerCountsBetweenTheHostsOfASite) {
  const Path folder = std::filesystem::temp_directory_path() / ("farpoint-trust-" + new_guid(system_random()));
  ASSERT_TRUE(make_dirs(folder));
  ASSERT_TRUE(write_file(folder / "one.pem", "first\n"));
  ASSERT_TRUE(write_file(folder / "two.pem", "second\n"));
  SiteConfig config;
  config.data = folder;
  EXPECT_EQ(*write_authorities(config), "") << "none named: the machine's own";
  config.issuers = {folder / "one.pem", folder / "two.pem"};
  const auto bundle = write_authorities(config);
  ASSERT_TRUE(bundle) << bundle.error().message;
  const auto text = *read_file(*bundle, 1000);
  EXPECT_NE(text.find("first"), std::string::npos);
  EXPECT_NE(text.find("second"), std::string::npos);
  config.issuers.push_back(folder / "three.pem");
  const auto missing = write_authorities(config);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("three.pem"), std::string::npos) << missing.error().message;
  ASSERT_TRUE(remove_tree(folder));
}

TEST(Proxies, AreKnownByServingUnderThePublishedName) {
  const Instant now = system_clock().now();
  const auto root = pki::make_root({.common_name = "Test Root", .not_before = now.plus_s(-60), .not_after = now.plus_s(86400), .key_bits = 2048},
                                   system_random());
  ASSERT_TRUE(root) << root.error().message;
  const auto certificate = [&](pki::Profile profile, const std::string& name) {
    pki::Order order;
    order.profile = profile;
    order.common_name = name;
    order.dns_names = {name};
    order.not_before = now;
    order.not_after = now.plus_s(3600);
    return pki::issue_with_new_key(*root, order, system_random()).value().certificate;
  };
  const auto proxy = certificate(pki::Profile::proxy, "mp.example.org");
  EXPECT_TRUE(is_proxy_certificate(proxy, "mp.example.org"));
  EXPECT_FALSE(is_proxy_certificate(proxy, "dp.example.org"));
  EXPECT_FALSE(is_proxy_certificate(proxy, ""));
  // A site system that is managed as a client, and a computer whose certificate may serve too.
  EXPECT_FALSE(is_proxy_certificate(certificate(pki::Profile::client, "mp.example.org"), "mp.example.org"));
  EXPECT_FALSE(is_proxy_certificate(certificate(pki::Profile::proxy, "pc1.example.org"), "mp.example.org"));
}

}  // namespace
}  // namespace fp::apps
