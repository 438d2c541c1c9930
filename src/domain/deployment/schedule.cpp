#include "domain/deployment/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fp::deployment {
namespace {

Timing timing(Act act, std::optional<Instant> at, std::string what, std::string because) {
  return {act, at, {{std::move(what), std::move(because)}}, false};
}

// Deadline reached: only a maintenance window may still be in the way.
Timing enforce(const Deployment& deployment, const Situation& s, std::string because) {
  if (deployment.install_outside_window) {
    return timing(Act::run, s.now, "run", because + "; the deployment may run outside maintenance windows");
  }
  const auto ruling = ruling_windows(s.windows, s.use, s.updates_use_both);
  WindowDecision window = decide_window(ruling, s.now, s.run_time_min, s.may_overrun, s.offset);
  Timing out = timing(Act::run, s.now, "deadline", std::move(because));
  append(out.reasons, std::move(window.reasons));
  if (window.kind == WindowDecision::Kind::at) {
    out.act = Act::download;
    out.at = window.at;
    out.waits_for_window = true;
  } else if (window.kind == WindowDecision::Kind::never) {
    out.act = Act::never;
    out.at.reset();
    out.waits_for_window = true;
  }
  return out;
}

}  // namespace

Timing when_to_act(const Deployment& deployment, const Situation& s) {
  if (!deployment.enabled) return timing(Act::never, std::nullopt, "deployment", "it is disabled");
  if (s.now < deployment.available_at) {
    return timing(Act::wait, deployment.available_at, "available time", fmt::format("it is {}", to_iso(deployment.available_at)));
  }
  if (s.user_started) return timing(Act::run, s.now, "run", "the user started it; maintenance windows do not count");
  if (deployment.purpose == Purpose::available && deployment.action != DeploymentAction::uninstall) {
    return timing(Act::offer, std::nullopt, "purpose available", "the user decides when");
  }
  const Instant activation = std::max(deployment.available_at, s.policy_received_at)
                                 .plus_s(std::clamp<std::int64_t>(s.activation_delay_s, 0, kActivationDelayMaxS));
  if (s.now < activation) {
    return timing(Act::wait, activation, "random delay",
                  fmt::format("work is spread over two hours; this device begins at {}", to_iso(activation)));
  }
  const Instant deadline = deployment.deadline.value_or(deployment.available_at);
  if (s.now < deadline) {
    return timing(Act::download, deadline, "deadline", fmt::format("it is {}; content is fetched before", to_iso(deadline)));
  }
  const bool late_policy = deployment.deadline && s.policy_received_at > deadline;
  if (late_policy && s.grace_h > 0) {
    const Instant end = s.policy_received_at.plus_s(std::min<std::int64_t>(s.grace_h, 120) * 3600);
    if (s.now < end) {
      return timing(Act::download, end, "grace period",
                    fmt::format("the policy came after the deadline; it is enforced from {}", to_iso(end)));
    }
  }
  return enforce(deployment, s, fmt::format("it was {}", to_iso(deadline)));
}

RerunDecision decide_rerun(RerunBehaviour behaviour, const RunHistory& history) {
  if (!history.ran) return {true, {"rerun", "the program has not run yet"}};
  if (!history.due_again) return {false, {"rerun", "the program ran and nothing has asked for it again"}};
  switch (behaviour) {
    case RerunBehaviour::never: return {false, {"rerun never", "the program ran"}};
    case RerunBehaviour::always: return {true, {"rerun always", "it is due again"}};
    case RerunBehaviour::if_failed:
      return {!history.succeeded, {"rerun if failed", history.succeeded ? "the last run succeeded" : "the last run failed"}};
    case RerunBehaviour::if_succeeded:
      return {history.succeeded, {"rerun if succeeded", history.succeeded ? "the last run succeeded" : "the last run failed"}};
  }
  return {false, {"rerun", "unknown behaviour"}};
}

std::int64_t run_time_limit_min(std::int64_t max_run_time_min) { return max_run_time_min <= 0 ? 720 : max_run_time_min; }

}  // namespace fp::deployment
