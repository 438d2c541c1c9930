// The store on one SQLite file: WAL, every commit on the disk, one writer with group commit, snapshots for readers.
// Threads: as store.hpp says; one thread of its own (the writer). Cost: opening checks the file (quick up to 256 MB) and
// brings it to the newest schema. One process at a time has the file (a lock beside it); opening it twice is Code::unavailable.
// Never: a write that is acknowledged and lost; SQL, statements or connections outside this room. Inside write() no other
// write() may be called, and none of the functions may block.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "store/store.hpp"

namespace fp::store {

struct SqliteOptions {
  std::size_t queue_max = 4096;  // functions waiting for the writer; one more is Code::unavailable
  std::size_t group_max = 512;   // functions that share a commit at most
  std::size_t readers_max = 64;  // connections; one more read waits for one
  std::int64_t bytes_max = 0;    // ceiling of the file's size; 0: the disk. Beyond it writes are Code::unavailable
};

// Creates the file where there is none. A damaged file: Code::corrupt. A file of a newer program or of another kind:
// Code::invalid.
[[nodiscard]] Result<std::unique_ptr<Store>> open_sqlite(const Path& file, const Clock& clock, const SqliteOptions& options = {});

}  // namespace fp::store
