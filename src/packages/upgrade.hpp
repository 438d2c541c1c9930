// Installs the software updates that the distribution offers to this machine, by its own tools: apt or dnf, from the sources
// that it is configured with. Blocks for as long as that takes; waits for another package tool's lock. Never: a package that
// was not installed before, except where an update needs it; a downgrade; a question.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "model/task_sequence.hpp"
#include "packages/installer.hpp"

namespace fp::packages {

struct UpgradeJob {
  UpdateSelection selection = UpdateSelection::security;
  std::int64_t limit_ms = 120LL * 60 * 1000;  // of all of it together
  const std::atomic<bool>* cancel = nullptr;
};

// Exit code 0, or 3010 where the machine asks for a restart afterwards. Code::not_found: neither apt nor dnf is there.
[[nodiscard]] Result<Execution> install_updates(Runner& runner, const Roots& roots, const UpgradeJob& job);

// Names in `apt-get --simulate upgrade` whose source is a security archive: "Inst libc6 [2.36-9] (2.36-10 Debian-Security:12/...)".
[[nodiscard]] std::vector<std::string> security_upgrades(std::string_view simulation);

}  // namespace fp::packages
