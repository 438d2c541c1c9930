// What the agent learns from and does to the computer it runs on: facts, detection, running installers, restart. A seam:
// RealMachine goes to sensors and packages, tests answer by themselves. One thread; calls block for as long as the work takes.
// Never: network, memory, decisions.
#pragma once
#include <memory>
#include <string>

#include "agent/sensors/sensors.hpp"
#include "domain/deployment/detection.hpp"
#include "domain/deployment/requirement.hpp"
#include "domain/deployment/window.hpp"
#include "model/application.hpp"
#include "model/deployment.hpp"
#include "model/update.hpp"
#include "packages/installer.hpp"
#include "packages/upgrade.hpp"

namespace fp::agent {

class Machine {
 public:
  virtual ~Machine() = default;
  [[nodiscard]] virtual deployment::Facts facts() = 0;
  [[nodiscard]] virtual deployment::Detection detect(const DeploymentType& type) = 0;
  [[nodiscard]] virtual Result<packages::Execution> execute(DeploymentAction action, const DeploymentType& type,
                                                            const Path& content) = 0;
  [[nodiscard]] virtual Result<packages::Execution> run_program(const Program& program, const Path& content) = 0;
  // A step of a task sequence: as root; `how.cancel` is the machine's own.
  [[nodiscard]] virtual Result<packages::Execution> run_text(packages::TextRun how) = 0;
  [[nodiscard]] virtual Result<packages::Execution> install_updates(UpdateSelection selection, std::int64_t limit_ms) = 0;
  [[nodiscard]] virtual Result<PackagesOnDevice> dpkg_packages() = 0;
  [[nodiscard]] virtual bool file_exists(const std::string& path) = 0;
  [[nodiscard]] virtual Status request_restart(std::int64_t minutes, std::string_view message) = 0;
  [[nodiscard]] virtual std::string boot_id() = 0;
  // Something that an earlier worker started, and that survived it, is still at work.
  [[nodiscard]] virtual bool earlier_run_alive() = 0;
  [[nodiscard]] virtual sensors::Discovery discover() = 0;
  [[nodiscard]] virtual sensors::Collected inventory(std::string_view kind) = 0;
  [[nodiscard]] virtual deployment::OffsetAt local_offset() = 0;
};

struct MachineOptions {
  Path package_root = "/";
  Path state_dir;
  std::string unprivileged_user = "nobody";      // runs programs that do not want root
  const std::atomic<bool>* cancel = nullptr;     // set by a signal, ends a run like its time limit does
};
[[nodiscard]] std::unique_ptr<Machine> make_real_machine(const Clock& clock, MachineOptions options);

}  // namespace fp::agent
