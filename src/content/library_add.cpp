#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "content/library_impl.hpp"
#include "crypto/hash.hpp"
#include "wire/manifest.hpp"

namespace fp::content {
namespace {

constexpr std::size_t kNamesShown = 10;

struct SourceFile {
  Path path;
  std::string relative;
  std::int64_t size_bytes = 0;
};

// Names of what is refused, the first few of them.
class Refused {
 public:
  void add(const std::string& name, std::string_view why) {
    if (++count_ <= kNamesShown) text_ += fmt::format("{}{} ({})", text_.empty() ? "" : ", ", name, why);
  }
  [[nodiscard]] Status status(const Path& source) const {
    if (count_ == 0) return {};
    const std::string more = count_ > kNamesShown ? fmt::format(" and {} more", count_ - kNamesShown) : std::string{};
    return fail(Code::invalid, "{} cannot become content: {}{}", source.native(), text_, more);
  }

 private:
  std::size_t count_ = 0;
  std::string text_;
};

std::string_view why_refused(const std::filesystem::directory_entry& entry, const std::string& relative) {
  std::error_code error;
  const auto type = entry.symlink_status(error).type();
  if (error) return "unreadable";
  if (type == std::filesystem::file_type::symlink) return "symbolic link";
  if (type != std::filesystem::file_type::regular && type != std::filesystem::file_type::directory) return "no regular file";
  if (!parse_relative_path(relative)) return "name that is no good path";
  for (const char c : relative)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return "control character in the name";
  return {};
}

Result<std::vector<SourceFile>> walk(const Path& source, std::int64_t bytes_max) {
  std::vector<SourceFile> out;
  Refused refused;
  std::int64_t bytes = 0;
  std::error_code error;
  std::filesystem::recursive_directory_iterator it(source, error), end;
  for (; !error && it != end; it.increment(error)) {
    const std::string relative = it->path().native().substr(source.native().size() + (source.native().ends_with('/') ? 0 : 1));
    if (const auto why = why_refused(*it, relative); !why.empty()) {
      refused.add(is_utf8(relative) ? relative : "\\x" + hex(relative), why);
      continue;
    }
    if (it->is_directory(error)) continue;
    const auto size = static_cast<std::int64_t>(it->file_size(error));
    out.push_back({it->path(), relative, size});
    bytes += size;
    if (out.size() > limits::kManifestFilesMax)
      return fail(Code::too_large, "{} holds over {} files", source.native(), limits::kManifestFilesMax);
    if (bytes > bytes_max) return fail(Code::too_large, "{} holds over {} bytes", source.native(), bytes_max);
  }
  if (error) return fail(Code::io, "reading folder {}: {}", source.native(), error.message());
  FP_CHECK(refused.status(source));
  std::ranges::sort(out, {}, &SourceFile::relative);
  return out;
}

// A folder under staging/ that is gone when this object is.
class StagingFolder {
 public:
  static Result<StagingFolder> make(const Path& staging) {
    std::string name = staging / "add-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) return fail_errno("making folder", name);
    return StagingFolder(name);
  }
  StagingFolder(StagingFolder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  StagingFolder(const StagingFolder&) = delete;
  ~StagingFolder() {
    if (!path_.empty()) (void)remove_tree(path_);
  }
  [[nodiscard]] const Path& path() const { return path_; }

 private:
  explicit StagingFolder(Path path) : path_(std::move(path)) {}
  Path path_;
};

bool same_file_state(const struct stat& a, const struct stat& b) {
  return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec &&
         a.st_ctim.tv_sec == b.st_ctim.tv_sec && a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

using OnBytes = std::function<bool(std::int64_t)>;

// Reads up to one chunk; shorter only at the end of the file.
Result<std::size_t> read_chunk(int fd, std::string& buffer, const std::string& name) {
  std::size_t got = 0;
  while (got < buffer.size()) {
    const ssize_t n = ::read(fd, buffer.data() + got, buffer.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("reading", name);
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  return got;
}

// One pass over a source file: whole hash, chunk hashes, and the copy at `to`, which so are of the same bytes.
Result<ManifestFile> take_in(const SourceFile& source, const Path& to, const OnBytes& on_bytes) {
  const Fd in(::open(source.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!in.ok()) return fail_errno("opening", source.path.native());
  struct stat before{}, after{};
  if (::fstat(in.get(), &before) != 0 || !S_ISREG(before.st_mode))
    return fail(Code::invalid, "{}: no regular file", source.path.native());
  const Fd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!out.ok()) return fail_errno("writing", to.native());
  ManifestFile file;
  file.path = source.relative;
  file.modified = {static_cast<std::int64_t>(before.st_mtim.tv_sec) * 1000};
  std::string buffer(limits::kChunkBytes, '\0');
  crypto::Sha256 whole;
  while (true) {
    FP_TRY(got, read_chunk(in.get(), buffer, source.path.native()));
    if (got == 0) break;
    const std::string_view bytes(buffer.data(), got);
    whole.update(bytes);
    file.chunk_sha256.push_back(hex_lower(crypto::sha256(bytes)));
    if (const Status written = write_all(out.get(), bytes); !written)
      return std::unexpected(written.error().with_context("copying " + source.relative + " into the content library"));
    file.size += static_cast<std::int64_t>(got);
    if (!on_bytes(static_cast<std::int64_t>(got))) return fail(Code::conflict, "adding content was stopped");
    if (got < buffer.size()) break;
  }
  if (::fstat(in.get(), &after) != 0 || !same_file_state(before, after) || file.size != before.st_size)
    return fail(Code::conflict, "{} changed while it was read", source.path.native());
  file.sha256 = hex_lower(whole.finish());
  return file;
}

}  // namespace

Result<Manifest> Library::add(std::string_view content_id, const Path& source, const OnProgress& progress) {
  FP_TRY(id, parse_content_id(content_id));
  std::error_code error;
  if (!std::filesystem::is_directory(source, error)) return fail(Code::not_found, "{} is no folder", source.native());
  FP_TRY(sources, walk(source, impl_->options.content_bytes_max));
  Progress done{0, 0, 0, static_cast<std::int64_t>(sources.size())};
  for (const auto& file : sources) done.bytes_total += file.size_bytes;
  FP_CHECK(impl_->check_space(done.bytes_total));
  FP_TRY(folder, StagingFolder::make(impl_->staging()));

  Manifest manifest;
  manifest.content_id = id;
  manifest.chunk_bytes = static_cast<std::int64_t>(limits::kChunkBytes);
  std::vector<Staged> staged;
  std::set<std::string> pinned;
  const auto unpin = [&](const void*) { impl_->unpin(pinned); };
  const std::unique_ptr<const void, decltype(unpin)> unpin_at_end(this, unpin);
  for (const auto& file : sources) {
    const Path copy = folder.path() / std::to_string(staged.size());
    const auto on_bytes = [&](std::int64_t bytes) {
      done.bytes_done += bytes;
      return !progress || progress(done);
    };
    FP_TRY(taken, take_in(file, copy, on_bytes));
    ++done.files_done;
    const bool fresh = pinned.insert(taken.sha256).second;
    if (fresh) impl_->pin(taken.sha256);
    if (!fresh || impl_->is_present(taken.sha256)) {
      ::unlink(copy.c_str());
    } else {
      staged.push_back({copy, taken.sha256, taken.size});
    }
    manifest.files.push_back(std::move(taken));
  }
  manifest.root_hash = wire::manifest_root_hash(manifest);
  FP_CHECK(wire::check_manifest(manifest));
  if (const auto known = find(id);
      known && (*known)->manifest().content_id == id && (*known)->manifest().root_hash != manifest.root_hash)
    return fail(Code::conflict, "{} exists with other files; a version never changes", id);
  FP_CHECK(impl_->place(staged));
  FP_CHECK(impl_->commit_manifest(manifest));
  return manifest;
}

Result<int> Library::restore(std::string_view content_id, const Path& source) {
  FP_TRY(content, find(content_id));
  FP_TRY(folder, StagingFolder::make(impl_->staging()));
  std::vector<Staged> staged;
  std::set<std::string> pinned;
  const auto unpin = [&](const void*) { impl_->unpin(pinned); };
  const std::unique_ptr<const void, decltype(unpin)> unpin_at_end(this, unpin);
  for (const auto& bad : impl_->bad_of(*content)) {
    if (pinned.contains(bad.sha256)) continue;
    const Path copy = folder.path() / std::to_string(staged.size());
    const auto taken = take_in({source / bad.path, bad.path, 0}, copy, [](std::int64_t) { return true; });
    if (!taken || taken->sha256 != bad.sha256) {
      ::unlink(copy.c_str());
      continue;
    }
    pinned.insert(bad.sha256);
    impl_->pin(bad.sha256);
    staged.push_back({copy, bad.sha256, taken->size});
  }
  FP_CHECK(impl_->place(staged));
  return static_cast<int>(staged.size());
}

}  // namespace fp::content
