#include "site/collections.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "domain/collection/membership.hpp"
#include "domain/collection/wql.hpp"

namespace fp::site {
namespace {

constexpr const char* kCursor = "collections.incremental_until";
constexpr int kDevicesPerPass = 1000;

// Ids of a collection's members; where `only` is given, of those among them.
Result<std::vector<std::string>> members_of(store::Repositories& r, const std::string& id, const std::vector<std::string>* only) {
  std::vector<std::string> ids;
  if (only) {
    for (const auto& device : *only) {
      FP_TRY(is, r.collections.is_member(id, device));
      if (is) ids.push_back(device);
    }
    return ids;
  }
  FP_TRY(members, r.collections.members(id));
  ids.reserve(members.size());
  for (auto& m : members) ids.push_back(std::move(m.client_id));
  return ids;
}

Result<std::vector<std::string>> selected_by(store::Repositories& r, const CollectionRule& rule, const std::vector<std::string>* only) {
  switch (rule.kind) {
    case RuleKind::direct:
      if (only && std::ranges::find(*only, rule.target) == only->end()) return std::vector<std::string>{};
      return std::vector<std::string>{rule.target};
    case RuleKind::query: {
      FP_TRY(query, collection::parse_wql(rule.wql));
      return r.collections.run_query(query, only);
    }
    case RuleKind::include:
    case RuleKind::exclude: return members_of(r, rule.target, only);
  }
  return fail(Code::internal, "a rule of no kind");
}

Result<std::vector<Collection>> in_order(store::Repositories& r, const std::vector<std::string>& changed) {
  FP_TRY(all, r.collections.list());
  FP_TRY(ids, collection::dependants(all, changed));
  std::vector<Collection> out;
  for (const auto& id : ids)
    for (auto& c : all)
      if (c.id == id) out.push_back(c);
  return out;
}

}  // namespace

Status CollectionEvaluator::check(store::Repositories& r, const Collection& collection) const {
  for (const auto& rule : collection.rules) {
    if (rule.kind == RuleKind::query) {
      if (auto query = collection::parse_wql(rule.wql); !query)
        return std::unexpected(query.error().with_context(fmt::format("rule \"{}\"", rule.name)));
    }
    if (rule.kind == RuleKind::direct) {
      if (auto device = r.devices.find(rule.target); !device)
        return std::unexpected(device.error().with_context(fmt::format("rule \"{}\"", rule.name)));
    }
  }
  FP_TRY(all, r.collections.list());
  std::erase_if(all, [&](const Collection& c) { return c.id == collection.id; });
  all.push_back(collection);
  FP_TRY(order, collection::evaluation_order(all));
  return {};
}

Result<Evaluation> CollectionEvaluator::evaluate_one(store::Repositories& r, Collection collection,
                                                     const std::vector<std::string>* only) const {
  collection::MembershipInput input;
  input.collection = &collection;
  for (const auto& rule : collection.rules) {
    FP_TRY(selected, selected_by(r, rule, only));
    input.rule_members.push_back(std::move(selected));
  }
  FP_TRY(limiting, members_of(r, collection.limiting_id, only));
  input.limiting = &limiting;
  FP_TRY(wanted, collection::evaluate_membership(input));
  std::vector<CollectionMember> now;
  if (only) {
    FP_TRY(ids, members_of(r, collection.id, only));
    for (auto& id : ids) now.push_back({std::move(id), {}, {}});
  } else {
    FP_TRY(all, r.collections.members(collection.id));
    now = std::move(all);
  }
  const auto change = collection::difference(now, wanted);
  Evaluation done{collection.id, 0, static_cast<std::int64_t>(change.joined.size()), static_cast<std::int64_t>(change.left.size())};
  if (only) {
    for (const auto& member : wanted) FP_CHECK(r.collections.add_member(collection.id, member));
    for (const auto& id : change.left) FP_CHECK(r.collections.remove_member(collection.id, id));
    done.members = collection.member_count + done.joined - done.left;
    return done;
  }
  FP_CHECK(r.collections.set_members(collection.id, wanted));
  done.members = static_cast<std::int64_t>(wanted.size());
  collection.evaluated_at = r.change;
  collection.member_count = done.members;
  FP_CHECK(r.collections.put(collection));
  return done;
}

Result<std::vector<Evaluation>> CollectionEvaluator::evaluate(store::Repositories& r, std::string_view id) const {
  FP_TRY(order, in_order(r, {std::string(id)}));
  if (order.empty()) return fail(Code::not_found, "no collection {}", id);
  std::vector<Evaluation> out;
  for (auto& c : order) {
    if (c.id == kAllSystems) continue;  // registration keeps it
    FP_TRY(done, evaluate_one(r, c, nullptr));
    out.push_back(std::move(done));
  }
  return out;
}

Result<std::vector<Evaluation>> CollectionEvaluator::evaluate_due(store::Repositories& r, Instant now, int most) const {
  FP_TRY(all, r.collections.list());
  std::vector<std::string> due;
  for (const auto& c : all)
    if (c.id != kAllSystems && c.evaluated_at.plus_s(c.full_interval_s) <= now && static_cast<int>(due.size()) < most)
      due.push_back(c.id);
  if (due.empty()) return std::vector<Evaluation>{};
  FP_TRY(order, in_order(r, due));
  std::vector<Evaluation> out;
  for (auto& c : order) {
    if (c.id == kAllSystems) continue;
    FP_TRY(done, evaluate_one(r, c, nullptr));
    out.push_back(std::move(done));
  }
  return out;
}

Result<std::vector<Evaluation>> CollectionEvaluator::devices_changed(store::Repositories& r,
                                                                     const std::vector<std::string>& client_ids) const {
  std::vector<Evaluation> out;
  if (client_ids.empty()) return out;
  FP_TRY(all, r.collections.list());
  FP_TRY(order, collection::evaluation_order(all));
  for (const auto& id : order) {
    const auto c = std::ranges::find_if(all, [&](const Collection& x) { return x.id == id; });
    if (c == all.end() || !c->incremental || c->id == kAllSystems) continue;
    FP_TRY(done, evaluate_one(r, *c, &client_ids));
    if (done.joined + done.left > 0) out.push_back(std::move(done));
  }
  return out;
}

Result<std::vector<Evaluation>> CollectionEvaluator::follow_changes(store::Store& store) const {
  const auto cursor = store.read([](store::Repositories& r) { return r.site.value(kCursor); });
  const auto since = cursor ? parse_int(*cursor) : Result<std::int64_t>(0);
  FP_TRY(changed, store.read([&](store::Repositories& r) { return r.devices.changed_since({since.value_or(0)}, kDevicesPerPass); }));
  if (changed.empty()) return std::vector<Evaluation>{};
  std::vector<std::string> ids;
  for (const auto& c : changed) ids.push_back(c.client_id);
  // Those of the last moment come again with the next pass where the page cut them off: evaluating twice changes nothing.
  const bool cut = static_cast<int>(changed.size()) == kDevicesPerPass && changed.front().at < changed.back().at;
  const auto until = changed.back().at.ms - (cut ? 1 : 0);
  return store.write([&](store::Repositories& r) -> Result<std::vector<Evaluation>> {
    FP_TRY(done, devices_changed(r, ids));
    FP_CHECK(r.site.set_value(kCursor, std::to_string(until)));
    return done;
  });
}

}  // namespace fp::site
