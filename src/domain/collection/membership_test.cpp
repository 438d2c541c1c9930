#include "domain/collection/membership.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/random.hpp"
#include "domain/collection/wql.hpp"

namespace fp::collection {
namespace {

Collection make(const std::string& id, const std::string& limiting, std::vector<CollectionRule> rules = {},
                bool incremental = false) {
  return {.id = id, .limiting_id = limiting, .rules = std::move(rules), .incremental = incremental};
}
CollectionRule include(const std::string& id) { return {.kind = RuleKind::include, .target = id}; }
CollectionRule exclude(const std::string& id) { return {.kind = RuleKind::exclude, .target = id}; }
CollectionRule query(const std::string& name) { return {.kind = RuleKind::query, .name = name}; }
CollectionRule direct(const std::string& client) { return {.kind = RuleKind::direct, .target = client}; }

using Lists = std::vector<std::vector<std::string>>;

std::string members(const Collection& c, const Lists& lists, const std::vector<std::string>* limiting) {
  const auto result = evaluate_membership({&c, lists, limiting});
  if (!result) return result.error().message;
  std::string out;
  for (const auto& m : *result) out += fmt::format("{}({}) ", m.client_id, m.reason);
  return out;
}

TEST(Membership, TheFirstReasonIsQueryThenDirectThenInclude) {
  const auto c = make("C", "A", {include("I"), direct("a"), query("q1"), query("q2")});
  const std::vector<std::string> all{"a", "b", "c", "d"};
  EXPECT_EQ(members(c, {{"a", "b", "c", "d"}, {"a"}, {"b"}, {"b", "c"}}, &all),
            "a(direct) b(query: q1) c(query: q2) d(include: I) ");
}

TEST(Membership, TheLimitingCollectionLimitsAndExcludeWins) {
  const auto c = make("C", "A", {direct("a"), direct("b"), direct("x"), exclude("E")});
  const std::vector<std::string> all{"b", "a"};
  EXPECT_EQ(members(c, {{"a"}, {"b"}, {"x"}, {"b", "z"}}, &all), "a(direct) ");
  EXPECT_EQ(members(c, {{"a"}, {"b"}, {"x"}, {}}, nullptr), "a(direct) b(direct) x(direct) ");
}

TEST(Membership, ListsThatDoNotFitTheRulesAreRefused) {
  EXPECT_EQ(members(make("C", "A", {query("q")}), {}, nullptr), "membership lists that do not fit the rules");
}

// Against the definition, spelled out with sets, for many random collections.
TEST(Membership, IsTheAlgebraOfTheReference) {
  SeededRandom random(18);
  const auto some = [&] {
    std::vector<std::string> out;
    for (auto n = random.below(12); n > 0; --n) out.push_back(fmt::format("d{:02}", random.below(20)));
    return out;
  };
  for (int round = 0; round < 500; ++round) {
    Collection c = make("C", "A");
    Lists lists;
    std::set<std::string> in, out;
    for (auto n = random.below(6); n > 0; --n) {
      const auto kind = static_cast<RuleKind>(random.below(4));
      c.rules.push_back({.kind = kind, .name = "r", .target = "T"});
      lists.push_back(some());
      (kind == RuleKind::exclude ? out : in).insert(lists.back().begin(), lists.back().end());
    }
    const auto limiting = some();
    std::set<std::string> expected;
    for (const auto& d : in)
      if (std::find(limiting.begin(), limiting.end(), d) != limiting.end() && !out.contains(d)) expected.insert(d);
    const auto result = evaluate_membership({&c, lists, &limiting});
    ASSERT_TRUE(result);
    std::vector<std::string> got;
    for (const auto& m : *result) got.push_back(m.client_id);
    ASSERT_EQ(got, std::vector<std::string>(expected.begin(), expected.end()));
    const auto change = difference({}, *result);
    ASSERT_EQ(change.joined, got);
    ASSERT_TRUE(difference(*result, *result).joined.empty() && difference(*result, *result).left.empty());
    ASSERT_EQ(difference(*result, {}).left, got);
  }
}

TEST(EvaluationOrder, EachCollectionComesBehindWhatItReads) {
  const std::vector<Collection> all{make("C", "B", {exclude("D")}), make("B", "A"), make("A", "A"),
                                    make("D", "A", {include("B")})};
  const auto order = evaluation_order(all);
  ASSERT_TRUE(order) << order.error().message;
  EXPECT_EQ(*order, (std::vector<std::string>{"A", "B", "D", "C"}));
  EXPECT_EQ(depends_on(all[0]), (std::vector<std::string>{"B", "D"}));
  EXPECT_TRUE(depends_on(all[2]).empty());
}

TEST(EvaluationOrder, ACycleIsNamed) {
  const auto order =
      evaluation_order({make("A", "A"), make("B", "C"), make("C", "A", {include("D")}), make("D", "A", {exclude("B")})});
  ASSERT_FALSE(order);
  EXPECT_EQ(order.error().code, Code::conflict);
  EXPECT_EQ(order.error().message, "B is limited by C, which includes D, which excludes B");
  const auto self = evaluation_order({make("A", "A"), make("B", "A", {include("B")})});
  ASSERT_FALSE(self);
  EXPECT_EQ(self.error().message, "B includes B");
}

TEST(EvaluationOrder, AReferenceToNothingIsNamed) {
  const auto order = evaluation_order({make("A", "A"), make("B", "A", {include("X")})});
  ASSERT_FALSE(order);
  EXPECT_EQ(order.error().code, Code::not_found);
  EXPECT_EQ(order.error().message, "B includes X, which is not there");
}

TEST(EvaluationOrder, AChainOfTenThousandIsNoProblem) {
  std::vector<Collection> all{make("C0", "C0")};
  for (int n = 1; n < 10'000; ++n) all.push_back(make(fmt::format("C{}", n), fmt::format("C{}", n - 1)));
  std::reverse(all.begin(), all.end());
  const auto order = evaluation_order(all);
  ASSERT_TRUE(order);
  EXPECT_EQ(order->front(), "C0");
  EXPECT_EQ(order->back(), "C9999");
}

TEST(Dependants, AreTheChangedAndAllThatReadThem) {
  const std::vector<Collection> all{make("A", "A"), make("B", "A"), make("C", "B"), make("D", "A", {include("C")}),
                                    make("E", "A")};
  EXPECT_EQ(*dependants(all, {"B"}), (std::vector<std::string>{"B", "C", "D"}));
  EXPECT_EQ(*dependants(all, {"E"}), (std::vector<std::string>{"E"}));
}

TEST(Affected, AreIncrementalCollectionsThatReadWhatChanged) {
  const std::vector<Collection> all{make("A", "A", {}, true),           make("Q", "A", {query("os")}, true),
                                    make("R", "A", {query("name")}, true), make("S", "A", {query("os")}, false),
                                    make("T", "Q", {}, true),           make("U", "Q", {}, false)};
  const auto os = *parse_wql("select * from SMS_R_System inner join SMS_G_System_OPERATING_SYSTEM on "
                             "SMS_G_System_OPERATING_SYSTEM.ResourceId = SMS_R_System.ResourceId");
  const auto name = *parse_wql("select * from SMS_R_System where Name like 'L%'");
  const std::vector<ParsedCollection> parsed{{&all[0], {}},   {&all[1], {os}}, {&all[2], {name}},
                                             {&all[3], {os}}, {&all[4], {}},   {&all[5], {}}};
  EXPECT_EQ(*affected(parsed, {.classes = {"Win32_OperatingSystem"}}), (std::vector<std::string>{"Q", "T"}));
  EXPECT_EQ(*affected(parsed, {.attributes = true}), (std::vector<std::string>{"Q", "R", "T"}));
  EXPECT_TRUE(affected(parsed, {.classes = {"DISK"}})->empty());
}

}  // namespace
}  // namespace fp::collection
