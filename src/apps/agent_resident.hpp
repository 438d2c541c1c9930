// The resident part of the agent: sleeps until a timer, a change of the network, a signal or a command wakes it, and starts a
// worker for the rest. One thread, poll(2). Costs a few megabytes and no wake-ups between passes; holds no database, no TLS, no
// policy. Never: work of its own, more than one worker at a time.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "apps/resident_schedule.hpp"
#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/result.hpp"

namespace fp::apps {

struct ResidentOptions {
  std::string program;                  // farpoint-agent
  std::vector<std::string> place;       // --data DIR or --root DIR, handed on to the worker
  Path run_dir, socket, next_file;
};

class Resident {
 public:
  Resident(ResidentOptions options, const Clock& clock, Random& random);
  // Until SIGTERM or SIGINT.
  [[nodiscard]] Status run();

 private:
  struct Caller {
    Fd fd;
    std::string text;                   // received so far
    bool waiting = false;               // for the end of a worker
  };
  [[nodiscard]] Status open_all();
  [[nodiscard]] Status open_socket();
  void arm();
  void wake();
  void start_worker();
  void worker_ended();
  void read_signals();
  void read_netlink();
  void accept_caller();
  bool serve(Caller& caller);           // false: done with it
  void tell(Caller& caller, std::string_view line);

  ResidentOptions options_;
  const Clock& clock_;
  Fd timer_, signals_, netlink_, listener_;
  std::vector<Caller> callers_;
  int worker_ = 0;                      // process id; 0: none
  ResidentSchedule schedule_;
  std::set<std::string> now_;           // cycles that were asked for since the last worker started
  bool started_ = true, ending_ = false;
};

}  // namespace fp::apps
