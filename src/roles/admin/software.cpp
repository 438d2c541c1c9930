// Applications and packages. A change makes the policy of every deployment that carries them anew.
#include "base/ids.hpp"
#include "base/text.hpp"
#include "domain/tasksequence/program.hpp"
#include "roles/admin/context.hpp"
#include "roles/admin/lookup.hpp"

namespace fp::admin {

using namespace access;

Status check_scope(const Context& c, ObjectClass object, Permission permission, const std::string& scope) {
  if (scope == "All") return fail(Code::invalid, "scope: All cannot hold objects; name another one, such as Default");
  return c.need(object, permission, scope);
}

Status used_by_deployment(Repositories& r, std::string_view id) {
  FP_TRY(deployments, r.deployments.list());
  for (const auto& d : deployments)
    if (d.target_id == id) return fail(Code::conflict, "deployment {} uses it: delete that first", d.id);
  return {};
}

namespace {

// References that would leave a device without what the definition promises.
Status check_references(Repositories& r, const Application& a) {
  if (a.types.empty()) return fail(Code::invalid, "types: an application needs at least one deployment type");
  for (const auto& type : a.types) {
    if (!type.content_id.empty()) {
      const auto content = r.contents.find(type.content_id);
      if (!content) return std::unexpected(content.error().with_context(fmt::format("content of deployment type {}", type.name)));
    }
    for (const auto& group : type.dependencies)
      for (const auto& item : group.items) {
        if (item.application_id == a.id) return fail(Code::invalid, "{} cannot depend on itself", a.name);
        const auto other = r.software.find_application(item.application_id);
        if (!other) return std::unexpected(other.error().with_context("a dependency of deployment type " + type.name));
      }
  }
  for (const auto& s : a.supersedes) {
    if (s.application_id == a.id) return fail(Code::invalid, "{} cannot supersede itself", a.name);
    const auto other = r.software.find_application(s.application_id);
    if (!other) return std::unexpected(other.error().with_context("a superseded application"));
  }
  return {};
}

// What the administrator may see of a list.
template <class T>
void keep_readable(const Context& c, ObjectClass object, std::vector<T>& all) {
  std::erase_if(all, [&](const T& item) { return !c.need(object, kReadObject, item.scope); });
}

Status check_name_is_free(Repositories& r, const Application& a) {
  FP_TRY(all, r.software.list_applications());
  for (const auto& other : all)
    if (other.id != a.id && iequals(other.name, a.name))
      return fail(Code::conflict, "there is an application {} already ({})", a.name, other.id);
  return {};
}

Status fill_ids(Context& c, Application& a) {
  for (auto& type : a.types) {
    if (type.id.empty()) type.id = new_guid(c.random);
    FP_TRY(id, parse_guid(type.id));
    type.id = id;
    for (const auto& other : a.types)
      if (&other != &type && other.id == id) return fail(Code::invalid, "types: two deployment types have the id {}", id);
  }
  return {};
}

Result<Answer> list_applications(Context& c) {
  FP_TRY(all, c.store.read([](Repositories& r) { return r.software.list_applications(); }));
  keep_readable(c, ObjectClass::application, all);
  return Answer{200, all_of(all), {}};
}

Result<Answer> create_application(Context& c) {
  FP_TRY(wanted, c.body_as<Application>());
  if (!wanted.id.empty()) return fail(Code::invalid, "id: is given by the site; leave it out");
  FP_CHECK(check_scope(c, ObjectClass::application, kCreateObject, wanted.scope));
  wanted.id = new_guid(c.random);
  wanted.revision = 1;
  FP_CHECK(fill_ids(c, wanted));
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_CHECK(check_name_is_free(r, wanted));
    FP_CHECK(check_references(r, wanted));
    wanted.changed_at = r.change;
    FP_CHECK(r.software.put_application(wanted));
    return c.audit(r, "create", "application", wanted.id, wanted.name);
  });
  FP_CHECK(done);
  return Answer{201, wire::to_value(wanted), {}};
}

Result<Answer> show_application(Context& c) {
  FP_TRY(found, c.store.read([&](Repositories& r) { return find_application(r, c.params[0]); }));
  FP_CHECK(c.need(ObjectClass::application, kReadObject, found.scope));
  return Answer{200, wire::to_value(found), {}};
}

Result<Answer> replace_application(Context& c) {
  FP_TRY(wanted, c.body_as<Application>());
  FP_CHECK(fill_ids(c, wanted));
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(before, find_application(r, c.params[0]));
    FP_CHECK(c.need(ObjectClass::application, kModifyObject, before.scope));
    FP_CHECK(check_scope(c, ObjectClass::application, kModifyObject, wanted.scope));
    FP_CHECK(match_revision(c, before.revision));
    wanted.id = before.id;
    FP_CHECK(check_name_is_free(r, wanted));
    wanted.revision = before.revision + 1;
    FP_CHECK(check_references(r, wanted));
    wanted.changed_at = r.change;
    FP_CHECK(r.software.put_application(wanted));
    FP_CHECK(c.policies.software_changed(r, wanted.id));
    return c.audit(r, "change", "application", wanted.id, fmt::format("{}, revision {}", wanted.name, wanted.revision));
  });
  FP_CHECK(done);
  return Answer{200, wire::to_value(wanted), {}};
}

Result<Answer> remove_application(Context& c) {
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(found, find_application(r, c.params[0]));
    FP_CHECK(c.need(ObjectClass::application, kDeleteObject, found.scope));
    FP_CHECK(used_by_deployment(r, found.id));
    FP_CHECK(used_by_sequence(r, found.id));
    FP_TRY(all, r.software.list_applications());
    for (const auto& other : all) {
      if (other.id == found.id) continue;
      bool uses = false;
      for (const auto& s : other.supersedes) uses |= s.application_id == found.id;
      for (const auto& t : other.types)
        for (const auto& g : t.dependencies)
          for (const auto& i : g.items) uses |= i.application_id == found.id;
      if (uses) return fail(Code::conflict, "application {} refers to it", other.name);
    }
    FP_CHECK(r.software.remove_application(found.id));
    return c.audit(r, "delete", "application", found.id, found.name);
  });
  FP_CHECK(done);
  return Answer{};
}

Result<Answer> list_packages(Context& c) {
  FP_TRY(all, c.store.read([](Repositories& r) { return r.software.list_packages(); }));
  keep_readable(c, ObjectClass::package, all);
  return Answer{200, all_of(all), {}};
}

Result<Answer> create_package(Context& c) {
  FP_TRY(wanted, c.body_as<Package>());
  if (!wanted.id.empty()) return fail(Code::invalid, "id: is given by the site; leave it out");
  FP_CHECK(check_scope(c, ObjectClass::package, kCreateObject, wanted.scope));
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(id, r.site.next_object_id(c.settings.site_code));
    wanted.id = id;
    wanted.content_version = 0;
    wanted.changed_at = r.change;
    FP_CHECK(r.software.put_package(wanted));
    return c.audit(r, "create", "package", wanted.id, wanted.name);
  });
  FP_CHECK(done);
  return Answer{201, wire::to_value(wanted), {}};
}

Result<Answer> show_package(Context& c) {
  FP_TRY(found, c.store.read([&](Repositories& r) { return find_package(r, c.params[0]); }));
  FP_CHECK(c.need(ObjectClass::package, kReadObject, found.scope));
  return Answer{200, wire::to_value(found), {}};
}

Status keeps_deployed_programs(Repositories& r, const Package& wanted) {
  FP_TRY(deployments, r.deployments.list());
  for (const auto& d : deployments)
    if (d.target_id == wanted.id && std::ranges::find(wanted.programs, d.program, &Program::name) == wanted.programs.end())
      return fail(Code::conflict, "deployment {} runs the program {}: delete that first", d.id, d.program);
  FP_TRY(sequences, r.software.list_task_sequences());
  for (const auto& s : sequences) {
    const SequenceStep* lost = nullptr;
    tasksequence::each_step(s.steps, [&](const SequenceStep& step) {
      if (step.kind == StepKind::install_package && step.package_id == wanted.id &&
          std::ranges::find(wanted.programs, step.program, &Program::name) == wanted.programs.end())
        lost = &step;
    });
    if (lost) return fail(Code::conflict, "step \"{}\" of task sequence {} runs the program {}", lost->name, s.name, lost->program);
  }
  return {};
}

Result<Answer> replace_package(Context& c) {
  FP_TRY(wanted, c.body_as<Package>());
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(before, find_package(r, c.params[0]));
    FP_CHECK(c.need(ObjectClass::package, kModifyObject, before.scope));
    FP_CHECK(check_scope(c, ObjectClass::package, kModifyObject, wanted.scope));
    wanted.id = before.id;
    FP_CHECK(keeps_deployed_programs(r, wanted));
    wanted.content_version = before.content_version;  // only new content makes a new version
    wanted.changed_at = r.change;
    FP_CHECK(r.software.put_package(wanted));
    FP_CHECK(c.policies.software_changed(r, wanted.id));
    return c.audit(r, "change", "package", wanted.id, wanted.name);
  });
  FP_CHECK(done);
  return Answer{200, wire::to_value(wanted), {}};
}

Result<Answer> remove_package(Context& c) {
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(found, find_package(r, c.params[0]));
    FP_CHECK(c.need(ObjectClass::package, kDeleteObject, found.scope));
    FP_CHECK(used_by_deployment(r, found.id));
    FP_CHECK(used_by_sequence(r, found.id));
    FP_CHECK(r.software.remove_package(found.id));
    return c.audit(r, "delete", "package", found.id, found.name);
  });
  FP_CHECK(done);
  return Answer{};
}

constexpr Route kRoutes[] = {
    {"GET", "/applications", ObjectClass::application, kReadObject, list_applications},
    {"POST", "/applications", ObjectClass::application, kCreateObject, create_application},
    {"GET", "/applications/{id}", ObjectClass::application, kReadObject, show_application},
    {"PUT", "/applications/{id}", ObjectClass::application, kModifyObject, replace_application},
    {"DELETE", "/applications/{id}", ObjectClass::application, kDeleteObject, remove_application},
    {"GET", "/packages", ObjectClass::package, kReadObject, list_packages},
    {"POST", "/packages", ObjectClass::package, kCreateObject, create_package},
    {"GET", "/packages/{id}", ObjectClass::package, kReadObject, show_package},
    {"PUT", "/packages/{id}", ObjectClass::package, kModifyObject, replace_package},
    {"DELETE", "/packages/{id}", ObjectClass::package, kDeleteObject, remove_package},
};

}  // namespace

std::span<const Route> software_routes() { return kRoutes; }

}  // namespace fp::admin
