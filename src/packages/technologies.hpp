// What the installers share: running a type's own command, the package names a type is about, finding package files in content.
// Same thread rules as Installer. Internal to the room.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "packages/installer.hpp"

namespace fp::packages {

[[nodiscard]] std::unique_ptr<Installer> make_deb(Runner& runner, const Roots& roots);
[[nodiscard]] std::unique_ptr<Installer> make_rpm(Runner& runner, const Roots& roots);
[[nodiscard]] std::unique_ptr<Installer> make_script(Runner& runner);
[[nodiscard]] std::unique_ptr<Installer> make_fileset(Runner& runner, const Roots& roots);

// The type's command through /bin/sh in the content folder.
[[nodiscard]] Result<Execution> run_own(Runner& runner, const std::string& command, const Job& job);
// A name that a package tool takes as a name and nothing else. Code::invalid.
[[nodiscard]] Status check_package_name(std::string_view name);
// Packages that the detection rules name (uninstall).
[[nodiscard]] Result<std::vector<std::string>> packages_of(const DeploymentType& type);
// Files directly in the folder that end in `suffix`, sorted. None: Code::not_found.
[[nodiscard]] Result<std::vector<Path>> files_ending(const Path& folder, std::string_view suffix);

// A command with the job's limit and cancel.
[[nodiscard]] Command command_of(const Job& job, std::vector<std::string> argv);
[[nodiscard]] bool is_system(const Roots& roots);  // the real machine, not a folder

}  // namespace fp::packages
