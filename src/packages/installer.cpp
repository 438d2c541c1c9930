#include "packages/installer.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "domain/deployment/schedule.hpp"
#include "packages/technologies.hpp"

namespace fp::packages {
namespace {

class Script final : public Installer {
 public:
  explicit Script(Runner& runner) : runner_(runner) {}
  Technology technology() const override { return Technology::script; }
  Result<std::optional<std::string>> installed_version(std::string_view) override {
    return fail(Code::invalid, "a script type has no package of its own");
  }
  Result<Execution> install(const Job& job) override { return own(job.type.install_command, "install", job); }
  Result<Execution> uninstall(const Job& job) override { return own(job.type.uninstall_command, "uninstall", job); }
  Result<Execution> repair(const Job& job) override { return own(job.type.repair_command, "repair", job); }

 private:
  Result<Execution> own(const std::string& command, std::string_view verb, const Job& job) {
    if (command.empty()) return fail(Code::invalid, "deployment type {} has no {} command", job.type.name, verb);
    return run_own(runner_, command, job);
  }
  Runner& runner_;
};

}  // namespace

std::unique_ptr<Installer> make_script(Runner& runner) { return std::make_unique<Script>(runner); }

Command command_of(const Job& job, std::vector<std::string> argv) {
  Command out;
  out.argv = std::move(argv);
  if (!job.content.empty()) out.folder = job.content;
  out.limit_ms = job.limit_ms;
  out.cancel = job.cancel;
  return out;
}

Result<Execution> run_own(Runner& runner, const std::string& command, const Job& job) {
  FP_TRY(run, runner.run(command_of(job, {"/bin/sh", "-c", command})));
  std::string summary = fmt::format("{}: {}", command.substr(0, 200), describe(run));
  return Execution{std::move(run), std::move(summary)};
}

Status check_package_name(std::string_view name) {
  const bool good = !name.empty() && name.size() <= 200 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c < 128 && std::isalnum(c)) || c == '.' || c == '_' || c == '+' || c == '-' || c == ':';
  });
  if (!good || !std::isalnum(static_cast<unsigned char>(name[0]))) return fail(Code::invalid, "\"{}\" is no package name", name);
  return {};
}

Result<std::vector<std::string>> packages_of(const DeploymentType& type) {
  std::vector<std::string> out;
  for (const auto& rule : type.detection) {
    if (rule.kind != DetectionKind::package_version || rule.op == Compare::not_exists) continue;
    FP_CHECK(check_package_name(rule.package));
    if (std::find(out.begin(), out.end(), rule.package) == out.end()) out.push_back(rule.package);
  }
  if (out.empty()) {
    return fail(Code::invalid,
                "deployment type {} has neither an uninstall command nor a detection rule that names its package", type.name);
  }
  return out;
}

Result<std::vector<Path>> files_ending(const Path& folder, std::string_view suffix) {
  std::vector<Path> out;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().filename().native().ends_with(suffix) && at->is_regular_file(error)) out.push_back(at->path());
  }
  if (error) return fail(Code::io, "reading content folder {}: {}", folder.native(), error.message());
  if (out.empty()) return fail(Code::not_found, "the content holds no {} file", suffix);
  std::sort(out.begin(), out.end());
  return out;
}

bool is_system(const Roots& roots) { return roots.root.empty() || roots.root == "/"; }

std::unique_ptr<Installer> make_installer(Technology technology, Runner& runner, Roots roots) {
  switch (technology) {
    case Technology::deb: return make_deb(runner, roots);
    case Technology::rpm: return make_rpm(runner, roots);
    case Technology::fileset: return make_fileset(runner, roots);
    case Technology::script: break;
  }
  return make_script(runner);
}

namespace {

// The cache is closed to everybody but root; what lies in this folder may be read by whoever stands in it.
Status open_to_readers(const Path& folder) {
  using std::filesystem::perms;
  std::error_code error;
  const auto open = [&](const Path& path, bool is_folder) {
    const auto more = perms::owner_read | perms::group_read | perms::others_read;
    const auto enter = perms::owner_exec | perms::group_exec | perms::others_exec;
    if (!error) std::filesystem::permissions(path, is_folder ? more | enter : more, std::filesystem::perm_options::add, error);
  };
  open(folder, true);
  for (std::filesystem::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (!at->is_symlink()) open(at->path(), at->is_directory());
  }
  if (error) return fail(Code::io, "opening {} to its reader: {}", folder.string(), error.message());
  return {};
}

}  // namespace

Result<Execution> run_program(Runner& runner, const Program& program, const Path& content, const ProgramRun& how) {
  if (program.command_line.empty()) return fail(Code::invalid, "program {} has no command line", program.name);
  Command command = shell_command(program.command_line, content);
  command.limit_ms = deployment::run_time_limit_min(program.max_run_time_min) * 60'000;
  command.cancel = how.cancel;
  if (!program.run_as_root) {
    command.user = how.user;
    if (!content.empty()) FP_CHECK(open_to_readers(content));
  }
  FP_TRY(run, runner.run(command));
  std::string summary = fmt::format("program {}: {}", program.name, describe(run));
  return Execution{std::move(run), std::move(summary)};
}

Status request_restart(Runner& runner, std::int64_t minutes, std::string_view message) {
  Command command;
  command.argv = {"shutdown", "-r", fmt::format("+{}", std::max<std::int64_t>(minutes, 0)), std::string(message)};
  command.limit_ms = 60'000;
  FP_TRY(run, runner.run(command));
  if (!run.ok()) return fail(Code::io, "asking for a restart: {}", describe(run));
  return {};
}

}  // namespace fp::packages
