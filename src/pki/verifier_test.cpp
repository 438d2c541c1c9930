#include "pki/verifier.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "crypto/openssl.hpp"
#include "pki/pki_test_support.hpp"

namespace fp::pki {
namespace {

using namespace testing;  // NOLINT: the room's own test values

// What stands at which URL; a missing one is unreachable.
struct Web {
  std::map<std::string, std::string> files;
  int asked = 0;
  CrlStore::Fetch fetch() {
    return [this](const std::string& url) -> Result<std::string> {
      ++asked;
      const auto found = files.find(url);
      if (found == files.end()) return fail(Code::unavailable, "connection refused");
      return found->second;
    };
  }
};

class VerifierTest : public ::testing::Test {
 protected:
  VerifierTest() {
    web.files["http://crl.test/root.crl"] = a_crl(a_root());
    web.files["http://crl.test/issuing.crl"] = a_crl(an_issuer());
  }
  Verifier verifier(bool check_crl = true, CrlSettings settings = {}) {
    crls = std::make_shared<CrlStore>(web.fetch(), settings);
    return Verifier({{a_root().certificate}, {an_issuer().certificate}, check_crl}, crls);
  }
  CertificateProblem client(const Certificate& c, Instant now = kNow) { return verifier().check_client(c, {}, now).problem; }

  Web web;
  std::shared_ptr<CrlStore> crls;
};

TEST_F(VerifierTest, AGoodClientAndAGoodServerPass) {
  EXPECT_EQ(client(a_certificate(Profile::client, "pc1")), CertificateProblem::none);
  EXPECT_EQ(client(a_certificate(Profile::admin, "anna")), CertificateProblem::none);
  EXPECT_EQ(client(a_certificate(Profile::proxy, "proxy")), CertificateProblem::none);
  const Certificate server = a_certificate(Profile::server, "mp.example.org");
  EXPECT_TRUE(verifier().check_server(server, {}, "mp.example.org", kNow).ok());
  const CertificateCheck wrong = verifier().check_server(server, {}, "mp.example.net", kNow);
  EXPECT_EQ(wrong.problem, CertificateProblem::wrong_name);
  EXPECT_NE(wrong.detail.find("mp.example.net"), std::string::npos);
}

TEST_F(VerifierTest, AnIntermediateThatThePeerSentIsEnough) {
  crls = std::make_shared<CrlStore>(web.fetch());
  const Verifier bare({{a_root().certificate}, {}, true}, crls);
  const Certificate c = a_certificate(Profile::client, "pc1");
  EXPECT_EQ(bare.check_client(c, {}, kNow).problem, CertificateProblem::untrusted);
  EXPECT_TRUE(bare.check_client(c, std::vector{an_issuer().certificate}, kNow).ok());
  EXPECT_TRUE(bare.check_client_der(c.der(), std::vector{an_issuer().certificate.der()}, kNow).ok());
}

TEST_F(VerifierTest, AnIntermediateAloneIsNoAnchor) {
  const Verifier none({{}, {an_issuer().certificate}, false}, nullptr);
  EXPECT_EQ(none.check_client(a_certificate(Profile::client, "pc1"), {}, kNow).problem, CertificateProblem::untrusted);
}

TEST_F(VerifierTest, MissingAndMalformedAreTold) {
  EXPECT_EQ(verifier().check_client_der("", {}, kNow).problem, CertificateProblem::missing);
  EXPECT_EQ(verifier().check_client_der("rubbish", {}, kNow).problem, CertificateProblem::malformed);
}

TEST_F(VerifierTest, AForeignIssuerIsUntrustedAndNeverAskedForLists) {
  const Certificate c =
      issue(a_foreign_root(), order_of(Profile::client, "pc1"), a_key().public_key(), random_of_tests()).value();
  EXPECT_EQ(client(c), CertificateProblem::untrusted);
  EXPECT_EQ(web.asked, 0);
}

TEST_F(VerifierTest, ANamesakeOfTheRootIsUntrusted) {
  const Identity fake = make_root(authority_order("Test Root"), random_of_tests()).value();
  const Certificate c = issue(fake, order_of(Profile::client, "pc1"), a_key().public_key(), random_of_tests()).value();
  EXPECT_EQ(verifier().check_client(c, std::vector{fake.certificate}, kNow).problem, CertificateProblem::untrusted);
}

TEST_F(VerifierTest, ASelfSignedClientIsUntrusted) {
  const Certificate c = self_sign(a_key(), order_of(Profile::client_self_signed, "x"), random_of_tests()).value();
  EXPECT_EQ(client(c), CertificateProblem::untrusted);
}

TEST_F(VerifierTest, DatesAreCheckedAtTheGivenInstant) {
  const Certificate c = a_certificate(Profile::client, "pc1", 1);
  EXPECT_EQ(client(c, kNow.plus_s(2 * kDayS)), CertificateProblem::expired);
  EXPECT_EQ(client(c, kNow.plus_s(-7200)), CertificateProblem::not_yet_valid);
  const CertificateCheck check = verifier().check_client(c, {}, kNow.plus_s(2 * kDayS));
  EXPECT_NE(check.detail.find("CN=pc1"), std::string::npos) << check.detail;
}

TEST_F(VerifierTest, APurposeThatIsNotStatedIsAWrongOne) {
  EXPECT_EQ(client(a_certificate(Profile::server, "mp.example.org")), CertificateProblem::wrong_purpose);
  const CertificateCheck check = verifier().check_server(a_certificate(Profile::client, "pc1"), {}, "pc1", kNow);
  EXPECT_EQ(check.problem, CertificateProblem::wrong_purpose);
  // A root of the list as a client: no EKU at all.
  EXPECT_EQ(client(a_root().certificate), CertificateProblem::wrong_purpose);
}

// Signed by hand, because issue() makes neither weak keys nor weak hashes.
Certificate signed_by_hand(int bits, const EVP_MD* hash) {
  const Certificate model = a_certificate(Profile::client, "pc1");
  const crypto::OwnedX509 x(X509_dup(model.native()));
  const crypto::OwnedKey key(EVP_RSA_gen(static_cast<unsigned>(bits)));
  X509_set_pubkey(x.get(), key.get());
  X509_sign(x.get(), an_issuer().key.native(), hash);
  return Certificate::from_der(crypto::to_der<i2d_X509>(x.get())).value();
}

TEST_F(VerifierTest, WeakKeysAndWeakHashesAreRefused) {
  EXPECT_EQ(client(signed_by_hand(2048, EVP_sha384())), CertificateProblem::none);
  EXPECT_EQ(client(signed_by_hand(1024, EVP_sha256())), CertificateProblem::weak);
  EXPECT_EQ(client(signed_by_hand(2048, EVP_sha1())), CertificateProblem::weak);
}

TEST_F(VerifierTest, ARevokedLeafAndARevokedAuthorityAreRevoked) {
  const Certificate c = a_certificate(Profile::client, "pc1");
  web.files["http://crl.test/issuing.crl"] = a_crl(an_issuer(), {{c.serial(), kNow.plus_s(-100), 1}});
  EXPECT_EQ(client(c), CertificateProblem::revoked);
  EXPECT_EQ(client(a_certificate(Profile::client, "pc2")), CertificateProblem::none);
  web.files["http://crl.test/root.crl"] = a_crl(a_root(), {{an_issuer().certificate.serial(), kNow.plus_s(-100), 2}});
  const CertificateCheck check = verifier().check_client(a_certificate(Profile::client, "pc2"), {}, kNow);
  EXPECT_EQ(check.problem, CertificateProblem::revoked);
  EXPECT_NE(check.detail.find("CN=Test Issuing"), std::string::npos) << check.detail;
}

TEST_F(VerifierTest, AListThatCannotBeHadCountsAsRevoked) {
  web.files.erase("http://crl.test/issuing.crl");
  const CertificateCheck check = verifier().check_client(a_certificate(Profile::client, "pc1"), {}, kNow);
  EXPECT_EQ(check.problem, CertificateProblem::crl_unavailable);
  EXPECT_NE(check.detail.find("http://crl.test/issuing.crl: connection refused"), std::string::npos) << check.detail;
}

TEST_F(VerifierTest, ExpiredFutureForeignAndBrokenListsAreUnavailable) {
  const Certificate c = a_certificate(Profile::client, "pc1");
  const std::string good = web.files["http://crl.test/issuing.crl"];
  std::string damaged = good;
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  for (const std::string& bad :
       {a_crl(an_issuer(), {}, 1, kNow.plus_s(-10 * kDayS), kDayS), a_crl(an_issuer(), {}, 1, kNow.plus_s(3600)),
        a_crl(a_foreign_root()), a_crl(a_root()), damaged, std::string("<html>captive portal</html>"), std::string()}) {
    web.files["http://crl.test/issuing.crl"] = bad;
    EXPECT_EQ(client(c), CertificateProblem::crl_unavailable);
  }
}

TEST_F(VerifierTest, CheckingCanBeSwitchedOff) {
  web.files.clear();
  EXPECT_TRUE(verifier(false).check_client(a_certificate(Profile::client, "pc1"), {}, kNow).ok());
  EXPECT_EQ(web.asked, 0);
}

TEST_F(VerifierTest, WithoutADistributionPointALoadedListDecides) {
  Order order = order_of(Profile::client, "pc1");
  order.crl_url.clear();
  const Certificate c = issue(an_issuer(), order, a_key().public_key(), random_of_tests()).value();
  Verifier v = verifier();
  EXPECT_EQ(v.check_client(c, {}, kNow).problem, CertificateProblem::crl_unavailable);
  ASSERT_TRUE(crls->load(a_crl(an_issuer()), "by hand").has_value());
  EXPECT_TRUE(v.check_client(c, {}, kNow).ok());
  ASSERT_TRUE(crls->load(a_crl(an_issuer(), {{c.serial(), kNow, 0}}, 2), "by hand").has_value());
  EXPECT_EQ(v.check_client(c, {}, kNow).problem, CertificateProblem::revoked);
}

TEST_F(VerifierTest, TheNewestCurrentListOfEachIssuerIsThereForOthers) {
  const Verifier v = verifier();
  ASSERT_TRUE(crls->load(a_crl(an_issuer()), "old").has_value());
  ASSERT_TRUE(crls->load(a_crl(a_root()), "root").has_value());
  const auto lists = crls->current(kNow);
  ASSERT_EQ(lists.size(), 2U);
  EXPECT_TRUE(lists[0].pem().starts_with("-----BEGIN X509 CRL-----\n"));
  const auto again = Crl::parse(lists[1].pem());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->issuer(), lists[1].issuer());
  EXPECT_TRUE(crls->current(kNow.plus_s(3650 * kDayS)).empty());
}

TEST_F(VerifierTest, IssuersAreSortedIntoRootsAndHelpers) {
  TrustPolicy policy;
  ASSERT_TRUE(add_issuers(policy, a_root().certificate.pem() + an_issuer().certificate.pem()).has_value());
  EXPECT_EQ(policy.roots.size(), 1U);
  EXPECT_EQ(policy.intermediates.size(), 1U);
  EXPECT_FALSE(add_issuers(policy, "nothing").has_value());
}

TEST_F(VerifierTest, AListIsFetchedOnceAndAgainAfterItsEnd) {
  Verifier v = verifier();
  const Certificate c = a_certificate(Profile::client, "pc1");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(v.check_client(c, {}, kNow).ok());
  EXPECT_EQ(web.asked, 2);
  EXPECT_EQ(v.check_client(c, {}, kNow.plus_s(8 * kDayS)).problem, CertificateProblem::crl_unavailable);
  web.files["http://crl.test/issuing.crl"] = a_crl(an_issuer(), {}, 2, kNow.plus_s(8 * kDayS));
  web.files["http://crl.test/root.crl"] = a_crl(a_root(), {}, 2, kNow.plus_s(8 * kDayS));
  EXPECT_TRUE(v.check_client(c, {}, kNow.plus_s(8 * kDayS + 61)).ok());
}

TEST_F(VerifierTest, AFailureIsRememberedForAShortTimeOnly) {
  web.files.erase("http://crl.test/issuing.crl");
  Verifier v = verifier();
  const Certificate c = a_certificate(Profile::client, "pc1");
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(v.check_client(c, {}, kNow.plus_s(i)).ok());
  EXPECT_EQ(web.asked, 1);
  web.files["http://crl.test/issuing.crl"] = a_crl(an_issuer());
  EXPECT_FALSE(v.check_client(c, {}, kNow.plus_s(59)).ok());
  EXPECT_TRUE(v.check_client(c, {}, kNow.plus_s(61)).ok());
}

TEST_F(VerifierTest, RefreshRenewsBeforeTheEndAndKeepsTheNewerList) {
  Verifier v = verifier();
  const Certificate c = a_certificate(Profile::client, "pc1");
  ASSERT_TRUE(v.check_client(c, {}, kNow).ok());
  EXPECT_EQ(crls->refresh(kNow), 0U) << "nothing ends soon";
  const Instant late = kNow.plus_s(7 * kDayS - 1800);
  web.files["http://crl.test/issuing.crl"] = a_crl(an_issuer(), {{c.serial(), late, 0}}, 2, late);
  web.files.erase("http://crl.test/root.crl");
  EXPECT_EQ(crls->refresh(late), 1U);
  EXPECT_EQ(v.check_client(c, {}, late).problem, CertificateProblem::revoked);
  web.files["http://crl.test/issuing.crl"] = a_crl(an_issuer());  // a replay of the older list
  static_cast<void>(crls->refresh(late.plus_s(7 * kDayS - 600)));
  EXPECT_EQ(v.check_client(c, {}, late.plus_s(60)).problem, CertificateProblem::revoked);
  const auto rows = crls->status(late);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].revoked + rows[1].revoked, 1U);
}

TEST_F(VerifierTest, ARevocationBeforeTheAnnouncedTimeIsSeenWithinTheHourOrAtOnceWhenAsked) {
  Verifier v = verifier();
  const Certificate first = a_certificate(Profile::client, "pc1");
  const Certificate second = a_certificate(Profile::client, "pc2");
  ASSERT_TRUE(v.check_client(first, {}, kNow).ok());
  web.files["http://crl.test/issuing.crl"] = a_crl(an_issuer(), {{first.serial(), kNow, 0}}, 2, kNow.plus_s(10));
  EXPECT_EQ(crls->refresh(kNow.plus_s(3000)), 0U);
  EXPECT_TRUE(v.check_client(first, {}, kNow.plus_s(3000)).ok());
  EXPECT_EQ(crls->refresh(kNow.plus_s(3700)), 1U);
  EXPECT_EQ(v.check_client(first, {}, kNow.plus_s(3700)).problem, CertificateProblem::revoked);
  web.files["http://crl.test/issuing.crl"] =
      a_crl(an_issuer(), {{first.serial(), kNow, 0}, {second.serial(), kNow, 0}}, 3, kNow.plus_s(3701));
  EXPECT_EQ(crls->refresh(kNow.plus_s(3710), true), 1U);
  EXPECT_EQ(v.check_client(second, {}, kNow.plus_s(3710)).problem, CertificateProblem::revoked);
}

TEST_F(VerifierTest, AFileIsReadAgainWhenItWasReplaced) {
  const Path path = std::filesystem::temp_directory_path() / ("fp-crl-" + new_guid(system_random()));
  Order order = order_of(Profile::client, "pc1");
  order.crl_url.clear();
  const Certificate c = issue(a_root(), order, a_key().public_key(), random_of_tests()).value();
  Verifier v = verifier();
  EXPECT_FALSE(crls->load_file(path).has_value()) << "not there yet";
  ASSERT_TRUE(write_file(path, a_crl(a_root())).has_value());
  EXPECT_EQ(crls->refresh(kNow), 1U);
  EXPECT_TRUE(v.check_client(c, {}, kNow).ok());
  ASSERT_TRUE(write_file(path, a_crl(a_root(), {{c.serial(), kNow, 0}}, 2)).has_value());
  EXPECT_EQ(crls->refresh(kNow), 1U);
  EXPECT_EQ(v.check_client(c, {}, kNow).problem, CertificateProblem::revoked);
  ASSERT_TRUE(remove_tree(path).has_value());
}

TEST_F(VerifierTest, ManyThreadsShareOneFetch) {
  std::atomic<int> asked = 0, inside = 0, most = 0;
  auto shared = std::make_shared<CrlStore>([&](const std::string& url) -> Result<std::string> {
    ++asked;
    most = std::max(most.load(), ++inside);
    std::this_thread::yield();
    --inside;
    return web.files.at(url);
  });
  const Verifier v({{a_root().certificate}, {an_issuer().certificate}, true}, shared);
  const Certificate c = a_certificate(Profile::client, "pc1");
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 20; ++k) good += v.check_client(c, {}, kNow).ok() ? 1 : 0;
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(good, 160);
  EXPECT_EQ(asked, 2);
}

TEST_F(VerifierTest, TheStoreForgetsTheOldestUrlWhenItIsFull) {
  CrlSettings settings;
  settings.urls_max = 2;
  Verifier v = verifier(true, settings);
  for (int i = 0; i < 5; ++i) {
    Order order = order_of(Profile::client, "pc1");
    order.crl_url = fmt::format("http://crl.test/{}.crl", i);
    web.files[order.crl_url] = a_crl(an_issuer());
    EXPECT_TRUE(
        v.check_client(issue(an_issuer(), order, a_key().public_key(), random_of_tests()).value(), {}, kNow.plus_s(i)).ok());
  }
  EXPECT_LE(crls->status(kNow).size(), 2U);
}

}  // namespace
}  // namespace fp::pki
