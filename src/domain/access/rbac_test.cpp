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

TEST(Roles, ACopyMayWhatItsSourceMayUntilItIsChanged) {
  CustomRole copy = copy_of(*find_role("Read-only Analyst"), "Helpdesk");
  EXPECT_TRUE(check_permissions(copy));
  for (std::size_t i = 0; i < kObjectClasses; ++i)
    EXPECT_EQ(permissions_of(copy, static_cast<ObjectClass>(i)), find_role("Read-only Analyst")->permissions[i]);
  const auto who = with_role("Helpdesk");
  EXPECT_FALSE(may(who, ObjectClass::device, kReadObject).allowed) << "nobody told of the role";
  EXPECT_TRUE(may(who, ObjectClass::device, kReadObject, {}, {&copy, 1}).allowed);
  EXPECT_FALSE(may(who, ObjectClass::device, kApproveObject, {}, {&copy, 1}).allowed);
  copy.permissions["device"] = "read approve";
  EXPECT_TRUE(may(who, ObjectClass::device, kApproveObject, {}, {&copy, 1}).allowed);
  const auto other = with_role("Application Author");
  EXPECT_NE(may(other, ObjectClass::device, kApproveObject, {}, {&copy, 1}).reason.find("Helpdesk"), std::string::npos);
}

TEST(Roles, ABuiltInRoleIsNotOverruledByOneOfTheSameName) {
  CustomRole copy = copy_of(*find_role("Full Administrator"), "Read-only Analyst");
  EXPECT_FALSE(may(with_role("Read-only Analyst"), ObjectClass::site, kModifyObject, {}, {&copy, 1}).allowed);
}

TEST(Roles, WhatIsNotThereIsNamed) {
  CustomRole role{"X", "Read-only Analyst", {{"machine", "read"}}, {}};
  EXPECT_NE(check_permissions(role).error().message.find("machine"), std::string::npos);
  role.permissions = {{"device", "read fly"}};
  EXPECT_NE(check_permissions(role).error().message.find("fly"), std::string::npos);
}

TEST(Roles, ADisabledAdministratorMayNothing) {
  auto who = with_role("Full Administrator");
  who.enabled = false;
  EXPECT_FALSE(may(who, ObjectClass::device, kReadObject).allowed);
}

}  // namespace fp::access
