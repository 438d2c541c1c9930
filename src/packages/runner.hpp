// Runs a command within bounds: max run time, bounded output, clean environment, closed descriptors, its own session.
// Blocks the calling thread until the command ended or was killed; use it on a worker. Costs one process and two pipes.
// At the limit the whole process group and every process that the run left elsewhere are killed. A run that ends by itself
// keeps its daemons: an installer may start services. Never: a shell unless asked for, the caller's environment, its stdin.
#pragma once
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/result.hpp"

namespace fp::packages {

struct Command {
  std::vector<std::string> argv;             // argv[0] absolute, or looked up in the fixed PATH
  Path folder = "/";                         // working folder: that of the verified content
  std::map<std::string, std::string> environment;  // on top of PATH, LANG=C.UTF-8, HOME, FARPOINT_RUN
  std::string user;                          // run as this user, with its primary group only; empty: as this process
  mode_t umask = 022;                        // whatever the agent's own is: packages make files for everybody
  std::int64_t limit_ms = 120LL * 60 * 1000; // max run time
  std::int64_t kill_after_ms = 5000;         // between SIGTERM and SIGKILL
  std::size_t output_bytes_max = 64U << 10;  // of each stream: the last bytes are kept
  const std::atomic<bool>* cancel = nullptr; // set by another thread: ends the run like the limit does
};

struct Run {
  int exit_code = 0;       // when signal is 0
  int signal = 0;
  bool timed_out = false;  // killed at the limit
  bool cancelled = false;
  std::string out, err;    // tails
  std::int64_t out_bytes = 0, err_bytes = 0;  // all that was written
  std::int64_t duration_ms = 0;
  [[nodiscard]] bool ok() const { return exit_code == 0 && signal == 0 && !timed_out && !cancelled; }
};

class Runner {
 public:
  virtual ~Runner() = default;
  // An error only if nothing was started: Code::not_found (no such program, folder or user), Code::io, Code::invalid.
  [[nodiscard]] virtual Result<Run> run(const Command& command) = 0;
  // Waits between two tries; ends early when `cancel` is set.
  virtual void pause(std::int64_t ms, const std::atomic<bool>* cancel = nullptr);
};

// The real one. Thread-safe.
class ProcessRunner final : public Runner {
 public:
  explicit ProcessRunner(const Clock& clock) : clock_(clock) {}
  Result<Run> run(const Command& command) override;

 private:
  const Clock& clock_;
};

[[nodiscard]] Command shell_command(std::string_view text, const Path& folder);  // /bin/sh -c
[[nodiscard]] std::string describe(const Run& run);  // "exit code 1 after 3 s: <last line of stderr>"

}  // namespace fp::packages
