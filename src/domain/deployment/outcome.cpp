#include "domain/deployment/outcome.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fp::deployment {
namespace {

RestartDecision restart_at(Instant now, std::int64_t in_min, Instant not_after, const RestartSettings& settings,
                           std::string because) {
  const Instant at = std::min(now.plus_s(in_min * 60), not_after);
  return {RestartDecision::Kind::at,
          at,
          std::max(now, at.plus_s(-settings.final_countdown_min * 60)),
          {{"restart", std::move(because)}}};
}

}  // namespace

const std::vector<ReturnCode>& default_return_codes(Technology technology) {
  using enum ReturnKind;
  static const std::vector<ReturnCode> kPlain = {{0, success}, {3010, soft_reboot}, {1641, hard_reboot}, {1618, fast_retry}};
  static const std::vector<ReturnCode> kPackaged = {{0, success},        {1707, success},    {3010, soft_reboot},
                                                    {1641, hard_reboot}, {1618, fast_retry}, {15605, fast_retry},
                                                    {15618, fast_retry}};
  return technology == Technology::deb || technology == Technology::rpm ? kPackaged : kPlain;
}

ReturnKind classify(const DeploymentType& type, int exit_code) {
  const auto& codes = type.return_codes.empty() ? default_return_codes(type.technology) : type.return_codes;
  for (const auto& c : codes) {
    if (c.code == exit_code) return c.kind;
  }
  // A process hands over one byte: "exit 3010" arrives as 194.
  for (const auto& c : codes) {
    if (c.code > 255 && exit_code != 0 && (c.code & 0xFF) == exit_code) return c.kind;
  }
  return ReturnKind::failure;
}

OutcomeDecision decide_outcome(const DeploymentType& type, const RunEnd& end, int retries, Instant now) {
  if (end.timed_out) {
    return {Event::run_failed, {}, false, {{"run", fmt::format("ended at its limit of {} min", type.max_run_time_min)}}};
  }
  if (end.signal != 0) return {Event::run_failed, {}, false, {{"run", fmt::format("ended by signal {}", end.signal)}}};
  const std::string code = fmt::format("exit code {}", end.exit_code);
  switch (classify(type, end.exit_code)) {
    case ReturnKind::success: return {Event::run_succeeded, {}, false, {{code, "it means success"}}};
    case ReturnKind::soft_reboot: return {Event::run_needs_reboot, {}, false, {{code, "done after a restart at leisure"}}};
    case ReturnKind::hard_reboot:
      return {Event::run_needs_reboot, {}, true, {{code, "done after a restart that is wanted at once"}}};
    case ReturnKind::fast_retry: {
      if (retries >= kFastRetriesMax) {
        return {Event::retries_exhausted, {}, false, {{code, fmt::format("it asks for another try, and {} were made", retries)}}};
      }
      const Instant at = now.plus_s(kFastRetryEveryS);
      return {Event::run_retry, at, false,
              {{code, fmt::format("it asks for another try: number {} of {} at {}", retries + 1, kFastRetriesMax, to_iso(at))}}};
    }
    case ReturnKind::failure: break;
  }
  return {Event::run_failed, {}, false, {{code, "it means failure"}}};
}

RestartDecision decide_restart(const Deployment& deployment, bool hard, bool user_started, Instant now,
                               const std::vector<MaintenanceWindow>& ruling, const RestartSettings& settings,
                               const OffsetAt& offset) {
  using Kind = RestartDecision::Kind;
  if (deployment.suppress_restart) return {Kind::suppressed, now, now, {{"restart", "the deployment leaves it to the user"}}};
  const std::int64_t in_min =
      hard ? settings.final_countdown_min : std::max(settings.after_deadline_min, settings.final_countdown_min);
  const Instant open_end = now.plus_s(366LL * 86400);
  if (user_started) return restart_at(now, in_min, open_end, settings, "the user started the installation");
  if (deployment.restart_outside_window) {
    return restart_at(now, in_min, open_end, settings, "the deployment may restart outside maintenance windows");
  }
  if (ruling.empty()) return restart_at(now, in_min, open_end, settings, "no maintenance window rules this device");
  WindowDecision window = decide_window(ruling, now, settings.final_countdown_min, false, offset);
  switch (window.kind) {
    case WindowDecision::Kind::never: return {Kind::suppressed, now, now, std::move(window.reasons)};
    case WindowDecision::Kind::at: return {Kind::wait_window, window.at, window.at, std::move(window.reasons)};
    case WindowDecision::Kind::now: break;
  }
  const auto open = merged(ruling, now, now.plus_s(1), offset);
  return restart_at(now, in_min, open.empty() ? open_end : open.front().end, settings, "a maintenance window is open");
}

}  // namespace fp::deployment
