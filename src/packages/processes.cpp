#include "packages/processes.hpp"

#include <poll.h>
#include <signal.h>

#include <filesystem>

#include "base/file.hpp"
#include "base/text.hpp"

namespace fp::packages {
namespace {

constexpr int kPassesMax = 100;
constexpr int kBetweenPassesMs = 10;
constexpr std::size_t kEnvironmentBytesMax = 4U << 20;

bool holds(const std::string& environment, const std::string& mark) {
  for (const auto entry : split(environment, '\0')) {
    if (entry == mark) return true;
  }
  return false;
}

}  // namespace

std::vector<pid_t> marked_processes(const std::string& mark) {
  std::vector<pid_t> out;
  std::error_code error;
  for (std::filesystem::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
    const auto pid = parse_int(at->path().filename().native());
    if (!pid) continue;
    // A zombie has no environment any more, and a process that ends meanwhile has no file: neither is of interest.
    const auto environment = read_file(at->path() / "environ", kEnvironmentBytesMax);
    if (environment && holds(*environment, mark)) out.push_back(static_cast<pid_t>(*pid));
  }
  return out;
}

void kill_run(pid_t group, const std::string& mark, int signal) {
  const auto marked = marked_processes(mark);
  ::kill(-group, signal);
  for (const pid_t pid : marked) ::kill(pid, signal);
}

void kill_marked_until_none(const std::string& mark) {
  for (int pass = 0; pass < kPassesMax; ++pass) {
    const auto left = marked_processes(mark);
    if (left.empty()) return;
    for (const pid_t pid : left) ::kill(pid, SIGKILL);
    ::poll(nullptr, 0, kBetweenPassesMs);
  }
}

}  // namespace fp::packages
