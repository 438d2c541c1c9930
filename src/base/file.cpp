#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace fp {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Result<std::string> read_file(const Path& path, std::size_t bytes_max) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return fail_errno("reading", path.native());
  std::string out;
  char buffer[65536];
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("reading", path.native());
    if (n == 0) return out;
    out.append(buffer, static_cast<std::size_t>(n));
    if (out.size() > bytes_max) return fail(Code::too_large, "reading {}: over {} bytes", path.native(), bytes_max);
  }
}

Status write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("writing");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Status write_file(const Path& path, std::string_view bytes, unsigned mode) {
  std::string temporary = path.native() + ".XXXXXX";
  const Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.ok()) return fail_errno("writing", path.native());
  Status done = write_all(fd.get(), bytes);
  if (done && (::fchmod(fd.get(), mode) != 0 || ::fsync(fd.get()) != 0)) done = fail_errno("writing", path.native());
  if (done) done = rename_durable(temporary, path);
  if (!done) {
    ::unlink(temporary.c_str());
    return std::unexpected(done.error().with_context(path.native()));
  }
  return {};
}

Status make_dirs(const Path& path, unsigned mode) {
  if (path.empty() || file_exists(path)) return {};
  if (path.has_parent_path() && path.parent_path() != path) FP_CHECK(make_dirs(path.parent_path(), mode));
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return fail_errno("making folder", path.native());
  return {};
}

Status sync_dir(const Path& dir) {
  const Fd fd(::open(dir.empty() ? "." : dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok() || ::fsync(fd.get()) != 0) return fail_errno("syncing folder", dir.native());
  return {};
}

Status rename_durable(const Path& from, const Path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return fail_errno("renaming to", to.native());
  return sync_dir(to.parent_path());
}

Status remove_tree(const Path& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return fail(Code::io, "removing {}: {}", path.native(), error.message());
  return {};
}

Result<std::int64_t> size_of_file(const Path& path) {
  struct stat st{};
  if (::stat(path.c_str(), &st) != 0) return fail_errno("looking at", path.native());
  return static_cast<std::int64_t>(st.st_size);
}

bool file_exists(const Path& path) {
  struct stat st{};
  return ::stat(path.c_str(), &st) == 0;
}

Result<std::int64_t> free_bytes(const Path& path) {
  struct statvfs fs{};
  if (::statvfs(path.c_str(), &fs) != 0) return fail_errno("looking at", path.native());
  return static_cast<std::int64_t>(fs.f_bavail) * static_cast<std::int64_t>(fs.f_frsize);
}

}  // namespace fp
