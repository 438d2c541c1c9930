// A fileset: files of the content copied into a folder. Every file is staged beside its place first and then renamed, so a
// program that reads it sees the old or the new one; what is placed is recorded before, so that it can always be taken away.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "packages/detector.hpp"
#include "packages/fileset_record.hpp"
#include "packages/technologies.hpp"

namespace fp::packages {
namespace {

namespace fs = std::filesystem;
constexpr const char* kStaged = ".farpoint-new";

struct Source {
  std::string path;  // relative
  bool executable = false;
};

Result<std::vector<Source>> files_of(const Path& content) {
  std::vector<Source> out;
  std::error_code error;
  for (fs::recursive_directory_iterator at(content, error), end; !error && at != end; at.increment(error)) {
    const auto kind = at->symlink_status(error).type();
    if (kind == fs::file_type::directory) continue;
    FP_TRY(relative, parse_relative_path(at->path().lexically_relative(content).generic_string()));
    if (kind != fs::file_type::regular) return fail(Code::invalid, "{} in the content is neither a file nor a folder", relative);
    const auto mode = at->status(error).permissions();
    out.push_back({std::move(relative), (mode & fs::perms::owner_exec) != fs::perms::none});
  }
  if (error) return fail(Code::io, "reading content folder {}: {}", content.native(), error.message());
  if (out.empty()) return fail(Code::not_found, "the content holds no file");
  std::sort(out.begin(), out.end(), [](const Source& a, const Source& b) { return a.path < b.path; });
  return out;
}

Status copy_durably(const Path& from, const Path& to, unsigned mode) {
  const Fd in(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in.ok()) return fail_errno("reading", from.native());
  ::unlink(to.c_str());
  const Fd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!out.ok()) return fail_errno("writing", to.native());
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t n = ::read(in.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("reading", from.native());
    if (n == 0) break;
    FP_CHECK(write_all(out.get(), {buffer.data(), static_cast<std::size_t>(n)}));
  }
  if (::fchmod(out.get(), mode) != 0 || ::fsync(out.get()) != 0) return fail_errno("writing", to.native());
  return {};
}

std::set<std::string> paths_of(const FilesetRecord& record) {
  std::set<std::string> out;
  for (const auto& file : record.files) out.insert(file.path);
  return out;
}

class Fileset final : public Installer {
 public:
  Fileset(Runner& runner, const Roots& roots) : runner_(runner), roots_(roots) {}
  Technology technology() const override { return Technology::fileset; }
  Result<std::optional<std::string>> installed_version(std::string_view) override {
    return fail(Code::invalid, "a fileset has no package of its own");
  }
  Result<Execution> install(const Job& job) override {
    return job.type.install_command.empty() ? attempt("placing files", place(job))
                                            : run_own(runner_, job.type.install_command, job);
  }
  Result<Execution> repair(const Job& job) override {
    return job.type.repair_command.empty() ? attempt("placing files", place(job))
                                           : run_own(runner_, job.type.repair_command, job);
  }
  Result<Execution> uninstall(const Job& job) override {
    return job.type.uninstall_command.empty() ? attempt("removing files", take_away(job.type))
                                              : run_own(runner_, job.type.uninstall_command, job);
  }

 private:
  // A failure here is one of this attempt: exit code 1 with the reason, as from a program.
  static Result<Execution> attempt(std::string_view what, const Result<std::string>& done) {
    if (!done && done.error().code == Code::invalid) return std::unexpected(done.error());
    Execution out;
    out.run.exit_code = done ? 0 : 1;
    (done ? out.run.out : out.run.err) = done ? *done : done.error().message;
    out.summary = fmt::format("{}: {}", what, done ? *done : done.error().message);
    return out;
  }
  [[nodiscard]] Path real(const std::string& absolute) const {
    return is_system(roots_) ? Path(absolute) : roots_.root / Path(absolute).relative_path();
  }
  [[nodiscard]] Result<Path> record_path(const DeploymentType& type) const {
    FP_TRY(id, parse_guid(type.id));
    return roots_.state_dir / "filesets" / id;
  }
  [[nodiscard]] Result<FilesetRecord> recorded(const Path& path) const {
    if (!file_exists(path)) return FilesetRecord{};
    FP_TRY(text, read_file(path));
    return decode_fileset(text);
  }

  Result<std::string> place(const Job& job);
  Result<std::string> take_away(const DeploymentType& type);
  Result<FilesetRecord> plan(const Job& job, const std::vector<Source>& files, const FilesetRecord& before) const;
  Status stage(const Job& job, const std::vector<Source>& files, const FilesetRecord& record);
  void remove_placed(const FilesetRecord& record, const FilesetRecord& keep) const;

  Runner& runner_;
  Roots roots_;
};

// The record of what will be there: the files with their hashes, and every folder that is ours to remove.
Result<FilesetRecord> Fileset::plan(const Job& job, const std::vector<Source>& files, const FilesetRecord& before) const {
  FilesetRecord out{job.type.target_folder, {}, {}};
  const std::set<std::string> ours_before(before.folders.begin(), before.folders.end());
  std::set<std::string> known;
  const auto ours = [&](const std::string& folder) {
    return (before.target == out.target && ours_before.contains(folder)) || !fs::exists(real(out.target) / folder);
  };
  for (const auto& file : files) {
    std::vector<std::string> parents;
    for (Path parent = Path(file.path).parent_path(); !parent.empty(); parent = parent.parent_path())
      parents.push_back(parent.native());
    for (auto parent = parents.rbegin(); parent != parents.rend(); ++parent) {
      if (known.insert(*parent).second && ours(*parent)) out.folders.push_back(*parent);
    }
    FP_TRY(hash, sha256_of_file(job.content / file.path));
    out.files.push_back({file.path, hash});
  }
  return out;
}

Status Fileset::stage(const Job& job, const std::vector<Source>& files, const FilesetRecord& record) {
  const Path target = real(record.target);
  for (const auto& file : files) {
    const Path to = target / (file.path + kStaged);
    FP_CHECK(make_dirs(to.parent_path()));
    FP_CHECK(copy_durably(job.content / file.path, to, file.executable ? 0755 : 0644));
  }
  return {};
}

Result<std::string> Fileset::place(const Job& job) {
  const std::string& target = job.type.target_folder;
  if (!target.starts_with('/') || target == "/" || Path(target).lexically_normal() != Path(target)) {
    return fail(Code::invalid, "target folder \"{}\" of {} is no plain absolute path", target, job.type.name);
  }
  FP_TRY(record_file, record_path(job.type));
  FP_TRY(before, recorded(record_file));
  FP_TRY(files, files_of(job.content));
  FP_TRY(record, plan(job, files, before));
  // Until the new files are in place both sets are ours.
  FilesetRecord both = record;
  const std::set<std::string> now_there = paths_of(record);
  for (const auto& old_file : before.files) {
    if (before.target == target && !now_there.contains(old_file.path)) both.files.push_back(old_file);
  }
  if (!before.target.empty() && before.target != target) remove_placed(before, {});
  FP_CHECK(make_dirs(record_file.parent_path(), 0700));
  FP_CHECK(write_file(record_file, encode(both), 0600));
  if (const Status staged = stage(job, files, record); !staged) {
    for (const auto& file : files) ::unlink((real(target) / (file.path + kStaged)).c_str());
    return std::unexpected(staged.error());
  }
  for (const auto& file : files) {
    FP_CHECK(rename_durable(real(target) / (file.path + kStaged), real(target) / file.path));
  }
  if (before.target == target) remove_placed(before, record);
  FP_CHECK(write_file(record_file, encode(record), 0600));
  return fmt::format("{} files are in {}", files.size(), target);
}

// Removes what `record` lists and `keep` does not. Folders go when they are empty: others may have put something there.
void Fileset::remove_placed(const FilesetRecord& record, const FilesetRecord& keep) const {
  const Path target = real(record.target);
  const std::set<std::string> kept = paths_of(keep);
  for (const auto& file : record.files) {
    if (!kept.contains(file.path)) ::unlink((target / file.path).c_str());
  }
  for (auto folder = record.folders.rbegin(); folder != record.folders.rend(); ++folder) ::rmdir((target / *folder).c_str());
}

Result<std::string> Fileset::take_away(const DeploymentType& type) {
  FP_TRY(record_file, record_path(type));
  if (!file_exists(record_file)) return std::string("nothing was placed");
  FP_TRY(record, recorded(record_file));
  remove_placed(record, {});
  for (const auto& file : record.files) {
    const Path path = real(record.target) / file.path;
    if (file_exists(path)) return fail(Code::io, "{} could not be removed", path.native());
  }
  FP_CHECK(remove_tree(record_file));
  return fmt::format("{} files are gone from {}", record.files.size(), record.target);
}

}  // namespace

std::unique_ptr<Installer> make_fileset(Runner& runner, const Roots& roots) { return std::make_unique<Fileset>(runner, roots); }

}  // namespace fp::packages
