#include "agent/core/machine.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/log.hpp"
#include "packages/detector.hpp"
#include "packages/processes.hpp"
#include "packages/runner.hpp"

namespace fp::agent {

namespace {

constexpr std::int64_t kSensorLimitMs = 60'000;

// Installers leave much of their work in the page cache. What is going to be reported as done must survive a power cut, so the
// file systems where software goes are synced; not all there are: one on a dead network would keep the agent for ever.
void make_durable(const Path& root) {
  for (const char* place : {"", "usr", "var", "opt", "etc", "home", "srv", "boot"}) {
    const Fd folder(::open((root / place).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.ok() && ::syncfs(folder.get()) != 0) log::warning("app-enforce", "syncing /{}: {}", place, std::strerror(errno));
  }
}

class RealMachine final : public Machine {
 public:
  RealMachine(const Clock& clock, MachineOptions options)
      : runner_(clock), cancel_(options.cancel), user_(std::move(options.unprivileged_user)) {
    roots_.root = options.package_root;
    roots_.state_dir = options.state_dir;
    source_.root = options.package_root;
    forget_scripts();
    source_.run = [this](const std::vector<std::string>& argv) -> Result<std::string> {
      packages::Command command;
      command.argv = argv;
      command.limit_ms = kSensorLimitMs;
      command.output_bytes_max = 32U << 20;
      FP_TRY(run, runner_.run(command));
      if (!run.ok()) return fail(Code::io, "{}: {}", argv.front(), packages::describe(run));
      return std::move(run.out);
    };
  }

  deployment::Facts facts() override { return sensors::facts(source_); }
  deployment::Detection detect(const DeploymentType& type) override {
    return packages::Detector(runner_, roots_).detect(type);
  }
  Result<packages::Execution> execute(DeploymentAction action, const DeploymentType& type, const Path& content) override {
    auto installer = packages::make_installer(type.technology, runner_, roots_);
    const packages::Job job{type, content, type.max_run_time_min * 60'000, cancel_};
    auto done = action == DeploymentAction::install     ? installer->install(job)
                : action == DeploymentAction::uninstall ? installer->uninstall(job)
                                                        : installer->repair(job);
    make_durable(roots_.root);
    return done;
  }
  Result<packages::Execution> run_program(const Program& program, const Path& content) override {
    auto done = packages::run_program(runner_, program, content, {user_, cancel_});
    make_durable(roots_.root);
    return done;
  }
  Result<packages::Execution> run_text(packages::TextRun how) override {
    how.cancel = cancel_;
    auto done = packages::run_text(runner_, roots_.state_dir, how);
    make_durable(roots_.root);
    return done;
  }
  Result<packages::Execution> install_updates(UpdateSelection selection, std::int64_t limit_ms) override {
    auto done = packages::install_updates(runner_, roots_, {selection, limit_ms, cancel_});
    make_durable(roots_.root);
    return done;
  }
  Result<PackagesOnDevice> dpkg_packages() override { return sensors::dpkg_packages(source_); }
  bool file_exists(const std::string& path) override {
    std::error_code error;  // what cannot be looked at is not there for this purpose
    return std::filesystem::exists(path, error);
  }
  Status request_restart(std::int64_t minutes, std::string_view message) override {
    return packages::request_restart(runner_, minutes, message);
  }
  std::string boot_id() override { return sensors::boot_id(sensors::Source{}).value_or("unknown"); }
  bool earlier_run_alive() override { return !packages::runs_under_way().empty(); }
  sensors::Discovery discover() override { return sensors::discover(source_); }
  sensors::Collected inventory(std::string_view kind) override { return sensors::collect(source_, kind); }
  deployment::OffsetAt local_offset() override {
    return [](Instant at) { return sensors::local_offset_s(at); };
  }

 private:
  // What a worker that was killed left of its scripts; not while one of them may still be at work.
  void forget_scripts() const {
    std::error_code error;
    const Path folder = roots_.state_dir / "scripts";
    if (!std::filesystem::exists(folder, error) || std::filesystem::is_empty(folder, error) || error) return;
    if (packages::runs_under_way().empty()) std::filesystem::remove_all(folder, error);
  }

  packages::ProcessRunner runner_;
  packages::Roots roots_;
  sensors::Source source_;
  const std::atomic<bool>* cancel_;
  std::string user_;
};

}  // namespace

std::unique_ptr<Machine> make_real_machine(const Clock& clock, MachineOptions options) {
  return std::make_unique<RealMachine>(clock, std::move(options));
}

}  // namespace fp::agent
