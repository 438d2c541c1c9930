#include "packages/script_file.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

namespace fp::packages {

Result<ScriptFile> ScriptFile::make(const Path& folder, std::string_view text) {
  FP_CHECK(make_dirs(folder, 0700));
  std::string name = (folder / "script-XXXXXX").native();
  const Fd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd.ok()) return fail_errno("writing a script into", folder.native());
  ScriptFile out(std::move(name));
  FP_CHECK(write_all(fd.get(), text));
  return out;
}

ScriptFile::~ScriptFile() {
  if (!name_.empty()) ::unlink(name_.c_str());
}

Result<Execution> run_text(Runner& runner, const Path& state_dir, const TextRun& how) {
  if (!how.interpreter.starts_with('/')) return fail(Code::invalid, "interpreter {} is no absolute path", how.interpreter);
  FP_TRY(file, ScriptFile::make(state_dir / "scripts", how.text));
  Command command;
  command.argv = {how.interpreter, file.name()};
  if (!how.folder.empty()) command.folder = how.folder;
  command.environment = how.environment;
  command.limit_ms = how.limit_ms;
  command.cancel = how.cancel;
  FP_TRY(run, runner.run(command));
  std::string summary = describe(run);
  return Execution{std::move(run), std::move(summary)};
}

}  // namespace fp::packages
