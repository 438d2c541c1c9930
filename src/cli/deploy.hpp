// What `farpoint deploy` and `farpoint update deploy` share: the options of a deployment, and making it. One thread.
#pragma once
#include <string>

#include "cli/session.hpp"

namespace fp::cli {

struct DeployOptions {
  std::string id, what, program, collection, purpose = "required", action = "install", deadline, available, comment, rerun, user;
  std::string shown;  // how people call what is deployed; empty: as in `what`
  bool ignore_window = false, suppress_restart = false, task_sequence = false, allow_internet = false, on_demand = false, wake = false;
};

// To whom, when and how; not what.
void add_deploy_options(CLI::App& verb, DeployOptions& o);
[[nodiscard]] Status deploy(Cli& cli, const DeployOptions& o);

}  // namespace fp::cli
