// Packages: a program with its requirements, its rerun behaviour and its exit code (domain.md §14).
#include <algorithm>

#include "agent/core/enforcement.hpp"
#include "agent/core/enforcement_case.hpp"

namespace fp::agent {

using deployment::Act;
using deployment::Failure;
using deployment::State;

Status Enforcement::package(Case& c) {
  if (!c.document->package) return fail_case(c, Failure::evaluating, "the policy carries no package");
  const auto& p = *c.document->package;
  const auto program = std::ranges::find(p.programs, c.deployment.program, &Program::name);
  if (program == p.programs.end()) {
    return fail_case(c, Failure::evaluating, fmt::format("the package {} has no program \"{}\"", p.id, c.deployment.program));
  }
  const auto minutes = deployment::run_time_limit_min(program->max_run_time_min);
  const bool may_overrun = program->max_run_time_min <= 0;
  const auto early = timing(c, 1, true);
  const auto why = deployment::sentence(early.reasons);
  if (early.act == Act::wait || (early.act == Act::never && !c.deployment.enabled)) {
    return settle(c, State::waiting_schedule, why, early.at.value_or(Instant{}));
  }
  auto& r = c.record;
  const bool ran = r.ran_at.ms != 0;
  const bool ended_well = r.exit_code == 0 || r.exit_code == 3010 || r.exit_code == 1641;
  const bool due_again = !r.finished || c.user_started;
  const auto rerun =
      deployment::decide_rerun(c.user_started ? RerunBehaviour::always : c.deployment.rerun, {ran, ended_well, due_again});
  const bool retrying = r.state == deployment::topic_1702(State::waiting_retry);
  if (ran && !rerun.run && !retrying) {
    const auto reason = fmt::format("{}: {}", rerun.reason.what, rerun.reason.because);
    if (ended_well) return settle(c, State::succeeded, reason);
    return fail_case(c, Failure::installing,
                     r.exit_code == kInterrupted
                         ? "its end was not seen; it is not run again by itself, since it may have finished"
                         : fmt::format("exit code {}; {}", r.exit_code, reason));
  }
  const auto verdict = deployment::evaluate(program->requirements, machine_.facts());
  if (!verdict.holds) return settle(c, State::requirements_not_met, deployment::sentence(verdict.reasons));
  if (early.act == Act::offer) return settle(c, State::waiting_schedule, why);
  std::map<std::string, Path> content;
  std::string content_id;
  if (p.content_version > 0) {
    content_id = fmt::format("{}.{}", p.id, p.content_version);
    FP_TRY(have, get_content(c, {{content_id}}, content));
    if (!have) return {};
  }
  FP_TRY(now, may_run(c, minutes, may_overrun));
  if (!now) return {};
  return run_program(c, *program, content_id.empty() ? Path() : content[content_id]);
}

Status Enforcement::run_program(Case& c, const Program& program, const Path& content) {
  const auto what = fmt::format("program \"{}\" of {}", program.name, c.document->package->name);
  FP_CHECK(settle(c, State::installing, what, clock_.now().plus_s(60)));
  memory::JournalEntry entry{0, c.deployment.id, program.name, "program", machine_.boot_id(), clock_.now(), {}};
  FP_TRY(line, memory_.begin_action(entry));
  auto ran = machine_.run_program(program, content);
  auto& r = c.record;
  r.ran_at = clock_.now();
  r.finished = true;
  r.exit_code = ran && !ran->run.cancelled ? ran->run.exit_code : kInterrupted;
  if (ran && (ran->run.signal != 0 || ran->run.timed_out) && r.exit_code == 0) r.exit_code = 128 + ran->run.signal;
  const auto noted = memory_.together([&]() -> Status {
    FP_CHECK(memory_.finish_action(line, r.exit_code, r.ran_at));
    return memory_.save(r);
  });
  FP_CHECK(noted);
  if (!ran) {
    r.finished = false;  // nothing was started
    r.ran_at = {};
    return fail_case(c, Failure::installing, fmt::format("{}: {}", what, ran.error().message));
  }
  DeploymentType codes;
  codes.technology = Technology::script;
  const auto outcome =
      deployment::decide_outcome(codes, {ran->run.exit_code, ran->run.signal, ran->run.timed_out}, r.attempts, clock_.now());
  const auto why = fmt::format("{}: {}; {}", what, ran->summary, deployment::sentence(outcome.reasons));
  using deployment::Event;
  if (outcome.event == Event::run_retry) {
    ++r.attempts;
    r.finished = false;
    return settle(c, State::waiting_retry, why, outcome.retry_at.value_or(clock_.now().plus_s(deployment::kFastRetryEveryS)));
  }
  if (outcome.event == Event::run_succeeded || outcome.event == Event::run_needs_reboot) {
    return done(c, outcome.event == Event::run_needs_reboot, outcome.hard_reboot, why);
  }
  return fail_case(c, outcome.event == Event::run_failed ? Failure::installing : Failure::retries_exhausted, why);
}

}  // namespace fp::agent
