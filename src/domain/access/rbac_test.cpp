#include "domain/access/rbac.hpp"

#include <gtest/gtest.h>

namespace fp::access {
namespace {

Administrator with_role(const char* role) {
  Administrator a;
  a.name = "eve";
  a.roles = {role};
  a.scopes = {"Default"};
  a.collections = {"FP100001"};
  return a;
}

}  // namespace

TEST(Roles, ThereAreTheFifteenBuiltInOnes) {
  EXPECT_EQ(security_roles().size(), 15U);
  EXPECT_NE(find_role("Full Administrator"), nullptr);
  EXPECT_EQ(find_role("full administrator"), nullptr);
}

TEST(Roles, TheFullAdministratorMayEverything) {
  for (std::size_t c = 0; c < kObjectClasses; ++c)
    for (const auto p : {kReadObject, kCreateObject, kModifyObject, kDeleteObject, kDeployObject, kApproveObject})
      EXPECT_TRUE(may(with_role("Full Administrator"), static_cast<ObjectClass>(c), p).allowed);
}

TEST(Roles, TheOperationsAdministratorMayEverythingExceptSecurity) {
  const auto who = with_role("Operations Administrator");
  EXPECT_TRUE(may(who, ObjectClass::deployment, kCreateObject).allowed);
  EXPECT_FALSE(may(who, ObjectClass::administrator, kCreateObject).allowed);
}

TEST(Roles, AnAnalystOnlyReadsAndIsToldWhoMay) {
  const auto who = with_role("Read-only Analyst");
  EXPECT_TRUE(may(who, ObjectClass::application, kReadObject).allowed);
  const auto refused = may(who, ObjectClass::application, kCreateObject);
  EXPECT_FALSE(refused.allowed);
  EXPECT_NE(refused.reason.find("Application Administrator"), std::string::npos) << refused.reason;
}

TEST(Roles, ScopesAndCollectionsNarrow) {
  const auto who = with_role("Application Administrator");
  EXPECT_TRUE(may(who, ObjectClass::application, kModifyObject, "Default").allowed);
  EXPECT_FALSE(may(who, ObjectClass::application, kModifyObject, "Finance").allowed);
  EXPECT_TRUE(may_target(who, "FP100001").allowed);
  EXPECT_FALSE(may_target(who, "FP100002").allowed);
  Administrator all = who;
  all.collections = {"SMS00001"};
  EXPECT_TRUE(may_target(all, "FP100002").allowed);
}

TEST(Roles, ADisabledAdministratorMayNothing) {
  auto who = with_role("Full Administrator");
  who.enabled = false;
  EXPECT_FALSE(may(who, ObjectClass::device, kReadObject).allowed);
}

}  // namespace fp::access
