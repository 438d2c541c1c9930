#include "domain/deployment/applicability.hpp"

#include <gtest/gtest.h>

namespace fp::deployment {
namespace {

UpdateRule package(const char* name, const char* architecture, const char* comparison, const char* version) {
  UpdateRule r;
  r.op = RuleOp::package;
  r.name = name;
  r.architecture = architecture;
  r.comparison = comparison;
  r.version = version;
  return r;
}

UpdateRule group(RuleOp op, std::vector<UpdateRule> operands) {
  UpdateRule r;
  r.op = op;
  r.operands = std::move(operands);
  return r;
}

UpdateMetadata update_to(const char* name, const char* architecture, const char* version) {
  UpdateMetadata u;
  u.is_installed = package(name, architecture, "GreaterThanOrEqualTo", version);
  u.is_installable = package(name, architecture, "LessThan", version);
  return u;
}

const PackageIndex kDevice({"amd64", {{"tool", "amd64", "1.2-1"}, {"data", "all", "2:1.0~rc1"}, {"lib", "amd64", "3"}, {"lib", "i386", "2"}}});

TEST(Applicability, AnOlderVersionRequiresANewerOneHasAndAnAbsentOneDoesNotNeed) {
  EXPECT_EQ(kDevice.state_of(update_to("tool", "amd64", "1.3-1")), update_state::kRequired);
  EXPECT_EQ(kDevice.state_of(update_to("tool", "amd64", "1.2-1")), update_state::kInstalled);
  EXPECT_EQ(kDevice.state_of(update_to("tool", "amd64", "1.1")), update_state::kInstalled);
  EXPECT_EQ(kDevice.state_of(update_to("absent", "amd64", "1")), update_state::kNotRequired);
}

TEST(Applicability, VersionsAreComparedAsDpkgDoes) {
  EXPECT_EQ(kDevice.state_of(update_to("data", "all", "2:1.0")), update_state::kRequired) << "a tilde sorts before the end";
  EXPECT_EQ(kDevice.state_of(update_to("data", "all", "1:9")), update_state::kInstalled) << "an epoch wins";
}

TEST(Applicability, ArchitecturesOfOnePackageAreToldApart) {
  EXPECT_EQ(kDevice.state_of(update_to("lib", "amd64", "3")), update_state::kInstalled);
  EXPECT_EQ(kDevice.state_of(update_to("lib", "i386", "3")), update_state::kRequired);
  EXPECT_EQ(kDevice.state_of(update_to("tool", "i386", "9")), update_state::kNotRequired);
  EXPECT_EQ(kDevice.state_of(update_to("tool", "all", "9")), update_state::kRequired) << "it became independent of the architecture";
}

TEST(Applicability, RulesCombine) {
  const auto yes = package("tool", "", "", ""), no = package("absent", "", "", "");
  EXPECT_TRUE(kDevice.holds(group(RuleOp::all, {yes, yes})));
  EXPECT_FALSE(kDevice.holds(group(RuleOp::all, {yes, no})));
  EXPECT_TRUE(kDevice.holds(group(RuleOp::any, {no, yes})));
  EXPECT_TRUE(kDevice.holds(group(RuleOp::negation, {no})));
  EXPECT_FALSE(kDevice.holds(group(RuleOp::negation, {})));
  EXPECT_FALSE(kDevice.holds(UpdateRule{})) << "no rule never holds";
  UpdateRule architecture;
  architecture.op = RuleOp::architecture;
  architecture.architecture = "arm64";
  EXPECT_FALSE(kDevice.holds(architecture));
  architecture.architecture = "all";
  EXPECT_TRUE(kDevice.holds(architecture));
}

}  // namespace
}  // namespace fp::deployment
