#include "pki/certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "pki/pki_test_support.hpp"

namespace fp::pki {
namespace {

using namespace testing;  // NOLINT: the room's own test values
using ::testing::ElementsAre;

TEST(Certificate, TellsEverythingThatWasOrdered) {
  Order order = order_of(Profile::proxy, "mp.example.org");
  order.dns_names.push_back("*.dp.example.org");
  order.ip_addresses = {"192.0.2.7", "2001:db8::1"};
  const Certificate c = issue(an_issuer(), order, a_key().public_key(), random_of_tests()).value();
  EXPECT_EQ(c.subject(), "CN=mp.example.org,O=Example");
  EXPECT_EQ(c.issuer(), "CN=Test Issuing,O=Example");
  EXPECT_EQ(c.common_name(), "mp.example.org");
  EXPECT_THAT(c.dns_names(), ElementsAre("mp.example.org", "*.dp.example.org"));
  EXPECT_THAT(c.ip_addresses(), ElementsAre("192.0.2.7", "2001:db8::1"));
  EXPECT_THAT(c.attribute("cn"), ElementsAre("mp.example.org"));
  EXPECT_THAT(c.attribute("2.5.4.10"), ElementsAre("Example"));
  EXPECT_EQ(c.attribute("SAN").size(), 4U);
  EXPECT_THAT(c.attribute("nonsense"), ElementsAre());
  EXPECT_THAT(c.ekus(), ElementsAre(std::string(kEkuServerAuth), std::string(kEkuClientAuth)));
  EXPECT_EQ(c.key_usage(), unsigned{kDigitalSignature | kKeyEncipherment});
  EXPECT_TRUE(c.has_key_usage());
  EXPECT_EQ(c.not_before(), order.not_before);
  EXPECT_EQ(c.not_after(), order.not_after);
  EXPECT_THAT(c.crl_urls(), ElementsAre("http://crl.test/issuing.crl"));
  EXPECT_TRUE(c.signed_with_sha2());
  EXPECT_FALSE(c.is_ca());
  EXPECT_FALSE(c.self_signed());
  EXPECT_EQ(c.fingerprint(), hex_lower(crypto::sha256(c.der())));
  EXPECT_EQ(c.public_key(), a_key().public_key());
  EXPECT_EQ(c.subject_key_id().size(), 20U);
  EXPECT_GT(c.serial().size(), 24U);
  EXPECT_EQ(Certificate::from_der(c.der()).value(), c);
  EXPECT_EQ(Certificate::from_pem(c.pem()).value(), c);
}

TEST(Certificate, AuthoritiesAreWhatTheyShouldBe) {
  EXPECT_TRUE(a_root().certificate.is_ca());
  EXPECT_TRUE(a_root().certificate.self_signed());
  EXPECT_TRUE(an_issuer().certificate.is_ca());
  EXPECT_FALSE(an_issuer().certificate.self_signed());
  EXPECT_EQ(an_issuer().certificate.key_usage(), unsigned{kKeyCertSign | kCrlSign});
}

TEST(Certificate, TheSelfSignedProfilesHaveTheirFixedNamesAndPurposes) {
  const auto client = self_signed_with_new_key(order_of(Profile::client_self_signed, "ignored"), random_of_tests()).value();
  EXPECT_EQ(client.certificate.common_name(), "ConfigMgr Client");
  EXPECT_EQ(client.certificate.key_usage(), unsigned{kDigitalSignature | kDataEncipherment});
  EXPECT_THAT(client.certificate.ekus(), ElementsAre(std::string(kEkuSelfSignedClient), std::string(kEkuSelfSigned)));
  EXPECT_TRUE(client.certificate.self_signed());
  const Certificate site = self_sign(a_key(), order_of(Profile::site_signing, "ignored"), random_of_tests()).value();
  EXPECT_EQ(site.common_name(), "Site Server");
  EXPECT_TRUE(site.self_signed());
  EXPECT_FALSE(self_sign(a_key(), order_of(Profile::client, "pc"), random_of_tests()).has_value());
  EXPECT_FALSE(issue(an_issuer(), order_of(Profile::site_signing, "x"), a_key().public_key(), random_of_tests()).has_value());
}

TEST(Certificate, RubbishIsRefusedWithAReason) {
  const std::string der = a_certificate(Profile::client, "pc1").der();
  EXPECT_EQ(Certificate::from_der("").error().code, Code::invalid);
  EXPECT_EQ(Certificate::from_der(der.substr(0, der.size() - 1)).error().code, Code::invalid);
  EXPECT_EQ(Certificate::from_der(der + "x").error().code, Code::invalid);
  EXPECT_EQ(Certificate::from_der(std::string(100'000, 'a')).error().code, Code::too_large);
  EXPECT_EQ(Certificate::from_pem("nothing here").error().code, Code::invalid);
  EXPECT_EQ(Certificate::from_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").error().code, Code::invalid);
  const std::string two = a_root().certificate.pem() + an_issuer().certificate.pem();
  EXPECT_EQ(Certificate::chain_from_pem("text before\n" + two).value().size(), 2U);
  EXPECT_FALSE(Certificate::chain_from_pem(two.substr(0, two.size() - 40)).has_value());
}

TEST(Certificate, AServerNameIsMatchedByLabel) {
  Order order = order_of(Profile::server, "mp.example.org");
  order.dns_names = {"mp.example.org", "*.dp.example.org"};
  order.ip_addresses = {"192.0.2.7", "2001:db8::1"};
  const Certificate c = issue(an_issuer(), order, a_key().public_key(), random_of_tests()).value();
  for (const char* host :
       {"mp.example.org", "MP.Example.org.", "a.dp.example.org", "192.0.2.7", "2001:DB8:0::1", "[2001:db8::1]"})
    EXPECT_TRUE(names_host(c, host)) << host;
  for (const char* host : {"", "example.org", "x.mp.example.org", "dp.example.org", "a.b.dp.example.org", ".dp.example.org",
                           "*.dp.example.org.x", "192.0.2.8", "mp.example.org.evil"})
    EXPECT_FALSE(names_host(c, host)) << host;
}

TEST(Certificate, TheCommonNameCountsOnlyWithoutAlternativeNames) {
  Order order = order_of(Profile::client, "mp.example.org");
  order.dns_names.clear();
  EXPECT_TRUE(names_host(issue(an_issuer(), order, a_key().public_key(), random_of_tests()).value(), "mp.example.org"));
  order.dns_names = {"other.example.org"};
  EXPECT_FALSE(names_host(issue(an_issuer(), order, a_key().public_key(), random_of_tests()).value(), "mp.example.org"));
}

TEST(Issue, WhatDoesNotMakeSenseIsRefused) {
  Random& random = random_of_tests();
  const auto& key = a_key().public_key();
  Order order = order_of(Profile::server, "x");
  order.dns_names.clear();
  EXPECT_FALSE(issue(an_issuer(), order, key, random).has_value()) << "a server without a name";
  order.dns_names = {"bad name"};
  EXPECT_FALSE(issue(an_issuer(), order, key, random).has_value());
  order = order_of(Profile::client, "pc");
  order.not_after = order.not_before;
  EXPECT_FALSE(issue(an_issuer(), order, key, random).has_value());
  order = order_of(Profile::client, "pc");
  order.crl_url = "ldap:///CN=x";
  EXPECT_FALSE(issue(an_issuer(), order, key, random).has_value());
  order = order_of(Profile::client, "pc");
  order.common_name = "a\tb";
  EXPECT_FALSE(issue(an_issuer(), order, key, random).has_value());
  const Identity leaf{a_certificate(Profile::client, "pc"), a_key()};
  EXPECT_FALSE(issue(leaf, order_of(Profile::client, "pc"), key, random).has_value()) << "a leaf is no authority";
  const Identity mixed{an_issuer().certificate, a_key()};
  EXPECT_FALSE(issue(mixed, order_of(Profile::client, "pc"), key, random).has_value()) << "another key";
}

TEST(Issue, NothingOutlivesItsIssuerAndSerialsDiffer) {
  const Certificate a = a_certificate(Profile::client, "pc", 100'000), b = a_certificate(Profile::client, "pc", 100'000);
  EXPECT_EQ(a.not_after(), an_issuer().certificate.not_after());
  EXPECT_NE(a.serial(), b.serial());
}

TEST(SigningRequest, ComesBackWithItsNamesAndProvesItsKey) {
  Order order = order_of(Profile::server, "mp.example.org");
  order.ip_addresses = {"192.0.2.7"};
  const std::string pem = make_signing_request(a_key(1), order).value();
  const SigningRequest request = parse_signing_request(pem).value();
  EXPECT_EQ(request.key, a_key(1).public_key());
  EXPECT_EQ(request.common_name, "mp.example.org");
  EXPECT_THAT(request.dns_names, ElementsAre("mp.example.org"));
  EXPECT_THAT(request.ip_addresses, ElementsAre("192.0.2.7"));
  const std::string body = pem.substr(pem.find('\n') + 1, pem.find("\n-----END") - pem.find('\n') - 1);
  std::string der = unbase64(body).value();
  EXPECT_TRUE(parse_signing_request(der).has_value());
  der.back() = static_cast<char>(der.back() ^ 1);
  EXPECT_EQ(parse_signing_request(der).error().code, Code::invalid);
  EXPECT_EQ(parse_signing_request("").error().code, Code::invalid);
}

}  // namespace
}  // namespace fp::pki
