// The site itself: settings, administrators, roles, audit, events, management points, metrics.
#include <algorithm>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "roles/admin/context.hpp"
#include "roles/admin/lookup.hpp"
#include "site/settings.hpp"

namespace fp::admin {
namespace {

using namespace access;

constexpr std::size_t kAdministratorNameBytesMax = 64;

Result<Answer> show_site(Context& c) {
  FP_TRY(counts, c.store.read([&](Repositories& r) -> Result<json::object> {
    FP_TRY(devices, r.devices.count());
    FP_TRY(collections, r.collections.list());
    FP_TRY(applications, r.software.list_applications());
    FP_TRY(deployments, r.deployments.list());
    return json::object{{"site_code", c.settings.site_code},
                        {"devices", devices},
                        {"collections", collections.size()},
                        {"applications", applications.size()},
                        {"deployments", deployments.size()},
                        {"directory", sentence_of(c.hooks.directory())},
                        {"time", to_iso(c.clock.now())},
                        {"administrator", c.who.name}};
  }));
  return Answer{200, counts, {}};
}

Result<Answer> metrics(Context& c) { return Answer{200, {}, c.hooks.metrics()}; }

Result<Answer> list_settings(Context& c) {
  FP_TRY(all, c.store.read([](Repositories& r) { return r.administration.settings(); }));
  return Answer{200, all_of(all), {}};
}

Result<Answer> setting_rules(Context&) {
  json::array out;
  for (const auto& rule : site::setting_rules()) {
    json::object o{{"name", rule.name}, {"default", rule.initial}, {"meaning", rule.meaning}};
    if (rule.text != nullptr) o["text"] = true;
    else if (rule.least <= rule.most) {
      o["least"] = rule.least;
      o["most"] = rule.most;
    }
    out.push_back(std::move(o));
  }
  return Answer{200, json::object{{"items", std::move(out)}}, {}};
}

// The body with ids where it had names of collections.
template <class T>
Result<T> with_collections(Context& c) {
  FP_TRY(body, c.body());
  const Status resolved = c.store.read([&](Repositories& r) -> Status {
    return resolve(body, "collections", [&](std::string_view name) { return find_collection(r, name); });
  });
  FP_CHECK(resolved);
  return wire::from_value<T>(body);
}

bool is_default(const Context& c, const ClientSettings& settings) { return settings.id == c.settings.site_code + "00000"; }

// The default object reaches every device, the others the members of their collections.
Status need_targets(const Context& c, Repositories& r, const ClientSettings& settings) {
  if (is_default(c, settings) || !settings.users.empty()) return c.need_target(r, kAllSystems);
  for (const auto& id : settings.collections) FP_CHECK(c.need_target(r, id));
  return {};
}

Status check_priority(const ClientSettings& settings) {
  if (settings.priority < 1 || settings.priority > 9999) return fail(Code::invalid, "priority: must be from 1 (wins) to 9999");
  return {};
}

Status store_settings(Context& c, Repositories& r, ClientSettings& wanted, const char* action) {
  FP_CHECK(site::check_settings(wanted.values, !wanted.users.empty()));
  FP_CHECK(site::check_users(wanted.users));
  if (!wanted.users.empty() && !wanted.collections.empty())
    return fail(Code::invalid, "users: settings are aimed at users or at the devices of collections, not at both");
  FP_CHECK(need_targets(c, r, wanted));
  FP_TRY(all, r.administration.settings());
  for (const auto& other : all)
    if (other.id != wanted.id && iequals(other.name, wanted.name))
      return fail(Code::conflict, "there are client settings {} already ({})", wanted.name, other.id);
  wanted.changed_at = r.change;
  FP_CHECK(r.administration.put_settings(wanted));
  FP_CHECK(c.policies.settings(r, wanted));
  return c.audit(r, action, "client settings", wanted.id, wanted.name);
}

Result<Answer> create_settings(Context& c) {
  FP_TRY(wanted, with_collections<ClientSettings>(c));
  if (!wanted.id.empty()) return fail(Code::invalid, "id: is given by the site; leave it out");
  FP_CHECK(check_priority(wanted));
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(id, r.site.next_object_id(c.settings.site_code));
    wanted.id = id;
    return store_settings(c, r, wanted, "create");
  });
  FP_CHECK(done);
  return Answer{201, wire::to_value(wanted), {}};
}

Result<ClientSettings> find_settings(Repositories& r, std::string_view id) {
  FP_TRY(all, r.administration.settings());
  for (const auto& s : all)
    if (iequals(s.id, id) || iequals(s.name, id)) return s;
  return fail(Code::not_found, "there are no client settings {}", id);
}

Result<Answer> replace_settings(Context& c) {
  FP_TRY(wanted, with_collections<ClientSettings>(c));
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(before, find_settings(r, c.params[0]));
    FP_CHECK(need_targets(c, r, before));
    wanted.id = before.id;
    if (!is_default(c, before)) {
      FP_CHECK(check_priority(wanted));
    } else {
      wanted.name = before.name;
      wanted.priority = before.priority;
      if (!wanted.collections.empty()) return fail(Code::invalid, "collections: the default settings apply to every device");
      if (!wanted.users.empty()) return fail(Code::invalid, "users: the default settings apply to devices");
    }
    return store_settings(c, r, wanted, "change");
  });
  FP_CHECK(done);
  return Answer{200, wire::to_value(wanted), {}};
}

Result<Answer> remove_settings(Context& c) {
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(found, find_settings(r, c.params[0]));
    if (is_default(c, found)) return fail(Code::invalid, "the default settings stay");
    FP_CHECK(need_targets(c, r, found));
    FP_CHECK(c.policies.remove(r, found.id));
    FP_CHECK(r.administration.remove_settings(found.id));
    return c.audit(r, "delete", "client settings", found.id, found.name);
  });
  FP_CHECK(done);
  return Answer{};
}

Result<Answer> list_administrators(Context& c) {
  FP_TRY(all, c.store.read([](Repositories& r) { return r.administration.list(); }));
  return Answer{200, all_of(all), {}};
}

constexpr std::string_view kFullAdministrator = "Full Administrator";

// Nobody gives what they do not have, or takes it from somebody who has more (domain.md §30.2: can't grant beyond own scope).
Status check_grant(const Context& c, Repositories& r, const Administrator& wanted) {
  for (const auto& role : wanted.roles) FP_CHECK(need_grantable(c, role));
  if (wanted.roles.empty()) return fail(Code::invalid, "roles: at least one is needed");
  const auto has = [](const std::vector<std::string>& list, std::string_view name) {
    return std::ranges::find(list, name) != list.end();
  };
  for (const auto& scope : wanted.scopes)
    if (!has(c.who.scopes, "All") && !has(c.who.scopes, scope))
      return fail(Code::forbidden, "you do not have the scope {} yourself", scope);
  for (const auto& id : wanted.collections) FP_CHECK(c.need_target(r, id));
  if (has(wanted.roles, kFullAdministrator) && !has(c.who.roles, kFullAdministrator))
    return fail(Code::forbidden, "only a Full Administrator makes or changes another one");
  return {};
}

// Asked behind a change: a site that nobody can administer would be lost.
Status somebody_is_left(Repositories& r) {
  FP_TRY(all, r.administration.list());
  for (const auto& a : all)
    if (a.enabled && std::ranges::find(a.roles, kFullAdministrator) != a.roles.end()) return {};
  return fail(Code::conflict, "the last Full Administrator stays");
}

Result<Answer> create_administrator(Context& c) {
  FP_TRY(wanted, with_collections<Administrator>(c));
  if (wanted.name.size() > kAdministratorNameBytesMax)
    return fail(Code::invalid, "name: must have at most {} bytes", kAdministratorNameBytesMax);
  const std::string name = wanted.name;
  if (wanted.scopes.empty()) wanted.scopes = {"Default"};
  if (wanted.collections.empty()) wanted.collections = {kAllSystems};
  const std::string token = "fpa_" + hex_lower(c.random.bytes(24));
  wanted.token_hash = hex_lower(crypto::sha256(token));
  wanted.created_at = c.clock.now();
  wanted.enabled = true;
  wanted.last_seen_at = {};
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_CHECK(check_grant(c, r, wanted));
    if (r.administration.find(name)) return fail(Code::conflict, "there is an administrator {} already", name);
    FP_CHECK(r.administration.put(wanted));
    return c.audit(r, "create", "administrator", name, fmt::format("roles: {}", fmt::join(wanted.roles, ", ")));
  });
  FP_CHECK(done);
  auto answer = wire::to_value(wanted);
  answer.as_object()["token"] = token;  // the only time it is shown
  return Answer{201, answer, {}};
}

Result<Answer> replace_administrator(Context& c) {
  FP_TRY(wanted, with_collections<Administrator>(c));
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(before, r.administration.find(c.params[0]));
    FP_CHECK(check_grant(c, r, before));
    FP_CHECK(check_grant(c, r, wanted));
    if (before.name == c.who.name && !wanted.enabled) return fail(Code::conflict, "you cannot disable yourself");
    wanted.name = before.name;
    wanted.token_hash = before.token_hash;
    wanted.created_at = before.created_at;
    wanted.last_seen_at = before.last_seen_at;
    FP_CHECK(r.administration.put(wanted));
    FP_CHECK(somebody_is_left(r));
    return c.audit(r, "change", "administrator", wanted.name,
                   fmt::format("roles: {}; {}", fmt::join(wanted.roles, ", "), wanted.enabled ? "enabled" : "disabled"));
  });
  FP_CHECK(done);
  return Answer{200, wire::to_value(wanted), {}};
}

Result<Answer> remove_administrator(Context& c) {
  if (c.params[0] == c.who.name) return fail(Code::conflict, "you cannot remove yourself");
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(found, r.administration.find(c.params[0]));
    FP_CHECK(check_grant(c, r, found));
    FP_CHECK(r.administration.remove(found.name));
    FP_CHECK(somebody_is_left(r));
    return c.audit(r, "delete", "administrator", found.name);
  });
  FP_CHECK(done);
  return Answer{};
}

Result<Answer> audit(Context& c) {
  FP_TRY(limit, c.limit());
  const auto before = parse_int(c.argument("before", "0"));
  if (!before || *before < 0) return fail(Code::invalid, "before: must be the id of an audit line");
  FP_TRY(lines, c.store.read([&](Repositories& r) { return r.administration.audit_lines(*before, limit); }));
  auto body = page_of(lines, limit, lines.empty() ? "" : std::to_string(lines.back().id));
  return Answer{200, body, {}};
}

// What concerns no device, or one that the administrator may see.
bool about_own(const Context& c, Repositories& r, const StatusEvent& event) {
  if (event.client_id.empty()) return true;
  const auto device = r.devices.find(event.client_id);
  return device && c.need_device(r, *device);
}

Result<Answer> events(Context& c) {
  FP_TRY(limit, c.limit());
  FP_TRY(items, c.store.read([&](Repositories& r) -> Result<std::vector<StatusEvent>> {
    std::string client;
    if (const auto device = c.argument("device"); !device.empty()) {
      FP_TRY(found, find_device(r, device));
      FP_CHECK(c.need_device(r, found));
      client = found.client_id;
    }
    FP_TRY(found, r.states.events(client, limit));
    if (!c.sees_every_device()) std::erase_if(found, [&](const StatusEvent& e) { return !about_own(c, r, e); });
    return found;
  }));
  return Answer{200, all_of(items), {}};
}

constexpr Route kRoutes[] = {
    {"GET", "/site", ObjectClass::site, kReadObject, show_site},
    {"GET", "/metrics", ObjectClass::site, kReadObject, metrics},
    {"GET", "/settings", ObjectClass::settings, kReadObject, list_settings},
    {"GET", "/settings/rules", ObjectClass::settings, kReadObject, setting_rules},
    {"POST", "/settings", ObjectClass::settings, kCreateObject, create_settings},
    {"PUT", "/settings/{id}", ObjectClass::settings, kModifyObject, replace_settings},
    {"DELETE", "/settings/{id}", ObjectClass::settings, kDeleteObject, remove_settings},
    {"GET", "/administrators", ObjectClass::administrator, kReadObject, list_administrators},
    {"POST", "/administrators", ObjectClass::administrator, kCreateObject, create_administrator},
    {"PUT", "/administrators/{name}", ObjectClass::administrator, kModifyObject, replace_administrator},
    {"DELETE", "/administrators/{name}", ObjectClass::administrator, kDeleteObject, remove_administrator},
    {"GET", "/audit", ObjectClass::audit, kReadObject, audit},
    {"GET", "/events", ObjectClass::status, kReadObject, events},
};

}  // namespace

std::span<const Route> administration_routes() { return kRoutes; }

}  // namespace fp::admin
