#include "roles/admin/staging.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/log.hpp"

namespace fp::admin {
namespace {

std::unexpected<Error> no_room(const Path& at, std::int64_t needed) {
  const auto free = free_bytes(at);
  return fail(Code::io, "no room for a source of content: {} bytes needed, {} free", needed, free ? *free : 0);
}

// A name that is a file here and a folder there cannot be staged.
std::unexpected<Error> cannot_write(const Piece& piece, std::size_t bytes) {
  const int error = errno;
  if (error == ENOSPC || error == EDQUOT) return no_room(piece.source.parent_path(), static_cast<std::int64_t>(bytes));
  const std::string name = piece.file.filename().native();
  if (error == ENOTDIR || error == EISDIR || error == ELOOP || error == EEXIST)
    return fail(Code::conflict, "{}: the name is taken by a folder, or goes through a file", name);
  errno = error;
  return fail_errno("writing", name);
}

Instant last_change_of(const Path& source) {
  Instant out;
  const auto note = [&](const Path& path) {
    struct stat st{};
    if (::lstat(path.c_str(), &st) == 0) out = std::max(out, Instant{static_cast<std::int64_t>(st.st_mtim.tv_sec) * 1000});
  };
  note(source);
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator it(source, error), end; !error && it != end; it.increment(error))
    note(it->path());
  return out;
}

// The first piece of a source: is there room for all of it, and for one more source?
Status begin_source(const Piece& piece, std::size_t bytes) {
  if (file_exists(piece.source)) return {};
  const Path staging = piece.source.parent_path();
  if (const Status made = make_dirs(staging); !made) return cannot_write(piece, bytes);
  std::error_code error;
  const auto sources = std::distance(std::filesystem::directory_iterator(staging, error), std::filesystem::directory_iterator());
  if (error) return fail(Code::io, "reading {}: {}", staging.native(), error.message());
  if (static_cast<std::size_t>(sources) >= kStagedSourcesMax)
    return fail(Code::unavailable, "{} sources of content are staged already; what nobody adds is removed after 7 days", sources);
  FP_TRY(free, free_bytes(staging));
  const auto needed = std::max(piece.source_bytes, static_cast<std::int64_t>(bytes));
  if (free < needed) return no_room(staging, needed);
  return {};
}

}  // namespace

Result<std::int64_t> write_piece(const Piece& piece, std::string_view bytes) {
  FP_CHECK(begin_source(piece, bytes.size()));
  if (const Status made = make_dirs(piece.file.parent_path()); !made) return cannot_write(piece, bytes.size());
  const Fd fd(::open(piece.file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd.ok()) return cannot_write(piece, bytes.size());
  FP_TRY(size, size_of_file(piece.file));
  if (piece.offset > size) return fail(Code::conflict, "the next piece begins at {}, not at {}", size, piece.offset);
  if (::ftruncate(fd.get(), piece.offset) != 0 || ::lseek(fd.get(), piece.offset, SEEK_SET) < 0)
    return cannot_write(piece, bytes.size());
  if (const Status written = write_all(fd.get(), bytes); !written) return cannot_write(piece, bytes.size());
  if (piece.executable && ::fchmod(fd.get(), 0755) != 0) return cannot_write(piece, bytes.size());
  if (::fsync(fd.get()) != 0) return cannot_write(piece, bytes.size());
  if (piece.offset == 0) FP_CHECK(sync_dir(piece.file.parent_path()));
  return piece.offset + static_cast<std::int64_t>(bytes.size());
}

Result<int> expire_staged(const Path& staging, Instant now) {
  std::error_code error;
  std::vector<Path> old;
  for (std::filesystem::directory_iterator it(staging, error), end; !error && it != end; it.increment(error))
    if (now.since_ms(last_change_of(it->path())) > kStagedLifeMs) old.push_back(it->path());
  if (error && error != std::errc::no_such_file_or_directory)
    return fail(Code::io, "reading {}: {}", staging.native(), error.message());
  for (const auto& path : old) {
    log::info("content", "staged source {} removed: nobody added it for 7 days", path.filename().native());
    FP_CHECK(remove_tree(path));
  }
  return static_cast<int>(old.size());
}

}  // namespace fp::admin
