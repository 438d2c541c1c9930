// Devices: what is there, what each reported, and the decisions about one of them.
#include "base/ids.hpp"
#include "roles/admin/context.hpp"
#include "roles/admin/fallback.hpp"
#include "roles/admin/location.hpp"
#include "roles/admin/lookup.hpp"
#include "roles/admin/why.hpp"

namespace fp::admin {
namespace {

using enum access::ObjectClass;
using namespace access;

// Of one's own collections; another device's name or id is refused.
Result<Device> own_device(const Context& c, Repositories& r) {
  FP_TRY(device, find_device(r, c.params[0]));
  FP_CHECK(c.need_device(r, device));
  return device;
}

// A page of what the administrator may see: pages of the store are read until one is full or there are no more.
Result<std::vector<Device>> own_devices(const Context& c, Repositories& r, DeviceFilter filter) {
  if (c.sees_every_device()) return r.devices.list(filter);
  std::vector<Device> own;
  while (static_cast<int>(own.size()) < filter.limit) {
    FP_TRY(page, r.devices.list(filter));
    for (auto& device : page) {
      filter.after = device.client_id;
      if (static_cast<int>(own.size()) < filter.limit && c.need_device(r, device)) own.push_back(std::move(device));
    }
    if (static_cast<int>(page.size()) < filter.limit) break;
  }
  return own;
}

Result<Answer> list(Context& c) {
  FP_TRY(limit, c.limit());
  DeviceFilter filter;
  filter.limit = limit;
  filter.name_contains = c.argument("name");
  if (const auto after = c.argument("after"); !after.empty()) {
    FP_TRY(id, parse_client_id(after));
    filter.after = id;
  }
  if (const auto blocked = c.argument("blocked"); !blocked.empty()) {
    if (blocked != "true" && blocked != "false") return fail(Code::invalid, "blocked: must be true or false");
    filter.blocked = blocked == "true";
  }
  if (const auto approval = c.argument("approval"); !approval.empty()) {
    if (approval == "pending") filter.approval = Approval::pending;
    else if (approval == "approved") filter.approval = Approval::approved;
    else if (approval == "rejected") filter.approval = Approval::rejected;
    else if (approval == "not_applicable") filter.approval = Approval::not_applicable;
    else return fail(Code::invalid, "approval: must be pending, approved, rejected or not_applicable");
  }
  FP_TRY(devices, c.store.read([&](Repositories& r) -> Result<std::vector<Device>> {
    if (const auto wanted = c.argument("collection"); !wanted.empty()) {
      FP_TRY(found, find_collection(r, wanted));
      filter.collection_id = found.id;
    }
    return own_devices(c, r, filter);
  }));
  return Answer{200, page_of(devices, limit, devices.empty() ? "" : devices.back().client_id), {}};
}

Result<Answer> show(Context& c) {
  FP_TRY(shown, c.store.read([&](Repositories& r) -> Result<json::value> {
    FP_TRY(device, own_device(c, r));
    json::value all = wire::to_value(device);
    FP_TRY(location, location_of(r, device, c.settings.site_code));
    all.as_object()["location"] = std::move(location);
    FP_TRY(said, newest_said(r, device));
    if (said) all.as_object()["fallback"] = to_answer(*said);
    return all;
  }));
  return Answer{200, std::move(shown), {}};
}

Result<Answer> remove(Context& c) {
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(device, own_device(c, r));
    FP_CHECK(r.inventory.remove_device(device.client_id));
    FP_CHECK(r.devices.remove(device.client_id));
    return c.audit(r, "delete", "device", device.client_id, device.name);
  });
  FP_CHECK(done);
  c.hooks.peers_changed();
  return Answer{};
}

// The four decisions about a device differ in what they set.
Result<Answer> decide(Context& c, const char* action, const std::function<Status(Device&)>& change) {
  FP_TRY(device, c.store.write([&](Repositories& r) -> Result<Device> {
    FP_TRY(found, own_device(c, r));
    FP_CHECK(change(found));
    FP_CHECK(r.devices.put(found));
    FP_CHECK(c.evaluator.devices_changed(r, {found.client_id}));
    FP_CHECK(c.audit(r, action, "device", found.client_id,
                     found.name + (found.block_reason.empty() ? "" : ": " + found.block_reason)));
    return found;
  }));
  c.hooks.peers_changed();
  return Answer{200, wire::to_value(device), {}};
}

Result<Answer> approve(Context& c) {
  return decide(c, "approve", [](Device& d) -> Status {
    if (d.pki) return fail(Code::conflict, "{} has a certificate of a trusted issuer and needs no approval", d.name);
    d.approval = Approval::approved;
    d.conflict = false;
    return {};
  });
}

Result<Answer> reject(Context& c) {
  return decide(c, "reject", [](Device& d) -> Status {
    if (d.pki) return fail(Code::conflict, "{} has a certificate of a trusted issuer: block it instead", d.name);
    d.approval = Approval::rejected;
    return {};
  });
}

Result<Answer> block(Context& c) {
  std::string reason = "no reason given";
  if (!c.request.body.empty()) {
    FP_TRY(body, c.body());
    const auto* text = body.is_object() ? body.as_object().if_contains("reason") : nullptr;
    if (!text || !text->is_string()) return fail(Code::invalid, "reason: must be a text");
    FP_TRY(checked, parse_name(std::string_view(text->as_string()), 500));
    reason = checked;
  }
  return decide(c, "block", [&](Device& d) -> Status {
    d.blocked = true;
    d.block_reason = reason;
    return {};
  });
}

Result<Answer> unblock(Context& c) {
  return decide(c, "unblock", [](Device& d) -> Status {
    d.blocked = false;
    d.block_reason.clear();
    return {};
  });
}

Result<Answer> inventory(Context& c) {
  FP_TRY(items, c.store.read([&](Repositories& r) -> Result<std::vector<InventoryInstance>> {
    FP_TRY(device, own_device(c, r));
    return r.inventory.instances(device.client_id, c.argument("class"));
  }));
  return Answer{200, all_of(items), {}};
}

Result<Answer> states(Context& c) {
  FP_TRY(limit, c.limit());
  FP_TRY(items, c.store.read([&](Repositories& r) -> Result<std::vector<StateMessage>> {
    FP_TRY(device, own_device(c, r));
    return r.states.of_device(device.client_id, limit);
  }));
  return Answer{200, all_of(items), {}};
}

Result<Answer> policies(Context& c) {
  FP_TRY(items, c.store.read([&](Repositories& r) -> Result<std::vector<PolicyAssignment>> {
    FP_TRY(device, own_device(c, r));
    return r.policies.for_device(device.client_id);
  }));
  json::array list;
  for (const auto& a : items) {
    list.push_back(json::object{{"id", a.policy.id},
                                {"version", a.policy.version},
                                {"category", a.policy.category},
                                {"flags", a.policy.flags},
                                {"source_id", a.policy.source_id},
                                {"collection_id", a.collection_id},
                                {"changed_at", to_iso(a.policy.changed_at)}});
  }
  return Answer{200, json::object{{"items", std::move(list)}}, {}};
}

Result<Answer> collections(Context& c) {
  FP_TRY(ids, c.store.read([&](Repositories& r) -> Result<std::vector<std::string>> {
    FP_TRY(device, own_device(c, r));
    return r.collections.of_device(device.client_id);
  }));
  return Answer{200, all_of(ids), {}};
}

Result<Answer> deployments(Context& c) {
  FP_TRY(items, c.store.read([&](Repositories& r) -> Result<std::vector<DeploymentState>> {
    FP_TRY(device, own_device(c, r));
    return r.deployments.states_of_device(device.client_id);
  }));
  return Answer{200, all_of(items), {}};
}

Result<Answer> explain(Context& c) {
  FP_TRY(why, c.store.read([&](Repositories& r) -> Result<Explanation> {
    FP_TRY(device, own_device(c, r));
    if (const auto* rule = internet::find_feature(c.params[1])) return explain_feature(device, *rule, c.clock.now());
    FP_TRY(deployment, find_deployment(r, c.params[1]));
    return explain_deployment(r, c.policies, device, deployment, c.clock.now());
  }));
  json::array steps;
  for (const auto& s : why.steps) steps.push_back(json::object{{"step", s.step}, {"ok", s.ok}, {"because", s.because}});
  return Answer{200,
                json::object{{"device", why.device},
                             {"deployment", why.deployment},
                             {"conclusion", why.conclusion},
                             {"steps", std::move(steps)}},
                {}};
}

constexpr Route kRoutes[] = {
    {"GET", "/devices", device, kReadObject, list},
    {"GET", "/devices/{id}", device, kReadObject, show},
    {"DELETE", "/devices/{id}", device, kDeleteObject, remove},
    {"POST", "/devices/{id}/approve", device, kApproveObject, approve},
    {"POST", "/devices/{id}/reject", device, kApproveObject, reject},
    {"POST", "/devices/{id}/block", device, kApproveObject, block},
    {"POST", "/devices/{id}/unblock", device, kApproveObject, unblock},
    {"GET", "/devices/{id}/inventory", device, kReadObject, inventory},
    {"GET", "/devices/{id}/states", device, kReadObject, states},
    {"GET", "/devices/{id}/policies", device, kReadObject, policies},
    {"GET", "/devices/{id}/collections", device, kReadObject, collections},
    {"GET", "/devices/{id}/deployments", device, kReadObject, deployments},
    {"GET", "/devices/{id}/why/{deployment}", device, kReadObject, explain},
};

}  // namespace

std::span<const Route> device_routes() { return kRoutes; }

}  // namespace fp::admin
