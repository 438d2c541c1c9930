// dpkg: installs .deb files that are there already. A missing dependency is named before anything is unpacked.
#include <fmt/ranges.h>

#include "base/text.hpp"
#include "packages/deb_dependency.hpp"
#include "packages/technologies.hpp"

namespace fp::packages {
namespace {

constexpr std::int64_t kLockTryEveryMs = 2000;
constexpr const char* kShowFormat = "--showformat=${Package}\t${Version}\t${Pre-Depends}\t${Depends}\t${Provides}\n";
constexpr std::size_t kQueryBytesMax = 64U << 20;

class Deb final : public Installer {
 public:
  Deb(Runner& runner, const Roots& roots) : runner_(runner), roots_(roots) {}
  Technology technology() const override { return Technology::deb; }
  Result<std::optional<std::string>> installed_version(std::string_view package) override;
  Result<Execution> install(const Job& job) override;
  Result<Execution> uninstall(const Job& job) override;
  Result<Execution> repair(const Job& job) override;

 private:
  [[nodiscard]] std::vector<std::string> tool(const char* name) const {
    if (is_system(roots_)) return {name};
    return {name, "--root=" + roots_.root.native()};
  }
  Result<Execution> place(const Job& job);
  Result<std::string> missing(const std::vector<Path>& files, const Job& job);
  Result<Available> available(const Job& job);
  Result<Run> dpkg(const Job& job, std::vector<std::string> arguments);

  Runner& runner_;
  Roots roots_;
};

Result<std::optional<std::string>> Deb::installed_version(std::string_view package) {
  FP_CHECK(check_package_name(package));
  Command command;
  command.argv = tool("dpkg-query");
  command.argv.insert(command.argv.end(), {"-W", "-f", "${db:Status-Status}\t${Version}\n", "--", std::string(package)});
  command.limit_ms = 60'000;
  FP_TRY(run, runner_.run(command));
  if (run.signal != 0 || run.timed_out || run.exit_code > 1) return fail(Code::io, "dpkg-query: {}", describe(run));
  for (const auto line : split(run.out, '\n')) {
    if (line.starts_with("installed\t")) return std::string(line.substr(10));
  }
  return std::nullopt;
}

// Runs dpkg, and again while another package tool holds its lock, up to lock_wait_ms.
Result<Run> Deb::dpkg(const Job& job, std::vector<std::string> arguments) {
  std::vector<std::string> argv = tool("dpkg");
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  Command command = command_of(job, std::move(argv));
  command.environment = {{"DEBIAN_FRONTEND", "noninteractive"}, {"DEBCONF_NONINTERACTIVE_SEEN", "true"}, {"LC_ALL", "C.UTF-8"}};
  for (std::int64_t waited_ms = 0;; waited_ms += kLockTryEveryMs) {
    FP_TRY(run, runner_.run(command));
    const bool locked = !run.ok() && run.err.find("locked by another process") != std::string::npos;
    if (!locked || run.cancelled) return run;
    if (waited_ms >= roots_.lock_wait_ms || (job.cancel != nullptr && job.cancel->load())) {
      run.exit_code = kBusy;
      return run;
    }
    runner_.pause(kLockTryEveryMs, job.cancel);
  }
}

Result<Available> Deb::available(const Job& job) {
  Command command = command_of(job, tool("dpkg-query"));
  command.argv.insert(command.argv.end(), {"-W", "-f", "${db:Status-Status}\t${Package}\t${Version}\t${Provides}\n"});
  command.output_bytes_max = kQueryBytesMax;
  FP_TRY(run, runner_.run(command));
  Available out;
  if (!run.ok() && run.exit_code != 1) return fail(Code::io, "dpkg-query: {}", describe(run));
  for (const auto line : split(run.out, '\n')) {
    const auto fields = split(line, '\t');
    if (fields.size() < 4 || fields[0] != "installed") continue;
    out[std::string(fields[1])].emplace_back(fields[2]);
    add_provided(out, fields[3]);
  }
  return out;
}

// One sentence about what the files need and neither the machine nor the content has; empty: nothing.
Result<std::string> Deb::missing(const std::vector<Path>& files, const Job& job) {
  struct Needs {
    std::string package, depends;
  };
  std::vector<Needs> all;
  FP_TRY(there, available(job));
  for (const auto& file : files) {
    Command command = command_of(job, {"dpkg-deb", kShowFormat, "-W", file.native()});
    FP_TRY(run, runner_.run(command));
    const auto fields = split(run.out, '\t');
    if (!run.ok() || fields.size() < 5) {
      return fail(Code::corrupt, "{} is no Debian package: {}", file.filename().native(), describe(run));
    }
    there[std::string(fields[0])].emplace_back(fields[1]);
    add_provided(there, fields[4]);
    all.push_back({std::string(fields[0]), fmt::format("{},{}", fields[2], fields[3])});
  }
  for (const auto& needs : all) {
    if (const auto lacking = missing_dependencies(needs.depends, there); !lacking.empty()) {
      return fmt::format("{} needs {}, which is not installed and not part of the content", needs.package,
                         fmt::join(lacking, ", "));
    }
  }
  return std::string();
}

Result<Execution> Deb::place(const Job& job) {
  FP_TRY(files, files_ending(job.content, ".deb"));
  FP_TRY(lacking, missing(files, job));
  if (!lacking.empty()) {
    Run refused;
    refused.exit_code = 1;
    refused.err = lacking;
    return Execution{std::move(refused), "dpkg: " + lacking};
  }
  std::vector<std::string> arguments = {"--force-confdef", "--force-confold", "-i", "--"};
  for (const auto& file : files) arguments.push_back(file.native());
  FP_TRY(run, dpkg(job, std::move(arguments)));
  std::string summary = "dpkg -i: " + describe(run);
  return Execution{std::move(run), std::move(summary)};
}

Result<Execution> Deb::install(const Job& job) {
  return job.type.install_command.empty() ? place(job) : run_own(runner_, job.type.install_command, job);
}

Result<Execution> Deb::repair(const Job& job) {
  return job.type.repair_command.empty() ? place(job) : run_own(runner_, job.type.repair_command, job);
}

Result<Execution> Deb::uninstall(const Job& job) {
  if (!job.type.uninstall_command.empty()) return run_own(runner_, job.type.uninstall_command, job);
  FP_TRY(names, packages_of(job.type));
  std::vector<std::string> arguments = {"-r", "--"};
  arguments.insert(arguments.end(), names.begin(), names.end());
  FP_TRY(run, dpkg(job, std::move(arguments)));
  std::string summary = "dpkg -r: " + describe(run);
  return Execution{std::move(run), std::move(summary)};
}

}  // namespace

std::unique_ptr<Installer> make_deb(Runner& runner, const Roots& roots) { return std::make_unique<Deb>(runner, roots); }

}  // namespace fp::packages
