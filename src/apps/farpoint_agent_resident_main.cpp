// farpoint-agent-resident: what stays in memory. Started by `farpoint-agent run`; a program of its own because a process that
// never needs TLS, XML or SQLite should not have them mapped (budget: 9 MB).
#include <cstdio>
#include <string_view>

#include "apps/agent_resident.hpp"
#include "base/log.hpp"

int main(int argc, char** argv) {
  // program, run folder, then what is handed on to the worker
  if (argc < 3) {
    std::fprintf(stderr, "farpoint-agent-resident is started by: farpoint-agent run\n");
    return 2;
  }
  fp::apps::ResidentOptions options;
  options.program = argv[1];
  options.run_dir = argv[2];
  options.socket = options.run_dir / "agent.sock";
  options.next_file = options.run_dir / "agent.next";
  for (int n = 3; n < argc; ++n) options.place.emplace_back(argv[n]);
  if (auto started = fp::log::start({}); !started) return 1;
  fp::apps::Resident resident(options, fp::system_clock(), fp::system_random());
  if (auto done = resident.run(); !done) {
    fp::log::error("agent", "{}", done.error().message);
    return 1;
  }
  return 0;
}
