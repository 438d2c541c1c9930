// Software updates: the catalogue and what devices say of it, synchronisation, and the application that brings an update. Deploying
// it is a deployment of that application like any other.
#include <algorithm>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "roles/admin/context.hpp"
#include "roles/admin/lookup.hpp"

namespace fp::admin {
namespace {

using namespace access;

json::object value_of(const SoftwareUpdate& u, const UpdateCounts& counts) {
  return {{"id", u.id},
          {"package", u.package},
          {"version", u.version},
          {"architecture", u.architecture},
          {"title", u.title},
          {"classification", name_of(u.classification)},
          {"product", u.product},
          {"source", u.source},
          {"revision", u.revision},
          {"content_version", u.content_version},
          {"file_name", u.file_name},
          {"url", u.url},
          {"sha256", u.sha256},
          {"bytes", u.bytes},
          {"expired", u.expired},
          {"changed_at", to_iso(u.changed_at)},
          {"required", counts.required},
          {"installed", counts.installed},
          {"not_required", counts.not_required},
          {"unknown", counts.unknown}};
}

json::value time_or_null(Instant at) { return at.ms == 0 ? json::value(nullptr) : json::value(to_iso_ms(at)); }

// By id, or by the name of a package that one current update brings.
Result<SoftwareUpdate> find_update(Repositories& r, std::string_view id_or_package) {
  if (const auto id = parse_guid(id_or_package)) return r.updates.find(*id);
  FP_TRY(name, parse_name(id_or_package, 255));
  FP_TRY(found, r.updates.find_by_package(name));
  std::erase_if(found, [](const SoftwareUpdate& u) { return u.expired; });
  if (found.empty()) return fail(Code::not_found, "there is no software update {}", name);
  if (found.size() > 1)
    return fail(Code::conflict, "several updates bring {}: use an id ({} for version {}, {} for version {})", name, found[0].id, found[0].version,
                found[1].id, found[1].version);
  return found.front();
}

Result<json::object> described(Repositories& r, const SoftwareUpdate& update) {
  FP_TRY(counts, r.updates.counts(update.id));
  return value_of(update, counts[update.id]);
}

Result<Answer> list(Context& c) {
  FP_TRY(limit, c.limit());
  FP_TRY(after, parse_int(c.argument("after", "0")));
  const bool expired = c.argument("expired") == "true";
  return c.store.read([&](Repositories& r) -> Result<Answer> {
    FP_TRY(page, r.updates.list({.expired = expired, .after = after, .limit = limit}));
    FP_TRY(counts, r.updates.counts({}));
    json::array items;
    for (const auto& u : page) items.push_back(value_of(u, counts[u.id]));
    json::object out{{"items", std::move(items)}};
    if (static_cast<int>(page.size()) >= limit) out["next"] = std::to_string(page.back().number);
    return Answer{200, std::move(out), {}};
  });
}

Result<Answer> show(Context& c) {
  return c.store.read([&](Repositories& r) -> Result<Answer> {
    FP_TRY(update, find_update(r, c.params[0]));
    FP_TRY(value, described(r, update));
    return Answer{200, std::move(value), {}};
  });
}

Result<Answer> states(Context& c) {
  FP_TRY(limit, c.limit());
  return c.store.read([&](Repositories& r) -> Result<Answer> {
    FP_TRY(update, find_update(r, c.params[0]));
    FP_TRY(page, r.updates.states(update.id, limit, c.argument("after")));
    json::array items;
    for (const auto& s : page) {
      const auto device = r.devices.find(s.client_id);
      if (!device || !c.need_device(r, *device)) continue;
      items.push_back(json::object{{"client_id", s.client_id}, {"name", device->name}, {"state", update_state::word(s.state)}, {"at", to_iso(s.at)}});
    }
    json::object out{{"items", std::move(items)}};
    if (static_cast<int>(page.size()) >= limit) out["next"] = page.back().client_id;
    return Answer{200, std::move(out), {}};
  });
}

Result<Answer> status(Context& c) {
  return c.store.read([&](Repositories& r) -> Result<Answer> {
    FP_TRY(points, r.updates.points());
    FP_TRY(sources, r.updates.sources());
    const auto version = r.site.value("updates.content_version");
    json::array point_items, source_items;
    constexpr const char* kWords[] = {"intranet", "internet", "both"};
    for (const auto& p : points)
      point_items.push_back(json::object{{"name", p.name}, {"intranet_url", p.intranet_url}, {"internet_url", p.internet_url},
                                         {"connections", kWords[static_cast<int>(p.connections)]}});
    for (const auto& s : sources)
      source_items.push_back(json::object{{"name", s.name}, {"tried_at", time_or_null(s.tried_at)}, {"succeeded_at", time_or_null(s.succeeded_at)},
                                          {"released_at", time_or_null(s.released_at)}, {"updates", s.updates}, {"problem", s.problem}});
    return Answer{200, json::object{{"content_version", version ? parse_int(*version).value_or(0) : 0},
                                    {"points", std::move(point_items)},
                                    {"sources", std::move(source_items)}}, {}};
  });
}

Status need_point(const Context& c) {
  if (c.hooks.updates.fetch) return {};
  return fail(Code::conflict, "this site has no software update point: write a section [software_update_point] into its configuration");
}

Result<Answer> sync(Context& c) {
  FP_CHECK(need_point(c));
  const Instant now = c.clock.now();
  FP_CHECK(c.store.write([&](Repositories& r) { return c.audit(r, "synchronise", "software updates", "catalogue"); }));
  c.hooks.updates.sync_wanted();
  return Answer{202, json::object{{"requested_at", to_iso_ms(now)}}, {}};
}

// What a device has scanned, and what it requires and has.
Result<Answer> of_device(Context& c) {
  return c.store.read([&](Repositories& r) -> Result<Answer> {
    FP_TRY(device, find_device(r, c.params[0]));
    FP_CHECK(c.need_device(r, device));
    FP_TRY(found, r.updates.states_of_device(device.client_id));
    json::array items;
    for (const auto& s : found) {
      const auto update = r.updates.find(s.update_id);
      if (!update || update->expired) continue;
      items.push_back(json::object{{"id", s.update_id}, {"package", update->package}, {"version", update->version},
                                   {"classification", name_of(update->classification)}, {"state", update_state::word(s.state)},
                                   {"at", to_iso(s.at)}, {"title", update->title}});
    }
    json::object out{{"device", device.name}, {"scan", nullptr}, {"items", std::move(items)}};
    const auto scan = r.updates.scan(device.client_id);
    if (!scan && scan.error().code != Code::not_found) return std::unexpected(scan.error());
    if (scan)
      out["scan"] = json::object{{"state", scan_state::word(scan->state)}, {"at", to_iso(scan->at)}, {"content_version", scan->content_version},
                                 {"point", scan->point}, {"detail", scan->detail}};
    return Answer{200, std::move(out), {}};
  });
}

// Installed at this version or a newer one: nothing to do. Not installed at all: not for this device. Requirements are looked at first,
// so they must hold for a device that has the update already.
Application application_of(const SoftwareUpdate& u, const std::string& content_id, Random& random) {
  DeploymentType type;
  type.id = new_guid(random);
  type.name = "Update";
  type.technology = Technology::deb;
  type.content_id = content_id;
  type.vendor_url = u.url.substr(0, u.url.rfind('/'));
  type.detection.push_back({DetectionKind::package_version, u.package, Compare::ge, u.version, {}, {}, {}, "/bin/sh"});
  type.requirements.push_back({"package:" + u.package, Compare::exists, {}});
  Application a;
  a.id = new_guid(random);
  a.name = fmt::format("{} {} ({}) from {}", u.package, u.version, u.architecture, u.source);
  a.publisher = u.product;
  a.version = u.version;
  a.description = u.title;
  a.types.push_back(std::move(type));
  a.update_id = u.id;
  return a;
}

Result<Application> existing(Repositories& r, const std::string& update_id) {
  FP_TRY(all, r.software.list_applications());
  for (auto& a : all)
    if (a.update_id == update_id) return std::move(a);
  return fail(Code::not_found, "no application brings the update yet");
}

// The application that brings the update: the one there is, or a new one with content that the site fetches from the vendor now.
Result<Answer> bring(Context& c) {
  FP_CHECK(need_point(c));
  FP_CHECK(c.need(ObjectClass::content, kCreateObject));
  FP_CHECK(check_scope(c, ObjectClass::application, kCreateObject, "Default"));
  FP_TRY(update, c.store.read([&](Repositories& r) { return find_update(r, c.params[0]); }));
  if (update.expired) return fail(Code::conflict, "its repository does not offer {} {} any more", update.package, update.version);
  const auto known = c.store.read([&](Repositories& r) { return existing(r, update.id); });
  if (known) return Answer{200, wire::to_value(*known), {}};
  if (known.error().code != Code::not_found) return std::unexpected(known.error());
  FP_TRY(folder, c.hooks.updates.fetch(update));
  FP_TRY(content_id, parse_content_id("Content_" + new_guid(c.random) + ".1"));
  const auto added = c.hooks.add_content(content_id, folder);
  FP_CHECK(remove_tree(folder));
  if (!added) return std::unexpected(added.error());
  Application made = application_of(update, content_id, c.random);
  const Status done = c.store.write([&](Repositories& r) -> Status {
    if (auto other = existing(r, update.id)) {  // somebody was faster
      made = std::move(*other);
      return {};
    }
    made.changed_at = r.change;
    FP_CHECK(r.contents.put({content_id, made.id, added->total_bytes(), static_cast<std::int64_t>(added->files.size()), added->root_hash, {}, r.change}));
    FP_CHECK(r.software.put_application(made));
    return c.audit(r, "create", "application", made.id, fmt::format("{}, brings the software update {}", made.name, update.id));
  });
  FP_CHECK(done);
  return Answer{201, wire::to_value(made), {}};
}

constexpr Route kRoutes[] = {
    {"GET", "/updates", ObjectClass::application, kReadObject, list},
    {"GET", "/updates/status", ObjectClass::application, kReadObject, status},
    {"POST", "/updates/sync", ObjectClass::site, kModifyObject, sync},
    {"GET", "/updates/{id}", ObjectClass::application, kReadObject, show},
    {"GET", "/updates/{id}/states", ObjectClass::application, kReadObject, states},
    {"POST", "/updates/{id}/application", ObjectClass::application, kCreateObject, bring},
    {"GET", "/devices/{id}/updates", ObjectClass::device, kReadObject, of_device},
};

}  // namespace

std::span<const Route> update_routes() { return kRoutes; }

}  // namespace fp::admin
