#include "agent/core/certificate.hpp"

#include <gtest/gtest.h>

#include "base/test_folder.hpp"
#include "pki/issue.hpp"

using namespace fp;
using namespace fp::agent;

namespace {

struct Folder : testing::Test {
  void SetUp() override {
    search.folder = folder.path();
    search.computer_name = "pc1";
    search.now = {1'800'000'000'000};
  }

  static const pki::Identity& root() {
    static const pki::Identity identity =
        *pki::make_root({"Test Root", "", {1'700'000'000'000}, {2'000'000'000'000}, "", 2048}, system_random());
    return identity;
  }
  static const pki::Identity& issuing() {
    static const pki::Identity identity =
        *pki::make_issuing(root(), {"Test Issuing", "", {1'700'000'000'000}, {2'000'000'000'000}, "", 2048}, system_random());
    return identity;
  }
  void put(const std::string& file, const std::string& name, std::int64_t not_after_ms, bool with_key = true) {
    pki::Order order;
    order.common_name = name;
    order.dns_names = {name + ".lab.test"};
    order.not_before = {1'700'000'000'000};
    order.not_after = {not_after_ms};
    auto made = pki::issue_with_new_key(issuing(), order, system_random());
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_TRUE(write_file(search.folder / (file + ".pem"), made->certificate.pem() + issuing().certificate.pem()));
    if (!with_key) return;
    ASSERT_TRUE(write_file(search.folder / (file + ".key"), *made->key.to_pem(), 0600));
  }
  TestFolder folder;
  InstallSettings settings;
  CertificateSearch search;
};

}  // namespace

TEST_F(Folder, TheCertificateOfThisComputerIsChosenWithItsKey) {
  put("other", "server9", 1'900'000'000'000);
  put("mine", "pc1", 1'900'000'000'000);
  auto chosen = choose_certificate(settings, search);
  ASSERT_TRUE(chosen) << chosen.error().message;
  EXPECT_EQ(chosen->certificate_file.filename(), "mine.pem");
  EXPECT_EQ(chosen->key_file.filename(), "mine.key");
  EXPECT_EQ(chosen->key.public_key(), chosen->certificate.public_key());
}

TEST_F(Folder, WhenNoneIsSuitableEachCandidateIsNamedWithItsReason) {
  put("other", "server9", 1'900'000'000'000);
  put("old", "pc1", 1'750'000'000'000);
  put("keyless", "pc1", 1'900'000'000'000, false);
  auto chosen = choose_certificate(settings, search);
  ASSERT_FALSE(chosen);
  EXPECT_EQ(chosen.error().code, Code::not_found);
  for (const char* part : {"other.pem", "old.pem", "expired", "keyless.pem", "private key"}) {
    EXPECT_NE(chosen.error().message.find(part), std::string::npos) << part << " in " << chosen.error().message;
  }
}

TEST_F(Folder, AnIssuersListThatMatchesNothingFails) {
  put("mine", "pc1", 1'900'000'000'000);
  ASSERT_TRUE(apply_property(settings, "CCMCERTISSUERS", "CN=Another Root"));
  EXPECT_FALSE(choose_certificate(settings, search));
}

TEST_F(Folder, AnEmptyFolderSaysSo) {
  auto chosen = choose_certificate(settings, search);
  ASSERT_FALSE(chosen);
  EXPECT_NE(chosen.error().message.find("there is no certificate"), std::string::npos);
}

TEST_F(Folder, WithoutPkiTheOwnCertificateIsMadeOnceAndKept) {
  auto first = own_certificate(search.folder, search.now, system_random());
  ASSERT_TRUE(first) << first.error().message;
  auto second = own_certificate(search.folder, search.now, system_random());
  ASSERT_TRUE(second);
  EXPECT_EQ(first->certificate, second->certificate);
}
