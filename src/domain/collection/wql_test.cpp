#include "domain/collection/wql.hpp"

#include <gtest/gtest.h>

namespace fp::collection {
namespace {

std::string canonical(std::string_view text) {
  const auto q = parse_wql(text);
  return q ? print_wql(*q) : q.error().message;
}
std::string where(const std::string& condition) {
  const auto text = canonical("select * from SMS_R_System where " + condition);
  constexpr std::string_view head = "select * from SMS_R_System where ";
  return text.starts_with(head) ? text.substr(head.size()) : text;
}

TEST(Wql, ReadsComparisonsOfEveryKind) {
  EXPECT_EQ(canonical("SELECT * FROM sms_r_system"), "select * from SMS_R_System");
  EXPECT_EQ(where("Name = \"PC1\""), "SMS_R_System.Name = 'PC1'");
  EXPECT_EQ(where("Name <> 'a' or SMS_R_System.Name != 'b'"), "SMS_R_System.Name <> 'a' or SMS_R_System.Name <> 'b'");
  EXPECT_EQ(where("Build >= 10 AND Build<20 and x > -1.5"),
            "SMS_R_System.Build >= 10 and SMS_R_System.Build < 20 and SMS_R_System.x > -1.5");
  EXPECT_EQ(where("7 < Build"), "SMS_R_System.Build > 7");
  EXPECT_EQ(where("Name like 'a%[0-9]_' and Name not like 'b'"),
            "SMS_R_System.Name like 'a%[0-9]_' and SMS_R_System.Name not like 'b'");
  EXPECT_EQ(
      where("Name is null or Name is not NULL or Name = null or Name <> null"),
      "SMS_R_System.Name is null or SMS_R_System.Name is not null or SMS_R_System.Name is null or SMS_R_System.Name is not null");
  EXPECT_EQ(where("Name in ('a', 'b') and Name not in (1)"), "SMS_R_System.Name in ('a', 'b') and SMS_R_System.Name not in (1)");
  EXPECT_EQ(where("Client = TRUE and Obsolete = false"), "SMS_R_System.Client = 1 and SMS_R_System.Obsolete = 0");
  EXPECT_EQ(where("Name = 'it''s' or Name = \"C:\\\\x\""), "SMS_R_System.Name = 'it\\'s' or SMS_R_System.Name = 'C:\\\\x'");
}

TEST(Wql, BindsAndTighterThanOrAndKeepsBrackets) {
  EXPECT_EQ(where("a=1 or b=2 and c=3"), "SMS_R_System.a = 1 or (SMS_R_System.b = 2 and SMS_R_System.c = 3)");
  EXPECT_EQ(where("(a=1 or b=2) and not c=3"), "(SMS_R_System.a = 1 or SMS_R_System.b = 2) and not (SMS_R_System.c = 3)");
  EXPECT_EQ(where("((a=1 and b=2) and c=3)"), "SMS_R_System.a = 1 and SMS_R_System.b = 2 and SMS_R_System.c = 3");
}

TEST(Wql, ReadsWhatConsolesWrite) {
  const auto q = parse_wql(
      "select SMS_R_SYSTEM.ResourceID,SMS_R_SYSTEM.ResourceType,SMS_R_SYSTEM.Name from SMS_R_System inner join "
      "SMS_G_System_OPERATING_SYSTEM on SMS_G_System_OPERATING_SYSTEM.ResourceID = SMS_R_System.ResourceId where "
      "SMS_G_System_OPERATING_SYSTEM.Caption like \"%Debian%\"");
  ASSERT_TRUE(q) << q.error().message;
  EXPECT_EQ(q->classes, std::vector<std::string>{"SMS_G_System_OPERATING_SYSTEM"});
  EXPECT_EQ(print_wql(*q), "select * from SMS_R_System inner join SMS_G_System_OPERATING_SYSTEM on "
                           "SMS_G_System_OPERATING_SYSTEM.ResourceId = SMS_R_System.ResourceId where "
                           "SMS_G_System_OPERATING_SYSTEM.Caption like '%Debian%'");
  const auto aliased = parse_wql(
      "select distinct s.* from SMS_R_System as s join sms_g_system_disk d on d.ResourceId = s.ResourceId "
      "where d.Size > 10");
  ASSERT_TRUE(aliased) << aliased.error().message;
  EXPECT_EQ(std::get<QueryCompare>(aliased->where.at(0).node).attribute.class_name, "SMS_G_System_DISK");
}

TEST(Wql, AJoinedClassThatIsNeverAskedForMustExist) {
  const auto q =
      parse_wql("select * from SMS_R_System inner join SMS_G_System_X on SMS_G_System_X.ResourceId = SMS_R_System.ResourceId");
  ASSERT_TRUE(q);
  const auto& compare = std::get<QueryCompare>(q->where.at(0).node);
  EXPECT_EQ(compare.attribute.class_name, "SMS_G_System_X");
  EXPECT_EQ(compare.op, QueryOp::not_null);
}

TEST(Wql, ReadsQueriesInsideIn) {
  const auto q = parse_wql(
      "select * from SMS_R_System where SMS_R_System.ResourceId not in (select SMS_G_System_PACKAGE.ResourceID from "
      "SMS_G_System_PACKAGE where SMS_G_System_PACKAGE.Name = 'curl') and Name like 'L%'");
  ASSERT_TRUE(q) << q.error().message;
  EXPECT_EQ(q->classes, std::vector<std::string>{"SMS_G_System_PACKAGE"});
  const auto& group = std::get<QueryGroup>(q->where.at(0).node);
  const auto& sub = std::get<QuerySubselect>(group.parts.at(0).node);
  EXPECT_TRUE(sub.negated);
  EXPECT_EQ(sub.selected.class_name, "SMS_G_System_PACKAGE");
  EXPECT_EQ(sub.where.size(), 1U);
}

TEST(Wql, WhatIsPrintedReadsBackToTheSame) {
  for (const auto* text : {
           "select * from SMS_R_System where not (not (a = 1 or b = 'x')) and c in (1, 2.25, 'y')",
           "select * from SMS_R_System where ResourceId in (select ResourceId from SMS_R_System inner join SMS_G_System_X on "
           "SMS_G_System_X.ResourceId = SMS_R_System.ResourceId where SMS_G_System_X.P is null)",
           "select * from SMS_R_System where Name in (select SMS_G_System_X.Name from SMS_G_System_X)",
           "select * from SMS_R_System s inner join SMS_G_System_X on SMS_G_System_X.ResourceId = s.ResourceId where s.a = 0.001",
       }) {
    const auto once = canonical(text);
    EXPECT_EQ(canonical(once), once) << text;
    EXPECT_TRUE(once.starts_with("select * from")) << once;
  }
}

TEST(Wql, AMistakeIsNamedWithItsColumn) {
  EXPECT_EQ(canonical(""), "WQL column 1: expected SELECT, found the end");
  EXPECT_EQ(canonical("select * from"), "WQL column 14: expected a class, found the end");
  EXPECT_EQ(canonical("select * from Users"), "WQL column 15: expected SMS_R_System or SMS_G_System_<class>, found Users");
  EXPECT_EQ(canonical("select * from SMS_R_System where Name like 5"), "WQL column 44: expected a text behind LIKE, found 5");
  EXPECT_EQ(canonical("select * from SMS_R_System where Name ="), "WQL column 40: expected a value behind =, found the end");
  EXPECT_EQ(canonical("select * from SMS_R_System where Name 'x'"),
            "WQL column 39: expected a comparison (=, <>, <, <=, >, >=, LIKE, IN, IS), found x");
  EXPECT_EQ(canonical("select * from SMS_R_System where (Name = 'x'"),
            "WQL column 45: expected ) or a further condition, found the end");
  EXPECT_EQ(canonical("select * from SMS_R_System where Name = 'x"), "WQL column 41: a text without its closing '");
  EXPECT_EQ(canonical("select * from SMS_R_System where Name = 'x' order by Name"),
            "WQL column 45: expected the end of the query, AND or OR, found order");
  EXPECT_EQ(canonical("select * from SMS_R_System where SMS_G_System_X.P = 1"),
            "WQL column 34: SMS_G_System_X is neither a class behind FROM or JOIN nor an alias of one");
  EXPECT_EQ(canonical("select * from SMS_R_System left join SMS_G_System_X on 1"),
            "WQL column 28: expected INNER JOIN (no other join is known), found left");
  EXPECT_EQ(canonical("select * from SMS_R_System; drop table devices"), "WQL column 27: a character that does not belong here");
  EXPECT_EQ(canonical("select * from SMS_G_System_X"), "WQL column 15: expected SMS_R_System behind FROM, found SMS_G_System_X");
}

TEST(Wql, LimitsHold) {
  EXPECT_NE(where(std::string(33, '(') + "a=1" + std::string(33, ')')).find("brackets deeper than 32"), std::string::npos);
  std::string nots;
  for (int n = 0; n < 40; ++n) nots += "not ";
  EXPECT_NE(where(nots + "a=1").find("NOT deeper than 32"), std::string::npos);
  std::string many = "a=1";
  for (int n = 0; n < 1000; ++n) many += " or a=1";
  EXPECT_NE(where(many).find("more than 1000 conditions"), std::string::npos);
  EXPECT_NE(canonical(std::string(20'000, ' ')).find("16384 at most"), std::string::npos);
  EXPECT_EQ(canonical("select * from SMS_R_System where a = '\xFF'"), "WQL that is not UTF-8 text");
}

TEST(Wql, SpellingsOfAClassHaveOneKey) {
  for (const auto* name : {"Win32_OperatingSystem", "SMS_G_System_OPERATING_SYSTEM", "operating_system", "SMS_OperatingSystem"})
    EXPECT_EQ(class_key(name), "OPERATINGSYSTEM");
  EXPECT_EQ(class_key("Win32_"), "WIN32");
}

}  // namespace
}  // namespace fp::collection
