// Finding and ending every process that belongs to a run: its process group, and what left the group but still carries the
// run's mark in its environment. Any thread; a look costs one pass over /proc. Never: kills a process without the mark
// outside the run's own group.
#pragma once
#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace fp::packages {

// A run's mark is "FARPOINT_RUN=<pid of its first process, ten digits>-<anything>". Children inherit it, and so does a service
// that an installer started and that stays; only the run's first process finds its own id in it.
inline constexpr std::string_view kRunMark = "FARPOINT_RUN=";
inline constexpr std::size_t kRunPidDigits = 10;
void put_run_pid(char* digits, pid_t pid);  // async-signal-safe

// First processes of runs that are under way, whoever started them. What an ended run left behind is not among them.
[[nodiscard]] std::vector<pid_t> runs_under_way();

// Processes whose environment holds `mark` ("NAME=value") as a whole entry.
[[nodiscard]] std::vector<pid_t> marked_processes(const std::string& mark);
void kill_run(pid_t group, const std::string& mark, int signal);
// SIGKILL until none is found; forks that race with the look are caught by the next one. Bounded.
void kill_marked_until_none(const std::string& mark);

}  // namespace fp::packages
