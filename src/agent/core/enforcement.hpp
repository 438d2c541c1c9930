// Brings the computer to what the policy asks for, one deployment after the other: schedule, requirements, detection,
// dependencies, content, window, installation, detection again, state (domain.md §13, §14, §19, §21.3). One thread; blocks for
// as long as installers run. Every verdict is remembered with its reasons. Never: an installation without a journal line on the
// disk before it, content that was not verified, a second run of something whose first run is not accounted for.
#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/core/machine.hpp"
#include "agent/core/policy_cycle.hpp"
#include "agent/core/transfer.hpp"
#include "agent/memory/memory.hpp"
#include "domain/deployment/choice.hpp"
#include "domain/deployment/outcome.hpp"
#include "domain/deployment/schedule.hpp"
#include "domain/deployment/state.hpp"

namespace fp::agent {

class SequenceSteps;

class Enforcement {
 public:
  // `transfer` null: nothing can be fetched now; what is in the cache is not looked for either. `on_internet`: where this client
  // is; true where that cannot be decided.
  Enforcement(memory::Memory& memory, Machine& machine, Transfer* transfer, const Clock& clock, Random& random,
              const EffectivePolicy& policy, std::function<bool()> stop, bool on_internet);

  // Accounts for what was under way when an earlier worker ended. Call it first.
  [[nodiscard]] Status recover();
  // Every deployment that is due; all of them when `forced` (then without random delay). `network_changed`: what waits for
  // content is due too. Returns when to look again; 0: never.
  [[nodiscard]] Result<Instant> run(bool forced, bool network_changed = false);

 private:
  struct Case;
  struct Need;
  struct Sequence;
  [[nodiscard]] Status look_at(const DeploymentDocument& document, bool forced,
                               const std::optional<deployment::Reason>& conflict);
  [[nodiscard]] bool is_due(const Case& c, bool forced) const;
  void begin_revision(Case& c, bool forced);
  [[nodiscard]] Status application(Case& c);
  [[nodiscard]] Status plan_application(Case& c, deployment::Plan& plan, bool& go_on);
  [[nodiscard]] Status run_steps(Case& c, const deployment::Plan& plan, const std::map<std::string, Path>& content);
  [[nodiscard]] Result<bool> run_step(Case& c, const deployment::PlanStep& step, const Path& content, bool& hard_reboot,
                                      bool& reboot);
  [[nodiscard]] Status package(Case& c);
  [[nodiscard]] Status run_program(Case& c, const Program& program, const Path& content);
  [[nodiscard]] Status task_sequence(Case& c);
  [[nodiscard]] Status begin_sequence(Case& c);
  [[nodiscard]] Status resume_sequence(Case& c, memory::SequenceRun&& record);
  [[nodiscard]] Status drive_sequence(Case& c, Sequence& s);
  [[nodiscard]] Status run_sequence_step(Case& c, Sequence& s, SequenceSteps& steps, const std::map<std::string, Path>& folders);
  [[nodiscard]] Status save_sequence(Sequence& s);
  [[nodiscard]] Status ask_for_restart(Case& c, const Sequence& s);
  [[nodiscard]] Status wait_for_restart(Case& c, const Sequence& s);
  [[nodiscard]] Status end_sequence(Case& c, Sequence& s, int exit_code);
  [[nodiscard]] Result<bool> get_content(Case& c, const std::vector<Need>& needs, std::map<std::string, Path>& folders);
  [[nodiscard]] Result<bool> may_run(Case& c, std::int64_t minutes, bool may_overrun);
  [[nodiscard]] deployment::Timing timing(const Case& c, std::int64_t minutes, bool may_overrun) const;
  [[nodiscard]] Status done(Case& c, bool reboot, bool hard, const std::string& reason);
  [[nodiscard]] Status restart(Case& c, bool hard);
  [[nodiscard]] Status settle(Case& c, deployment::State state, const std::string& reason, Instant next_at = {},
                              deployment::Failure failure = deployment::Failure::general);
  [[nodiscard]] Status fail_case(Case& c, deployment::Failure failure, const std::string& reason);

  memory::Memory& memory_;
  Machine& machine_;
  Transfer* transfer_;
  const Clock& clock_;
  Random& random_;
  const EffectivePolicy& policy_;
  std::function<bool()> stop_;
  bool on_internet_;
  bool fetch_now_ = false;                                 // back-off of downloads does not count
  std::set<std::string> still_running_;                    // deployments whose earlier run survived its worker
  std::map<std::string, memory::UserRequest> requests_;
};

}  // namespace fp::agent
