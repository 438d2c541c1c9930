#include "packages/apt_tools.hpp"

#include <gtest/gtest.h>

#include "base/test_folder.hpp"

namespace fp::packages {
namespace {

// Answers in the place of gpgv and xz, and notes how it was asked.
class Said final : public Runner {
 public:
  Run run_;
  std::vector<std::string> argv;
  Result<Run> run(const Command& command) override {
    argv = command.argv;
    run_.out_bytes = static_cast<std::int64_t>(run_.out.size());
    return run_;
  }
};

Result<std::string> verified(const std::string& status, const std::string& text = "Origin: Lab\n", int exit_code = 0) {
  Said said;
  said.run_.err = status;
  said.run_.out = text;
  said.run_.exit_code = exit_code;
  return verified_text(said, "/etc/keys.gpg", "/tmp/InRelease", 100);
}

constexpr const char* kGood = "[GNUPG:] GOODSIG 1234 vendor\n[GNUPG:] VALIDSIG 1234 2026\n";

TEST(AptTools, AGoodSignatureGivesTheSignedTextAndNothingElseDoes) {
  EXPECT_EQ(*verified(kGood), "Origin: Lab\n");
  EXPECT_TRUE(verified(std::string("[GNUPG:] NO_PUBKEY 99\n") + kGood, "x", 2)) << "a second key that is not in the keyring is no harm";
  for (const char* bad : {"", "[GNUPG:] NO_PUBKEY 99\n", "[GNUPG:] EXPKEYSIG 1234 vendor\n[GNUPG:] VALIDSIG 1234\n", "[GNUPG:] REVKEYSIG 1\n[GNUPG:] VALIDSIG 1\n",
                          "[GNUPG:] GOODSIG 1\n[GNUPG:] VALIDSIG 1\n[GNUPG:] BADSIG 2\n", "gpgv: [GNUPG:] GOODSIG 1\n[GNUPG:] VALIDSIG 1\n"})
    EXPECT_EQ(verified(bad).error().code, Code::forbidden) << bad;
  EXPECT_NE(verified("gpgv: Can't check signature: No public key\n").error().message.find("No public key"), std::string::npos);
  EXPECT_EQ(verified(kGood, "").error().code, Code::invalid);
  EXPECT_EQ(verified(kGood, std::string(101, 'x')).error().code, Code::too_large);
}

TEST(AptTools, ArchivesAreUnpackedWithinTheLimitAndPlainFilesRead) {
  TestFolder folder;
  ASSERT_TRUE(write_file(folder.path() / "Packages", "plain"));
  Said said;
  EXPECT_EQ(*unpacked_text(said, folder.path() / "Packages", 100), "plain");
  EXPECT_TRUE(said.argv.empty());
  said.run_.out = "unpacked";
  EXPECT_EQ(*unpacked_text(said, "/tmp/Packages.xz", 100), "unpacked");
  EXPECT_EQ(said.argv, (std::vector<std::string>{"xz", "-dc", "--", "/tmp/Packages.xz"}));
  EXPECT_EQ(unpacked_text(said, "/tmp/Packages.gz", 3).error().code, Code::too_large);
  EXPECT_EQ(said.argv.front(), "gzip");
  said.run_.exit_code = 1;
  EXPECT_EQ(unpacked_text(said, "/tmp/Packages.gz", 100).error().code, Code::corrupt);
}

}  // namespace
}  // namespace fp::packages
