// What a technology does with verified content: install, uninstall, repair, and which version of a package is there
// (domain.md §13). deb, rpm, script and fileset behind one interface. Blocks for as long as the work takes; one at a time
// per machine (package databases are locked by their own tools; waiting for that lock is part of the job).
// Never: fetches anything from a network; touches content that was not verified before.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "base/file.hpp"
#include "model/application.hpp"
#include "packages/runner.hpp"

namespace fp::packages {

// Where the machine is: "/" and empty for the real one; a folder in tests.
struct Roots {
  Path root = "/";       // dpkg --root, rpm --root, prefix of fileset targets and of file detection
  Path state_dir = "/var/lib/farpoint-agent";  // records of what filesets placed; scripts are written below it
  std::int64_t lock_wait_ms = 10LL * 60 * 1000;  // for another package tool; then exit code kBusy
};

inline constexpr int kBusy = 1618;  // "another installation is in progress": by default a fast retry

struct Job {
  const DeploymentType& type;
  Path content;                    // folder of verified content; empty when the type has none
  std::int64_t limit_ms = 120LL * 60 * 1000;
  const std::atomic<bool>* cancel = nullptr;
};

struct Execution {
  Run run;              // exit code and output of what decided
  std::string summary;  // one sentence for `why`: "dpkg: farpoint-demo needs libfoo (>= 2), which is not installed"
};

class Installer {
 public:
  virtual ~Installer() = default;
  [[nodiscard]] virtual Technology technology() const = 0;
  // Version of a package of this technology; nothing: not installed. script and fileset: Code::invalid.
  [[nodiscard]] virtual Result<std::optional<std::string>> installed_version(std::string_view package) = 0;
  // An error: it could not be tried (no content, bad command). A failed attempt is an Execution with its exit code.
  [[nodiscard]] virtual Result<Execution> install(const Job& job) = 0;
  [[nodiscard]] virtual Result<Execution> uninstall(const Job& job) = 0;
  [[nodiscard]] virtual Result<Execution> repair(const Job& job) = 0;
};

// The types' own commands, when given, win over the technology's.
[[nodiscard]] std::unique_ptr<Installer> make_installer(Technology technology, Runner& runner, Roots roots = {});

struct ProgramRun {
  std::string user = "nobody";                // of a program that is not run as root
  const std::atomic<bool>* cancel = nullptr;
};
// Runs a program of a package (domain.md §14): the command line through /bin/sh, in the content folder. Without run_as_root it
// runs as `user`, who may read the content from inside its folder (relative names) and not find the way to it.
[[nodiscard]] Result<Execution> run_program(Runner& runner, const Program& program, const Path& content,
                                            const ProgramRun& how = {});

// A text as a program of its own: through its interpreter, from a file that only root reads (never in a list of processes).
struct TextRun {
  std::string text, interpreter = "/bin/sh";
  Path folder;                                // where it runs; empty: /
  std::map<std::string, std::string> environment;
  std::int64_t limit_ms = 120LL * 60 * 1000;
  const std::atomic<bool>* cancel = nullptr;
};
[[nodiscard]] Result<Execution> run_text(Runner& runner, const Path& state_dir, const TextRun& how);

// Asks the system to restart in `minutes` with a message to whoever is logged on.
[[nodiscard]] Status request_restart(Runner& runner, std::int64_t minutes, std::string_view message);

}  // namespace fp::packages
