#include "domain/collection/membership.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "domain/collection/wql.hpp"

namespace fp::collection {
namespace {

// query, direct, include; exclude takes no part in the reasons.
int rank_of(RuleKind kind) { return kind == RuleKind::query ? 0 : kind == RuleKind::direct ? 1 : 2; }

std::string reason_of(const CollectionRule& rule) {
  switch (rule.kind) {
    case RuleKind::query: return "query: " + rule.name;
    case RuleKind::direct: return "direct";
    default: return "include: " + rule.target;
  }
}

std::vector<std::string_view> sorted(const std::vector<std::string>& ids) {
  std::vector<std::string_view> out(ids.begin(), ids.end());
  std::sort(out.begin(), out.end());
  return out;
}

struct Candidate {
  std::string_view client;
  std::size_t order = 0;  // of the rule among the reasons
  std::size_t rule = 0;
};

// The edges of the graph, with their words for the message about a cycle.
std::vector<std::pair<std::string, std::string_view>> edges_of(const Collection& c) {
  std::vector<std::pair<std::string, std::string_view>> out;
  if (!c.limiting_id.empty() && c.limiting_id != c.id) out.emplace_back(c.limiting_id, "is limited by");
  for (const auto& rule : c.rules) {
    if (rule.kind == RuleKind::include) out.emplace_back(rule.target, "includes");
    if (rule.kind == RuleKind::exclude) out.emplace_back(rule.target, "excludes");
  }
  return out;
}

using Graph = std::map<std::string, const Collection*, std::less<>>;

// Depth first without recursion: chains of collections may be long.
class Order {
 public:
  explicit Order(const Graph& graph) : graph_(graph) {}

  Status visit(const Collection& start) {
    if (done_.contains(start.id)) return {};
    push(start);
    while (!path_.empty()) {
      auto& top = path_.back();
      if (top.next == top.edges.size()) {
        done_.insert(top.collection->id);
        on_path_.erase(top.collection->id);
        out.push_back(top.collection->id);
        path_.pop_back();
        continue;
      }
      const auto& [target, word] = top.edges[top.next++];
      const auto found = graph_.find(target);
      if (found == graph_.end()) return fail(Code::not_found, "{} {} {}, which is not there", top.collection->id, word, target);
      if (on_path_.contains(target)) return cycle(target);
      if (!done_.contains(target)) push(*found->second);
    }
    return {};
  }

  std::vector<std::string> out;

 private:
  struct Step {
    const Collection* collection;
    std::vector<std::pair<std::string, std::string_view>> edges;
    std::size_t next = 0;
  };
  void push(const Collection& c) {
    on_path_.insert(c.id);
    path_.push_back({&c, edges_of(c), 0});
  }
  std::unexpected<Error> cycle(const std::string& back_to) const {
    std::string text;
    bool inside = false;
    for (const auto& step : path_) {
      inside = inside || step.collection->id == back_to;
      if (!inside) continue;
      const auto& [target, word] = step.edges[step.next - 1];
      text +=
          text.empty() ? fmt::format("{} {} {}", step.collection->id, word, target) : fmt::format(", which {} {}", word, target);
    }
    return fail(Code::conflict, "{}", text);
  }

  const Graph& graph_;
  std::vector<Step> path_;
  std::set<std::string, std::less<>> on_path_, done_;
};

// Those of `order` that are in `start`, or read one of those that are taken (if `may` allows it).
template <class May>
std::vector<std::string> closure(const Graph& graph, const std::vector<std::string>& order, const std::set<std::string>& start,
                                 May may) {
  std::set<std::string> taken;
  std::vector<std::string> out;
  for (const auto& id : order) {
    const auto& collection = *graph.at(id);
    bool reached = start.contains(id);
    for (const auto& other : depends_on(collection)) reached = reached || (taken.contains(other) && may(collection));
    if (!reached) continue;
    taken.insert(id);
    out.push_back(id);
  }
  return out;
}

Graph graph_of(const std::vector<Collection>& all) {
  Graph graph;
  for (const auto& c : all) graph.emplace(c.id, &c);
  return graph;
}

Result<std::vector<std::string>> order_of(const Graph& graph) {
  Order order(graph);
  for (const auto& [id, collection] : graph) FP_CHECK(order.visit(*collection));
  return std::move(order.out);
}

bool reads(const std::vector<Query>& queries, const Change& change, const std::set<std::string>& keys) {
  for (const auto& query : queries) {
    if (change.attributes) return true;  // every query begins with SMS_R_System
    for (const auto& name : query.classes)
      if (keys.contains(class_key(name))) return true;
  }
  return false;
}

}  // namespace

Result<std::vector<CollectionMember>> evaluate_membership(const MembershipInput& input) {
  if (!input.collection || input.rule_members.size() != input.collection->rules.size())
    return fail(Code::internal, "membership lists that do not fit the rules");
  const auto& rules = input.collection->rules;
  std::vector<std::size_t> order(rules.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return rank_of(rules[a].kind) < rank_of(rules[b].kind); });

  std::vector<Candidate> candidates;
  std::vector<std::string_view> excluded;
  for (std::size_t n = 0; n < order.size(); ++n) {
    const auto rule = order[n];
    for (const auto& client : input.rule_members[rule]) {
      if (rules[rule].kind == RuleKind::exclude) excluded.push_back(client);
      else candidates.push_back({client, n, rule});
    }
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const auto& a, const auto& b) { return std::tie(a.client, a.order) < std::tie(b.client, b.order); });
  std::sort(excluded.begin(), excluded.end());
  const auto limiting = input.limiting ? sorted(*input.limiting) : std::vector<std::string_view>();
  const auto has = [](const std::vector<std::string_view>& set, std::string_view id) {
    return std::binary_search(set.begin(), set.end(), id);
  };

  std::vector<CollectionMember> out;
  for (const auto& c : candidates) {
    if (!out.empty() && out.back().client_id == c.client) continue;
    if (input.limiting && !has(limiting, c.client)) continue;
    if (has(excluded, c.client)) continue;
    out.push_back({std::string(c.client), reason_of(rules[c.rule]), {}});
  }
  return out;
}

Difference difference(const std::vector<CollectionMember>& before, const std::vector<CollectionMember>& after) {
  std::vector<std::string> was, is;
  for (const auto& m : before) was.push_back(m.client_id);
  for (const auto& m : after) is.push_back(m.client_id);
  std::sort(was.begin(), was.end());
  std::sort(is.begin(), is.end());
  Difference out;
  std::set_difference(is.begin(), is.end(), was.begin(), was.end(), std::back_inserter(out.joined));
  std::set_difference(was.begin(), was.end(), is.begin(), is.end(), std::back_inserter(out.left));
  return out;
}

std::vector<std::string> depends_on(const Collection& collection) {
  std::set<std::string> out;
  for (auto& [target, word] : edges_of(collection)) out.insert(target);
  return {out.begin(), out.end()};
}

Result<std::vector<std::string>> evaluation_order(const std::vector<Collection>& all) { return order_of(graph_of(all)); }

Result<std::vector<std::string>> dependants(const std::vector<Collection>& all, const std::vector<std::string>& changed) {
  const auto graph = graph_of(all);
  FP_TRY(order, order_of(graph));
  return closure(graph, order, {changed.begin(), changed.end()}, [](const Collection&) { return true; });
}

Result<std::vector<std::string>> affected(const std::vector<ParsedCollection>& all, const Change& change) {
  Graph graph;
  std::set<std::string> keys, start;
  for (const auto& name : change.classes) keys.insert(class_key(name));
  for (const auto& parsed : all) {
    graph.emplace(parsed.collection->id, parsed.collection);
    if (parsed.collection->incremental && reads(parsed.queries, change, keys)) start.insert(parsed.collection->id);
  }
  FP_TRY(order, order_of(graph));
  return closure(graph, order, start, [](const Collection& c) { return c.incremental; });
}

}  // namespace fp::collection
