#include "content/library.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "content/library_impl.hpp"
#include "crypto/hash.hpp"
#include "wire/manifest.hpp"

namespace fp::content {
namespace {

constexpr std::size_t kFilesSyncedOneByOne = 32;
constexpr std::string_view kManifestSuffix = ".manifest";

Result<std::vector<Path>> entries_of(const Path& folder) {
  std::error_code error;
  std::vector<Path> out;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    out.push_back(it->path());
  if (error) return fail(Code::io, "reading folder {}: {}", folder.native(), error.message());
  std::ranges::sort(out);
  return out;
}

std::set<std::string> hashes_of(const Manifest& manifest) {
  std::set<std::string> out;
  for (const auto& file : manifest.files) out.insert(file.sha256);
  return out;
}

}  // namespace

std::string_view to_string(Problem problem) {
  switch (problem) {
    case Problem::missing: return "missing";
    case Problem::wrong_size: return "wrong size";
    case Problem::wrong_hash: return "wrong hash";
    case Problem::unreadable: return "unreadable";
  }
  return "?";
}

Result<std::string> hash_file(const Path& path, std::int64_t& size_bytes) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.ok()) return fail_errno("opening", path.native());
  std::string buffer(limits::kChunkBytes, '\0');
  crypto::Sha256 hash;
  size_bytes = 0;
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("reading", path.native());
    if (n == 0) return hex_lower(hash.finish());
    hash.update({buffer.data(), static_cast<std::size_t>(n)});
    size_bytes += n;
  }
}

Status sync_files(const std::vector<Path>& paths, const Path& any_folder) {
  if (paths.size() > kFilesSyncedOneByOne) {
    const Fd fd(::open(any_folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.ok() || ::syncfs(fd.get()) != 0) return fail_errno("syncing", any_folder.native());
    return {};
  }
  for (const auto& path : paths) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.ok() || ::fsync(fd.get()) != 0) return fail_errno("syncing", path.native());
  }
  return {};
}

Path Library::Impl::path_of(const std::string& hash) const {
  const std::string name = upper(hash);
  return file_lib() / name.substr(0, 4) / name;
}

Status Library::Impl::load() {
  for (const auto& folder : {file_lib(), data_lib(), incoming(), quarantine()}) FP_CHECK(make_dirs(folder));
  FP_CHECK(remove_tree(staging()));
  FP_CHECK(make_dirs(staging()));
  FP_CHECK(load_contents());
  FP_CHECK(load_receptions());
  return clear_unused_files();
}

Status Library::Impl::load_contents() {
  FP_TRY(entries, entries_of(data_lib()));
  for (const auto& entry : entries) {
    if (!entry.native().ends_with(kManifestSuffix)) {
      ::unlink(entry.c_str());  // the temporary file of a write that was cut off
      continue;
    }
    auto text = read_file(entry, limits::kManifestBytesMax);
    auto manifest = text ? wire::decode_manifest(*text) : Result<Manifest>(std::unexpected(text.error()));
    if (!manifest || entry.filename().native() != manifest->content_id + std::string(kManifestSuffix)) {
      const Path aside = quarantine() / entry.filename();
      log::error("content", "{} is no good manifest ({}); it was moved to quarantine, the content must be sent again",
                 entry.native(), manifest ? "another content's" : manifest.error().message);
      FP_CHECK(rename_durable(entry, aside));
      continue;
    }
    enter(std::make_shared<const Content>(std::move(*manifest)));
  }
  for (auto& [hash, state] : files) {
    struct stat st{};
    if (::stat(path_of(hash).c_str(), &st) != 0) {
      state.problem = Problem::missing;
    } else if (st.st_size != state.size_bytes) {
      state.problem = Problem::wrong_size;
    } else {
      state.present = true;
      continue;
    }
    log::warning("content", "library file {} used by {}: {}", hash, *state.users.begin(), to_string(state.problem));
  }
  return {};
}

Status Library::Impl::load_receptions() {
  FP_TRY(entries, entries_of(incoming()));
  for (const auto& entry : entries) {
    auto text = read_file(entry / "manifest.json", limits::kManifestBytesMax);
    auto manifest = text ? wire::decode_manifest(*text) : Result<Manifest>(std::unexpected(text.error()));
    if (!manifest || entry.filename().native() != manifest->content_id) {
      log::warning("content", "leftovers of a reception without a good manifest in {} removed", entry.native());
      FP_CHECK(remove_tree(entry));
      continue;
    }
    auto receiving = std::make_shared<Receiving>();
    receiving->folder = entry;
    receiving->pinned = hashes_of(*manifest);
    for (const auto& hash : receiving->pinned) ++files[hash].pins;
    for (const auto& file : manifest->files) files[file.sha256].size_bytes = file.size;
    receiving->manifest = std::move(*manifest);
    receptions.emplace(receiving->manifest.content_id, std::move(receiving));
  }
  return {};
}

Status Library::Impl::clear_unused_files() {
  FP_TRY(folders, entries_of(file_lib()));
  for (const auto& folder : folders) {
    FP_TRY(names, entries_of(folder));
    for (const auto& name : names) {
      const auto found = files.find(lower(name.filename().native()));
      if (found == files.end()) {
        ::unlink(name.c_str());
        continue;
      }
      struct stat st{};
      // A reception that was cut off while it moved its files has some of them here already.
      if (found->second.users.empty() && ::stat(name.c_str(), &st) == 0 && st.st_size == found->second.size_bytes)
        found->second.present = true;
    }
  }
  return {};
}

void Library::Impl::enter(std::shared_ptr<const Content> content) {
  const Manifest& manifest = content->manifest();
  for (const auto& file : manifest.files) {
    auto& state = files[file.sha256];
    state.users.insert(manifest.content_id);
    state.size_bytes = file.size;
  }
  contents[manifest.content_id] = std::move(content);
}

bool Library::Impl::is_present(const std::string& hash) const {
  std::shared_lock lock(index);
  const auto found = files.find(hash);
  return found != files.end() && found->second.present;
}

void Library::Impl::pin(const std::string& hash) {
  std::unique_lock lock(index);
  ++files[hash].pins;
}

void Library::Impl::unpin(const std::set<std::string>& hashes) {
  std::lock_guard changing(change);
  for (const auto& hash : hashes) {
    {
      std::unique_lock lock(index);
      --files[hash].pins;
    }
    drop_if_unused(hash);
  }
}

void Library::Impl::drop_if_unused(const std::string& hash) {
  {
    std::unique_lock lock(index);
    const auto found = files.find(hash);
    if (found == files.end() || found->second.pins > 0 || !found->second.users.empty()) return;
    files.erase(found);
  }
  descriptors.drop(hash);
  ::unlink(path_of(hash).c_str());
  ::unlink((quarantine() / upper(hash)).c_str());
}

Status Library::Impl::place(const std::vector<Staged>& staged) {
  std::vector<Path> sources;
  for (const auto& file : staged) {
    if (::chmod(file.path.c_str(), 0444) != 0) return fail_errno("changing mode of", file.path.native());
    sources.push_back(file.path);
  }
  FP_CHECK(sync_files(sources, options.folder));
  std::lock_guard changing(change);
  std::set<Path> folders;
  for (const auto& file : staged) {
    if (is_present(file.hash)) continue;
    const Path target = path_of(file.hash);
    FP_CHECK(make_dirs(target.parent_path()));
    if (::rename(file.path.c_str(), target.c_str()) != 0) return fail_errno("renaming to", target.native());
    folders.insert(target.parent_path());
  }
  if (!folders.empty()) folders.insert(file_lib());
  FP_CHECK(sync_files({folders.begin(), folders.end()}, options.folder));
  std::unique_lock lock(index);
  for (const auto& file : staged) {
    auto& state = files[file.hash];
    state.size_bytes = file.size_bytes;
    state.present = true;
  }
  return {};
}

Status Library::Impl::commit_manifest(const Manifest& manifest) {
  std::lock_guard changing(change);
  {
    std::shared_lock lock(index);
    for (const auto& file : manifest.files) {
      const auto found = files.find(file.sha256);
      if (found == files.end() || !found->second.present)
        return fail(Code::conflict, "{}: {} is not in the library", manifest.content_id, file.path);
    }
    const auto known = contents.find(manifest.content_id);
    if (known != contents.end()) {
      if (known->second->manifest().root_hash == manifest.root_hash) return {};
      return fail(Code::conflict, "{} exists with other files; a version never changes", manifest.content_id);
    }
  }
  FP_CHECK(write_file(manifest_path(manifest.content_id), wire::encode_manifest(manifest), 0444));
  std::unique_lock lock(index);
  enter(std::make_shared<const Content>(manifest));
  return {};
}

Status Library::Impl::check_space(std::int64_t bytes) const {
  FP_TRY(free, fp::free_bytes(options.folder));
  if (free < bytes + options.reserve_bytes)
    return fail(Code::io, "no room in the content library {}: {} bytes needed beside a reserve of {}, {} free",
                options.folder.native(), bytes, options.reserve_bytes, free);
  return {};
}

void Library::Impl::set_bad(const std::string& hash, Problem problem) {
  {
    std::unique_lock lock(index);
    auto& state = files[hash];
    state.present = false;
    state.problem = problem;
  }
  descriptors.drop(hash);
}

Status Library::Impl::quarantine_file(const std::string& hash, Problem problem) {
  std::lock_guard changing(change);
  set_bad(hash, problem);
  const Path from = path_of(hash), to = quarantine() / upper(hash);
  if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) return fail_errno("moving to quarantine", from.native());
  FP_CHECK(file_exists(from.parent_path()) ? sync_dir(from.parent_path()) : Status{});
  return sync_dir(quarantine());
}

std::optional<Problem> Library::Impl::examine(const std::string& hash, std::int64_t size_bytes) const {
  const Path path = path_of(hash);
  if (!file_exists(path)) return Problem::missing;
  std::int64_t read_bytes = 0;
  const auto found = hash_file(path, read_bytes);
  if (!found) return Problem::unreadable;
  if (read_bytes != size_bytes) return Problem::wrong_size;
  if (*found != hash) return Problem::wrong_hash;
  return std::nullopt;
}

std::vector<Finding> Library::Impl::bad_of(const Content& content) const {
  std::vector<Finding> out;
  std::shared_lock lock(index);
  for (const auto& file : content.manifest().files) {
    const auto found = files.find(file.sha256);
    if (found == files.end() || found->second.present) continue;
    out.push_back({content.manifest().content_id, file.path, file.sha256, found->second.problem});
  }
  return out;
}

Library::Library(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Library::~Library() = default;

Result<std::unique_ptr<Library>> Library::open(const LibraryOptions& options) {
  FP_CHECK(make_dirs(options.folder));
  auto impl = std::make_unique<Impl>(options);
  if (const Status loaded = impl->load(); !loaded)
    return std::unexpected(loaded.error().with_context("opening the content library " + options.folder.native()));
  return std::unique_ptr<Library>(new Library(std::move(impl)));
}

Result<std::shared_ptr<const Content>> Library::find(std::string_view content_id) const {
  std::shared_lock lock(impl_->index);
  if (const auto exact = impl_->contents.find(content_id); exact != impl_->contents.end()) return exact->second;
  std::shared_ptr<const Content> newest;
  int version = 0;
  if (content_id.find('.') == std::string_view::npos) {
    const std::string prefix = std::string(content_id) + ".";
    for (auto it = impl_->contents.lower_bound(prefix); it != impl_->contents.end() && it->first.starts_with(prefix); ++it) {
      const int this_version = split_content_id(it->first).version;
      if (this_version > version) newest = it->second, version = this_version;
    }
  }
  if (!newest) return fail(Code::not_found, "content {} is not in the library", content_id);
  return newest;
}

std::vector<std::string> Library::contents() const {
  std::shared_lock lock(impl_->index);
  std::vector<std::string> out;
  for (const auto& [id, content] : impl_->contents) out.push_back(id);
  return out;
}

std::optional<OpenFile> Library::open_file_at_once(const std::string& sha256) const {
  auto entry = impl_->descriptors.find(sha256);
  if (!entry.file) return std::nullopt;
  return OpenFile{std::move(entry.file), entry.size_bytes};
}

Result<OpenFile> Library::open_file(std::string_view sha256) const {
  const std::string hash = lower(sha256);
  if (auto entry = impl_->descriptors.find(hash); entry.file) return OpenFile{entry.file, entry.size_bytes};
  std::int64_t size_bytes = 0;
  {
    std::shared_lock lock(impl_->index);
    const auto found = impl_->files.find(hash);
    if (found == impl_->files.end() || found->second.users.empty())
      return fail(Code::not_found, "no content has a file {}", hash);
    if (!found->second.present)
      return fail(Code::corrupt, "library file {} of {}: {}", hash, *found->second.users.begin(),
                  to_string(found->second.problem));
    size_bytes = found->second.size_bytes;
  }
  const Path path = impl_->path_of(hash);
  auto fd = std::make_shared<Fd>(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd->ok() && errno != ENOENT) return fail_errno("opening", path.native());
  struct stat st{};
  if (!fd->ok() || ::fstat(fd->get(), &st) != 0 || st.st_size != size_bytes) {
    const Problem problem = fd->ok() ? Problem::wrong_size : Problem::missing;
    impl_->set_bad(hash, problem);
    return fail(Code::corrupt, "library file {}: {}", path.native(), to_string(problem));
  }
  impl_->descriptors.put(hash, {fd, size_bytes});
  if (!impl_->is_present(hash)) {  // found bad meanwhile
    impl_->descriptors.drop(hash);
    return fail(Code::corrupt, "library file {} was just found corrupt", hash);
  }
  return OpenFile{std::move(fd), size_bytes};
}

std::vector<std::string> Library::users_of(std::string_view sha256) const {
  std::shared_lock lock(impl_->index);
  const auto found = impl_->files.find(lower(sha256));
  if (found == impl_->files.end()) return {};
  return {found->second.users.begin(), found->second.users.end()};
}

std::vector<std::string> Library::hashes() const {
  std::vector<std::string> out;
  {
    std::shared_lock lock(impl_->index);
    for (const auto& [hash, state] : impl_->files)
      if (!state.users.empty()) out.push_back(hash);
  }
  std::ranges::sort(out);
  return out;
}

std::vector<Finding> Library::known_bad(std::string_view content_id) const {
  const auto content = find(content_id);
  if (!content) return {};
  return impl_->bad_of(**content);
}

Result<std::int64_t> Library::free_bytes() const { return fp::free_bytes(impl_->options.folder); }

Status Library::remove(std::string_view content_id) {
  FP_CHECK(abandon(content_id));
  std::lock_guard changing(impl_->change);
  std::set<std::string> hashes;
  {
    std::shared_lock lock(impl_->index);
    const auto found = impl_->contents.find(content_id);
    if (found == impl_->contents.end()) return {};
    hashes = hashes_of(found->second->manifest());
  }
  const Path manifest = impl_->manifest_path(std::string(content_id));
  if (::unlink(manifest.c_str()) != 0 && errno != ENOENT) return fail_errno("removing", manifest.native());
  FP_CHECK(sync_dir(impl_->data_lib()));
  {
    std::unique_lock lock(impl_->index);
    impl_->contents.erase(impl_->contents.find(content_id));
    for (const auto& hash : hashes) impl_->files[hash].users.erase(std::string(content_id));
  }
  for (const auto& hash : hashes) impl_->drop_if_unused(hash);
  return {};
}

Result<std::vector<Finding>> Library::validate(std::string_view content_id, const OnProgress& progress) {
  std::map<std::string, std::int64_t> wanted;
  std::vector<std::shared_ptr<const Content>> everything;
  Progress done;
  for (const auto& id : contents())
    if (const auto content = find(id)) everything.push_back(*content);
  for (const auto& content : everything) {
    if (!content_id.empty() && content->manifest().content_id != content_id) continue;
    for (const auto& file : content->manifest().files) wanted.emplace(file.sha256, file.size);
  }
  if (!content_id.empty()) FP_CHECK(find(content_id));
  for (const auto& [hash, size] : wanted) done.bytes_total += size;
  done.files_total = static_cast<std::int64_t>(wanted.size());
  std::set<std::string> bad;
  for (const auto& [hash, size] : wanted) {
    auto problem = impl_->examine(hash, size);
    if (problem && !users_of(hash).empty()) {  // not removed meanwhile
      FP_CHECK(impl_->quarantine_file(hash, *problem));
      bad.insert(hash);
      log::error("content", "validation: library file {}: {}; it will not be served", hash, to_string(*problem));
    }
    done.bytes_done += size;
    ++done.files_done;
    if (progress && !progress(done)) return fail(Code::conflict, "validation was stopped");
  }
  std::vector<Finding> out;
  for (const auto& content : everything)
    for (const auto& finding : impl_->bad_of(*content))
      if (bad.contains(finding.sha256)) out.push_back(finding);
  return out;
}

}  // namespace fp::content
