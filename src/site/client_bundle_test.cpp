#include "site/client_bundle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/test_folder.hpp"
#include "pki/authority.hpp"

namespace fp::site {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// A site with both doors, whose certificate names both, and everything that a bundle needs.
class Bundle : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TestFolder>();
    dir_ = folder_->path();
    clock_ = std::make_unique<ManualClock>();
    random_ = std::make_unique<SeededRandom>(3);
    pki::AuthoritySettings settings;
    settings.crl_base_url = "http://crl.example.test/";
    settings.key_bits = 2048;
    ca_ = std::make_unique<pki::CertificateAuthority>(pki::CertificateAuthority::init(dir_ / "ca", settings, *clock_, *random_).value());
    server_ = std::make_unique<pki::Identity>(server({"site.corp.test", "mp.example.test"}));
    other_ = std::make_unique<pki::Identity>(server({"other.example.test"}));
    pki::Order signing;
    signing.profile = pki::Profile::site_signing;
    signing.not_before = clock_->now().plus_s(-60);
    signing.not_after = clock_->now().plus_s(1000);
    signing_ = std::make_unique<pki::Identity>(pki::self_signed_with_new_key(signing, *random_).value());
    ASSERT_TRUE(write_file(dir_ / "farpoint-agent_0.1.0_amd64.deb", "!<arch>\ndebian-binary   "));
  }
  static void TearDownTestSuite() {
    signing_.reset();
    server_.reset();
    other_.reset();
    ca_.reset();
    folder_.reset();
  }
  static pki::Identity server(const std::vector<std::string>& names, const std::string& crl = {}) {
    pki::Order order;
    order.profile = pki::Profile::server;
    order.dns_names = names;
    order.crl_url = crl;
    return ca_->issue_with_new_key(order).value();
  }
  void SetUp() override {
    const std::vector<pki::Certificate> chain{server_->certificate, ca_->issuing()};
    source_.site_code = "FP1";
    source_.internet = BundleDoor{"mp.example.test", 8443, true, chain};
    source_.intranet = BundleDoor{"site.corp.test", 443, true, chain};
    source_.roots = {ca_->root()};
    source_.signing = signing_->certificate;
    source_.package_folders = {dir_};
    source_.resolve = [](const std::string& host) -> Result<std::vector<std::string>> {
      if (host.starts_with("nowhere")) return fail(Code::not_found, "Name or service not known");
      return std::vector<std::string>{"192.0.2.1"};
    };
    source_.issue = [](const std::string& name) -> Result<std::vector<ArchiveFile>> {
      return std::vector<ArchiveFile>{{name + ".pem", 0600, "CERTIFICATE"}, {name + ".key", 0600, "SECRET"}};
    };
  }
  ClientBundle made() {
    auto bundle = make_client_bundle(source_, order_, clock_->now());
    EXPECT_TRUE(bundle) << (bundle ? "" : bundle.error().message);
    return bundle ? std::move(*bundle) : ClientBundle{};
  }
  std::string refusal() {
    const auto bundle = make_client_bundle(source_, order_, clock_->now());
    EXPECT_FALSE(bundle);
    return bundle ? "" : bundle.error().message;
  }
  static std::string text(const ClientBundle& bundle, std::string_view name) {
    for (const auto& f : bundle.files)
      if (f.name == name) return f.bytes;
    return "(absent)";
  }

  static inline std::unique_ptr<TestFolder> folder_;
  static inline Path dir_;
  static inline std::unique_ptr<ManualClock> clock_;
  static inline std::unique_ptr<SeededRandom> random_;
  static inline std::unique_ptr<pki::CertificateAuthority> ca_;
  static inline std::unique_ptr<pki::Identity> server_, other_, signing_;
  BundleSource source_;
  BundleOrder order_;
};

}  // namespace

TEST_F(Bundle, EachKindHasItsExactCommand) {
  const std::string tail = " SMSSIGNCERT=site-signing.pem --ca-file /etc/farpoint/ca.pem --certificate-dir /etc/farpoint/certificates";
  EXPECT_EQ(made().command, "farpoint-agent install /UsePKICert SMSSITECODE=FP1 CCMHOSTNAME=mp.example.test:8443 SMSMP=https://site.corp.test" + tail);
  order_.kind = BundleKind::internet_only;
  order_.fsp = "fsp.example.test";
  EXPECT_EQ(made().command,
            "farpoint-agent install /UsePKICert SMSSITECODE=FP1 CCMALWAYSINF=1 CCMHOSTNAME=mp.example.test:8443 FSP=fsp.example.test" + tail);
  order_ = {};
  order_.kind = BundleKind::intranet;
  order_.site_code = "auto";
  order_.check_crl = false;
  order_.domain = "corp.test";
  EXPECT_EQ(made().command, "farpoint-agent install /UsePKICert /NoCRLCheck SMSSITECODE=AUTO SMSMP=https://site.corp.test DOMAIN=corp.test" + tail);
}

TEST_F(Bundle, HoldsPackageRootsSigningCertificatePropertiesScriptAndReadme) {
  const auto bundle = made();
  EXPECT_THAT(text(bundle, "farpoint-agent_0.1.0_amd64.deb"), HasSubstr("debian-binary"));
  EXPECT_EQ(text(bundle, "ca.pem"), ca_->root().pem());
  EXPECT_EQ(text(bundle, "site-signing.pem"), signing_->certificate.pem());
  EXPECT_THAT(text(bundle, "client.properties"), HasSubstr("[Client Install]\nInstall=/UsePKICert SMSSITECODE=FP1 "));
  EXPECT_THAT(text(bundle, "install.sh"), HasSubstr("\n" + bundle.command + " \"$@\"\n"));
  EXPECT_THAT(text(bundle, "README"), HasSubstr(bundle.command));
  EXPECT_THAT(text(bundle, "README"), HasSubstr(signing_->certificate.fingerprint()));
}

TEST_F(Bundle, ACertificateIsIssuedForTheComputerThatIsNamed) {
  order_.name = "Till.corp.test";
  order_.issue = true;
  const auto bundle = made();
  EXPECT_EQ(text(bundle, "certificates/till.corp.test.key"), "SECRET");
  for (const auto* name : {"README", "install.sh", "client.properties"}) EXPECT_THAT(text(bundle, name), Not(HasSubstr("SECRET")));
  EXPECT_THAT(bundle.notes, Contains(HasSubstr("give it to nobody else")));
}

TEST_F(Bundle, CombinationsThatCannotWorkAreRefusedWithTheirReasons) {
  order_.site_code = "AUTO";
  EXPECT_THAT(refusal(), HasSubstr("never assigned automatically on the internet"));
  order_ = {};
  order_.site_code = "XYZ";
  EXPECT_THAT(refusal(), HasSubstr("this site is FP1"));
  order_ = {};
  order_.kind = BundleKind::internet_only;
  order_.management_points = {"https://mp2.corp.test"};
  order_.dns_suffix = "corp.test";
  order_.domain = "corp.test";
  const auto all = refusal();
  for (const auto* part : {"SMSMP: an internet-only client", "DNSSUFFIX: an internet-only client", "DOMAIN: an internet-only client"})
    EXPECT_THAT(all, HasSubstr(part));
  order_ = {};
  order_.issue = true;
  EXPECT_THAT(refusal(), HasSubstr("name it"));
  order_.name = "till";
  EXPECT_THAT(refusal(), HasSubstr("not the fully qualified name"));
  order_.name = "till.corp.test";
  order_.issue = false;
  EXPECT_THAT(refusal(), HasSubstr("needs --issue"));
  order_.issue = true;
  source_.issue = nullptr;
  EXPECT_THAT(refusal(), HasSubstr("no authority of its own"));
}

TEST_F(Bundle, ADoorThatIsMissingIsNamed) {
  source_.internet.reset();
  EXPECT_THAT(refusal(), HasSubstr("no management point for connections from the internet"));
  order_.kind = BundleKind::intranet;
  EXPECT_EQ(made().kind, BundleKind::intranet);
  source_.intranet.reset();
  EXPECT_THAT(refusal(), HasSubstr("no management point for connections from the intranet"));
}

TEST_F(Bundle, NamesThatDoNotResolveAreRefused) {
  source_.internet->host = "nowhere.example.test";
  EXPECT_THAT(refusal(), HasSubstr("CCMHOSTNAME: nowhere.example.test does not resolve here (Name or service not known): register it in DNS"));
  SetUp();
  order_.fsp = "nowhere.example.test";
  EXPECT_THAT(refusal(), HasSubstr("FSP: nowhere.example.test does not resolve"));
}

TEST_F(Bundle, TheDoorsCertificateMustNameItAndChainToARootThatIsGiven) {
  source_.internet->chain = {other_->certificate, ca_->issuing()};
  EXPECT_THAT(refusal(), HasSubstr("the certificate of the internet door does not name mp.example.test"));
  SetUp();
  source_.internet->chain = {server_->certificate};
  EXPECT_THAT(refusal(), HasSubstr("clients would refuse the certificate of the internet door: untrusted issuer"));
  SetUp();
  source_.roots.clear();
  EXPECT_THAT(refusal(), HasSubstr("no root certificate is known"));
  SetUp();
  source_.internet->chain.clear();
  EXPECT_THAT(refusal(), HasSubstr("cannot be read"));
}

TEST_F(Bundle, RevocationListsMustBeNamedAndReachableByName) {
  const auto lost = server({"mp.example.test"}, "http://nowhere.example.test/issuing.crl");
  source_.internet->chain = {lost.certificate, ca_->issuing()};
  EXPECT_THAT(refusal(), HasSubstr("the revocation list http://nowhere.example.test/issuing.crl cannot be reached"));
  order_.check_crl = false;
  EXPECT_THAT(made().command, HasSubstr("/NoCRLCheck"));
}

TEST_F(Bundle, ASigningCertificateOfAnotherKeyOrTimeIsRefused) {
  source_.signing_fits = false;
  EXPECT_THAT(refusal(), HasSubstr("not of the key that signs policy"));
  SetUp();
  const auto later = make_client_bundle(source_, order_, clock_->now().plus_s(1001));
  ASSERT_FALSE(later);
  EXPECT_THAT(later.error().message, HasSubstr("the site signing certificate ended at"));
}

TEST_F(Bundle, WithoutThePackageItSaysWhereItWasLookedFor) {
  source_.package_folders = {dir_ / "client"};
  EXPECT_THAT(refusal(), HasSubstr((dir_ / "client").native() + ": put the agent's package there, or name it with --package"));
  order_.package = false;
  EXPECT_EQ(text(made(), "farpoint-agent_0.1.0_amd64.deb"), "(absent)");
  EXPECT_FALSE(check_client_package("farpoint-agent_1_amd64.deb", "PK\x03\x04"));
  EXPECT_FALSE(check_client_package("../farpoint-agent_1_amd64.deb", "!<arch>\ndebian-binary"));
  EXPECT_TRUE(check_client_package("farpoint-agent_1_amd64.deb", "!<arch>\ndebian-binary   1"));
}

TEST(Archive, IsReadByTar) {
  const TestFolder folder;
  const Path& dir = folder.path();
  const std::string large(100'000, 'x');
  const auto packed = tar_gz({{"install.sh", 0755, "echo hello\n"}, {"certificates/pc.key", 0600, large}, {"empty", 0644, ""}}, Instant{1'800'000'000'000});
  ASSERT_TRUE(packed);
  ASSERT_TRUE(write_file(dir / "a.tar.gz", *packed));
  ASSERT_EQ(::system(("tar -xzf " + (dir / "a.tar.gz").native() + " -C " + dir.native()).c_str()), 0);
  EXPECT_EQ(read_file(dir / "install.sh").value_or(""), "echo hello\n");
  EXPECT_EQ(read_file(dir / "certificates" / "pc.key").value_or(""), large);
  EXPECT_EQ(read_file(dir / "empty").value_or("absent"), "");
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(dir / "install.sh").permissions(), static_cast<perms>(0755));
  EXPECT_EQ(std::filesystem::status(dir / "certificates" / "pc.key").permissions(), static_cast<perms>(0600));
  EXPECT_FALSE(tar_gz({{"/etc/passwd", 0644, ""}}, {}));
  EXPECT_FALSE(tar_gz({{std::string(101, 'n'), 0644, ""}}, {}));
}

}  // namespace fp::site
