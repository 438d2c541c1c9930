// What an exit code means and what follows from it: return codes, fast retry, restart (domain.md §9, §13). Any thread; pure.
#pragma once
#include <optional>

#include "domain/deployment/state.hpp"
#include "domain/deployment/window.hpp"
#include "model/deployment.hpp"

namespace fp::deployment {

inline constexpr std::int64_t kFastRetryEveryS = 2 * 3600;
inline constexpr int kFastRetriesMax = 10;

// The type's own table if it has one, else that of its technology. All: 0 success, 3010 soft, 1641 hard reboot, 1618 fast retry;
// deb and rpm also 1707 success, 15605 and 15618 fast retry. Any other code is failure. A code above 255 also matches its
// lowest byte, which is all that a process can hand over: a script's "exit 3010" arrives as 194.
[[nodiscard]] const std::vector<ReturnCode>& default_return_codes(Technology technology);
[[nodiscard]] ReturnKind classify(const DeploymentType& type, int exit_code);

struct RunEnd {
  int exit_code = 0;
  int signal = 0;          // not 0: ended by it
  bool timed_out = false;  // killed at its limit
};
struct OutcomeDecision {
  Event event = Event::run_failed;
  std::optional<Instant> retry_at;  // run_retry
  bool hard_reboot = false;         // run_needs_reboot: at once when allowed, not at leisure
  Reasons reasons;
};
// `retries`: fast retries of this run so far; after the tenth the event is retries_exhausted.
[[nodiscard]] OutcomeDecision decide_outcome(const DeploymentType& type, const RunEnd& end, int retries, Instant now);

struct RestartSettings {   // domain.md §9 Computer restart
  std::int64_t after_deadline_min = 90;
  std::int64_t final_countdown_min = 15;
};
struct RestartDecision {
  enum class Kind { none, suppressed, at, wait_window };
  Kind kind = Kind::none;
  Instant at;        // Kind::at: the restart; Kind::wait_window: look again then
  Instant notify_final_at;
  Reasons reasons;
};
// A soft reboot is announced and comes after_deadline_min later; a hard one after the final countdown only. Both only in a
// window that has room for the countdown, unless the deployment restarts outside; suppressed: left to the user.
[[nodiscard]] RestartDecision decide_restart(const Deployment& deployment, bool hard, bool user_started, Instant now,
                                             const std::vector<MaintenanceWindow>& ruling, const RestartSettings& settings,
                                             const OffsetAt& offset);

}  // namespace fp::deployment
