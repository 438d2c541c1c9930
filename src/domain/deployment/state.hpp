// The enforcement state machine of one deployment on one device: a table of state x event -> next (design rule 6), and the
// ids that topic 1702 gives to states (domain.md §21.3). Any thread; pure. Never: a pair neither in the table nor refused.
#pragma once
#include <span>
#include <string_view>

#include "base/result.hpp"

namespace fp::deployment {

enum class State {
  waiting_schedule,      // not yet available, or offered to the user
  waiting_requirements,  // evaluate requirements, choose the deployment type
  detecting,             // run detection before anything is fetched
  waiting_dependencies,  // other applications come first
  waiting_content,       // ask the cache, then for locations
  downloading,
  downloaded,            // verified; waits for deadline or user
  waiting_window,
  installing,
  verifying,             // detection after the run
  waiting_reboot,
  waiting_retry,         // fast retry, or the cache is full
  succeeded,
  already_installed,     // detection found what was wanted, nothing was done
  failed,
  requirements_not_met,
};
inline constexpr int kStates = 16;

enum class Event {
  activated,            // available time and random delay are over, or the user asked
  requirements_met,
  requirements_failed,
  compliant,            // detection found what the deployment wants (absent, for an uninstall)
  not_compliant,
  detection_failed,     // unknown: a script that failed
  dependencies_ready,
  dependency_failed,
  content_started,      // a transfer is under way
  content_ready,        // verified and in the cache, or none is needed
  content_lost,         // evicted, failed its hash, or no source is in reach: look for it again
  content_later,        // does not fit the cache now (4 h x 18)
  content_failed,       // given up: too big for the cache, or no retry left
  due,                  // deadline reached or started by the user
  window_open,          // the run fits now, or windows do not count
  run_succeeded,
  run_needs_reboot,
  run_retry,            // fast retry
  run_failed,
  interrupted,          // the agent or the machine went down in the middle
  rebooted,             // a different boot id than when the run ended
  retry_due,
  retries_exhausted,
  reevaluate,           // the 7-day cycle, or asked for
  policy_changed,       // a new revision of the deployment or its application
};
inline constexpr int kEvents = 25;

struct Transition {
  State from;
  Event event;
  State to;
};
[[nodiscard]] std::span<const Transition> transitions();

// The next state, or Code::conflict naming both: the event does not belong to the state and nothing changes.
[[nodiscard]] Result<State> next(State from, Event event);

[[nodiscard]] bool is_final(State state);        // stays until reevaluate or policy_changed
[[nodiscard]] std::string_view to_string(State state);  // "waiting_window": also the form in which it is remembered
[[nodiscard]] std::string_view to_string(Event event);
[[nodiscard]] Result<State> parse_state(std::string_view text);

// Why `failed` was entered: picks the error id.
enum class Failure { general, evaluating, installing, content, dependency_install, dependency_content, rules_conflict,
                     retries_exhausted, superseded_uninstall, superseded_content, operating_system };
inline constexpr int kFailures = 11;
[[nodiscard]] int topic_1702(State state, Failure failure = Failure::general);
[[nodiscard]] Failure failure_in(State state);   // the usual cause when `state` goes to failed

}  // namespace fp::deployment
