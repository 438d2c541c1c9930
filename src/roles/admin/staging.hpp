// Sources of content on their way to the library: folders that callers name by a GUID and fill piece by piece. Any thread;
// two writers of one file spoil only their own source. A piece is on the disk when it is answered, so that a caller may go on
// behind it after a power cut. Never: a source for ever (seven quiet days), or more of them than the limit.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/result.hpp"

namespace fp::admin {

inline constexpr std::int64_t kStagedLifeMs = std::int64_t{7} * 24 * 3600 * 1000;  // since its last piece
inline constexpr std::size_t kStagedSourcesMax = 64;

struct Piece {
  Path source, file;              // <staging>/<guid>, and the file below it
  std::int64_t offset = 0;        // not behind the end of what is there
  std::int64_t source_bytes = 0;  // of the whole source, where the caller says so; 0: unknown
  bool executable = false;
};

// Writes the piece; the file ends behind it. Returns its size. Code::conflict: a hole, or the name is taken;
// Code::unavailable: too many sources; Code::io: no room, with what is needed and what is free.
[[nodiscard]] Result<std::int64_t> write_piece(const Piece& piece, std::string_view bytes);

// Removes sources that nobody has written to for kStagedLifeMs. Returns how many.
[[nodiscard]] Result<int> expire_staged(const Path& staging, Instant now);

}  // namespace fp::admin
