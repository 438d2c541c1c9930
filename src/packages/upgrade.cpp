#include "packages/upgrade.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "packages/technologies.hpp"

namespace fp::packages {
namespace {

constexpr int kRestart = 3010;
constexpr std::size_t kSimulationBytesMax = 8U << 20;

class Upgrade {
 public:
  Upgrade(Runner& runner, const Roots& roots, const UpgradeJob& job) : runner_(runner), roots_(roots), job_(job) {}

  Result<Execution> apt() {
    FP_TRY(lists, run({"apt-get", "-q", "update"}));
    if (!lists.ok()) return told("apt-get update", std::move(lists));
    std::vector<std::string> install = {"apt-get", "-q", "-y", "-o", "Dpkg::Options::=--force-confdef", "-o",
                                        "Dpkg::Options::=--force-confold", "-o",
                                        fmt::format("DPkg::Lock::Timeout={}", roots_.lock_wait_ms / 1000)};
    if (job_.selection == UpdateSelection::all) {
      install.insert(install.end(), {"--with-new-pkgs", "upgrade"});
    } else {
      FP_TRY(simulated, run({"apt-get", "-q", "--simulate", "--with-new-pkgs", "upgrade"}));
      if (!simulated.ok()) return told("apt-get --simulate upgrade", std::move(simulated));
      const auto names = security_upgrades(simulated.out);
      if (names.empty()) return Execution{Run{}, "there is no security update to install"};
      install.insert(install.end(), {"--only-upgrade", "install"});
      install.insert(install.end(), names.begin(), names.end());
    }
    FP_TRY(done, run(install));
    if (done.ok() && file_exists(roots_.root / "run/reboot-required")) done.exit_code = kRestart;
    return told("apt-get", std::move(done));
  }

  Result<Execution> dnf() {
    std::vector<std::string> upgrade = {"dnf", "-q", "-y", "upgrade"};
    if (job_.selection == UpdateSelection::security) upgrade.emplace_back("--security");
    FP_TRY(done, run(upgrade));
    if (!done.ok()) return told("dnf upgrade", std::move(done));
    // needs-restarting ends with 1 where a restart is wanted; without that plug-in nobody knows.
    FP_TRY(restart, run({"dnf", "-q", "needs-restarting", "-r"}));
    if (restart.exit_code == 1 && icontains(restart.out, "reboot")) done.exit_code = kRestart;
    return told("dnf upgrade", std::move(done));
  }

 private:
  Result<Run> run(std::vector<std::string> argv) {
    Command command;
    command.argv = std::move(argv);
    command.environment = {{"DEBIAN_FRONTEND", "noninteractive"}, {"DEBCONF_NONINTERACTIVE_SEEN", "true"}, {"LC_ALL", "C.UTF-8"}};
    command.limit_ms = std::max<std::int64_t>(1000, job_.limit_ms - used_ms_);
    command.output_bytes_max = kSimulationBytesMax;
    command.cancel = job_.cancel;
    FP_TRY(done, runner_.run(command));
    used_ms_ += done.duration_ms;
    return done;
  }
  static Result<Execution> told(std::string_view tool, Run done) {
    std::string summary = fmt::format("{}: {}", tool, describe(done));
    return Execution{std::move(done), std::move(summary)};
  }

  Runner& runner_;
  const Roots& roots_;
  const UpgradeJob& job_;
  std::int64_t used_ms_ = 0;
};

}  // namespace

std::vector<std::string> security_upgrades(std::string_view simulation) {
  std::vector<std::string> out;
  for (const auto line : split(simulation, '\n')) {
    if (!line.starts_with("Inst ")) continue;
    const auto open = line.find('(');
    const auto words = split(line, ' ');
    if (open == std::string_view::npos || words.size() < 3 || !icontains(line.substr(open), "security")) continue;
    if (line.find('[') > open) continue;  // it is new here: comes along where an update needs it
    if (check_package_name(words[1])) out.emplace_back(words[1]);
  }
  return out;
}

Result<Execution> install_updates(Runner& runner, const Roots& roots, const UpgradeJob& job) {
  if (!is_system(roots)) return fail(Code::invalid, "updates are installed on the machine itself, not into {}", roots.root.native());
  Upgrade upgrade(runner, roots, job);
  if (file_exists("/usr/bin/apt-get")) return upgrade.apt();
  if (file_exists("/usr/bin/dnf")) return upgrade.dnf();
  return fail(Code::not_found, "there is neither apt-get nor dnf on this computer");
}

}  // namespace fp::packages
