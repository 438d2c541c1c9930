// Deployments: what goes to which collection, and what became of it.
#include <fmt/ranges.h>

#include "base/text.hpp"
#include "domain/tasksequence/program.hpp"
#include "roles/admin/context.hpp"
#include "roles/admin/lookup.hpp"

namespace fp::admin {
namespace {

using namespace access;

// The body with ids where it had names.
Result<Deployment> wanted_of(Context& c) {
  FP_TRY(body, c.body());
  const Status resolved = c.store.read([&](Repositories& r) -> Status {
    const auto* kind = body.is_object() ? body.as_object().if_contains("kind") : nullptr;
    const std::string_view word = kind && kind->is_string() ? std::string_view(kind->as_string()) : std::string_view();
    FP_CHECK(resolve(body, "collection_id", [&](std::string_view name) { return find_collection(r, name); }));
    if (word == "package") FP_CHECK(resolve(body, "target_id", [&](std::string_view name) { return find_package(r, name); }));
    else if (word == "task_sequence") {
      FP_CHECK(resolve(body, "target_id", [&](std::string_view name) { return find_task_sequence(r, name); }));
      if (!body.as_object().contains("rerun")) body.as_object()["rerun"] = "always";  // domain.md §15
    }
    else FP_CHECK(resolve(body, "target_id", [&](std::string_view name) { return find_application(r, name); }));
    return {};
  });
  FP_CHECK(resolved);
  return wire::from_value<Deployment>(body);
}

// A deployment to people, or of an operating system, is refused here and not when nothing happens.
std::optional<Answer> refused_kind(Context& c) {
  const auto body = c.body();
  if (!body || !body->is_object()) return {};
  const auto& o = body->as_object();
  const auto text = [&](std::string_view name) {
    const auto* v = o.if_contains(name);
    return v && v->is_string() ? std::string(v->as_string()) : std::string();
  };
  const internet::Place anywhere{ConnectionType::currently_intranet, {}};
  bool users = false;
  for (const auto* name : {"user", "users", "user_name", "user_collection", "user_collection_id"}) users |= o.contains(name);
  // The built-in collections of people and their groups (domain.md §18).
  for (const auto* name : {"SMS00002", "SMS00003", "SMS00004", "All Users", "All User Groups", "All Users and User Groups"})
    users |= iequals(text("collection_id"), name);
  if (users) return refusal(internet::Feature::deployment_to_users, internet::verdict(internet::Feature::deployment_to_users, anywhere));
  if (text("kind") == "operating_system")
    return refusal(internet::Feature::os_deployment, internet::verdict(internet::Feature::os_deployment, anywhere));
  return {};
}

// What cannot work is refused with the reason.
Status complete(Context& c, Repositories& r, Deployment& d) {
  FP_TRY(target, find_collection(r, d.collection_id));
  d.collection_id = target.id;
  FP_CHECK(c.need_target(r, target.id));
  if (d.kind == DeploymentKind::application) {
    FP_TRY(application, find_application(r, d.target_id));
    FP_CHECK(c.need(ObjectClass::application, kDeployObject, application.scope));
    d.target_id = application.id;
  } else if (d.kind == DeploymentKind::task_sequence) {
    FP_TRY(sequence, find_task_sequence(r, d.target_id));
    FP_CHECK(c.need(ObjectClass::task_sequence, kDeployObject, sequence.scope));
    d.target_id = sequence.id;
  } else {
    FP_TRY(package, find_package(r, d.target_id));
    FP_CHECK(c.need(ObjectClass::package, kDeployObject, package.scope));
    d.target_id = package.id;
    if (std::ranges::find(package.programs, d.program, &Program::name) == package.programs.end())
      return fail(Code::invalid, "program: package {} has no program {}", package.name, d.program);
  }
  if (d.available_at.ms == 0) d.available_at = c.clock.now();
  if (d.deadline && *d.deadline < d.available_at) d.available_at = *d.deadline;
  return {};
}

// What clients will refuse, said before they do.
Result<std::vector<std::string>> warnings_of(Repositories& r, const Deployment& d) {
  std::vector<std::string> out;
  if (d.kind != DeploymentKind::task_sequence) return out;
  FP_TRY(sequence, r.software.find_task_sequence(d.target_id));
  FP_TRY(children, site::PolicyMaker::children(r, sequence));
  FP_TRY(program, tasksequence::make_program(sequence, children));
  const auto steps = tasksequence::operating_system_steps(program);
  if (!steps.empty()) {
    const auto which = fmt::format("{}", fmt::join(steps, ", "));
    out.push_back("clients on the internet will refuse it: operating system deployment is not supported there; its steps: " + which);
    out.push_back("clients on the intranet will refuse it too: this version of Farpoint does not deploy operating systems; its steps: " + which);
  } else if (!d.allow_internet) {
    out.emplace_back("clients on the internet will not run it until they are on the intranet: allow_internet is off");
  }
  return out;
}

json::value with_warnings(const Deployment& d, const std::vector<std::string>& warnings) {
  json::value body = wire::to_value(d);
  if (!warnings.empty()) body.as_object()["warnings"] = wire::to_value(warnings);
  return body;
}

Status store_deployment(Context& c, Repositories& r, Deployment& d, const char* action) {
  FP_CHECK(complete(c, r, d));
  d.changed_at = r.change;
  FP_CHECK(r.deployments.put(d));
  FP_CHECK(c.policies.deployment(r, d));
  return c.audit(r, action, "deployment", d.id, fmt::format("{} to {}", d.target_id, d.collection_id));
}

Result<Deployment> own_deployment(const Context& c, Repositories& r) {
  FP_TRY(found, find_deployment(r, c.params[0]));
  FP_CHECK(c.need_target(r, found.collection_id));
  return found;
}

Result<Answer> list(Context& c) {
  FP_TRY(all, c.store.read([&](Repositories& r) -> Result<std::vector<Deployment>> {
    FP_TRY(found, r.deployments.list());
    std::erase_if(found, [&](const Deployment& d) { return !c.need_target(r, d.collection_id); });
    return found;
  }));
  return Answer{200, all_of(all), {}};
}

Result<Answer> create(Context& c) {
  if (auto no = refused_kind(c)) return std::move(*no);
  FP_TRY(wanted, wanted_of(c));
  std::vector<std::string> warnings;
  if (!wanted.id.empty()) return fail(Code::invalid, "id: is given by the site; leave it out");
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(id, r.site.next_object_id(c.settings.site_code));
    wanted.id = id;
    wanted.revision = 1;
    wanted.created_by = c.who.name;
    FP_CHECK(store_deployment(c, r, wanted, "create"));
    FP_TRY(said, warnings_of(r, wanted));
    warnings = std::move(said);
    return {};
  });
  FP_CHECK(done);
  return Answer{201, with_warnings(wanted, warnings), {}};
}

Result<Answer> show(Context& c) {
  FP_TRY(found, c.store.read([&](Repositories& r) { return own_deployment(c, r); }));
  return Answer{200, wire::to_value(found), {}};
}

Result<Answer> replace(Context& c) {
  if (auto no = refused_kind(c)) return std::move(*no);
  FP_TRY(wanted, wanted_of(c));
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(before, own_deployment(c, r));
    FP_CHECK(match_revision(c, before.revision));
    wanted.id = before.id;
    wanted.revision = before.revision + 1;
    wanted.created_by = before.created_by;
    return store_deployment(c, r, wanted, "change");
  });
  FP_CHECK(done);
  return Answer{200, wire::to_value(wanted), {}};
}

Result<Answer> remove(Context& c) {
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(found, own_deployment(c, r));
    FP_CHECK(c.policies.remove(r, found.id));
    FP_CHECK(r.deployments.remove(found.id));
    return c.audit(r, "delete", "deployment", found.id);
  });
  FP_CHECK(done);
  return Answer{};
}

Result<Answer> summary(Context& c) {
  FP_TRY(sum, c.store.read([&](Repositories& r) -> Result<DeploymentSummary> {
    FP_TRY(found, own_deployment(c, r));
    return r.deployments.summary(found.id);
  }));
  return Answer{200, wire::to_value(sum), {}};
}

Result<Answer> states(Context& c) {
  FP_TRY(limit, c.limit());
  FP_TRY(items, c.store.read([&](Repositories& r) -> Result<std::vector<DeploymentState>> {
    FP_TRY(found, own_deployment(c, r));
    return r.deployments.states(found.id, limit, c.argument("after"));
  }));
  return Answer{200, page_of(items, limit, items.empty() ? "" : items.back().client_id), {}};
}

constexpr Route kRoutes[] = {
    {"GET", "/deployments", ObjectClass::deployment, kReadObject, list},
    {"POST", "/deployments", ObjectClass::deployment, kCreateObject, create},
    {"GET", "/deployments/{id}", ObjectClass::deployment, kReadObject, show},
    {"PUT", "/deployments/{id}", ObjectClass::deployment, kModifyObject, replace},
    {"DELETE", "/deployments/{id}", ObjectClass::deployment, kDeleteObject, remove},
    {"GET", "/deployments/{id}/summary", ObjectClass::deployment, kReadObject, summary},
    {"GET", "/deployments/{id}/states", ObjectClass::deployment, kReadObject, states},
};

}  // namespace

std::span<const Route> deployment_routes() { return kRoutes; }

}  // namespace fp::admin
