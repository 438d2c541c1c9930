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

// Processes with an entry of their environment that `look` is true for.
template <class Look>
std::vector<pid_t> processes_where(const Look& look) {
  std::vector<pid_t> out;
  std::error_code error;
  for (std::filesystem::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
    const auto pid = parse_int(at->path().filename().native());
    if (!pid) continue;
    // A zombie has no environment any more, and a process that ends meanwhile has no file: neither is of interest.
    const auto environment = read_file(at->path() / "environ", kEnvironmentBytesMax);
    if (!environment) continue;
    for (const auto entry : split(*environment, '\0')) {
      if (!look(static_cast<pid_t>(*pid), entry)) continue;
      out.push_back(static_cast<pid_t>(*pid));
      break;
    }
  }
  return out;
}

}  // namespace

void put_run_pid(char* digits, pid_t pid) {
  for (std::size_t n = kRunPidDigits; n-- > 0; pid /= 10) digits[n] = static_cast<char>('0' + pid % 10);
}

std::vector<pid_t> runs_under_way() {
  return processes_where([](pid_t pid, std::string_view entry) {
    if (!entry.starts_with(kRunMark)) return false;
    const auto named = parse_int(entry.substr(kRunMark.size(), kRunPidDigits));
    return named && *named == pid;
  });
}

std::vector<pid_t> marked_processes(const std::string& mark) {
  return processes_where([&](pid_t, std::string_view entry) { return entry == mark; });
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
