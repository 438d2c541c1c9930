// Task sequences: may one begin here and now, and step after step until its end, through restarts (domain.md §15). What runs is
// the definition that the run began with. Each step is on the disk as begun before it begins, and as ended before the next.
#include <fmt/ranges.h>

#include <algorithm>

#include "agent/core/enforcement.hpp"
#include "agent/core/enforcement_case.hpp"
#include "agent/core/sequence_steps.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "wire/model_json.hpp"

namespace fp::agent {

using deployment::Act;
using deployment::Failure;
using deployment::State;
using tasksequence::Outcome;

struct Enforcement::Sequence {
  DeploymentDocument document;
  tasksequence::Program program;  // points into the document's lists
  tasksequence::Run run;
  memory::SequenceRun record;
  std::vector<tasksequence::StepState> told;  // what state messages were queued about

  [[nodiscard]] const SequenceStep& step() const { return *program.lines.at(static_cast<std::size_t>(run.at)).step; }
  void remember_told() {
    told.clear();
    for (const auto& r : run.results) told.push_back(r.state);
  }
};

namespace {

constexpr std::int64_t kSoonMs = 5'000;
constexpr std::int64_t kAskAgainMs = 10 * 60'000;

// Why this deployment does not run here; empty: it does.
std::string refusal(const Deployment& d, const tasksequence::Program& program, bool on_internet) {
  const auto steps = tasksequence::operating_system_steps(program);
  const auto names = fmt::format("{}", fmt::join(steps, ", "));
  if (!steps.empty() && on_internet)
    return "refused: operating system deployment is not supported for clients on the internet; its steps: " + names;
  if (!steps.empty()) return "refused: this version of Farpoint does not deploy operating systems, on the intranet neither; its steps: " + names;
  if (on_internet && !d.allow_internet)
    return "refused: the deployment does not allow the task sequence to run for clients on the internet (allow_internet is off); it runs "
           "when this computer is back on the intranet";
  return {};
}

memory::OutboxMessage message_about(const memory::SequenceRun& record, std::size_t line, tasksequence::StepState state, Instant at) {
  const auto& s = record.steps.at(line);
  memory::OutboxMessage m;
  m.topic_type = kTopicSequenceStep;
  m.topic_id = record.deployment_id;
  m.state_id = static_cast<int>(state);
  m.criticality = state == tasksequence::StepState::failed ? 1 : 0;
  m.parameters = {record.run_id, std::to_string(line), s.place, s.name, s.kind, s.state, s.reason, std::to_string(s.exit_code), s.output};
  m.at = at;
  return m;
}

tasksequence::Variables first_variables(const DeploymentDocument& document, const EffectivePolicy& policy, const std::string& computer) {
  tasksequence::Variables out;
  for (const auto& v : policy.variables) tasksequence::set(out, v.name, v.value, v.secret);
  for (const auto& v : document.sequence->variables)
    if (tasksequence::find(out, v.name) == nullptr) tasksequence::set(out, {v});
  tasksequence::set(out, "_SMSTSAdvertID", document.deployment.id, false);
  tasksequence::set(out, "_SMSTSPackageID", document.sequence->id, false);
  tasksequence::set(out, "_SMSTSPackageName", document.sequence->name, false);
  tasksequence::set(out, "_SMSTSMachineName", computer, false);
  return out;
}

}  // namespace

Status Enforcement::task_sequence(Case& c) {
  FP_TRY(held, memory_.sequence_run(c.deployment.id));
  if (held && held->finished_at.ms == 0) return resume_sequence(c, std::move(*held));
  if (!c.document->sequence) return fail_case(c, Failure::evaluating, "the policy carries no task sequence");
  const auto early = timing(c, 1, true);
  const auto why = deployment::sentence(early.reasons);
  if (early.act == Act::wait || (early.act == Act::never && !c.deployment.enabled))
    return settle(c, State::waiting_schedule, why, early.at.value_or(Instant{}));
  auto& r = c.record;
  const bool ended_well = r.exit_code == 0;
  const auto behaviour = c.user_started ? RerunBehaviour::always : c.deployment.rerun;
  const auto rerun = deployment::decide_rerun(behaviour, {r.ran_at.ms != 0, ended_well, !r.finished || c.user_started});
  if (!rerun.run) {
    const auto reason = held ? held->summary : fmt::format("{}: {}", rerun.reason.what, rerun.reason.because);
    return ended_well ? settle(c, State::succeeded, reason) : fail_case(c, Failure::installing, reason);
  }
  auto program = tasksequence::make_program(*c.document->sequence, c.document->children);
  if (!program) return fail_case(c, Failure::evaluating, program.error().message);
  if (auto reason = refusal(c.deployment, *program, on_internet_); !reason.empty())
    return settle(c, State::requirements_not_met, reason);
  if (early.act == Act::offer) return settle(c, State::waiting_schedule, why);
  if (!c.deployment.download_on_demand) {
    SequenceSteps steps(machine_, *c.document);
    std::vector<Need> needs;
    for (const auto& line : program->lines) {
      if (!line.step->enabled) continue;
      for (const auto& id : steps.contents(*line.step))
        if (std::ranges::find(needs, id, &Need::content_id) == needs.end()) needs.push_back({id});
    }
    std::map<std::string, Path> folders;
    FP_TRY(have, get_content(c, needs, folders));
    if (!have) return {};
  }
  FP_TRY(now, may_run(c, c.document->sequence->max_run_time_min, false));
  if (!now) return {};
  return begin_sequence(c);
}

Status Enforcement::begin_sequence(Case& c) {
  Sequence s;
  s.document = *c.document;
  FP_TRY(program, tasksequence::make_program(*s.document.sequence, s.document.children));
  s.program = std::move(program);
  s.run = tasksequence::begin(s.program, first_variables(s.document, policy_, machine_.discover().netbios_name));
  s.record.deployment_id = c.deployment.id;
  s.record.run_id = new_guid(random_);
  s.record.revision = c.record.revision;
  s.record.user_started = c.user_started;
  s.record.started_at = clock_.now();
  s.record.document = wire::to_json(s.document);
  s.remember_told();
  log::info("task-sequence", "{}: {} begins, {} steps and groups", c.deployment.id, s.document.sequence->name, s.program.lines.size());
  FP_CHECK(save_sequence(s));
  return drive_sequence(c, s);
}

// A run that an earlier worker, or an earlier boot, left under way.
Status Enforcement::resume_sequence(Case& c, memory::SequenceRun&& record) {
  Sequence s;
  s.record = std::move(record);
  const auto give_up = [&](const Error& error) -> Status {
    s.record.finished_at = clock_.now();
    s.record.summary = fmt::format("the run that was under way cannot be read: {}", error.message);
    return end_sequence(c, s, 1);
  };
  auto document = wire::deployment_document_from_json(s.record.document);
  if (!document) return give_up(document.error());
  s.document = std::move(*document);
  if (!s.document.sequence) return give_up({Code::corrupt, "it names no task sequence"});
  auto program = tasksequence::make_program(*s.document.sequence, s.document.children);
  if (!program) return give_up(program.error());
  s.program = std::move(*program);
  auto run = read_record(s.program, s.record);
  if (!run) return give_up(run.error());
  s.run = std::move(*run);
  s.remember_told();
  if (s.run.state == tasksequence::State::restarting) {
    if (s.record.boot_id == machine_.boot_id()) return wait_for_restart(c, s);
    FP_CHECK(tasksequence::rebooted(s.program, s.run, clock_.now()));
    log::info("task-sequence", "{}: the computer has restarted; it goes on {}", c.deployment.id, tasksequence::summary(s.program, s.run));
    FP_CHECK(save_sequence(s));
  } else if (s.run.state == tasksequence::State::running) {
    const auto verdict = tasksequence::after_interruption(s.step());
    log::warning("task-sequence", "{}: step {}: {}", c.deployment.id, s.program.title(s.run.at), verdict.reason);
    FP_CHECK(memory_.record(clock_.now(), c.deployment.id, verdict.again ? "step runs again" : "step interrupted",
                            fmt::format("{}: {}", s.program.title(s.run.at), verdict.reason)));
    if (verdict.again) FP_CHECK(tasksequence::repeat(s.run, verdict.reason));
    else FP_CHECK(tasksequence::finish(s.program, s.run, {Outcome::Kind::failed, kInterrupted, verdict.reason, {}, true}, clock_.now()));
    FP_CHECK(save_sequence(s));
  }
  return drive_sequence(c, s);
}

Status Enforcement::drive_sequence(Case& c, Sequence& s) {
  SequenceSteps steps(machine_, s.document);
  while (!tasksequence::is_final(s.run.state)) {
    FP_TRY(decision, tasksequence::advance(s.program, s.run, steps.look(), clock_.now()));
    FP_CHECK(save_sequence(s));
    if (decision.kind == tasksequence::Decision::Kind::succeeded) break;
    const auto title = s.program.title(s.run.at);
    if (stop_ && stop_())
      return settle(c, State::installing, fmt::format("stopped before step {}; it goes on there", title), clock_.now().plus_ms(kSoonMs));
    std::vector<Need> needs;
    for (auto& id : steps.contents(s.step())) needs.push_back({std::move(id)});
    std::map<std::string, Path> folders;
    if (!needs.empty()) {
      const auto* policy_document = std::exchange(c.document, &s.document);
      auto have = get_content(c, needs, folders);
      c.document = policy_document;
      FP_CHECK(have);
      if (!*have && c.record.state < 5000) return {};
      if (!*have) {  // it cannot be had at all: the step fails with it
        FP_CHECK(tasksequence::start(s.run, clock_.now()));
        FP_CHECK(tasksequence::finish(s.program, s.run, {Outcome::Kind::failed, 1, c.record.detail, {}, true}, clock_.now()));
        FP_CHECK(save_sequence(s));
        continue;
      }
    }
    FP_CHECK(run_sequence_step(c, s, steps, folders));
    if (s.run.state == tasksequence::State::restarting) return ask_for_restart(c, s);
  }
  s.record.finished_at = clock_.now();
  s.record.summary = tasksequence::summary(s.program, s.run);
  return end_sequence(c, s, s.run.state == tasksequence::State::succeeded ? 0 : s.run.last_exit_code == 0 ? 1 : s.run.last_exit_code);
}

Status Enforcement::run_sequence_step(Case& c, Sequence& s, SequenceSteps& steps, const std::map<std::string, Path>& folders) {
  const auto title = s.program.title(s.run.at);
  const auto kind = to_string(s.step().kind);
  FP_CHECK(settle(c, State::installing, fmt::format("step {} ({}) runs", title, kind), clock_.now().plus_s(60)));
  std::int64_t line = 0;
  const auto begun = memory_.together([&]() -> Status {
    FP_CHECK(tasksequence::start(s.run, clock_.now()));
    memory::JournalEntry entry{0, c.deployment.id, title, std::string(kind), machine_.boot_id(), clock_.now(), {}};
    FP_TRY(id, memory_.begin_action(entry));
    line = id;
    return save_sequence(s);
  });
  FP_CHECK(begun);
  const int at = s.run.at;
  const auto outcome = steps.execute(s.step(), folders, s.run);
  return memory_.together([&]() -> Status {
    FP_CHECK(tasksequence::finish(s.program, s.run, outcome, clock_.now()));
    if (s.run.state == tasksequence::State::restarting) s.record.boot_id = machine_.boot_id();
    FP_CHECK(memory_.finish_action(line, outcome.exit_code, clock_.now()));
    const auto& r = s.run.results.at(static_cast<std::size_t>(at));
    log::info("task-sequence", "{}: step {} {}: {}{}{}", c.deployment.id, title, tasksequence::to_string(r.state), r.reason,
              r.output.empty() ? "" : "; its last words: ", r.output);
    FP_CHECK(memory_.record(clock_.now(), c.deployment.id, fmt::format("step {}", tasksequence::to_string(r.state)),
                            fmt::format("{}: {}", title, r.reason)));
    return save_sequence(s);
  });
}

// Keeps the run, and queues a state message about every step that ended since the last time.
Status Enforcement::save_sequence(Sequence& s) {
  using tasksequence::StepState;
  write_record(s.program, s.run, s.record);
  return memory_.together([&]() -> Status {
    for (std::size_t i = 0; i < s.run.results.size(); ++i) {
      const auto state = s.run.results[i].state;
      if (state == s.told[i] || state == StepState::pending || state == StepState::running) continue;
      FP_CHECK(memory_.queue(message_about(s.record, i, state, clock_.now())));
      s.told[i] = state;
    }
    return memory_.save(s.record);
  });
}

Status Enforcement::ask_for_restart(Case& c, const Sequence& s) {
  const auto& step = s.step();
  const bool own = step.kind == StepKind::restart_computer;
  const auto minutes = own ? step.countdown_min : 1;
  const auto message = own && !step.message.empty() ? tasksequence::mask(tasksequence::substitute(step.message, s.run.variables), s.run.variables)
                                                    : fmt::format("{} restarts this computer and goes on afterwards.", s.document.sequence->name);
  auto why = fmt::format("step {}: the computer restarts in {} min and the sequence goes on afterwards", s.program.title(s.run.at), minutes);
  if (auto asked = machine_.request_restart(minutes, message); !asked) why += "; asking for it failed: " + asked.error().message;
  return settle(c, State::waiting_reboot, why, clock_.now().plus_ms(minutes * 60'000 + kAskAgainMs));
}

Status Enforcement::wait_for_restart(Case& c, const Sequence& s) {
  if (c.record.state != deployment::topic_1702(State::waiting_reboot) || c.record.next_at <= clock_.now()) return ask_for_restart(c, s);
  return settle(c, State::waiting_reboot, c.record.detail, c.record.next_at);
}

// The end of a run, and that it ran, are one: whatever happens now, it is not begun again by itself.
Status Enforcement::end_sequence(Case& c, Sequence& s, int exit_code) {
  auto& r = c.record;
  r.finished = true;
  r.exit_code = exit_code;
  r.ran_at = clock_.now();
  const auto noted = memory_.together([&]() -> Status {
    FP_CHECK(memory_.save(s.record));
    FP_CHECK(memory_.forget_request(c.deployment.id));
    return memory_.save(r);
  });
  FP_CHECK(noted);
  log::info("task-sequence", "{}: {}", c.deployment.id, s.record.summary);
  if (exit_code == 0) return done(c, s.run.restart_wanted, false, s.record.summary);
  return fail_case(c, Failure::installing, s.record.summary);
}

}  // namespace fp::agent
