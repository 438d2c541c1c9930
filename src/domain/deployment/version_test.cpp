#include "domain/deployment/version.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

namespace fp::deployment {
namespace {

int sign(int v) { return (v > 0) - (v < 0); }

struct Case {
  const char *a, *b;
  int order;
};

// Texts that look like versions, dense enough that many of them are equal or nearly so.
std::string draw(std::mt19937& engine, std::string_view letters) {
  std::string out;
  const auto length = engine() % 8;
  for (unsigned i = 0; i < length; ++i) out += letters[engine() % letters.size()];
  return out;
}

TEST(DpkgVersion, IsOrderedAsPolicySays) {
  for (const auto& [a, b, order] : std::initializer_list<Case>{{"1.0", "1.0", 0},
                                                               {"1.0", "1.1", -1},
                                                               {"1.9", "1.10", -1},
                                                               {"1:0.1", "2.0", 1},
                                                               {"0:1.0", "1.0", 0},
                                                               {"1.0~rc1", "1.0", -1},
                                                               {"1.0~~", "1.0~", -1},
                                                               {"1.0", "1.0a", -1},
                                                               {"1.0a", "1.0+", -1},
                                                               {"1.0-1", "1.0-2", -1},
                                                               {"1.0", "1.0-0", 0},
                                                               {"1.0-1-1", "1.0-1-2", -1},
                                                               {"007", "7", 0},
                                                               {"1.2.3", "1.2.3.0", -1},
                                                               {"", "0", 0},
                                                               {"1.0-1ubuntu1", "1.0-1", 1},
                                                               {"2.30.2-1+deb11u2", "2.30.2-1", 1},
                                                               {"99999999999999999999", "100000000000000000000", -1}}) {
    EXPECT_EQ(sign(compare_dpkg(a, b)), order) << a << " and " << b;
    EXPECT_EQ(sign(compare_dpkg(b, a)), -order) << b << " and " << a;
  }
}

TEST(RpmVersion, IsOrderedAsRpmDoes) {
  for (const auto& [a, b, order] : std::initializer_list<Case>{{"1.0", "1.0", 0},          {"1.0", "2.0", -1},
                                                               {"2.0.1", "2.0", 1},        {"2.0.1a", "2.0.1", 1},
                                                               {"5.5p1", "5.5p2", -1},     {"5.5p10", "5.5p1", 1},
                                                               {"10xyz", "10.1xyz", -1},   {"xyz10", "xyz10.1", -1},
                                                               {"xyz.4", "8", -1},         {"1.0~rc1", "1.0", -1},
                                                               {"1.0~rc1", "1.0~rc2", -1}, {"1.0^", "1.0", 1},
                                                               {"1.0^git1", "1.01", -1},   {"1.0^git1~pre", "1.0^git1", -1},
                                                               {"1.0-1", "1.0-2", -1},     {"1.0", "1.0-5", 0},
                                                               {"1:1.0-1", "2.0-1", 1},    {"0:1.0-1", "1.0-1", 0},
                                                               {"2_0", "2.0", 0},          {"1.0a", "1.0.1", -1},
                                                               {"1.001", "1.1", 0}}) {
    EXPECT_EQ(sign(compare_rpm(a, b)), order) << a << " and " << b;
    EXPECT_EQ(sign(compare_rpm(b, a)), -order) << b << " and " << a;
  }
}

TEST(Versions, ComparisonIsATotalPreorder) {
  std::mt19937 engine(7);
  for (int round = 0; round < 60'000; ++round) {
    const auto a = draw(engine, "01.9a~+:-^"), b = draw(engine, "01.9a~+:-^"), c = draw(engine, "01.9a~+:-^");
    ASSERT_EQ(sign(compare_dpkg(a, b)), -sign(compare_dpkg(b, a))) << a << " | " << b;
    ASSERT_EQ(compare_dpkg(a, a), 0) << a;
    const bool dpkg_chain = compare_dpkg(a, b) <= 0 && compare_dpkg(b, c) <= 0;
    ASSERT_TRUE(!dpkg_chain || compare_dpkg(a, c) <= 0) << a << " | " << b << " | " << c;
    // rpm: all with a release, since one without is equal to every release.
    const auto ra = a + "-" + draw(engine, "01.a~"), rb = b + "-" + draw(engine, "01.a~"), rc = c + "-" + draw(engine, "01.a~");
    ASSERT_EQ(sign(compare_rpm(ra, rb)), -sign(compare_rpm(rb, ra))) << ra << " | " << rb;
    const bool rpm_chain = compare_rpm(ra, rb) <= 0 && compare_rpm(rb, rc) <= 0;
    ASSERT_TRUE(!rpm_chain || compare_rpm(ra, rc) <= 0) << ra << " | " << rb << " | " << rc;
  }
}

// The exit code of dpkg --compare-versions, or -1 where there is no dpkg.
int ask_dpkg(const std::string& a, const char* op, const std::string& b) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::execlp("dpkg", "dpkg", "--compare-versions", a.c_str(), op, b.c_str(), nullptr);
    ::_exit(99);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) != 99 ? WEXITSTATUS(status) : -1;
}

TEST(DpkgVersion, AgreesWithTheRealDpkg) {
  std::mt19937 engine(11);
  for (int round = 0; round < 40; ++round) {
    const auto a = "1" + draw(engine, "012.a~+b"), b = "1" + draw(engine, "012.a~+b");
    const int older = ask_dpkg(a, "lt", b);
    if (older < 0) return;  // another kind of machine: the table above stands alone
    ASSERT_EQ(older == 0, compare_dpkg(a, b) < 0) << a << " lt " << b;
    ASSERT_EQ(ask_dpkg(a, "eq", b) == 0, compare_dpkg(a, b) == 0) << a << " eq " << b;
  }
}

TEST(Versions, OperatorsFollowTheComparison) {
  const auto dpkg = VersionScheme::dpkg;
  EXPECT_TRUE(version_holds(dpkg, "1.10", Compare::ge, "1.9"));
  EXPECT_TRUE(version_holds(dpkg, "1.10", Compare::gt, "1.9"));
  EXPECT_FALSE(version_holds(dpkg, "1.10", Compare::lt, "1.9"));
  EXPECT_TRUE(version_holds(dpkg, "1.0~rc1", Compare::le, "1.0"));
  EXPECT_TRUE(version_holds(dpkg, "1.0", Compare::ne, "1.1"));
  EXPECT_TRUE(version_holds(VersionScheme::rpm, "1.0-5", Compare::eq, "1.0"));
  EXPECT_FALSE(version_holds(dpkg, "1.0", Compare::contains, "1"));
}

}  // namespace
}  // namespace fp::deployment
