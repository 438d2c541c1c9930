// Collections and queries: what an administrator defines is checked, stored, evaluated and made into policy in one transaction.
#include "base/ids.hpp"
#include "base/text.hpp"
#include "domain/collection/wql.hpp"
#include "roles/admin/context.hpp"
#include "roles/admin/lookup.hpp"

namespace fp::admin {
namespace {

using enum access::ObjectClass;
using namespace access;

json::value evaluations(const std::vector<site::Evaluation>& all) {
  json::array out;
  for (const auto& e : all)
    out.push_back(json::object{
        {"collection_id", e.collection_id}, {"members", e.members}, {"joined", e.joined}, {"left", e.left}});
  return json::object{{"items", std::move(out)}};
}

Status store_collection(Context& c, Repositories& r, Collection& wanted, const char* action) {
  FP_CHECK(c.need_target(r, wanted.limiting_id));
  for (const auto& rule : wanted.rules)
    if (rule.kind == RuleKind::include) FP_CHECK(c.need_target(r, rule.target));
  FP_TRY(all, r.collections.list());
  for (const auto& other : all)
    if (other.id != wanted.id && iequals(other.name, wanted.name))
      return fail(Code::conflict, "there is a collection {} already ({})", wanted.name, other.id);
  FP_CHECK(c.evaluator.check(r, wanted));
  wanted.changed_at = r.change;
  FP_CHECK(r.collections.put(wanted));
  FP_TRY(done, c.evaluator.evaluate(r, wanted.id));
  FP_CHECK(c.policies.collection(r, wanted));
  FP_CHECK(c.audit(r, action, "collection", wanted.id, wanted.name));
  FP_TRY(stored, r.collections.find(wanted.id));
  wanted = stored;
  return {};
}

// Of one's own, or limited by one.
Result<Collection> own_collection(const Context& c, Repositories& r) {
  FP_TRY(found, find_collection(r, c.params[0]));
  FP_CHECK(c.need_target(r, found.id));
  return found;
}

Result<Answer> list(Context& c) {
  FP_TRY(all, c.store.read([&](Repositories& r) -> Result<std::vector<Collection>> {
    FP_TRY(found, r.collections.list());
    std::erase_if(found, [&](const Collection& each) { return !c.need_target(r, each.id); });
    return found;
  }));
  return Answer{200, all_of(all), {}};
}

Result<Answer> create(Context& c) {
  FP_TRY(body, c.body());
  if (body.is_object() && !body.as_object().contains("limiting_id")) body.as_object()["limiting_id"] = kAllSystems;
  FP_TRY(wanted, wire::from_value<Collection>(body));
  if (!wanted.id.empty()) return fail(Code::invalid, "id: is given by the site; leave it out");
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(id, r.site.next_object_id(c.settings.site_code));
    wanted.id = id;
    wanted.revision = 1;
    return store_collection(c, r, wanted, "create");
  });
  FP_CHECK(done);
  return Answer{201, wire::to_value(wanted), {}};
}

Result<Answer> show(Context& c) {
  FP_TRY(found, c.store.read([&](Repositories& r) { return own_collection(c, r); }));
  return Answer{200, wire::to_value(found), {}};
}

// A secret variable that comes back empty, as it was shown, keeps its value.
void keep_secrets(Collection& wanted, const Collection& before) {
  for (auto& v : wanted.variables)
    for (const auto& old : before.variables)
      if (v.secret && v.value.empty() && old.secret && old.name == v.name) v.value = old.value;
}

Result<Answer> replace(Context& c) {
  FP_TRY(wanted, c.body_as<Collection>());
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(before, own_collection(c, r));
    FP_CHECK(match_revision(c, before.revision));
    if (before.id == kAllSystems && (!wanted.rules.empty() || !wanted.windows.empty()))
      return fail(Code::invalid, "All Systems takes neither rules nor maintenance windows");
    if (before.id == kAllSystems && wanted.limiting_id != kAllSystems)
      return fail(Code::invalid, "limiting_id: nothing limits All Systems");
    wanted.id = before.id;
    wanted.revision = before.revision + 1;
    keep_secrets(wanted, before);
    return store_collection(c, r, wanted, "change");
  });
  FP_CHECK(done);
  return Answer{200, wire::to_value(wanted), {}};
}

Result<Answer> remove(Context& c) {
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(found, find_collection(r, c.params[0]));
    if (found.id == kAllSystems) return fail(Code::invalid, "All Systems is the root and stays");
    FP_CHECK(c.need_target(r, found.id));
    FP_TRY(all, r.collections.list());
    for (const auto& other : all) {
      bool uses = other.limiting_id == found.id;
      for (const auto& rule : other.rules) uses |= rule.kind != RuleKind::direct && rule.target == found.id;
      if (uses && other.id != found.id) return fail(Code::conflict, "{} ({}) depends on it", other.name, other.id);
    }
    FP_TRY(deployments, r.deployments.list());
    for (const auto& d : deployments)
      if (d.collection_id == found.id) return fail(Code::conflict, "deployment {} is aimed at it: delete that first", d.id);
    FP_CHECK(c.policies.remove(r, found.id));
    FP_CHECK(r.collections.remove(found.id));
    return c.audit(r, "delete", "collection", found.id, found.name);
  });
  FP_CHECK(done);
  return Answer{};
}

Result<Answer> members(Context& c) {
  FP_TRY(all, c.store.read([&](Repositories& r) -> Result<std::vector<CollectionMember>> {
    FP_TRY(found, own_collection(c, r));
    return r.collections.members(found.id);
  }));
  return Answer{200, all_of(all), {}};
}

Result<Answer> evaluate(Context& c) {
  FP_TRY(done, c.store.write([&](Repositories& r) -> Result<std::vector<site::Evaluation>> {
    FP_TRY(found, own_collection(c, r));
    FP_TRY(evaluated, c.evaluator.evaluate(r, found.id));
    FP_CHECK(c.audit(r, "evaluate", "collection", found.id, found.name));
    return evaluated;
  }));
  return Answer{200, evaluations(done), {}};
}

Result<Answer> run_query(Context& c) {
  FP_TRY(body, c.body());
  const auto* text = body.is_object() ? body.as_object().if_contains("wql") : nullptr;
  if (!text || !text->is_string()) return fail(Code::invalid, "wql: must be a text");
  FP_TRY(query, collection::parse_wql(std::string_view(text->as_string())));
  FP_TRY(limit, c.limit());
  std::string after;
  if (const auto text_after = c.argument("after"); !text_after.empty()) {
    FP_TRY(id, parse_client_id(text_after));
    after = id;
  }
  FP_TRY(devices, c.store.read([&](Repositories& r) -> Result<std::vector<Device>> {
    FP_TRY(ids, r.collections.run_query(query));
    std::vector<Device> out;
    for (const auto& id : ids) {
      if (static_cast<int>(out.size()) == limit) break;
      if (id <= after) continue;
      FP_TRY(found, r.devices.find(id));
      if (c.need_device(r, found)) out.push_back(std::move(found));
    }
    return out;
  }));
  return Answer{200, page_of(devices, limit, devices.empty() ? "" : devices.back().client_id), {}};
}

constexpr Route kRoutes[] = {
    {"GET", "/collections", ObjectClass::collection, kReadObject, list},
    {"POST", "/collections", ObjectClass::collection, kCreateObject, create},
    {"GET", "/collections/{id}", ObjectClass::collection, kReadObject, show},
    {"PUT", "/collections/{id}", ObjectClass::collection, kModifyObject, replace},
    {"DELETE", "/collections/{id}", ObjectClass::collection, kDeleteObject, remove},
    {"GET", "/collections/{id}/members", ObjectClass::collection, kReadObject, members},
    {"POST", "/collections/{id}/evaluate", ObjectClass::collection, kModifyObject, evaluate},
    {"POST", "/queries/run", ObjectClass::device, kReadObject, run_query},
};

}  // namespace

std::span<const Route> collection_routes() { return kRoutes; }

}  // namespace fp::admin
