#include "agent/core/chunk_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.hpp"

namespace fp::agent {

Result<ChunkFile> ChunkFile::open(const Path& path, const ManifestFile& entry, std::int64_t chunk_bytes,
                                  const memory::FileProgress& saved) {
  ChunkFile f(entry, chunk_bytes);
  FP_CHECK(make_dirs(path.parent_path(), 0700));
  f.fd_ = Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!f.fd_.ok()) return fail_errno("opening", path.string());
  const std::size_t chunks = entry.chunk_sha256.size();
  f.bitmap_ = saved.bitmap;
  f.bitmap_.resize((chunks + 7) / 8, '\0');
  for (std::size_t c = 0; c < chunks; ++c) f.missing_ += f.has(c) ? 0 : 1;
  f.partial_chunk_ = saved.partial_chunk;
  f.partial_bytes_ = saved.partial_bytes;
  FP_CHECK(f.salvage());
  return f;
}

void ChunkFile::set(std::size_t chunk) {
  bitmap_[chunk / 8] = static_cast<char>(static_cast<unsigned char>(bitmap_[chunk / 8]) | 1U << (chunk % 8));
  --missing_;
}

std::int64_t ChunkFile::size_of(std::size_t chunk) const { return std::min(chunk_bytes_, entry_->size - begin_of(chunk)); }

Result<std::string> ChunkFile::read_at(std::int64_t offset, std::int64_t length) const {
  std::string out(static_cast<std::size_t>(length), '\0');
  std::size_t done = 0;
  while (done < out.size()) {
    const auto n = ::pread(fd_.get(), out.data() + done, out.size() - done, offset + static_cast<std::int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("reading", entry_->path);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  out.resize(done);
  return out;
}

// After kill -9 the bytes are there although nobody noted them; after power loss some may be noted that are not. The hash
// tells in either case, so nothing is asked for twice that need not be.
Status ChunkFile::salvage() {
  struct stat st {};
  if (::fstat(fd_.get(), &st) != 0) return fail_errno("looking at", entry_->path);
  for (std::size_t c = 0; c < entry_->chunk_sha256.size(); ++c) {
    const auto there = std::min<std::int64_t>(st.st_size - begin_of(c), size_of(c));
    if (has(c)) {
      if (there < size_of(c)) {  // noted, and lost all the same
        bitmap_[c / 8] = static_cast<char>(static_cast<unsigned char>(bitmap_[c / 8]) & ~(1U << (c % 8)));
        ++missing_;
      }
      continue;
    }
    if (there <= 0) continue;
    if (there < size_of(c)) {
      if (partial_chunk_ < 0) partial_chunk_ = static_cast<std::int64_t>(c), partial_bytes_ = there;
      continue;
    }
    FP_TRY(bytes, read_at(begin_of(c), size_of(c)));
    if (hex_lower(crypto::sha256(bytes)) == entry_->chunk_sha256[c]) {
      set(c);
      unsynced_ += size_of(c);
    }
  }
  const auto chunk = static_cast<std::size_t>(partial_chunk_);
  const bool usable = partial_chunk_ >= 0 && chunk < entry_->chunk_sha256.size() && !has(chunk) && partial_bytes_ > 0 &&
                      partial_bytes_ < size_of(chunk) && begin_of(chunk) + partial_bytes_ <= st.st_size;
  if (!usable) partial_chunk_ = -1, partial_bytes_ = 0;
  return {};
}

Result<ChunkFile::Gap> ChunkFile::next_gap(std::int64_t bytes_max) {
  if (complete()) return Gap{};
  std::size_t c = 0;
  if (partial_chunk_ >= 0) c = static_cast<std::size_t>(partial_chunk_);
  else while (has(c)) ++c;
  chunk_ = c;
  filled_ = partial_chunk_ >= 0 ? partial_bytes_ : 0;
  foreign_prefix_ = filled_ > 0;
  hash_ = crypto::Sha256();
  if (filled_ > 0) {
    FP_TRY(prefix, read_at(begin_of(c), filled_));
    hash_.update(prefix);
  }
  Gap gap{begin_of(c) + filled_, size_of(c) - filled_};
  for (std::size_t next = c + 1; next < entry_->chunk_sha256.size() && !has(next); ++next) {
    if (gap.length + size_of(next) > bytes_max) break;
    gap.length += size_of(next);
  }
  return gap;
}

Result<ChunkFile::Taken> ChunkFile::take(std::string_view bytes) {
  while (!bytes.empty()) {
    if (chunk_ >= entry_->chunk_sha256.size()) return fail(Code::corrupt, "{}: more bytes than asked for", entry_->path);
    const auto room = static_cast<std::size_t>(size_of(chunk_) - filled_);
    const auto part = bytes.substr(0, room);
    for (std::size_t done = 0; done < part.size();) {
      const auto at = begin_of(chunk_) + filled_ + static_cast<std::int64_t>(done);
      const auto n = ::pwrite(fd_.get(), part.data() + done, part.size() - done, at);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return fail_errno("writing", entry_->path);
      done += static_cast<std::size_t>(n);
    }
    hash_.update(part);
    filled_ += static_cast<std::int64_t>(part.size());
    unsynced_ += static_cast<std::int64_t>(part.size());
    bytes.remove_prefix(part.size());
    partial_chunk_ = static_cast<std::int64_t>(chunk_);
    partial_bytes_ = filled_;
    if (filled_ < size_of(chunk_)) continue;
    if (const auto end = end_chunk(); end != Taken::good) return end;
  }
  return Taken::good;
}

ChunkFile::Taken ChunkFile::end_chunk() {
  const bool good = hex_lower(hash_.finish()) == entry_->chunk_sha256[chunk_];
  const bool foreign = foreign_prefix_;
  partial_chunk_ = -1;
  partial_bytes_ = 0;
  foreign_prefix_ = false;
  filled_ = 0;
  if (!good) return foreign ? Taken::bad_prefix : Taken::bad_chunk;
  set(chunk_);
  ++chunk_;
  return Taken::good;
}

Status ChunkFile::sync() {
  if (unsynced_ == 0) return {};
  if (::fdatasync(fd_.get()) != 0) return fail_errno("syncing", entry_->path);
  unsynced_ = 0;
  return {};
}

memory::FileProgress ChunkFile::progress() const { return {entry_->path, bitmap_, partial_chunk_, partial_bytes_}; }

std::int64_t ChunkFile::bytes_done() const {
  std::int64_t sum = partial_chunk_ >= 0 ? partial_bytes_ : 0;
  for (std::size_t c = 0; c < entry_->chunk_sha256.size(); ++c) sum += has(c) ? size_of(c) : 0;
  return sum;
}

}  // namespace fp::agent
