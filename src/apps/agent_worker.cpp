// The worker: one pass of agent/core with the real clock, network and machine; and `evaluate`, which asks for one.
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <boost/json.hpp>
#include <iostream>

#include "agent/core/agent.hpp"
#include "agent/core/directory_probe.hpp"
#include "directory/service_records.hpp"
#include "apps/agent_command.hpp"
#include "base/log.hpp"

namespace fp::apps {

namespace {

// SIGTERM, or SIGUSR1 when the network changed: transfers end where they are and the pass with them. An installer that runs is
// left to finish: cut off in the middle it would leave the package database in pieces.
std::atomic<bool> g_stop{false};
void on_signal(int) { g_stop = true; }

log::Options log_options(const agent::InstallSettings& s, const AgentCommand& c) {
  log::Options o;
  constexpr log::Level kLevels[] = {log::Level::debug, log::Level::info, log::Level::warning, log::Level::error};
  o.level = s.log_debug ? log::Level::debug : kLevels[std::clamp(s.log_level, 0, 3)];
  if (s.log_enabled) o.file = c.paths.log.string();
  o.file_bytes_max = static_cast<std::size_t>(s.log_bytes_max);
  o.history = s.log_history;
  o.to_stderr = c.to_stderr;
  return o;
}

Result<agent::PassResult> run_pass(const AgentCommand& c, const agent::InstallSettings& settings, const WorkerOptions& options) {
  FP_TRY(memory, memory::Memory::open(c.paths.database()));
  auto machine = agent::make_real_machine(
      system_clock(), {settings.package_root, c.paths.data, settings.unprivileged_user, nullptr});
  agent::World world{*memory, *machine, system_clock(), system_random(), settings, c.paths,
                     [](const agent::HttpTransportOptions& o) { return std::make_unique<agent::HttpTransport>(o); },
                     [] { return g_stop.load(); }, directory::look_up_services,
                     [](const std::string& domain) {
                       return agent::ask_directory(domain, directory::look_up_services, system_clock(), system_random());
                     },
                     agent::environment_of_process,
                     [&settings](const std::string& site_code) {
                       return agent::find_published_sites(settings.domain, agent::kMachineKeytab, site_code, directory::look_up_services,
                                                          system_clock(), system_random());
                     }};
  agent::Agent agent(std::move(world));
  agent::PassOptions pass;
  for (const auto& cycle : options.now) {
    // "inventory" and "apps" are what administrators say.
    if (cycle == "inventory") pass.now.insert({"hardware", "software"});
    else if (cycle == "apps") pass.now.insert("evaluation");
    else pass.now.insert(cycle);
  }
  pass.network_changed = options.network_changed;
  pass.started = options.started;
  FP_TRY(result, agent.pass(pass));
  FP_CHECK(memory->set_property("pass.problem", result.problem));
  FP_CHECK(memory->set_property("pass.at", std::to_string(system_clock().now().ms)));
  FP_CHECK(memory->set_property("pass.next", std::to_string(result.next.ms)));
  return result;
}

// The answer of the resident process to one command line; nothing if there is none.
std::optional<std::string> ask_resident(const Path& socket, std::string_view line) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.string().size() >= sizeof address.sun_path) return std::nullopt;
  socket.string().copy(address.sun_path, sizeof address.sun_path - 1);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.ok() || ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return std::nullopt;
  if (auto sent = write_all(fd.get(), line); !sent) return std::nullopt;
  std::string answer;
  char buffer[256];
  for (ssize_t n = 0; (n = ::read(fd.get(), buffer, sizeof buffer)) > 0;) answer.append(buffer, static_cast<std::size_t>(n));
  return answer;
}

}  // namespace

int agent_worker(const AgentCommand& c, const WorkerOptions& options) {
  auto settings = agent::load_settings(c.paths.config);
  if (!settings) return agent_complain(c, settings.error(), agent_exit::kNotInstalled);
  for (const auto& folder : {c.paths.log.parent_path(), c.paths.run})
    if (auto made = make_dirs(folder); !made) return agent_complain(c, made.error());
  if (auto started = log::start(log_options(*settings, c)); !started) return agent_complain(c, started.error());
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGUSR1, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  agent::use_keytab(settings->proxy_keytab);
  const Path lock_file = c.paths.run / "agent.lock";
  Fd lock(::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.ok() || ::flock(lock.get(), LOCK_EX) != 0) return agent_complain(c, {Code::io, "locking " + lock_file.string()});
  auto result = run_pass(c, *settings, options);
  while (result && result->look_again) result = run_pass(c, *settings, {{}, true, false});
  if (!result) {
    log::error("agent", "{}", result.error().message);
    return agent_complain(c, result.error());
  }
  if (auto noted = write_file(c.paths.next_file(), std::to_string(result->next.ms)); !noted)
    return agent_complain(c, noted.error());
  if (c.json) {
    std::cout << boost::json::serialize(boost::json::object{
                     {"next", to_iso(result->next)}, {"offline", result->offline}, {"problem", result->problem}})
              << '\n';
  }
  return result->problem.empty() ? agent_exit::kGood : agent_exit::kFailed;
}

int agent_evaluate(const AgentCommand& c, const std::vector<std::string>& cycles) {
  std::string line = "evaluate";
  for (const auto& cycle : cycles) line += " " + cycle;
  if (const auto answer = ask_resident(c.paths.socket(), line + "\n")) {
    const bool good = *answer == "done 0\n";
    if (c.json) std::cout << boost::json::serialize(boost::json::object{{"through", "resident"}, {"good", good}}) << '\n';
    else std::cout << (good ? "done\n" : "done, with problems; see farpoint-agent status and logs\n");
    return good ? agent_exit::kGood : agent_exit::kFailed;
  }
  return agent_worker(c, {cycles, false, false});
}

int agent_run(const std::vector<std::string>& words) {
  char self[4096];
  const auto n = ::readlink("/proc/self/exe", self, sizeof self - 1);
  if (n <= 0) return agent_exit::kFailed;
  const std::string program(self, static_cast<std::size_t>(n));
  std::vector<std::string> all = {(Path(program).parent_path() / "farpoint-agent-resident").string(), program};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> argv;
  for (auto& w : all) argv.push_back(w.data());
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  std::cerr << "farpoint-agent: cannot start " << all[0] << ": " << std::strerror(errno) << '\n';
  return agent_exit::kFailed;
}

int agent_complain(const AgentCommand& c, const Error& error, int code) {
  if (c.json) {
    std::cout << boost::json::serialize(boost::json::object{{"error", error.message}, {"code", to_string(error.code)}}) << '\n';
  } else {
    std::cerr << "farpoint-agent: " << error.message << '\n';
  }
  return code;
}

}  // namespace fp::apps
