// What a task sequence does next: a table of state x event, and a walk over its steps with the reason of every step that is
// run, skipped or given up. Any thread; pure: what the computer knows comes in as answers, the time as a value. A Run is all
// that has to survive a restart. Never: a step that ended is run again within the same run.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/tasksequence/program.hpp"
#include "domain/tasksequence/variables.hpp"

namespace fp::tasksequence {

enum class State {
  ready,       // between two steps
  running,     // in a step
  restarting,  // waits for another boot
  succeeded,
  failed,
};
inline constexpr int kStates = 5;

enum class Event {
  started,    // a step begins
  ended,      // it succeeded, was skipped, or failed where that does not matter
  restart,    // it wants a restart before the next one
  rebooted,   // another boot id than when the restart was asked for
  repeated,   // it was cut off and may run again
  gave_up,    // it failed, and no group around it goes on
  completed,  // no step is left
};
inline constexpr int kEvents = 7;

struct Transition {
  State from;
  Event event;
  State to;
};
[[nodiscard]] std::span<const Transition> transitions();
[[nodiscard]] Result<State> next(State from, Event event);  // Code::conflict naming both
[[nodiscard]] bool is_final(State state);
[[nodiscard]] std::string_view to_string(State state);
[[nodiscard]] std::string_view to_string(Event event);
[[nodiscard]] Result<State> parse_state(std::string_view text);

// In the order in which state messages number them, from 1 (docs/protocol/task-sequences.md).
enum class StepState { pending, running, succeeded, skipped, continued, failed, restarting };
inline constexpr int kStepStates = 7;
[[nodiscard]] std::string_view to_string(StepState state);  // continued: failed, and the sequence went on
[[nodiscard]] Result<StepState> parse_step_state(std::string_view text);

struct StepResult {
  StepState state = StepState::pending;
  int exit_code = 0;
  std::string reason;  // one sentence
  std::string output;  // the end of what it wrote, secrets masked
  Instant started_at, finished_at;
  bool operator==(const StepResult&) const = default;
};

struct Run {
  State state = State::ready;
  int at = 0;                       // the line that is next, or runs
  std::vector<StepResult> results;  // one for each line
  Variables variables;
  int last_exit_code = 0;           // of the last action that ran
  bool last_succeeded = true;
  std::string last_name;
  bool restart_wanted = false;      // something that was installed wants one, at the end at the latest
};
[[nodiscard]] Run begin(const Program& program, Variables variables);

struct Verdict {
  bool holds = false;
  std::string because;
};
// What conditions ask the computer.
struct Look {
  std::function<bool(const std::string& path)> file_exists;
  std::function<Verdict(const Requirement& requirement)> fact;
};
[[nodiscard]] Verdict holds(const SequenceCondition& condition, const Run& run, const Look& look);
[[nodiscard]] Verdict holds(const std::vector<SequenceCondition>& all, const Run& run, const Look& look);  // none: holds

// From `ready`: goes past what is disabled or whose conditions do not hold, into groups and children, to the next step to run,
// or to the end. The step is run.at; nothing is begun yet.
struct Decision {
  enum class Kind { run, succeeded };
  Kind kind = Kind::run;
  std::string reason;
};
[[nodiscard]] Result<Decision> advance(const Program& program, Run& run, const Look& look, Instant now);

[[nodiscard]] Status start(Run& run, Instant now);

struct Outcome {
  enum class Kind { succeeded, failed, restart };
  Kind kind = Kind::succeeded;
  int exit_code = 0;
  std::string reason, output;
  bool action = true;  // it ran something: the last exit code is its own
};
// What became of the step that runs. A failure that nothing around it takes makes the run failed.
[[nodiscard]] Status finish(const Program& program, Run& run, const Outcome& outcome, Instant now);
[[nodiscard]] Status rebooted(const Program& program, Run& run, Instant now);

// Nobody saw how the step ended (domain.md §15): installations look for themselves what is there, what only reads or sets is
// done again, a command is run again only where it is marked repeatable.
struct Interruption {
  bool again = false;
  std::string reason;
};
[[nodiscard]] Interruption after_interruption(const SequenceStep& step);
[[nodiscard]] Status repeat(Run& run, const std::string& reason);

// One sentence about a run that ended, or about where it is.
[[nodiscard]] std::string summary(const Program& program, const Run& run);

}  // namespace fp::tasksequence
