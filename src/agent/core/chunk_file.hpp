// One file that is being fetched in chunks: which are there, which gap comes next, and the check of every chunk as its bytes
// arrive. One thread. Opening reads what an earlier run left and keeps what matches, whoever wrote it. Never: network, memory;
// never counts a chunk whose hash does not match.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/memory/records.hpp"
#include "base/file.hpp"
#include "crypto/hash.hpp"
#include "model/content.hpp"

namespace fp::agent {

class ChunkFile {
 public:
  // `entry` must outlive the object. Creates folders and file; an empty file is complete at once.
  [[nodiscard]] static Result<ChunkFile> open(const Path& path, const ManifestFile& entry, std::int64_t chunk_bytes,
                                              const memory::FileProgress& saved);

  struct Gap {
    std::int64_t offset = 0, length = 0;  // length 0: nothing is missing
  };
  // The next bytes to ask for; begins inside a chunk that was cut off. Takes up the position for take().
  [[nodiscard]] Result<Gap> next_gap(std::int64_t bytes_max);

  enum class Taken { good, bad_chunk, bad_prefix };  // bad_prefix: the earlier part of the chunk came from somebody else
  // Bytes of the gap in order. After a bad one the chunk is missing again as a whole, and the caller ends the request.
  [[nodiscard]] Result<Taken> take(std::string_view bytes);

  [[nodiscard]] Status sync();                         // then progress() may be remembered
  [[nodiscard]] memory::FileProgress progress() const;  // what is on the disk now
  [[nodiscard]] bool complete() const { return missing_ == 0; }
  [[nodiscard]] std::int64_t bytes_done() const;
  [[nodiscard]] std::int64_t unsynced_bytes() const { return unsynced_; }

 private:
  ChunkFile(const ManifestFile& entry, std::int64_t chunk_bytes) : entry_(&entry), chunk_bytes_(chunk_bytes) {}
  [[nodiscard]] bool has(std::size_t chunk) const { return (bitmap_[chunk / 8] >> (chunk % 8) & 1) != 0; }
  void set(std::size_t chunk);
  [[nodiscard]] std::int64_t begin_of(std::size_t chunk) const { return static_cast<std::int64_t>(chunk) * chunk_bytes_; }
  [[nodiscard]] std::int64_t size_of(std::size_t chunk) const;
  [[nodiscard]] Result<std::string> read_at(std::int64_t offset, std::int64_t length) const;
  [[nodiscard]] Status salvage();
  [[nodiscard]] Taken end_chunk();

  const ManifestFile* entry_;
  std::int64_t chunk_bytes_;
  Fd fd_;
  std::string bitmap_;
  std::size_t missing_ = 0;
  std::size_t chunk_ = 0;        // being filled
  std::int64_t filled_ = 0;      // bytes of it that are written
  bool foreign_prefix_ = false;
  crypto::Sha256 hash_;
  std::int64_t partial_chunk_ = -1, partial_bytes_ = 0;
  std::int64_t unsynced_ = 0;
};

}  // namespace fp::agent
