#include "domain/tasksequence/engine.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace fp::tasksequence {
namespace {

using enum State;
using E = Event;

constexpr Transition kTable[] = {
    {ready,      E::started,   running},
    {ready,      E::completed, succeeded},
    {running,    E::ended,     ready},
    {running,    E::restart,   restarting},
    {running,    E::repeated,  ready},
    {running,    E::gave_up,   failed},
    {restarting, E::rebooted,  ready},
    {restarting, E::gave_up,   failed},
};

constexpr std::array<std::string_view, kStates> kStateNames = {"ready", "running", "restarting", "succeeded", "failed"};
constexpr std::array<std::string_view, kEvents> kEventNames = {"started", "ended", "restart", "rebooted", "repeated", "gave_up",
                                                               "completed"};
constexpr std::array<std::string_view, kStepStates> kStepNames = {"pending", "running", "succeeded", "skipped",
                                                                  "continued", "failed", "restarting"};

Status move(Run& run, Event event) {
  FP_TRY(to, next(run.state, event));
  run.state = to;
  return {};
}

StepResult& result_of(Run& run, int line) { return run.results.at(static_cast<std::size_t>(line)); }
const Line& line_of(const Program& program, int line) { return program.lines.at(static_cast<std::size_t>(line)); }

void note(Run& run, int line, StepState state, std::string reason, Instant now) {
  auto& r = result_of(run, line);
  r.state = state;
  r.reason = std::move(reason);
  if (r.started_at.ms == 0) r.started_at = now;
  r.finished_at = now;
}

// Groups and children that end where the run has come to have gone well, or have been told otherwise before.
void close_groups(const Program& program, Run& run, int from, Instant now) {
  for (int parent = line_of(program, from).parent; parent >= 0; parent = line_of(program, parent).parent) {
    if (line_of(program, parent).end > run.at) return;
    if (result_of(run, parent).state == StepState::running) note(run, parent, StepState::succeeded, "all of it is done", now);
  }
}

void go_behind(const Program& program, Run& run, int line, Instant now) {
  run.at = line_of(program, line).end;
  close_groups(program, run, line, now);
}

std::string_view symbol(Compare op) {
  constexpr std::array<std::string_view, 10> kSymbols = {"=", "is not", "<", "<=", ">", ">=", "contains", "is one of", "is set", "is not set"};
  return kSymbols.at(static_cast<std::size_t>(op));
}

bool compare(std::string_view have, Compare op, const std::vector<std::string>& values) {
  const auto order = [&](std::string_view want) {
    const auto a = parse_int(trim(have)), b = parse_int(trim(want));
    if (a && b) return *a < *b ? -1 : *a > *b ? 1 : 0;
    const int text = lower(have).compare(lower(want));
    return text < 0 ? -1 : text > 0 ? 1 : 0;
  };
  const auto any = [&](const auto& test) { return std::ranges::any_of(values, test); };
  switch (op) {
    case Compare::eq:
    case Compare::one_of: return any([&](const std::string& v) { return order(v) == 0; });
    case Compare::ne: return !any([&](const std::string& v) { return order(v) == 0; });
    case Compare::lt: return any([&](const std::string& v) { return order(v) < 0; });
    case Compare::le: return any([&](const std::string& v) { return order(v) <= 0; });
    case Compare::gt: return any([&](const std::string& v) { return order(v) > 0; });
    case Compare::ge: return any([&](const std::string& v) { return order(v) >= 0; });
    case Compare::contains: return any([&](const std::string& v) { return icontains(have, v); });
    case Compare::exists: return true;
    case Compare::not_exists: return false;
  }
  return false;
}

Verdict variable_holds(const SequenceCondition& c, const Run& run) {
  const Variable* found = find(run.variables, c.variable);
  const auto what = fmt::format("variable {} {} {}", c.variable, symbol(c.op), fmt::join(c.values, ", "));
  if (found == nullptr) return {c.op == Compare::not_exists || c.op == Compare::ne, std::string(trim(what)) + ": it is not set"};
  const bool good = compare(found->value, c.op, c.values);
  return {good, fmt::format("{}: it is {}", trim(what), found->secret ? "secret" : found->value.substr(0, 200))};
}

Verdict nested_holds(const SequenceCondition& c, const Run& run, const Look& look) {
  const bool wants_all = c.kind == ConditionKind::all;
  std::string because;
  for (const auto& inner : c.conditions) {
    const auto v = holds(inner, run, look);
    because += (because.empty() ? "" : "; ") + v.because;
    if (wants_all && !v.holds) return {false, "not all hold: " + v.because};
    if (c.kind == ConditionKind::any && v.holds) return {true, v.because};
    if (c.kind == ConditionKind::none && v.holds) return {false, "none may hold: " + v.because};
  }
  if (c.kind == ConditionKind::any) return {false, "none holds: " + because};
  return {true, because};
}

}  // namespace

std::span<const Transition> transitions() { return kTable; }

Result<State> next(State from, Event event) {
  for (const auto& t : kTable)
    if (t.from == from && t.event == event) return t.to;
  return fail(Code::conflict, "{} is no event of state {}", to_string(event), to_string(from));
}

bool is_final(State state) { return state == succeeded || state == failed; }
std::string_view to_string(State state) { return kStateNames.at(static_cast<std::size_t>(state)); }
std::string_view to_string(Event event) { return kEventNames.at(static_cast<std::size_t>(event)); }
std::string_view to_string(StepState state) { return kStepNames.at(static_cast<std::size_t>(state)); }

Result<State> parse_state(std::string_view text) {
  for (std::size_t i = 0; i < kStateNames.size(); ++i)
    if (kStateNames[i] == text) return static_cast<State>(i);
  return fail(Code::invalid, "no state of a task sequence is called {}", text);
}

Result<StepState> parse_step_state(std::string_view text) {
  for (std::size_t i = 0; i < kStepNames.size(); ++i)
    if (kStepNames[i] == text) return static_cast<StepState>(i);
  return fail(Code::invalid, "no state of a step is called {}", text);
}

Run begin(const Program& program, Variables variables) {
  Run run;
  run.results.resize(program.lines.size());
  run.variables = std::move(variables);
  return run;
}

Verdict holds(const SequenceCondition& c, const Run& run, const Look& look) {
  switch (c.kind) {
    case ConditionKind::variable: return variable_holds(c, run);
    case ConditionKind::file: {
      const bool there = look.file_exists && look.file_exists(substitute(c.path, run.variables));
      return {there == (c.op == Compare::exists), fmt::format("file {} is {}", c.path, there ? "there" : "not there")};
    }
    case ConditionKind::fact:
      if (!look.fact) return {false, "nothing is known of this computer"};
      return look.fact({c.attribute, c.op, c.values});
    case ConditionKind::last_exit_code:
      return {compare(std::to_string(run.last_exit_code), c.op, c.values),
              fmt::format("last exit code {} {}: it is {}", symbol(c.op), fmt::join(c.values, ", "), run.last_exit_code)};
    case ConditionKind::all:
    case ConditionKind::any:
    case ConditionKind::none: break;
  }
  return nested_holds(c, run, look);
}

Verdict holds(const std::vector<SequenceCondition>& all, const Run& run, const Look& look) {
  std::string because;
  for (const auto& c : all) {
    auto v = holds(c, run, look);
    if (!v.holds) return v;
    because += (because.empty() ? "" : "; ") + v.because;
  }
  return {true, because.empty() ? "it has no conditions" : because};
}

Result<Decision> advance(const Program& program, Run& run, const Look& look, Instant now) {
  if (run.state != ready) return fail(Code::conflict, "a run that is {} has no next step", to_string(run.state));
  const auto lines = static_cast<int>(program.lines.size());
  while (run.at < lines) {
    const int at = run.at;
    const auto& line = line_of(program, at);
    if (!line.step->enabled) {
      note(run, at, StepState::skipped, "it is disabled", now);
      go_behind(program, run, at, now);
      continue;
    }
    const auto verdict = holds(line.step->conditions, run, look);
    if (!verdict.holds) {
      note(run, at, StepState::skipped, "its conditions do not hold: " + mask(verdict.because, run.variables), now);
      go_behind(program, run, at, now);
      continue;
    }
    const bool contains = line.step->kind == StepKind::group || line.step->kind == StepKind::run_task_sequence;
    if (!contains) return Decision{Decision::Kind::run, mask(verdict.because, run.variables)};
    auto& r = result_of(run, at);
    r.state = StepState::running;
    r.started_at = now;
    r.reason = mask(verdict.because, run.variables);
    if (line.child != nullptr)
      for (const auto& v : line.child->variables)
        if (find(run.variables, v.name) == nullptr) set(run.variables, {v});
    run.at = at + 1;
    if (line.end == run.at) {
      note(run, at, StepState::succeeded, "there is nothing in it", now);
      close_groups(program, run, at, now);
    }
  }
  FP_CHECK(move(run, E::completed));
  return Decision{Decision::Kind::succeeded, "no step is left"};
}

Status start(Run& run, Instant now) {
  FP_CHECK(move(run, E::started));
  auto& r = result_of(run, run.at);
  r = {};
  r.state = StepState::running;
  r.started_at = now;
  r.reason = "it runs";
  return {};
}

Status finish(const Program& program, Run& run, const Outcome& outcome, Instant now) {
  const int at = run.at;
  const auto& line = line_of(program, at);
  if (run.state != running) return fail(Code::conflict, "step {} does not run", program.title(at));
  if (outcome.action) {
    run.last_exit_code = outcome.exit_code;
    run.last_succeeded = outcome.kind != Outcome::Kind::failed;
    run.last_name = line.step->name;
    set(run.variables, "_SMSTSLastActionRetCode", std::to_string(outcome.exit_code), false);
    set(run.variables, "_SMSTSLastActionSucceeded", run.last_succeeded ? "true" : "false", false);
    set(run.variables, "_SMSTSLastActionName", line.step->name, false);
  }
  auto& r = result_of(run, at);
  r.exit_code = outcome.exit_code;
  r.output = mask(outcome.output, run.variables);
  const auto reason = mask(outcome.reason, run.variables);
  if (outcome.kind == Outcome::Kind::restart) {
    note(run, at, StepState::restarting, reason, now);
    return move(run, E::restart);
  }
  if (outcome.kind == Outcome::Kind::succeeded) {
    note(run, at, StepState::succeeded, reason, now);
    FP_CHECK(move(run, E::ended));
    go_behind(program, run, at, now);
    return {};
  }
  note(run, at, StepState::failed, reason, now);
  for (int around = at; around >= 0; around = line_of(program, around).parent) {
    if (around != at) note(run, around, StepState::failed, fmt::format("step {} failed", program.title(at)), now);
    if (!line_of(program, around).step->continue_on_error) continue;
    result_of(run, around).state = StepState::continued;
    FP_CHECK(move(run, E::ended));
    go_behind(program, run, around, now);
    return {};
  }
  return move(run, E::gave_up);
}

Status rebooted(const Program& program, Run& run, Instant now) {
  const int at = run.at;
  FP_CHECK(move(run, E::rebooted));
  note(run, at, StepState::succeeded, result_of(run, at).reason + "; the computer has restarted", now);
  run.restart_wanted = false;
  go_behind(program, run, at, now);
  return {};
}

Interruption after_interruption(const SequenceStep& step) {
  switch (step.kind) {
    case StepKind::install_application: return {true, "its end was not seen; detection tells what is there"};
    case StepKind::install_updates: return {true, "its end was not seen; what is installed already is not installed again"};
    case StepKind::run_command_line:
    case StepKind::run_script:
    case StepKind::install_package:
      if (step.repeatable) return {true, "its end was not seen; it is marked repeatable and runs again"};
      return {false, "its end was not seen, and it is not marked repeatable: it may have done its work, so it is not run again"};
    default: return {true, "its end was not seen; doing it again changes nothing"};
  }
}

Status repeat(Run& run, const std::string& reason) {
  FP_CHECK(move(run, E::repeated));
  auto& r = result_of(run, run.at);
  r.state = StepState::pending;
  r.reason = reason;
  return {};
}

std::string summary(const Program& program, const Run& run) {
  int done = 0, skipped = 0;
  for (const auto& r : run.results) {
    done += r.state == StepState::succeeded ? 1 : 0;
    skipped += r.state == StepState::skipped ? 1 : 0;
  }
  if (run.state == failed) {
    const auto& r = run.results.at(static_cast<std::size_t>(run.at));
    return fmt::format("step {} failed: {}{}{}", program.title(run.at), r.reason, r.output.empty() ? "" : "; its last words: ",
                       std::string_view(r.output).substr(r.output.size() > 500 ? r.output.size() - 500 : 0));
  }
  if (run.state != succeeded) return fmt::format("at step {}", program.title(std::min(run.at, static_cast<int>(program.lines.size()) - 1)));
  std::string out = fmt::format("{} steps and groups done, {} skipped", done, skipped);
  for (std::size_t i = 0; i < run.results.size(); ++i)
    if (run.results[i].state == StepState::continued)
      out += fmt::format("; {} failed and was passed over: {}", program.title(static_cast<int>(i)), run.results[i].reason);
  return out;
}

}  // namespace fp::tasksequence
