#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/deployment/detection.hpp"
#include "domain/deployment/requirement.hpp"

namespace fp::deployment {
namespace {

using testing::HasSubstr;

const Facts kLaptop = {{"os.id", "debian"},    {"os.version", "12"},         {"architecture", "x86_64"},
                       {"memory_mb", "8192"},  {"kernel", "6.1.0-27-amd64"}, {"package:bash", "5.2.15-2+b7"},
                       {"fact:site", "Leeds"}, {"package_manager", "dpkg"}};

bool holds(const char* attribute, Compare op, std::vector<std::string> values) {
  return evaluate(Requirement{attribute, op, std::move(values)}, kLaptop).holds;
}

TEST(Requirement, NumbersCompareAsNumbers) {
  EXPECT_TRUE(holds("memory_mb", Compare::ge, {"4096"}));
  EXPECT_TRUE(holds("memory_mb", Compare::lt, {"16384"}));
  EXPECT_FALSE(holds("memory_mb", Compare::lt, {"8192"}));
  EXPECT_TRUE(holds("memory_mb", Compare::eq, {"08192"}));
}

TEST(Requirement, VersionsCompareAsVersions) {
  EXPECT_TRUE(holds("os.version", Compare::ge, {"9"}));
  EXPECT_TRUE(holds("os.version", Compare::lt, {"12.1"}));
  EXPECT_TRUE(holds("kernel", Compare::gt, {"6.1.0-9"}));
  EXPECT_TRUE(holds("package:bash", Compare::ge, {"5.2"}));
}

TEST(Requirement, TextIsComparedWithoutCase) {
  EXPECT_TRUE(holds("os.id", Compare::eq, {"Debian"}));
  EXPECT_TRUE(holds("os.id", Compare::one_of, {"ubuntu", "debian"}));
  EXPECT_FALSE(holds("os.id", Compare::ne, {"ubuntu", "debian"}));
  EXPECT_TRUE(holds("fact:site", Compare::contains, {"eed"}));
}

TEST(Requirement, WhatIsNotKnownHoldsOnlyForNotExists) {
  EXPECT_TRUE(holds("package:zsh", Compare::not_exists, {}));
  EXPECT_FALSE(holds("package:zsh", Compare::exists, {}));
  EXPECT_FALSE(holds("package:zsh", Compare::ne, {"1"}));
  EXPECT_FALSE(holds("disk_free_mb", Compare::lt, {"1"}));
  EXPECT_TRUE(holds("package:bash", Compare::exists, {}));
}

TEST(Requirement, AnOrderNeedsExactlyOneValue) {
  EXPECT_FALSE(holds("memory_mb", Compare::ge, {}));
  EXPECT_FALSE(holds("memory_mb", Compare::ge, {"1", "2"}));
}

TEST(Requirement, AllMustHoldAndTheOneThatDoesNotIsNamedFirst) {
  const Verdict verdict = evaluate({{"os.id", Compare::eq, {"debian"}}, {"memory_mb", Compare::ge, {"16384"}}}, kLaptop);
  EXPECT_FALSE(verdict.holds);
  ASSERT_EQ(verdict.reasons.size(), 2U);
  EXPECT_EQ(sentence({verdict.reasons[0]}), "requirement memory_mb >= 16384: it is 8192");
}

TEST(Requirement, NoneAtAllHold) { EXPECT_TRUE(evaluate(std::vector<Requirement>{}, kLaptop).holds); }

TEST(DetectionScript, FollowsTheTableOfExitCodes) {
  EXPECT_EQ(judge_script({0, true, "", ""}).state, Detected::not_installed);
  EXPECT_EQ(judge_script({0, true, "", "oops"}).state, Detected::unknown);
  EXPECT_EQ(judge_script({0, true, "yes", ""}).state, Detected::installed);
  EXPECT_EQ(judge_script({0, true, "yes", "oops"}).state, Detected::installed);
  EXPECT_EQ(judge_script({1, true, "yes", ""}).state, Detected::unknown);
  EXPECT_EQ(judge_script({0, false, "yes", ""}).state, Detected::unknown);
}

TEST(DetectionOfAPackage, ComparesTheInstalledVersion) {
  DetectionRule rule{.package = "bash", .op = Compare::ge, .version = "5.0", .path = {}, .sha256 = {}, .script = {}};
  EXPECT_EQ(judge_package(rule, "5.2", VersionScheme::dpkg).state, Detected::installed);
  EXPECT_EQ(judge_package(rule, "4.4", VersionScheme::dpkg).state, Detected::not_installed);
  EXPECT_EQ(judge_package(rule, std::nullopt, VersionScheme::dpkg).state, Detected::not_installed);
  rule.op = Compare::not_exists;
  EXPECT_EQ(judge_package(rule, std::nullopt, VersionScheme::dpkg).state, Detected::installed);
  EXPECT_EQ(judge_package(rule, "1", VersionScheme::dpkg).state, Detected::not_installed);
  rule.op = Compare::exists;
  EXPECT_EQ(judge_package(rule, "1", VersionScheme::dpkg).state, Detected::installed);
}

TEST(DetectionOfAFile, AsksForTheHashOnlyWhenTheRuleHasOne) {
  DetectionRule rule;
  rule.kind = DetectionKind::file;
  rule.path = "/opt/x";
  EXPECT_EQ(judge_file(rule, "").state, Detected::installed);
  EXPECT_EQ(judge_file(rule, std::nullopt).state, Detected::not_installed);
  rule.sha256 = "ABCD";
  EXPECT_EQ(judge_file(rule, "abcd").state, Detected::installed);
  EXPECT_EQ(judge_file(rule, "abce").state, Detected::not_installed);
}

TEST(Detection, AllRulesMustHold) {
  const Detection yes{Detected::installed, {{"a", ""}}}, no{Detected::not_installed, {{"b", ""}}},
      open{Detected::unknown, {{"c", ""}}};
  EXPECT_EQ(combine({yes, yes}).state, Detected::installed);
  EXPECT_EQ(combine({yes, no}).state, Detected::not_installed);
  EXPECT_EQ(combine({yes, open}).state, Detected::unknown);
  EXPECT_EQ(combine({open, no}).state, Detected::not_installed);
  EXPECT_EQ(combine({}).state, Detected::unknown);
  EXPECT_EQ(sentence(combine({yes, open, no}).reasons), "b; c; a");
}

}  // namespace
}  // namespace fp::deployment
