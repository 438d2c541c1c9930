#include "agent/core/machine.hpp"

#include "base/text.hpp"
#include "packages/detector.hpp"
#include "packages/runner.hpp"

namespace fp::agent {

namespace {

constexpr std::int64_t kSensorLimitMs = 60'000;

class RealMachine final : public Machine {
 public:
  RealMachine(const Clock& clock, const Path& root, const Path& state_dir, const std::atomic<bool>* cancel)
      : runner_(clock), cancel_(cancel) {
    roots_.root = root;
    roots_.state_dir = state_dir;
    source_.root = root;
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
    switch (action) {
      case DeploymentAction::install: return installer->install(job);
      case DeploymentAction::uninstall: return installer->uninstall(job);
      case DeploymentAction::repair: return installer->repair(job);
    }
    return fail(Code::internal, "an action that does not exist");
  }
  Result<packages::Execution> run_program(const Program& program, const Path& content) override {
    return packages::run_program(runner_, program, content, cancel_);
  }
  Status request_restart(std::int64_t minutes, std::string_view message) override {
    return packages::request_restart(runner_, minutes, message);
  }
  std::string boot_id() override { return sensors::boot_id(sensors::Source{}).value_or("unknown"); }
  bool earlier_run_alive() override;
  sensors::Discovery discover() override { return sensors::discover(source_); }
  sensors::Collected inventory(std::string_view kind) override { return sensors::collect(source_, kind); }
  deployment::OffsetAt local_offset() override {
    return [](Instant at) { return sensors::local_offset_s(at); };
  }

 private:
  packages::ProcessRunner runner_;
  packages::Roots roots_;
  sensors::Source source_;
  const std::atomic<bool>* cancel_;
};

// The runner marks what it starts with FARPOINT_RUN in the environment; children inherit it.
bool RealMachine::earlier_run_alive() {
  std::error_code ec;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ec)) {
    if (!parse_int(entry.path().filename().string())) continue;
    auto environment = read_file(entry.path() / "environ", 1U << 20);
    if (!environment) continue;
    for (const auto line : split(*environment, '\0')) {
      if (line.starts_with("FARPOINT_RUN=")) return true;
    }
  }
  return false;
}

}  // namespace

std::unique_ptr<Machine> make_real_machine(const Clock& clock, const Path& package_root, const Path& state_dir,
                                           const std::atomic<bool>* cancel) {
  return std::make_unique<RealMachine>(clock, package_root, state_dir, cancel);
}

}  // namespace fp::agent
