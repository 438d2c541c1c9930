#include "packages/detector.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "packages/script_file.hpp"
#include "packages/technologies.hpp"

namespace fp::packages {
namespace {

using deployment::Detected;
using deployment::Detection;

Detection unknown(std::string what, std::string because) { return {Detected::unknown, {{std::move(what), std::move(because)}}}; }

Detection run_script(const DetectionRule& rule, Runner& runner, const Roots& roots, std::int64_t limit_ms) {
  const std::string what = "detection script";
  if (rule.script.size() > kScriptBytesMax) return unknown(what, fmt::format("it is larger than {} KB", kScriptBytesMax >> 10));
  if (!rule.interpreter.starts_with('/'))
    return unknown(what, fmt::format("interpreter {} is no absolute path", rule.interpreter));
  const auto file = ScriptFile::make(roots.state_dir / "scripts", rule.script);
  if (!file) return unknown(what, file.error().message);
  Command command;
  command.argv = {rule.interpreter, file->name()};
  command.limit_ms = limit_ms;
  command.output_bytes_max = 4096;
  const auto run = runner.run(command);
  if (!run) return unknown(what, run.error().message);
  const bool finished = run->signal == 0 && !run->timed_out && !run->cancelled;
  Detection out = deployment::judge_script({run->exit_code, finished, run->out, run->err});
  if (out.state == Detected::unknown) out.reasons.push_back({what, describe(*run)});
  return out;
}

Detection look_at_file(const DetectionRule& rule, const Roots& roots) {
  const std::string what = fmt::format("file {}", rule.path);
  if (!rule.path.starts_with('/')) return unknown(what, "it is no absolute path");
  const Path path = is_system(roots) ? Path(rule.path) : roots.root / Path(rule.path).relative_path();
  std::error_code error;
  const bool there = std::filesystem::exists(path, error);
  if (error) return unknown(what, error.message());
  if (!there) return deployment::judge_file(rule, std::nullopt);
  if (rule.sha256.empty()) return deployment::judge_file(rule, "");
  const auto hash = sha256_of_file(path);
  return hash ? deployment::judge_file(rule, *hash) : unknown(what, hash.error().message);
}

}  // namespace

Detector::Detector(Runner& runner, Roots roots, std::int64_t script_limit_ms)
    : runner_(runner), roots_(std::move(roots)), script_limit_ms_(script_limit_ms) {}

Detection Detector::detect(const DetectionRule& rule, Technology technology) {
  switch (rule.kind) {
    case DetectionKind::script: return run_script(rule, runner_, roots_, script_limit_ms_);
    case DetectionKind::file: return look_at_file(rule, roots_);
    case DetectionKind::package_version: break;
  }
  const bool has_dpkg = file_exists(roots_.root / "var/lib/dpkg/status");
  const bool rpm = technology == Technology::rpm || (technology != Technology::deb && !has_dpkg);
  auto installer = make_installer(rpm ? Technology::rpm : Technology::deb, runner_, roots_);
  const auto version = installer->installed_version(rule.package);
  if (!version) return unknown(fmt::format("package {}", rule.package), version.error().message);
  return deployment::judge_package(rule, *version, rpm ? deployment::VersionScheme::rpm : deployment::VersionScheme::dpkg);
}

Detection Detector::detect(const DeploymentType& type) {
  std::vector<Detection> all;
  for (const auto& rule : type.detection) all.push_back(detect(rule, type.technology));
  return deployment::combine(all);
}

Result<std::string> sha256_of_file(const Path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return fail_errno("reading", path.native());
  crypto::Sha256 hash;
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("reading", path.native());
    if (n == 0) return hex_lower(hash.finish());
    hash.update({buffer.data(), static_cast<std::size_t>(n)});
  }
}

}  // namespace fp::packages
