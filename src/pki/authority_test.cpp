#include "pki/authority.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "pki/crl_store.hpp"
#include "pki/pki_test_support.hpp"
#include "pki/verifier.hpp"

namespace fp::pki {
namespace {

using namespace testing;  // NOLINT: the room's own test values

class AuthorityTest : public ::testing::Test {
 protected:
  ~AuthorityTest() override { static_cast<void>(remove_tree(folder)); }
  // Made once and copied for each test: two keys take longer than everything else here.
  static const Path& model() {
    static const Path path = [] {
      const Path at = std::filesystem::temp_directory_path() / ("fp-ca-model-" + new_guid(system_random()));
      AuthoritySettings settings;
      settings.crl_base_url = "http://crl.test";
      settings.key_bits = 2048;
      const ManualClock clock{kNow};
      static_cast<void>(CertificateAuthority::init(at, settings, clock, random_of_tests()).value());
      return at;
    }();
    return path;
  }
  static void TearDownTestSuite() { static_cast<void>(remove_tree(model())); }
  CertificateAuthority made() {
    std::filesystem::copy(model(), folder, std::filesystem::copy_options::recursive);
    return CertificateAuthority::open(folder, clock, random_of_tests()).value();
  }
  Order client(std::string name) {
    Order order;
    order.profile = Profile::client;
    order.common_name = std::move(name);
    return order;
  }
  CertificateCheck check(const CertificateAuthority& ca, const Certificate& c) {
    auto crls = std::make_shared<CrlStore>();
    static_cast<void>(crls->load_file(folder / "root.crl"));
    static_cast<void>(crls->load_file(folder / "issuing.crl"));
    return Verifier({{ca.root()}, {ca.issuing()}, true}, crls).check_client(c, {}, clock.now());
  }

  Path folder = std::filesystem::temp_directory_path() / ("fp-ca-" + new_guid(system_random()));
  ManualClock clock{kNow};
};

TEST_F(AuthorityTest, IssuesWhatItsOwnVerifierBelieves) {
  auto ca = made();
  const Certificate c = ca.issue(client("pc1"), a_key().public_key()).value();
  EXPECT_EQ(c.crl_urls(), std::vector<std::string>{"http://crl.test/issuing.crl"});
  EXPECT_EQ(ca.issuing().crl_urls(), std::vector<std::string>{"http://crl.test/root.crl"});
  const CertificateCheck found = check(ca, c);
  EXPECT_TRUE(found.ok()) << found.detail;
  EXPECT_EQ(Certificate::chain_from_pem(ca.chain_pem(c)).value().size(), 2U);
  EXPECT_EQ(Certificate::chain_from_pem(read_file(folder / "chain.pem").value()).value().size(), 2U);
  for (const char* key : {"root.key", "issuing.key"}) {
    struct stat s {};
    ASSERT_EQ(::stat((folder / key).c_str(), &s), 0);
    EXPECT_EQ(s.st_mode & 0777U, 0600U) << key;
  }
}

TEST_F(AuthorityTest, ASecondInitTouchesNothing) {
  const std::string before = made().root().fingerprint();
  EXPECT_EQ(CertificateAuthority::init(folder, {}, clock, random_of_tests()).error().code, Code::conflict);
  EXPECT_EQ(CertificateAuthority::open(folder, clock, random_of_tests()).value().root().fingerprint(), before);
}

TEST_F(AuthorityTest, RevokingIsSeenByVerifiersAndSurvivesReopening) {
  auto ca = made();
  const Certificate a = ca.issue(client("pc1"), a_key().public_key()).value(),
                    b = ca.issue(client("pc2"), a_key().public_key()).value();
  ASSERT_TRUE(ca.revoke(lower(a.serial()), 1).has_value());
  ASSERT_TRUE(ca.revoke(a.serial()).has_value()) << "again";
  EXPECT_EQ(ca.revoke("00FF").error().code, Code::not_found);
  EXPECT_EQ(ca.revoke(b.serial(), 7).error().code, Code::invalid);
  EXPECT_EQ(check(ca, a).problem, CertificateProblem::revoked);
  EXPECT_TRUE(check(ca, b).ok());
  const auto again = CertificateAuthority::open(folder, clock, random_of_tests()).value();
  const auto issued = again.issued().value();
  ASSERT_EQ(issued.size(), 2U);
  EXPECT_EQ(issued[0].common_name, "pc1");
  EXPECT_EQ(issued[0].profile, "client");
  EXPECT_EQ(issued[0].revoked_at, kNow);
  EXPECT_EQ(issued[0].reason, 1);
  EXPECT_EQ(issued[0].fingerprint, a.fingerprint());
  EXPECT_EQ(issued[1].revoked_at.ms, 0);
}

TEST_F(AuthorityTest, ListsAreRenewedAtHalfTheirLifeWithGrowingNumbers) {
  auto ca = made();
  const auto number = [&] { return Crl::parse(read_file(folder / "issuing.crl").value()).value().number(); };
  const std::string first = number();
  EXPECT_FALSE(ca.refresh_crl_if_due().value());
  ASSERT_TRUE(ca.refresh_crl().has_value());
  const std::string second = number();
  EXPECT_NE(first, second);
  clock.advance_s(4 * kDayS);
  EXPECT_TRUE(ca.refresh_crl_if_due().value());
  EXPECT_LT(second, number());
  const Certificate c = ca.issue(client("pc1"), a_key().public_key()).value();
  clock.advance_s(8 * kDayS);
  EXPECT_EQ(check(ca, c).problem, CertificateProblem::crl_unavailable);
  EXPECT_TRUE(ca.refresh_crl_if_due().value());
  EXPECT_TRUE(check(ca, c).ok());
}

TEST_F(AuthorityTest, WorksWithItsRootKeyKeptElsewhere) {
  made();
  std::filesystem::remove(folder / "root.key");
  auto ca = CertificateAuthority::open(folder, clock, random_of_tests()).value();
  EXPECT_TRUE(ca.issue(client("pc1"), a_key().public_key()).has_value());
  EXPECT_TRUE(ca.refresh_crl().has_value());
}

TEST_F(AuthorityTest, AHalfWrittenLineIsTakenAway) {
  auto ca = made();
  ASSERT_TRUE(ca.issue(client("pc1"), a_key().public_key()).has_value());
  const std::string whole = read_file(folder / "index.tsv").value();
  ASSERT_TRUE(write_file(folder / "index.tsv", whole + "issued\tAB", 0600).has_value());
  ASSERT_TRUE(ca.issue(client("pc2"), a_key().public_key()).has_value());
  EXPECT_EQ(ca.issued().value().size(), 2U);
  ASSERT_TRUE(write_file(folder / "index.tsv", "nonsense\n" + whole, 0600).has_value());
  EXPECT_EQ(ca.issued().error().code, Code::corrupt);
}

TEST_F(AuthorityTest, SignsRequestsWithTheAdministratorsProfile) {
  auto ca = made();
  const std::string pem = make_signing_request(a_key(1), order_of(Profile::server, "mp.example.org")).value();
  Order order;
  order.profile = Profile::server;
  const Certificate c = ca.issue_request(pem, order).value();
  EXPECT_EQ(c.dns_names(), std::vector<std::string>{"mp.example.org"});
  EXPECT_TRUE(c.has_eku(kEkuServerAuth));
  EXPECT_FALSE(c.has_eku(kEkuClientAuth));
  EXPECT_EQ(c.public_key(), a_key(1).public_key());
  EXPECT_FALSE(ca.issue_request("nothing", order).has_value());
}

TEST_F(AuthorityTest, TwoProcessesShareTheFolder) {
  auto one = made();
  auto other = CertificateAuthority::open(folder, clock, random_of_tests()).value();
  const Certificate c = one.issue(client("pc1"), a_key().public_key()).value();
  EXPECT_TRUE(other.revoke(c.serial()).has_value());
  EXPECT_EQ(check(one, c).problem, CertificateProblem::revoked);
}

}  // namespace
}  // namespace fp::pki
