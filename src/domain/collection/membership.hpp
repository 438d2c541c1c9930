// Who belongs to a collection, and why (domain.md §18). Any thread; pure. Cost: a sort of all rule results.
// The order of §18: query results, direct members, included collections, AND with the limiting collection, then what is
// excluded goes (exclude wins). Never: reads the clock or storage.
#pragma once
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/collection.hpp"
#include "model/query.hpp"

namespace fp::collection {

struct MembershipInput {
  const Collection* collection = nullptr;
  // One list for each rule, in the order of collection->rules: devices that the query selects; for direct the one device;
  // for include and exclude the members of that collection. Any order, repetitions allowed.
  std::vector<std::vector<std::string>> rule_members;
  // Members of the limiting collection, any order. Absent only for the root, which nothing limits.
  const std::vector<std::string>* limiting = nullptr;
};

// Sorted by client id, each once; `reason` is that of the first rule that matched, in the order query, direct, include:
// "query: <name>", "direct", "include: <collection id>". `since` is left empty. Code::internal if the lists do not fit the rules.
[[nodiscard]] Result<std::vector<CollectionMember>> evaluate_membership(const MembershipInput& input);

struct Difference {
  std::vector<std::string> joined, left;  // sorted
};
[[nodiscard]] Difference difference(const std::vector<CollectionMember>& before, const std::vector<CollectionMember>& after);

// The collections that `collection` reads: limiting, include, exclude. Sorted, each once, without itself if it is the root.
[[nodiscard]] std::vector<std::string> depends_on(const Collection& collection);

// Every collection behind all those it reads. Code::conflict for a cycle, which is named: "FP100001 includes FP100002,
// which is limited by FP100001"; Code::not_found for a reference to a collection that is not there.
[[nodiscard]] Result<std::vector<std::string>> evaluation_order(const std::vector<Collection>& all);

// `changed` and everything that reads it, directly or not, in evaluation order.
[[nodiscard]] Result<std::vector<std::string>> dependants(const std::vector<Collection>& all,
                                                          const std::vector<std::string>& changed);

// What happened to a device.
struct Change {
  bool attributes = false;            // SMS_R_System: registered, renamed, approved, heartbeat, ...
  std::vector<std::string> classes;   // inventory classes that were reported, in any spelling
};
// Incremental collections with a rule that reads what changed, and the incremental ones that read those, in evaluation
// order. `queries` are the parsed query rules of each collection, in the order of its rules.
struct ParsedCollection {
  const Collection* collection = nullptr;
  std::vector<Query> queries;
};
[[nodiscard]] Result<std::vector<std::string>> affected(const std::vector<ParsedCollection>& all, const Change& change);

}  // namespace fp::collection
