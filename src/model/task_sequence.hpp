// Task sequences (domain.md §15): steps and groups with conditions and variables that run one after the other and go on after
// a restart. Plain values; the format is docs/task-sequences.md.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "model/application.hpp"

namespace fp {

enum class ConditionKind { variable, file, fact, last_exit_code, all, any, none };
struct SequenceCondition {
  ConditionKind kind = ConditionKind::variable;
  std::string variable;                       // variable
  std::string path;                           // file: absolute; op exists or not_exists
  std::string attribute;                      // fact: as in a requirement (os.id, package:<name>, fact:<name>, ...)
  Compare op = Compare::eq;
  std::vector<std::string> values;
  std::vector<SequenceCondition> conditions;  // all, any, none
};

struct SequenceVariable {
  std::string name, value;
  bool secret = false;                        // its value stands in no log, state or answer
};

struct VariableRule {                         // sets its variables where its conditions hold
  std::vector<SequenceCondition> conditions;
  std::vector<SequenceVariable> variables;
};

enum class StepKind {
  group, install_application, install_package, install_updates, run_command_line, run_script, set_variable, set_dynamic_variables,
  restart_computer, check_readiness, download_package_content, run_task_sequence,
  // What deploys an operating system: known by name, so that it can be refused with the reason.
  apply_data_image, apply_driver_package, apply_network_settings, apply_operating_system_image, apply_windows_settings,
  auto_apply_drivers, capture_network_settings, capture_operating_system_image, capture_user_state, capture_windows_settings,
  convert_disk_to_dynamic, format_and_partition_disk, install_deployment_tools, prepare_client_for_capture,
  prepare_windows_for_capture, release_state_store, request_state_store, restore_user_state, setup_windows_and_configmgr,
  upgrade_operating_system,
};
inline constexpr std::size_t kStepKinds = 32;
inline constexpr std::array<std::string_view, kStepKinds> kStepKindWords = {
  "group", "install_application", "install_package", "install_updates", "run_command_line", "run_script", "set_variable",
  "set_dynamic_variables", "restart_computer", "check_readiness", "download_package_content", "run_task_sequence",
  "apply_data_image", "apply_driver_package", "apply_network_settings", "apply_operating_system_image", "apply_windows_settings",
  "auto_apply_drivers", "capture_network_settings", "capture_operating_system_image", "capture_user_state",
  "capture_windows_settings", "convert_disk_to_dynamic", "format_and_partition_disk", "install_deployment_tools",
  "prepare_client_for_capture", "prepare_windows_for_capture", "release_state_store", "request_state_store",
  "restore_user_state", "setup_windows_and_configmgr", "upgrade_operating_system",
};
[[nodiscard]] constexpr std::string_view to_string(StepKind kind) { return kStepKindWords[static_cast<std::size_t>(kind)]; }
[[nodiscard]] constexpr bool deploys_operating_system(StepKind kind) { return kind >= StepKind::apply_data_image; }

// State messages about single steps; state ids are the numbers of domain/tasksequence's StepState (docs/protocol/task-sequences.md).
inline constexpr int kTopicSequenceStep = 11100;

enum class UpdateSelection { security, all };

struct SequenceStep {
  std::string name, description;
  StepKind kind = StepKind::group;
  bool enabled = true;
  bool continue_on_error = false;
  bool repeatable = false;                    // may run again when nobody saw how it ended
  std::vector<SequenceCondition> conditions;  // all must hold, else it is skipped
  std::vector<int> success_codes;             // empty: 0, and 3010 and 1641, which ask for a restart
  std::int64_t timeout_min = 120;             // of what it runs
  std::vector<SequenceStep> steps;            // group
  std::vector<std::string> applications;      // install_application: ids, one after the other
  std::string package_id, program;            // install_package, download_package_content; of a command: where it runs
  UpdateSelection updates = UpdateSelection::security;
  std::string command;                        // run_command_line: through /bin/sh
  std::string script;                         // run_script: 32 KB at most
  std::string interpreter = "/bin/sh";
  std::string output_variable;                // gets the output, or the folder of the downloaded content
  std::vector<SequenceVariable> variables;    // set_variable
  std::vector<VariableRule> rules;            // set_dynamic_variables: every one that holds, in order
  std::string message;                        // restart_computer: for whoever is logged on
  std::int64_t countdown_min = 1;
  std::int64_t memory_mb_min = 0, disk_free_mb_min = 0;  // check_readiness; 0: any
  std::vector<std::string> os_ids;            // debian, rhel, ...; empty: any
  std::string os_version_min;
  std::string task_sequence;                  // run_task_sequence: id
};

struct TaskSequence {
  std::string id;                             // site code + 5
  std::int64_t revision = 1;
  std::string name, description;
  std::int64_t max_run_time_min = 120;        // has to fit a maintenance window
  std::vector<SequenceVariable> variables;
  std::vector<SequenceStep> steps;
  std::string scope = "Default";
  Instant changed_at;
};

}  // namespace fp
