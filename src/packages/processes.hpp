// Finding and ending every process that belongs to a run: its process group, and what left the group but still carries the
// run's mark in its environment. Any thread; a look costs one pass over /proc. Never: kills a process without the mark
// outside the run's own group.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

namespace fp::packages {

// Processes whose environment holds `mark` ("NAME=value") as a whole entry.
[[nodiscard]] std::vector<pid_t> marked_processes(const std::string& mark);
void kill_run(pid_t group, const std::string& mark, int signal);
// SIGKILL until none is found; forks that race with the look are caught by the next one. Bounded.
void kill_marked_until_none(const std::string& mark);

}  // namespace fp::packages
