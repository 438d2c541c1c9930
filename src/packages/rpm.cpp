// rpm: installs .rpm files that are there already. rpm itself waits for its transaction lock and checks dependencies first.
#include "base/text.hpp"
#include "domain/deployment/version.hpp"
#include "packages/technologies.hpp"

namespace fp::packages {
namespace {

class Rpm final : public Installer {
 public:
  Rpm(Runner& runner, const Roots& roots) : runner_(runner), roots_(roots) {}
  Technology technology() const override { return Technology::rpm; }

  // Of several installed versions (kernels) the newest.
  Result<std::optional<std::string>> installed_version(std::string_view package) override {
    FP_CHECK(check_package_name(package));
    Command command;
    command.argv = tool({"-q", "--qf", "%{EPOCHNUM}:%{VERSION}-%{RELEASE}\n", std::string(package)});
    command.limit_ms = 60'000;
    FP_TRY(run, runner_.run(command));
    if (run.signal != 0 || run.timed_out || run.exit_code < 0) return fail(Code::io, "rpm -q: {}", describe(run));
    if (run.exit_code != 0) {
      if (run.out.find("is not installed") != std::string::npos) return std::nullopt;
      return fail(Code::io, "rpm -q: {}", describe(run));
    }
    std::optional<std::string> newest;
    for (auto line : split(run.out, '\n')) {
      if (line.starts_with("0:")) line.remove_prefix(2);
      if (!line.empty() && (!newest || deployment::compare_rpm(line, *newest) > 0)) newest = std::string(line);
    }
    return newest;
  }

  Result<Execution> install(const Job& job) override {
    return job.type.install_command.empty() ? place(job) : run_own(runner_, job.type.install_command, job);
  }
  Result<Execution> repair(const Job& job) override {
    return job.type.repair_command.empty() ? place(job) : run_own(runner_, job.type.repair_command, job);
  }
  Result<Execution> uninstall(const Job& job) override {
    if (!job.type.uninstall_command.empty()) return run_own(runner_, job.type.uninstall_command, job);
    FP_TRY(names, packages_of(job.type));
    names.insert(names.begin(), "-e");
    return executed(job, "rpm -e", tool(std::move(names)));
  }

 private:
  [[nodiscard]] std::vector<std::string> tool(std::vector<std::string> arguments) const {
    if (!is_system(roots_)) arguments.insert(arguments.begin(), {"--root", roots_.root.native()});
    arguments.insert(arguments.begin(), "rpm");
    return arguments;
  }
  // The version that the administrator names is the one to have, be it older or there already.
  Result<Execution> place(const Job& job) {
    FP_TRY(files, files_ending(job.content, ".rpm"));
    std::vector<std::string> arguments = {"-U", "--oldpackage", "--replacepkgs", "--"};
    for (const auto& file : files) arguments.push_back(file.native());
    return executed(job, "rpm -U", tool(std::move(arguments)));
  }
  Result<Execution> executed(const Job& job, std::string_view what, std::vector<std::string> argv) {
    FP_TRY(run, runner_.run(command_of(job, std::move(argv))));
    std::string summary = fmt::format("{}: {}", what, describe(run));
    return Execution{std::move(run), std::move(summary)};
  }

  Runner& runner_;
  Roots roots_;
};

}  // namespace

std::unique_ptr<Installer> make_rpm(Runner& runner, const Roots& roots) { return std::make_unique<Rpm>(runner, roots); }

}  // namespace fp::packages
