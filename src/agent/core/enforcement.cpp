#include "agent/core/enforcement.hpp"

#include <algorithm>

#include "agent/core/enforcement_case.hpp"
#include "base/log.hpp"

namespace fp::agent {

using deployment::Failure;
using deployment::State;

namespace {

constexpr std::int64_t kLookAgainMs = 60'000;
constexpr std::int64_t kOfDeployment = 1'000'000;  // a remembered revision: the deployment's times this, and its software's
constexpr std::int64_t kOrphanMs = 12LL * 3600 * 1000;

std::int64_t revision_of(const DeploymentDocument& d) {
  const auto software = d.application ? d.application->revision : d.package ? d.package->content_version : d.sequence ? d.sequence->revision : 0;
  return d.deployment.revision * kOfDeployment + software;
}

}  // namespace

Enforcement::Enforcement(memory::Memory& memory, Machine& machine, Transfer* transfer, const Clock& clock, Random& random,
                         const EffectivePolicy& policy, std::function<bool()> stop, bool on_internet)
    : memory_(memory), machine_(machine), transfer_(transfer), clock_(clock), random_(random), policy_(policy),
      stop_(std::move(stop)), on_internet_(on_internet) {}

Status Enforcement::recover() {
  FP_TRY(open, memory_.unfinished_actions());
  const auto boot = open.empty() ? std::string() : machine_.boot_id();
  for (const auto& e : open) {
    const auto age = clock_.now().since_ms(e.started_at);
    if (e.boot_id == boot && age < kOrphanMs && machine_.earlier_run_alive()) {
      still_running_.insert(e.deployment_id);
      continue;
    }
    const auto why = fmt::format("{} of {} was begun {} and its end was not seen ({})", e.action, e.target, to_iso(e.started_at),
                                 e.boot_id == boot ? "the agent was ended" : "the machine went down");
    log::warning("app-enforce", "{}: {}", e.deployment_id, why);
    const auto noted = memory_.together([&]() -> Status {
      FP_CHECK(memory_.finish_action(e.id, kInterrupted, clock_.now()));
      FP_CHECK(memory_.record(clock_.now(), e.deployment_id, "interrupted", why));
      FP_TRY(record, memory_.deployment(e.deployment_id));
      if (!record) return {};
      record->next_at = {};
      // Detection tells what became of an application. A program has none, so it is not run again by itself.
      if (e.action == "program") {
        record->finished = true;
        record->exit_code = kInterrupted;
        record->ran_at = e.started_at;
      }
      return memory_.save(*record);
    });
    FP_CHECK(noted);
  }
  return {};
}

Result<Instant> Enforcement::run(bool forced, bool network_changed) {
  fetch_now_ = forced || network_changed;
  FP_TRY(requests, memory_.requests());
  for (auto& r : requests) requests_[r.deployment_id] = r;
  const auto winners = deployment::settle_conflicts(policy_.deployments);
  std::set<std::string> assigned;
  for (std::size_t n = 0; n < policy_.deployments.size(); ++n) {
    const auto& d = policy_.deployments[n];
    assigned.insert(d.deployment.id);
    if (stop_ && stop_()) continue;
    // Two that want the same agree anyway: the second finds the work done. Only an uninstall can be against another's will.
    const bool beaten = n < winners.size() && !winners[n].runs && d.deployment.action == DeploymentAction::uninstall;
    FP_CHECK(look_at(d, forced, beaten ? std::optional(winners[n].reason) : std::nullopt));
  }
  FP_TRY(records, memory_.deployments());
  Instant next;
  for (const auto& r : records) {
    if (!assigned.contains(r.deployment_id)) {
      FP_CHECK(memory_.record(clock_.now(), r.deployment_id, "withdrawn", "the policy names it no longer"));
      FP_CHECK(memory_.forget_deployment(r.deployment_id));
      FP_CHECK(memory_.forget_sequence_run(r.deployment_id));
    } else if (r.next_at.ms > 0 && (next.ms == 0 || r.next_at < next)) {
      next = r.next_at;
    }
  }
  for (const auto& [id, request] : requests_) {
    if (!assigned.contains(id)) FP_CHECK(memory_.forget_request(id));
  }
  return next;
}

bool Enforcement::is_due(const Case& c, bool forced) const {
  if (forced || c.user_started || c.record.state == 4000 || c.record.next_at.ms == 0) return true;
  // The restart that was waited for has happened.
  if (c.record.restart_pending && c.record.restart_boot_id != machine_.boot_id()) return true;
  // Windows come and go by policy of their own: what waits for one is looked at in every pass.
  if (c.record.state == deployment::topic_1702(State::waiting_window)) return true;
  // A task sequence goes on where it was cut off, and one that was refused may have come to where it may run.
  const auto is = [&](State state) { return c.record.state == deployment::topic_1702(state); };
  const bool waits = is(State::installing) || is(State::waiting_reboot) || is(State::requirements_not_met);
  if (waits && c.deployment.kind == DeploymentKind::task_sequence) return true;
  if (fetch_now_ && c.record.state == deployment::topic_1702(State::waiting_content)) return true;
  // There is one worker at a time: a download that is under way when it begins was cut off with the one before.
  if (c.record.state == deployment::topic_1702(State::downloading)) return true;
  return c.record.revision != revision_of(*c.document) || c.record.next_at <= clock_.now();
}

void Enforcement::begin_revision(Case& c, bool forced) {
  auto& r = c.record;
  const auto revision = revision_of(*c.document);
  if (r.revision != revision) {
    // A sequence that was edited runs again where it failed; where it ran well, only when the deployment is changed.
    const bool keep = c.deployment.kind == DeploymentKind::task_sequence && r.revision / kOfDeployment == revision / kOfDeployment;
    r.finished = r.finished && keep && r.exit_code == 0;
    r.revision = revision;
    r.received_at = clock_.now();
    const auto spread = policy_.number("software_deployment.activation_random_min", 0) * 60;
    r.delay_s = spread > 0 ? static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(spread) + 1)) : 0;
    r.attempts = 0;
  }
  if (forced) r.delay_s = 0;
}

Status Enforcement::look_at(const DeploymentDocument& document, bool forced, const std::optional<deployment::Reason>& conflict) {
  Case c;
  c.document = &document;
  c.deployment = document.deployment;
  FP_TRY(held, memory_.deployment(document.deployment.id));
  c.record = held.value_or(memory::DeploymentRecord{});
  c.record.deployment_id = document.deployment.id;
  if (const auto asked = requests_.find(document.deployment.id); asked != requests_.end()) {
    c.user_started = true;
    if (asked->second.uninstall) c.deployment.action = DeploymentAction::uninstall;
  }
  if (!is_due(c, forced)) return {};
  begin_revision(c, forced);
  if (still_running_.contains(c.deployment.id)) {
    return settle(c, State::installing, "a run that an earlier worker began is still at work",
                  clock_.now().plus_ms(kLookAgainMs));
  }
  if (conflict) return fail_case(c, Failure::rules_conflict, fmt::format("{}: {}", conflict->what, conflict->because));
  if (c.record.restart_pending) {
    if (c.record.restart_boot_id == machine_.boot_id()) {
      if (c.record.next_at.ms > 0 && c.record.next_at <= clock_.now()) return restart(c, false);
      if (!c.user_started) return settle(c, State::waiting_reboot, c.record.detail, c.record.next_at);
    } else {
      c.record.restart_pending = false;
    }
  }
  switch (document.deployment.kind) {
    case DeploymentKind::package: return package(c);
    case DeploymentKind::task_sequence: return task_sequence(c);
    case DeploymentKind::application: break;
  }
  return application(c);
}

deployment::Timing Enforcement::timing(const Case& c, std::int64_t minutes, bool may_overrun) const {
  deployment::Situation s;
  s.now = clock_.now();
  s.policy_received_at = c.record.received_at;
  s.activation_delay_s = c.record.delay_s;
  s.grace_h = policy_.number("computer_agent.grace_period_h", 0);
  s.user_started = c.user_started;
  s.run_time_min = minutes;
  s.may_overrun = may_overrun;
  if (c.deployment.kind == DeploymentKind::task_sequence) s.use = deployment::WindowUse::task_sequence;
  s.windows = policy_.windows;
  s.offset = machine_.local_offset();
  return deployment::when_to_act(c.deployment, s);
}

Result<bool> Enforcement::may_run(Case& c, std::int64_t minutes, bool may_overrun) {
  const auto t = timing(c, minutes, may_overrun);
  if (t.act == deployment::Act::run) return true;
  const bool window = t.waits_for_window || t.act == deployment::Act::never;
  FP_CHECK(
      settle(c, window ? State::waiting_window : State::downloaded, deployment::sentence(t.reasons), t.at.value_or(Instant{})));
  return false;
}

// Remembers, records why, and queues the state message when the site does not know it yet.
Status Enforcement::settle(Case& c, State state, const std::string& reason, Instant next_at, Failure failure) {
  auto& r = c.record;
  const int id = deployment::topic_1702(state, failure);
  r.state = id;
  r.detail = reason;
  r.at = clock_.now();
  const bool final = deployment::is_final(state);
  if (next_at.ms == 0) next_at = r.at.plus_s(policy_.number("software_deployment.reevaluation_min", 10'080) * 60);
  r.next_at = next_at;
  log::info("app-enforce", "{}: {} ({}): {}", c.deployment.id, deployment::to_string(state), id, reason);
  return memory_.together([&]() -> Status {
    FP_CHECK(memory_.record(r.at, c.deployment.id, deployment::to_string(state), reason));
    if (r.reported_state != id || (final && r.reported_detail != reason)) {
      memory::OutboxMessage m;
      m.topic_type = 1702;
      m.topic_id = c.deployment.id;
      m.state_id = id;
      m.criticality = id >= 5000 ? 1 : 0;
      m.parameters = {reason};
      m.at = r.at;
      FP_CHECK(memory_.queue(std::move(m)));
      r.reported_state = id;
      r.reported_detail = reason;
    }
    if (c.user_started && final) FP_CHECK(memory_.forget_request(c.deployment.id));
    return memory_.save(r);
  });
}

Status Enforcement::fail_case(Case& c, Failure failure, const std::string& reason) {
  return settle(c, State::failed, reason, {}, failure);
}

Result<bool> Enforcement::get_content(Case& c, const std::vector<Need>& needs, std::map<std::string, Path>& folders) {
  std::vector<std::string> in_use;
  for (const auto& n : needs) in_use.push_back(n.content_id);
  for (const auto& n : needs) {
    const bool dependency = n.role == deployment::StepRole::dependency;
    const auto reference = std::ranges::find(c.document->contents, n.content_id, &ContentReference::content_id);
    if (reference == c.document->contents.end()) {
      FP_CHECK(fail_case(c, dependency ? Failure::dependency_content : Failure::content,
                         fmt::format("the policy does not say what content {} has to be", n.content_id)));
      return false;
    }
    if (transfer_ == nullptr) {
      FP_CHECK(settle(c, State::waiting_content, "no management point is in reach", clock_.now().plus_s(600)));
      return false;
    }
    if (c.record.state != 2001)
      FP_CHECK(settle(c, State::downloading, "fetching " + n.content_id, clock_.now().plus_ms(kLookAgainMs)));
    FP_TRY(got, transfer_->fetch(*reference, n.persist, in_use, c.user_started || fetch_now_, stop_));
    switch (got.kind) {
      case TransferOutcome::Kind::ready:
        folders[n.content_id] = got.folder;
        break;
      case TransferOutcome::Kind::waiting:
        FP_CHECK(settle(c, got.cache_full ? State::waiting_retry : State::waiting_content, got.reason, got.retry_at));
        return false;
      case TransferOutcome::Kind::failed:
        FP_CHECK(fail_case(c, dependency ? Failure::dependency_content : Failure::content,
                           got.status_id != 0 ? fmt::format("{} (status {})", got.reason, got.status_id) : got.reason));
        return false;
    }
  }
  return true;
}

Status Enforcement::done(Case& c, bool reboot, bool hard, const std::string& reason) {
  c.record.attempts = 0;
  c.record.finished = true;
  if (!reboot) return settle(c, State::succeeded, reason);
  c.record.restart_pending = true;
  c.record.restart_boot_id = machine_.boot_id();
  c.record.detail = reason;
  return restart(c, hard);
}

Status Enforcement::restart(Case& c, bool hard) {
  Deployment d = c.deployment;
  if (!policy_.flag("restart.forced", true)) d.suppress_restart = true;
  const deployment::RestartSettings settings{policy_.number("restart.after_deadline_min", 90),
                                             policy_.number("restart.final_countdown_min", 15)};
  const auto ruling = deployment::ruling_windows(policy_.windows, deployment::WindowUse::deployment);
  const auto now = clock_.now();
  const auto decision = deployment::decide_restart(d, hard, c.user_started, now, ruling, settings, machine_.local_offset());
  std::string why = deployment::sentence(decision.reasons);
  Instant next;
  if (decision.kind == deployment::RestartDecision::Kind::wait_window) next = decision.at;
  if (decision.kind == deployment::RestartDecision::Kind::at) {
    const auto minutes = std::max<std::int64_t>(1, decision.at.since_ms(now) / 60'000);
    if (auto asked = machine_.request_restart(minutes, "Software was installed; the computer has to restart."); !asked) {
      why += "; asking for it failed: " + asked.error().message;
    }
  }
  return settle(c, State::waiting_reboot, why, next);
}

}  // namespace fp::agent
