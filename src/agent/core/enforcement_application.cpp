// Applications: plan, content, steps, detection before and after (domain.md §13).
#include <algorithm>

#include "agent/core/enforcement.hpp"
#include "agent/core/enforcement_case.hpp"
#include "base/log.hpp"

namespace fp::agent {

using deployment::Act;
using deployment::Detected;
using deployment::Failure;
using deployment::Plan;
using deployment::State;
using deployment::StepRole;

namespace {

constexpr std::int64_t kShortestMin = 1;

bool needs_content(const deployment::PlanStep& step) {
  if (step.type->content_id.empty()) return false;
  return step.action != DeploymentAction::uninstall || !step.type->uninstall_command.empty();
}

std::string_view verb(DeploymentAction action) {
  return action == DeploymentAction::install ? "install" : action == DeploymentAction::uninstall ? "uninstall" : "repair";
}

}  // namespace

Status Enforcement::application(Case& c) {
  if (!c.document->application) return fail_case(c, Failure::evaluating, "the policy carries no application");
  Plan plan;
  bool go_on = false;
  FP_CHECK(plan_application(c, plan, go_on));
  if (!go_on) return {};
  std::vector<Need> needs;
  std::int64_t minutes = 0;
  for (const auto& s : plan.steps) {
    minutes += s.type->max_run_time_min;
    if (needs_content(s)) needs.push_back({s.type->content_id, s.type->persist_in_cache, s.role});
  }
  std::map<std::string, Path> content;
  FP_TRY(have, get_content(c, needs, content));
  if (!have) return {};
  FP_TRY(now, may_run(c, minutes, false));
  if (!now) return {};
  return run_steps(c, plan, content);
}

// Looks at schedule, requirements and detection. go_on: there is work, and its content may be fetched.
Status Enforcement::plan_application(Case& c, Plan& plan, bool& go_on) {
  const auto early = timing(c, kShortestMin, true);
  const auto why = deployment::sentence(early.reasons);
  if (early.act == Act::wait) return settle(c, State::waiting_schedule, why, early.at.value_or(Instant{}));
  if (early.act == Act::never && !c.deployment.enabled) return settle(c, State::waiting_schedule, why);
  if (c.deployment.action == DeploymentAction::repair && c.record.finished && !c.user_started) {
    return settle(c, State::succeeded, c.record.detail);
  }
  const auto looked = [&](const Application&, const DeploymentType& type) { return machine_.detect(type); };
  DeploymentDocument turned;
  const DeploymentDocument* document = c.document;
  if (c.deployment.action != c.document->deployment.action) {
    turned = *c.document;
    turned.deployment.action = c.deployment.action;
    document = &turned;
  }
  plan = deployment::make_plan(*document, machine_.facts(), looked);
  const auto reasons = deployment::sentence(plan.reasons);
  switch (plan.kind) {
    case Plan::Kind::nothing_to_do:
      return settle(c, c.record.finished ? State::succeeded : State::already_installed, reasons);
    case Plan::Kind::requirements_not_met: return settle(c, State::requirements_not_met, reasons);
    case Plan::Kind::refused: return fail_case(c, Failure::evaluating, reasons);
    case Plan::Kind::steps: break;
  }
  if (document == &turned) {  // the steps point into the copy, which ends here
    for (auto& s : plan.steps) {
      const auto type_of = [&](const Application& a) {
        const auto it = std::ranges::find(a.types, s.type->id, &DeploymentType::id);
        return it == a.types.end() ? nullptr : &*it;
      };
      const DeploymentType* type = type_of(*c.document->application);
      for (const auto& a : c.document->related) type = type != nullptr ? type : type_of(a);
      s.type = type;
      s.application = &*c.document->application;
    }
    std::erase_if(plan.steps, [](const auto& s) { return s.type == nullptr; });
  }
  if (early.act == Act::offer) return settle(c, State::waiting_schedule, why);
  go_on = true;
  return {};
}

Status Enforcement::run_steps(Case& c, const Plan& plan, const std::map<std::string, Path>& content) {
  bool reboot = false, hard = false;
  for (const auto& step : plan.steps) {
    const auto folder = content.find(step.type->content_id);
    FP_TRY(good, run_step(c, step, folder == content.end() ? Path() : folder->second, hard, reboot));
    if (!good) return {};
    // What asks for a restart before it is usable comes before the rest: the rest waits.
    if (hard && step.role != StepRole::target) return done(c, true, true, step.application->name + " needs a restart first");
  }
  return done(c, reboot, hard, fmt::format("{} is {}", c.document->application->name,
                                           c.deployment.action == DeploymentAction::uninstall ? "removed" : "installed"));
}

// False: the case was settled otherwise.
Result<bool> Enforcement::run_step(Case& c, const deployment::PlanStep& step, const Path& content, bool& hard_reboot,
                                   bool& reboot) {
  const auto failure = step.role == StepRole::dependency   ? Failure::dependency_install
                       : step.role == StepRole::superseded ? Failure::superseded_uninstall
                                                           : Failure::installing;
  const auto what = fmt::format("{} of {} ({})", verb(step.action), step.application->name, step.type->name);
  const auto soon = clock_.now().plus_s(60);
  FP_CHECK(settle(c, step.role == StepRole::dependency ? State::waiting_dependencies : State::installing, what, soon));
  memory::JournalEntry entry{0, c.deployment.id, step.type->id, std::string(verb(step.action)), machine_.boot_id(), clock_.now(),
                             {}};
  FP_TRY(line, memory_.begin_action(entry));
  auto ran = machine_.execute(step.action, *step.type, content);
  FP_CHECK(memory_.finish_action(line, ran ? ran->run.exit_code : kInterrupted, clock_.now()));
  if (!ran) {
    FP_CHECK(fail_case(c, failure, fmt::format("{}: {}", what, ran.error().message)));
    return false;
  }
  const auto& run = ran->run;
  c.record.exit_code = run.exit_code;
  c.record.ran_at = clock_.now();
  if (run.cancelled) {
    FP_CHECK(settle(c, State::detecting, what + " was interrupted; detection tells what became of it", soon));
    return false;
  }
  const auto outcome =
      deployment::decide_outcome(*step.type, {run.exit_code, run.signal, run.timed_out}, c.record.attempts, clock_.now());
  const auto why = fmt::format("{}: {}; {}", what, ran->summary, deployment::sentence(outcome.reasons));
  using deployment::Event;
  if (outcome.event == Event::run_retry) {
    ++c.record.attempts;
    FP_CHECK(settle(c, State::waiting_retry, why, outcome.retry_at.value_or(clock_.now().plus_s(deployment::kFastRetryEveryS))));
    return false;
  }
  if (outcome.event == Event::retries_exhausted || outcome.event == Event::run_failed) {
    FP_CHECK(fail_case(c, outcome.event == Event::run_failed ? failure : Failure::retries_exhausted, why));
    return false;
  }
  if (outcome.event == Event::run_needs_reboot) reboot = true;
  hard_reboot = hard_reboot || outcome.hard_reboot;
  const auto after = machine_.detect(*step.type);
  const auto wanted = step.action == DeploymentAction::uninstall ? Detected::not_installed : Detected::installed;
  if (after.state == wanted || reboot) return true;
  FP_CHECK(fail_case(c, failure, fmt::format("{}; detection afterwards: {}", why, deployment::sentence(after.reasons))));
  return false;
}

}  // namespace fp::agent
