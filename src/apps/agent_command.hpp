// What the subcommands of farpoint-agent share: where things lie, how they answer, exit codes. One thread.
#pragma once
#include <string>
#include <vector>

#include "agent/core/settings.hpp"

namespace fp::apps {

namespace agent_exit {
inline constexpr int kGood = 0, kFailed = 1, kUsage = 2, kNotInstalled = 3, kNotFound = 4;
}

struct AgentCommand {
  agent::Paths paths;
  bool json = false;
  bool to_stderr = false;  // log lines on standard error too
};

[[nodiscard]] int agent_install(const AgentCommand& c, const std::vector<std::string>& words);
[[nodiscard]] int agent_uninstall(const AgentCommand& c);
[[nodiscard]] int agent_status(const AgentCommand& c);
[[nodiscard]] int agent_software_list(const AgentCommand& c);
[[nodiscard]] int agent_software_request(const AgentCommand& c, const std::string& name, bool uninstall);
[[nodiscard]] int agent_logs(const AgentCommand& c, int lines);
// `urls`: which site systems; none: the management points of the place where this client is.
[[nodiscard]] int agent_doctor(const AgentCommand& c, const std::vector<std::string>& urls);
[[nodiscard]] int agent_why(const AgentCommand& c, const std::string& subject);

struct WorkerOptions {
  std::vector<std::string> now;
  bool network_changed = false, started = false;
};
// One pass in this process. Another worker at the same time waits until it is done.
[[nodiscard]] int agent_worker(const AgentCommand& c, const WorkerOptions& options);
// Through the resident process, or in this one if there is none.
[[nodiscard]] int agent_evaluate(const AgentCommand& c, const std::vector<std::string>& cycles);
// Replaces this program by the small resident one.
[[nodiscard]] int agent_run(const std::vector<std::string>& words);

// Prints the error (as JSON where asked for) and returns `code`.
int agent_complain(const AgentCommand& c, const Error& error, int code = agent_exit::kFailed);

}  // namespace fp::apps
