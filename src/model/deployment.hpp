// A deployment: what, to which collection, with which purpose and times (domain.md §13, §14, §19). Plain values.
#pragma once
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "model/application.hpp"

namespace fp {

enum class DeploymentKind { application, package, task_sequence };
enum class Purpose { available, required };
enum class DeploymentAction { install, uninstall, repair };

struct Deployment {
  std::string id;              // site code + 5
  DeploymentKind kind = DeploymentKind::application;
  std::string target_id;       // id of the application, package or task sequence
  std::string program;         // package: name of the program
  std::string collection_id;
  Purpose purpose = Purpose::required;
  DeploymentAction action = DeploymentAction::install;
  Instant available_at;
  std::optional<Instant> deadline;      // required; absent = as soon as available
  bool install_outside_window = false;
  bool restart_outside_window = false;
  bool suppress_restart = false;
  bool send_wake_up = false;            // required: Wake-on-LAN to intranet clients before the deadline
  RerunBehaviour rerun = RerunBehaviour::if_failed;
  bool allow_internet = false;          // task sequence: may run for a client on the internet (domain.md §15)
  bool download_on_demand = false;      // task sequence: content when a step needs it, instead of all of it before the start
  std::string comment;
  bool enabled = true;
  std::int64_t revision = 1;
  Instant changed_at;
  std::string created_by;
};

// One device's last word about one deployment: topic 1702 states (domain.md §21.3).
struct DeploymentState {
  std::string deployment_id, client_id;
  int state = 4000;            // 1xxx success, 2xxx in progress, 3xxx requirements not met, 4xxx unknown, 5xxx error
  std::string detail;          // the agent's reason, one sentence
  Instant at;
};

struct DeploymentSummary {
  std::int64_t targeted = 0, success = 0, in_progress = 0, requirements_not_met = 0, unknown = 0, error = 0;
};

}  // namespace fp
