#include "packages/apt_tools.hpp"

#include "base/text.hpp"

namespace fp::packages {
namespace {

constexpr std::int64_t kLimitMs = 120'000;

// "[GNUPG:] GOODSIG 1234 name": a key that is expired or revoked says another word.
bool says(std::string_view status, std::string_view word) {
  for (const auto line : split(status, '\n'))
    if (line.starts_with("[GNUPG:] ") && line.substr(9).starts_with(word)) return true;
  return false;
}

// The lines for people, without those for programs.
std::string complaint_of(std::string_view text) {
  std::string out;
  for (const auto line : split(text, '\n'))
    if (!trim(line).empty() && !line.starts_with("[GNUPG:]")) out += fmt::format("{}{}", out.empty() ? "" : "; ", trim(line));
  return out.empty() ? "it says nothing" : out.substr(0, 400);
}

Result<Run> run_tool(Runner& runner, std::vector<std::string> argv, std::size_t bytes_max) {
  Command command;
  command.argv = std::move(argv);
  command.environment = {{"LC_ALL", "C.UTF-8"}};
  command.limit_ms = kLimitMs;
  command.output_bytes_max = bytes_max + 1;
  FP_TRY(run, runner.run(command));
  if (run.timed_out) return fail(Code::timed_out, "{} took more than {} s", command.argv.front(), kLimitMs / 1000);
  return run;
}

}  // namespace

Result<std::string> verified_text(Runner& runner, const Path& keyring, const Path& file, std::size_t bytes_max) {
  FP_TRY(run, run_tool(runner, {"gpgv", "--status-fd", "2", "--keyring", keyring.native(), "--output", "-", "--", file.native()}, bytes_max));
  // A key that is not in the keyring may have signed it too: one good signature is enough, a bad one is too many.
  const bool good = says(run.err, "GOODSIG") && says(run.err, "VALIDSIG") && !says(run.err, "BADSIG");
  if (!good) return fail(Code::forbidden, "no key of {} has signed it as it is: gpgv: {}", keyring.native(), complaint_of(run.err));
  if (static_cast<std::size_t>(run.out_bytes) > bytes_max) return fail(Code::too_large, "a signed text of more than {} bytes", bytes_max);
  if (run.out.empty()) return fail(Code::invalid, "nothing is signed in it");
  return std::move(run.out);
}

Result<std::string> unpacked_text(Runner& runner, const Path& file, std::size_t bytes_max) {
  const std::string tool = file.extension() == ".xz" ? "xz" : file.extension() == ".gz" ? "gzip" : "";
  if (tool.empty()) return read_file(file, bytes_max);
  FP_TRY(run, run_tool(runner, {tool, "-dc", "--", file.native()}, bytes_max));
  if (static_cast<std::size_t>(run.out_bytes) > bytes_max) return fail(Code::too_large, "it unpacks to more than {} bytes", bytes_max);
  if (!run.ok()) return fail(Code::corrupt, "{}: {}", tool, describe(run));
  return std::move(run.out);
}

}  // namespace fp::packages
