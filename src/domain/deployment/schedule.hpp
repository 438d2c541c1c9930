// When a deployment acts: available time, deadline, grace, windows, the user's own start (domain.md §13, §14, §19).
// Any thread; pure: the time and the drawn random delay come in as values.
#pragma once
#include <optional>
#include <vector>

#include "domain/deployment/window.hpp"
#include "model/deployment.hpp"

namespace fp::deployment {

// Draw activation_delay_s from [0, this], once for each revision of a deployment.
inline constexpr std::int64_t kActivationDelayMaxS = 2 * 3600;
inline constexpr std::int64_t kReevaluateEveryS = 7 * 86400;

struct Situation {
  Instant now;
  Instant policy_received_at;            // first seen, this revision
  std::int64_t activation_delay_s = 0;   // drawn; required only
  std::int64_t grace_h = 0;              // client setting, 0..120: for policy that arrives after its deadline
  bool user_started = false;             // asked for in the self-service UI
  std::int64_t run_time_min = 120;
  bool may_overrun = false;              // program of unknown length
  WindowUse use = WindowUse::deployment;
  std::vector<MaintenanceWindow> windows;  // all of the device; ruling_windows() is applied here
  bool updates_use_both = false;
  OffsetAt offset = fixed_offset(0);
};

enum class Act {
  wait,      // nothing yet; look again at `at`
  offer,     // available: the user may start it; nothing is fetched
  download,  // content may be fetched and everything prepared; running it comes at `at`
  run,       // now
  never,     // no window will ever be long enough, or the deployment is disabled
};

struct Timing {
  Act act = Act::wait;
  std::optional<Instant> at;  // when the answer changes next, if it is known
  Reasons reasons;
  bool waits_for_window = false;  // download because the deadline is past and only the window is missing (state 2004)
};

// Content of required deployments may always come from activation on; running waits for deadline and window.
// A user-started run ignores windows and deadline. An uninstall is required whatever its purpose says.
[[nodiscard]] Timing when_to_act(const Deployment& deployment, const Situation& situation);

// Packages: does a program that ran before run again (domain.md §14)?
struct RunHistory {
  bool ran = false;
  bool succeeded = false;
  bool due_again = false;  // the schedule came round, or the deployment was revised, since the last run
};
struct RerunDecision {
  bool run = false;
  Reason reason;
};
[[nodiscard]] RerunDecision decide_rerun(RerunBehaviour behaviour, const RunHistory& history);

// The limit of a program: 0 ("unknown") is 720 minutes and may overrun its window.
[[nodiscard]] std::int64_t run_time_limit_min(std::int64_t max_run_time_min);

}  // namespace fp::deployment
