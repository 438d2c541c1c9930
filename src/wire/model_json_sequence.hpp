// The fields of task sequences and the limits on them (docs/task-sequences.md). Private to model_json.cpp; see
// model_json_fields.hpp for how a `fields` function serves both directions. A step writes only what belongs to its kind.
#pragma once
#include "wire/model_json_fields.hpp"

namespace fp::wire::fields {

template <> struct Words<ConditionKind> {
  static constexpr WordList<7> list{"variable", "file", "fact", "last_exit_code", "all", "any", "none"};
};
template <> struct Words<StepKind> { static constexpr WordList<kStepKinds> list = kStepKindWords; };
template <> struct Words<UpdateSelection> { static constexpr WordList<2> list{"security", "all"}; };

// Letters, digits, _, - and . after a letter: what a %NAME% may hold.
inline auto variable_name() {
  return [](const std::string& v) -> std::string {
    if (v.empty()) return {};
    if (v.size() > 128) return "must have at most 128 bytes";
    const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
    if (v[0] == '_') return "must not begin with _: those are read-only";
    if (!letter(v[0])) return "must begin with a letter";
    for (const char c : v)
      if (!letter(c) && !(c >= '0' && c <= '9') && c != '_' && c != '-' && c != '.') return "must hold letters, digits, _, - and . only";
    return {};
  };
}

template <class A> void fields(A& a, SequenceVariable& x) {
  a("name", x.name, required(), variable_name());
  if (!x.secret || a.shows_secrets()) a("value", x.value, size_max(4096));
  else a.blank("value");
  a("secret", x.secret);
}
template <class A> void fields(A& a, SequenceCondition& x) {
  using enum ConditionKind;
  a("kind", x.kind);
  const bool nested = x.kind == all || x.kind == any || x.kind == none;
  a.only("variable", x.kind == variable, x.variable, size_max(128));
  a.only("path", x.kind == file, x.path, size_max(4096), absolute());
  a.only("attribute", x.kind == fact, x.attribute, size_max(kNameBytesMax));
  a.only("op", !nested, x.op);
  a.only("values", !nested && x.kind != file, x.values, size_max(100));
  a.only("conditions", nested, x.conditions, size_max(100));
  const bool bare = x.op == Compare::exists || x.op == Compare::not_exists;
  if (x.kind == variable) a.rule("variable", !x.variable.empty(), "is required");
  if (x.kind == file) {
    a.rule("path", !x.path.empty(), "is required");
    a.rule("op", bare, "must be exists or not_exists for a file");
  }
  if (x.kind == fact) {
    a.rule("attribute", !x.attribute.empty(), "is required");
    a.check("attribute", x.attribute, attribute());
  }
  if (x.kind == last_exit_code) a.rule("op", !bare, "must compare: the last exit code is always there");
  if (nested) a.rule("conditions", !x.conditions.empty(), "must have at least one condition");
  else a.rule("values", bare || x.values.size() == 1 || (x.op == Compare::one_of && !x.values.empty()),
              "must have one value; several only with op one_of");
}
template <class A> void fields(A& a, VariableRule& x) {
  a.only("conditions", true, x.conditions, size_max(100));
  a("variables", x.variables, required(), size_max(100));
}
// What a step of a kind has beside what every step has.
template <class A> void step_fields(A& a, SequenceStep& x) {
  using enum StepKind;
  const bool runs = x.kind == run_command_line || x.kind == run_script;
  const bool limited = runs || x.kind == install_updates;
  a.only("steps", x.kind == group, x.steps, size_max(500));
  a.only("applications", x.kind == install_application, x.applications, size_max(100), each(guid()));
  a.only("package_id", runs || x.kind == install_package || x.kind == download_package_content, x.package_id, object_id());
  a.only("program", x.kind == install_package, x.program, size_max(50));
  a.only("updates", x.kind == install_updates, x.updates);
  a.only("command", x.kind == run_command_line, x.command, size_max(kCommandBytesMax));
  a.only("script", x.kind == run_script, x.script, size_max(kScriptBytesMax));
  a.only("interpreter", x.kind == run_script, x.interpreter, required(), size_max(4096), absolute());
  a.only("success_codes", runs || x.kind == install_package, x.success_codes, size_max(256));
  a.only("timeout_min", limited, x.timeout_min, range(1, 1440));
  a.only("repeatable", runs || x.kind == install_package, x.repeatable);
  a.only("output_variable", runs || x.kind == download_package_content, x.output_variable, variable_name());
  a.only("variables", x.kind == set_variable, x.variables, size_max(100));
  a.only("rules", x.kind == set_dynamic_variables, x.rules, size_max(100));
  a.only("message", x.kind == restart_computer, x.message, size_max(1024));
  a.only("countdown_min", x.kind == restart_computer, x.countdown_min, range(1, 1440));
  a.only("memory_mb_min", x.kind == check_readiness, x.memory_mb_min, range(0, INT64_MAX));
  a.only("disk_free_mb_min", x.kind == check_readiness, x.disk_free_mb_min, range(0, INT64_MAX));
  a.only("os_ids", x.kind == check_readiness, x.os_ids, size_max(100));
  a.only("os_version_min", x.kind == check_readiness, x.os_version_min, size_max(kNameBytesMax));
  a.only("task_sequence", x.kind == run_task_sequence, x.task_sequence, object_id());
}
template <class A> void fields(A& a, SequenceStep& x) {
  using enum StepKind;
  a("name", x.name, name());
  a("kind", x.kind);
  a.only("description", true, x.description, size_max(kTextBytesMax));
  a("enabled", x.enabled);
  a("continue_on_error", x.continue_on_error);
  a.only("conditions", true, x.conditions, size_max(100));
  // What an operating system's own steps carry is nobody's business here: they are refused by their kind.
  if (deploys_operating_system(x.kind)) return a.anything();
  step_fields(a, x);
  const auto needs = [&](StepKind kind, std::string_view field, bool there) {
    if (x.kind == kind) a.rule(field, there, "is required");
  };
  needs(install_application, "applications", !x.applications.empty());
  needs(install_package, "package_id", !x.package_id.empty());
  needs(install_package, "program", !x.program.empty());
  needs(download_package_content, "package_id", !x.package_id.empty());
  needs(run_command_line, "command", !x.command.empty());
  needs(run_script, "script", !x.script.empty());
  needs(set_variable, "variables", !x.variables.empty());
  needs(set_dynamic_variables, "rules", !x.rules.empty());
  needs(run_task_sequence, "task_sequence", !x.task_sequence.empty());
}
template <class A> void fields(A& a, TaskSequence& x) {
  a("id", x.id, object_id());
  a("revision", x.revision, range(1, INT64_MAX));
  a("name", x.name, name());
  a("description", x.description, size_max(kTextBytesMax));
  a("max_run_time_min", x.max_run_time_min, range(1, 1440));
  a("variables", x.variables, size_max(500));
  a("steps", x.steps, required(), size_max(500));
  a("scope", x.scope, name());
  a("changed_at", x.changed_at);
}

}  // namespace fp::wire::fields
