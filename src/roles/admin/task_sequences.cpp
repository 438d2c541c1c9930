// Task sequences: one document each (docs/task-sequences.md). A change makes the policy of every deployment that carries one anew.
#include <fmt/ranges.h>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "domain/tasksequence/program.hpp"
#include "roles/admin/context.hpp"
#include "roles/admin/lookup.hpp"

namespace fp::admin {

using namespace access;

Status used_by_sequence(Repositories& r, std::string_view id) {
  FP_TRY(all, r.software.list_task_sequences());
  for (const auto& s : all) {
    const SequenceStep* user = nullptr;
    tasksequence::each_step(s.steps, [&](const SequenceStep& step) {
      const bool names = step.package_id == id || step.task_sequence == id || std::ranges::find(step.applications, id) != step.applications.end();
      if (names && !user) user = &step;
    });
    if (user) return fail(Code::conflict, "step \"{}\" of task sequence {} ({}) uses it: change that first", user->name, s.name, s.id);
  }
  return {};
}

namespace {

using Mistakes = std::vector<std::string>;

// Puts ids where the steps name software by name. What is not there is a mistake with its place; an id of nobody stands in for
// it, so that the form of the rest is looked at in the same go.
class Names {
 public:
  Names(Repositories& r, const std::string& site_code) : r_(r), nobody_(site_code + "FFFFF") {}
  Mistakes mistakes;

  void steps(json::value& holder, const std::string& place) {
    auto* list = holder.is_object() ? holder.as_object().if_contains("steps") : nullptr;
    if (!list || !list->is_array()) return;
    for (std::size_t i = 0; i < list->as_array().size(); ++i) {
      auto& step = list->as_array()[i];
      const auto here = fmt::format("{}steps[{}]", place, i);
      one(step, here, "applications", "00000000-0000-0000-0000-000000000000", find_application);
      one(step, here, "package_id", nobody_, find_package);
      one(step, here, "task_sequence", nobody_, find_task_sequence);
      steps(step, here + ".");
    }
  }

 private:
  template <class Find>
  void one(json::value& step, const std::string& place, std::string_view field, const std::string& nobody, Find find) {
    struct Found {
      std::string id;
    };
    const Status done = resolve(step, field, [&](std::string_view name) -> Result<Found> {
      auto found = find(r_, name);
      if (found) return Found{found->id};
      mistakes.push_back(fmt::format("{}.{}: {}", place, field, found.error().message));
      return Found{nobody};
    });
    if (!done) mistakes.push_back(fmt::format("{}.{}: {}", place, field, done.error().message));
  }
  Repositories& r_;
  std::string nobody_;
};

// A program that a step names is one of its package's.
void check_programs(Repositories& r, const std::vector<SequenceStep>& steps, const std::string& place, Mistakes& mistakes) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto& step = steps[i];
    const auto here = fmt::format("{}steps[{}]", place, i);
    if (step.kind == StepKind::install_package) {
      const auto package = r.software.find_package(step.package_id);
      if (package && std::ranges::find(package->programs, step.program, &Program::name) == package->programs.end())
        mistakes.push_back(fmt::format("{}.program: package {} has no program {}", here, package->name, step.program));
    }
    if (step.kind == StepKind::download_package_content) {
      const auto package = r.software.find_package(step.package_id);
      if (package && package->content_version == 0)
        mistakes.push_back(fmt::format("{}.package_id: package {} has no content", here, package->name));
    }
    check_programs(r, step.steps, here + ".", mistakes);
  }
}

// A secret that comes back empty, as it was shown, keeps its value.
void keep_secrets(std::vector<SequenceVariable>& wanted, const std::vector<SequenceVariable>& before) {
  for (auto& v : wanted)
    for (const auto& old : before)
      if (v.secret && v.value.empty() && old.secret && iequals(old.name, v.name)) v.value = old.value;
}
std::vector<SequenceVariable> secrets_of(const TaskSequence& sequence) {
  std::vector<SequenceVariable> out = sequence.variables;
  tasksequence::each_step(sequence.steps, [&](const SequenceStep& step) {
    out.insert(out.end(), step.variables.begin(), step.variables.end());
    for (const auto& rule : step.rules) out.insert(out.end(), rule.variables.begin(), rule.variables.end());
  });
  return out;
}
void keep_secrets(TaskSequence& wanted, const TaskSequence& before) {
  const auto held = secrets_of(before);
  keep_secrets(wanted.variables, held);
  tasksequence::each_step(wanted.steps, [&](SequenceStep& step) {
    keep_secrets(step.variables, held);
    for (auto& rule : step.rules) keep_secrets(rule.variables, held);
  });
}

// The definition in the body, with every mistake in it named.
Result<TaskSequence> wanted_of(Context& c, Repositories& r) {
  FP_TRY(body, c.body());
  Names names(r, c.settings.site_code);
  names.steps(body, "");
  auto wanted = wire::from_value<TaskSequence>(body);
  Mistakes all = std::move(names.mistakes);
  if (!wanted) all.push_back(wanted.error().message);
  else {
    for (auto& m : tasksequence::mistakes(*wanted)) all.push_back(std::move(m));
    if (all.empty()) check_programs(r, wanted->steps, "", all);
  }
  if (!all.empty()) return fail(Code::invalid, "{}", fmt::join(all, "\n"));
  return wanted;
}

Status store_sequence(Context& c, Repositories& r, TaskSequence& wanted, const char* action) {
  FP_TRY(all, r.software.list_task_sequences());
  for (const auto& other : all)
    if (other.id != wanted.id && iequals(other.name, wanted.name))
      return fail(Code::conflict, "there is a task sequence {} already ({})", wanted.name, other.id);
  wanted.changed_at = r.change;
  FP_CHECK(r.software.put_task_sequence(wanted));
  FP_TRY(below, site::PolicyMaker::children(r, wanted));
  FP_CHECK(c.policies.software_changed(r, wanted.id));
  return c.audit(r, action, "task sequence", wanted.id, fmt::format("{}, revision {}, runs {} others", wanted.name, wanted.revision, below.size()));
}

Result<Answer> list(Context& c) {
  FP_TRY(all, c.store.read([](Repositories& r) { return r.software.list_task_sequences(); }));
  std::erase_if(all, [&](const TaskSequence& s) { return !c.need(ObjectClass::task_sequence, kReadObject, s.scope); });
  return Answer{200, all_of(all), {}};
}

Result<Answer> create(Context& c) {
  TaskSequence made;
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(wanted, wanted_of(c, r));
    if (!wanted.id.empty()) return fail(Code::invalid, "id: is given by the site; leave it out");
    FP_CHECK(check_scope(c, ObjectClass::task_sequence, kCreateObject, wanted.scope));
    FP_TRY(id, r.site.next_object_id(c.settings.site_code));
    wanted.id = id;
    wanted.revision = 1;
    FP_CHECK(store_sequence(c, r, wanted, "create"));
    made = std::move(wanted);
    return {};
  });
  FP_CHECK(done);
  return Answer{201, wire::to_value(made), {}};
}

Result<Answer> show(Context& c) {
  FP_TRY(found, c.store.read([&](Repositories& r) { return find_task_sequence(r, c.params[0]); }));
  FP_CHECK(c.need(ObjectClass::task_sequence, kReadObject, found.scope));
  return Answer{200, wire::to_value(found), {}};
}

Result<Answer> replace(Context& c) {
  TaskSequence made;
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(before, find_task_sequence(r, c.params[0]));
    FP_CHECK(c.need(ObjectClass::task_sequence, kModifyObject, before.scope));
    FP_CHECK(match_revision(c, before.revision));
    FP_TRY(wanted, wanted_of(c, r));
    FP_CHECK(check_scope(c, ObjectClass::task_sequence, kModifyObject, wanted.scope));
    wanted.id = before.id;
    wanted.revision = before.revision + 1;
    keep_secrets(wanted, before);
    FP_CHECK(store_sequence(c, r, wanted, "change"));
    made = std::move(wanted);
    return {};
  });
  FP_CHECK(done);
  return Answer{200, wire::to_value(made), {}};
}

Result<Answer> remove(Context& c) {
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(found, find_task_sequence(r, c.params[0]));
    FP_CHECK(c.need(ObjectClass::task_sequence, kDeleteObject, found.scope));
    FP_CHECK(used_by_deployment(r, found.id));
    FP_CHECK(used_by_sequence(r, found.id));
    FP_CHECK(r.software.remove_task_sequence(found.id));
    return c.audit(r, "delete", "task sequence", found.id, found.name);
  });
  FP_CHECK(done);
  return Answer{};
}

constexpr Route kRoutes[] = {
    {"GET", "/task-sequences", ObjectClass::task_sequence, kReadObject, list},
    {"POST", "/task-sequences", ObjectClass::task_sequence, kCreateObject, create},
    {"GET", "/task-sequences/{id}", ObjectClass::task_sequence, kReadObject, show},
    {"PUT", "/task-sequences/{id}", ObjectClass::task_sequence, kModifyObject, replace},
    {"DELETE", "/task-sequences/{id}", ObjectClass::task_sequence, kDeleteObject, remove},
};

}  // namespace

std::span<const Route> sequence_routes() { return kRoutes; }

}  // namespace fp::admin
