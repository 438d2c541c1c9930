// Content: sources come in pieces to a staging folder, become a version in the library, and are ordered onto distribution
// points. The work itself is the distributor's: here are only orders (docs/adr/0003-content-is-data.md).
#include <algorithm>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "roles/admin/context.hpp"
#include "roles/admin/lookup.hpp"
#include "roles/admin/staging.hpp"

namespace fp::admin {
namespace {

using namespace access;

constexpr std::string_view kOwnLibrary = "site library";  // no host has a space in its name

Result<Path> staged(Context& c, std::string_view relative) {
  FP_TRY(guid, parse_guid(c.params[0]));
  Path path = c.settings.staging / guid;
  if (relative.empty()) return path;
  FP_TRY(checked, parse_relative_path(relative));
  return path / checked;
}

// PUT .../{path}?offset=N: the piece is written at N and ends the file; N lies not behind the end of what is there, so that a
// piece may be sent again. Resumable: GET tells the end. ?total=N: bytes of the whole source, refused at once without room.
Result<Answer> put_piece(Context& c) {
  FP_TRY(source, staged(c, {}));
  FP_TRY(path, staged(c, c.params[1]));
  const auto offset = parse_int(c.argument("offset", "0"));
  if (!offset || *offset < 0) return fail(Code::invalid, "offset: must be a whole number");
  const auto total = parse_int(c.argument("total", "0"));
  if (!total || *total < 0) return fail(Code::invalid, "total: must be a whole number");
  FP_TRY(size, write_piece({source, path, *offset, *total, c.argument("executable") == "true"}, c.request.body));
  return Answer{200, json::object{{"size", size}}, {}};
}

Result<Answer> piece_size(Context& c) {
  FP_TRY(path, staged(c, c.params[1]));
  const auto size = size_of_file(path);
  return Answer{200, json::object{{"size", size ? *size : 0}}, {}};
}

Result<Answer> drop_staging(Context& c) {
  FP_TRY(path, staged(c, {}));
  FP_CHECK(remove_tree(path));
  return Answer{};
}

struct Wanted {
  Path source;
  bool is_staged = false;
  std::string package_id, application_id, type_id;  // package, or application with its deployment type (or neither yet)
};

Result<std::string> text_of(const json::object& body, std::string_view name) {
  const auto* value = body.if_contains(name);
  if (!value) return std::string();
  if (!value->is_string()) return fail(Code::invalid, "{}: must be a text", name);
  return std::string(value->as_string());
}

// A folder of the site server itself becomes content that every device may read: that is for those who run the site, and never
// for the site's own data (keys, database).
Status check_source(const Context& c, const Path& source) {
  FP_CHECK(c.need(ObjectClass::site, kModifyObject));
  if (!source.is_absolute()) return fail(Code::invalid, "source_path: must be absolute, on the site server");
  std::error_code error;
  const Path real = std::filesystem::weakly_canonical(source, error), data = std::filesystem::weakly_canonical(c.settings.staging.parent_path(), error);
  if (error) return fail(Code::invalid, "source_path: {}", error.message());
  const auto within = [](const Path& inner, const Path& outer) {
    return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
  };
  if (within(real, data) || within(data, real)) return fail(Code::forbidden, "source_path: the site's own data is no content");
  return {};
}

Result<Wanted> read_wanted(Context& c) {
  FP_TRY(body, c.body());
  if (!body.is_object()) return fail(Code::invalid, "the body must be an object");
  const auto& o = body.as_object();
  for (const auto& [name, value] : o)
    if (name != "staging" && name != "source_path" && name != "package" && name != "application" && name != "type")
      return fail(Code::invalid, "there is no field {}", std::string_view(name));
  FP_TRY(staging, text_of(o, "staging"));
  FP_TRY(source, text_of(o, "source_path"));
  FP_TRY(package, text_of(o, "package"));
  FP_TRY(application, text_of(o, "application"));
  FP_TRY(type, text_of(o, "type"));
  if (staging.empty() == source.empty()) return fail(Code::invalid, "name either staging or source_path");
  Wanted w;
  w.package_id = package;
  w.application_id = application;
  w.type_id = type;
  if (!staging.empty()) {
    FP_TRY(guid, parse_guid(staging));
    w.source = c.settings.staging / guid;
    w.is_staged = true;
  } else {
    w.source = source;
    FP_CHECK(check_source(c, w.source));
  }
  if (!package.empty() && !application.empty()) return fail(Code::invalid, "name either package or application");
  if (application.empty() && !type.empty()) return fail(Code::invalid, "type: belongs to an application");
  return w;
}

DeploymentType* type_of(Application& application, const Wanted& w) {
  if (w.type_id.empty()) return application.types.size() == 1 ? &application.types.front() : nullptr;
  for (auto& t : application.types)
    if (iequals(t.id, w.type_id) || t.name == w.type_id) return &t;
  return nullptr;
}

// Before anything is read: names become ids, rights are asked for, and the content id is given out: <package>.<n>, or
// Content_<guid>.1 for an application. A number that was given out once is never given out again, whatever becomes of it.
Result<std::string> prepare(Context& c, Wanted& w) {
  return c.store.write([&](Repositories& r) -> Result<std::string> {
    if (w.package_id.empty()) {
      if (!w.application_id.empty()) {
        FP_TRY(application, find_application(r, w.application_id));
        FP_CHECK(c.need(ObjectClass::application, kModifyObject, application.scope));
        const auto* type = type_of(application, w);
        if (!type) return fail(Code::not_found, "application {} has no deployment type {}: name one with type", application.name, w.type_id);
        w.application_id = application.id;
        w.type_id = type->id;
      }
      return parse_content_id("Content_" + new_guid(c.random) + ".1");
    }
    FP_TRY(package, find_package(r, w.package_id));
    FP_CHECK(c.need(ObjectClass::package, kModifyObject, package.scope));
    w.package_id = package.id;
    const std::string counter = "content_version:" + package.id;
    std::int64_t last = package.content_version;
    if (const auto text = r.site.value(counter)) {
      FP_TRY(given, parse_int(*text));
      last = std::max(last, given);
    }
    FP_CHECK(r.site.set_value(counter, std::to_string(last + 1)));
    return parse_content_id(fmt::format("{}.{}", package.id, last + 1));
  });
}

Status attach(Context& c, Repositories& r, const Wanted& w, const std::string& content_id) {
  if (!w.package_id.empty()) {
    FP_TRY(package, r.software.find_package(w.package_id));
    if (split_content_id(content_id).version < package.content_version)
      return fail(Code::conflict, "package {} got newer content meanwhile", package.name);
    package.content_version = split_content_id(content_id).version;
    package.source_path = w.is_staged ? "" : w.source.native();
    package.changed_at = r.change;
    FP_CHECK(r.software.put_package(package));
    return c.policies.software_changed(r, package.id);
  }
  if (w.application_id.empty()) return {};
  FP_TRY(application, r.software.find_application(w.application_id));
  DeploymentType* type = type_of(application, w);
  if (!type) return fail(Code::not_found, "application {} has no deployment type {}", application.name, w.type_id);
  type->content_id = content_id;
  ++application.revision;
  application.changed_at = r.change;
  FP_CHECK(r.software.put_application(application));
  return c.policies.software_changed(r, application.id);
}

Result<Answer> add(Context& c) {
  FP_TRY(wanted, read_wanted(c));
  FP_TRY(content_id, prepare(c, wanted));
  FP_TRY(manifest, c.hooks.add_content(content_id, wanted.source));
  ContentVersion version;
  const Status done = c.store.write([&](Repositories& r) -> Status {
    version = {content_id, wanted.package_id.empty() ? wanted.application_id : wanted.package_id, manifest.total_bytes(),
               static_cast<std::int64_t>(manifest.files.size()), manifest.root_hash, wanted.is_staged ? "" : wanted.source.native(), r.change};
    FP_CHECK(r.contents.put(version));
    FP_CHECK(attach(c, r, wanted, content_id));
    return c.audit(r, "create", "content", content_id, fmt::format("{} files, {} bytes", version.files, version.bytes));
  });
  FP_CHECK(done);
  if (wanted.is_staged) FP_CHECK(remove_tree(wanted.source));
  return Answer{201, wire::to_value(version), {}};
}

Result<Answer> list(Context& c) {
  FP_TRY(all, c.store.read([](Repositories& r) { return r.contents.list(); }));
  return Answer{200, all_of(all), {}};
}

Result<Answer> show(Context& c) {
  FP_TRY(id, parse_content_id(c.params[0]));
  FP_TRY(found, c.store.read([&](Repositories& r) { return r.contents.find(id); }));
  return Answer{200, wire::to_value(found), {}};
}

// " (deployed to All Systems)", or nothing: what makes the refusal urgent is who would miss the content.
Result<std::string> deployed_where(Repositories& r, std::string_view target_id) {
  FP_TRY(deployments, r.deployments.list());
  std::string names;
  for (const auto& d : deployments) {
    if (d.target_id != target_id) continue;
    const auto collection = r.collections.find(d.collection_id);
    names += (names.empty() ? "" : ", ") + (collection ? collection->name : d.collection_id) + " by deployment " + d.id;
  }
  return names.empty() ? names : " (deployed to " + names + ")";
}

// Code::conflict, naming who uses it.
Status must_be_unused(Repositories& r, const std::string& id) {
  FP_TRY(applications, r.software.list_applications());
  for (const auto& a : applications)
    for (const auto& t : a.types)
      if (t.content_id == id) {
        FP_TRY(where, deployed_where(r, a.id));
        return fail(Code::conflict, "deployment type {} of {} uses it{}", t.name, a.name, where);
      }
  FP_TRY(packages, r.software.list_packages());
  for (const auto& p : packages)
    if (id == fmt::format("{}.{}", p.id, p.content_version)) {
      FP_TRY(where, deployed_where(r, p.id));
      return fail(Code::conflict, "it is the content of package {}{}", p.name, where);
    }
  return {};
}

// The version is gone with this answer. Where its files lie, a row `removing` stays until they are off: without any
// distribution it is one for the site's own library.
Result<Answer> remove(Context& c) {
  FP_TRY(id, parse_content_id(c.params[0]));
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(found, r.contents.find(id));
    FP_CHECK(must_be_unused(r, id));
    FP_TRY(places, r.contents.distributions(id));
    if (places.empty()) places.push_back({std::string(kOwnLibrary), id, DistributionState::removing, "", 0, 0, r.change});
    FP_CHECK(r.contents.remove(id));
    for (const auto& place : places)
      FP_CHECK(r.contents.put_distribution({place.dp, id, DistributionState::removing, "", 0, 0, r.change}));
    return c.audit(r, "delete", "content", id);
  });
  FP_CHECK(done);
  c.hooks.distribution_wanted();
  return Answer{};
}

Result<std::vector<std::string>> wanted_dps(Context& c, Repositories& r) {
  std::vector<std::string> names;
  if (!c.request.body.empty()) {
    FP_TRY(body, c.body());
    const auto* list = body.is_object() ? body.as_object().if_contains("dps") : nullptr;
    if (!list || !list->is_array()) return fail(Code::invalid, "dps: must be a list of distribution points");
    for (const auto& item : list->as_array()) {
      if (!item.is_string()) return fail(Code::invalid, "dps: every item must be a name");
      FP_TRY(dp, r.contents.find_dp(std::string_view(item.as_string())));
      names.push_back(dp.name);
    }
    return names;
  }
  FP_TRY(all, r.contents.list_dps());
  for (const auto& dp : all)
    if (!dp.maintenance) names.push_back(dp.name);
  return names;
}

Result<Answer> distribute(Context& c) {
  FP_TRY(id, parse_content_id(c.params[0]));
  FP_TRY(places, c.store.write([&](Repositories& r) -> Result<std::vector<Distribution>> {
    FP_TRY(found, r.contents.find(id));
    FP_TRY(names, wanted_dps(c, r));
    FP_TRY(have, r.contents.distributions(id));
    for (const auto& name : names) {
      const bool known = std::ranges::any_of(have, [&](const Distribution& d) { return d.dp == name && d.state == DistributionState::ok; });
      if (!known) FP_CHECK(r.contents.put_distribution({name, found.content_id, DistributionState::pending, "", 0, 0, r.change}));
    }
    FP_CHECK(c.audit(r, "distribute", "content", id, fmt::format("to {} distribution points", names.size())));
    return r.contents.distributions(id);
  }));
  c.hooks.distribution_wanted();
  return Answer{202, all_of(places), {}};
}

// Distributions with the size of what is to come, so that progress can be told.
json::value with_totals(const std::vector<Distribution>& places, const std::vector<ContentVersion>& versions) {
  json::array items;
  for (const auto& place : places) {
    json::object item = wire::to_value(place).as_object();
    const auto version = std::ranges::find(versions, place.content_id, &ContentVersion::content_id);
    item["bytes_total"] = version == versions.end() ? 0 : version->bytes;
    items.push_back(std::move(item));
  }
  return json::object{{"items", std::move(items)}};
}

Result<Answer> distributions(Context& c) {
  FP_TRY(id, parse_content_id(c.params[0]));
  return c.store.read([&](Repositories& r) -> Result<Answer> {
    FP_TRY(places, r.contents.distributions(id));
    const auto version = r.contents.find(id);
    return Answer{200, with_totals(places, version ? std::vector{*version} : std::vector<ContentVersion>()), {}};
  });
}

Result<Answer> distributions_of_dp(Context& c) {
  FP_TRY(name, parse_host(c.params[0]));
  return c.store.read([&](Repositories& r) -> Result<Answer> {
    FP_TRY(dp, r.contents.find_dp(name));
    FP_TRY(places, r.contents.distributions({}));
    std::erase_if(places, [&](const Distribution& place) { return place.dp != dp.name; });
    FP_TRY(versions, r.contents.list());
    return Answer{200, with_totals(places, versions), {}};
  });
}

Result<Answer> list_dps(Context& c) {
  FP_TRY(all, c.store.read([](Repositories& r) { return r.contents.list_dps(); }));
  return Answer{200, all_of(all), {}};
}

Result<Answer> put_dp(Context& c) {
  FP_TRY(dp, c.body_as<DistributionPoint>());
  FP_TRY(name, parse_host(c.params[0]));
  if (dp.name != name) return fail(Code::invalid, "name: is {} here and {} in the path", dp.name, name);
  const Status done = c.store.write([&](Repositories& r) -> Status {
    const auto before = r.contents.find_dp(name);
    if (!before && before.error().code != Code::not_found) return std::unexpected(before.error());
    dp.local = before && before->local;
    dp.validated_at = before ? before->validated_at : Instant{};
    if (!dp.local && dp.push_url.empty() && dp.intranet_url.empty() && dp.internet_url.empty())
      return fail(Code::invalid, "push_url: the site must know where the distribution point is: name this, intranet_url or internet_url");
    for (const auto& source : dp.pull_sources) {
      const auto known = r.contents.find_dp(source);
      if (!known) return std::unexpected(known.error().with_context("pull source " + source));
    }
    FP_CHECK(r.contents.put_dp(dp));
    return c.audit(r, "change", "distribution point", name);
  });
  FP_CHECK(done);
  return Answer{200, wire::to_value(dp), {}};
}

Result<Answer> remove_dp(Context& c) {
  FP_TRY(name, parse_host(c.params[0]));
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_CHECK(take_off_distribution_point(r, name));
    return c.audit(r, "delete", "distribution point", name);
  });
  FP_CHECK(done);
  return Answer{};
}

Result<Answer> validate(Context& c) {
  FP_TRY(name, parse_host(c.params[0]));
  FP_TRY(dp, c.store.read([&](Repositories& r) { return r.contents.find_dp(name); }));
  FP_CHECK(c.hooks.validate(dp.name));
  const Status noted = c.store.write([&](Repositories& r) { return c.audit(r, "validate", "distribution point", dp.name); });
  FP_CHECK(noted);
  return Answer{202, json::object{{"validating", dp.name}}, {}};
}

constexpr Route kRoutes[] = {
    {"PUT", "/content/staging/{id}/{path...}", ObjectClass::content, kCreateObject, put_piece},
    {"GET", "/content/staging/{id}/{path...}", ObjectClass::content, kCreateObject, piece_size},
    {"DELETE", "/content/staging/{id}", ObjectClass::content, kCreateObject, drop_staging},
    {"POST", "/content", ObjectClass::content, kCreateObject, add},
    {"GET", "/content", ObjectClass::content, kReadObject, list},
    {"GET", "/content/{id}", ObjectClass::content, kReadObject, show},
    {"DELETE", "/content/{id}", ObjectClass::content, kDeleteObject, remove},
    {"POST", "/content/{id}/distribute", ObjectClass::content, kDeployObject, distribute},
    {"GET", "/content/{id}/distributions", ObjectClass::content, kReadObject, distributions},
    {"GET", "/distribution-points", ObjectClass::site, kReadObject, list_dps},
    {"PUT", "/distribution-points/{name}", ObjectClass::site, kModifyObject, put_dp},
    {"DELETE", "/distribution-points/{name}", ObjectClass::site, kDeleteObject, remove_dp},
    {"GET", "/distribution-points/{name}/distributions", ObjectClass::site, kReadObject, distributions_of_dp},
    {"POST", "/distribution-points/{name}/validate", ObjectClass::site, kModifyObject, validate},
};

}  // namespace

Status take_off_distribution_point(Repositories& r, const std::string& name) {
  FP_TRY(dp, r.contents.find_dp(name));
  FP_TRY(all, r.contents.list_dps());
  for (const auto& other : all)
    if (std::ranges::find(other.pull_sources, name) != other.pull_sources.end())
      return fail(Code::conflict, "{} pulls content from it", other.name);
  if (dp.local) return fail(Code::invalid, "{} is this server's own: switch it off in the configuration", dp.name);
  return r.contents.remove_dp(dp.name);
}

std::span<const Route> content_routes() { return kRoutes; }

}  // namespace fp::admin
