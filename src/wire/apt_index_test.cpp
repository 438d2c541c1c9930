#include "wire/apt_index.hpp"

#include <gtest/gtest.h>

#include "wire/wsus_limits.hpp"

namespace fp::wire {
namespace {

const std::string kHash(64, 'a');

std::string release_text(const std::string& more = "") {
  return "Origin: Debian\nLabel: Debian-Security\nSuite: oldstable-security\nCodename: bookworm-security\nDate: Thu, 26 Nov 2026 09:00:00 UTC\n" + more +
         "MD5Sum:\n 00 1 main/binary-amd64/Packages\nSHA256:\n " + kHash + "   1234 main/binary-amd64/Packages.xz\n " + kHash +
         " 99 ../../etc/passwd\n short 1 main/x\n " + kHash + " -5 main/y\nDescription: x\n";
}

TEST(AptIndex, AReleaseFileIsReadAndOnlySoundPathsOfItsSha256List) {
  const auto release = decode_apt_release(release_text("Valid-Until: Thu, 03 Dec 2026 09:00:00 UTC\n"));
  ASSERT_TRUE(release) << release.error().message;
  EXPECT_EQ(release->origin, "Debian");
  EXPECT_EQ(release->label, "Debian-Security");
  EXPECT_EQ(release->codename, "bookworm-security");
  EXPECT_EQ(to_iso(release->released_at), "2026-11-26T09:00:00Z");
  EXPECT_EQ(to_iso(release->valid_until), "2026-12-03T09:00:00Z");
  ASSERT_EQ(release->files.size(), 1U) << "what leads out of the suite, or has no hash, is not taken";
  EXPECT_EQ(release->files.at("main/binary-amd64/Packages.xz").bytes, 1234);
}

TEST(AptIndex, AReleaseFileWithoutDateOrHashesIsNone) {
  EXPECT_FALSE(decode_apt_release("Origin: x\nSHA256:\n " + kHash + " 1 a\n"));
  EXPECT_FALSE(decode_apt_release("Date: Thu, 26 Nov 2026 09:00:00 UTC\nOrigin: x\n"));
  EXPECT_FALSE(decode_apt_release("Date: yesterday\nSHA256:\n " + kHash + " 1 a\n"));
  EXPECT_FALSE(decode_apt_release(release_text("Valid-Until: never\n")));
  EXPECT_EQ(decode_apt_release(std::string(wsus_limits::kReleaseBytesMax + 1, 'x')).error().code, Code::too_large);
}

TEST(AptIndex, PackagesAreReadAndBrokenStanzasCounted) {
  const std::string good = "Package: lab-tool\nVersion: 2:1.0~rc1-1+b2\nArchitecture: amd64\nFilename: ./pool/l/lab-tool_1.0_amd64.deb\nSize: 77\nSHA256: " +
                           std::string(64, 'B') + "\nDescription: a tool\n that goes on\n";
  const auto list = decode_apt_packages(good + "\nPackage: no-hash\nVersion: 1\nArchitecture: all\nFilename: a.deb\nSize: 1\n\n\nPackage: ../evil\nVersion: 1\n"
                                               "Architecture: all\nFilename: a.deb\nSize: 1\nSHA256: " + kHash + "\n\n" +
                                        "Package: up\nVersion: 1\nArchitecture: all\nFilename: ../../a.deb\nSize: 1\nSHA256: " + kHash + "\n");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->left_out, 3U);
  ASSERT_EQ(list->packages.size(), 1U);
  const auto& p = list->packages[0];
  EXPECT_EQ(p.package, "lab-tool");
  EXPECT_EQ(p.version, "2:1.0~rc1-1+b2");
  EXPECT_EQ(p.file, "pool/l/lab-tool_1.0_amd64.deb");
  EXPECT_EQ(p.sha256, std::string(64, 'b'));
  EXPECT_EQ(p.title, "a tool");
  EXPECT_TRUE(decode_apt_packages("")->packages.empty());
}

}  // namespace
}  // namespace fp::wire
