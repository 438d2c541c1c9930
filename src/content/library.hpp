// The content library of a distribution point: every file once, named by its SHA-256 (domain.md §11.1, wire.md §11.3).
//
//   FileLib/<first 4 hex>/<HASH>     bytes, 0444, never changed
//   DataLib/<content id>.manifest    JSON; its presence is what makes the content exist: the commit point
//   incoming/<content id>/           what is being received: manifest and sparse <HASH>.part files
//   quarantine/<HASH>                files found corrupt, never served
//
// Threads: any. Readers share an immutable snapshot; adding, receiving and removing different contents go on side by side.
// Cost: find() is a lock and a map lookup; open_file() an open(2), or nothing when the descriptor is in its cache.
// Never: half a file visible under its hash, a content visible before every byte of it is on the disk, a file served that
// failed validation, a file removed while a content (or one just being added) uses it.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "content/content.hpp"
#include "model/content.hpp"

namespace fp::content {

struct LibraryOptions {
  Path folder;
  std::int64_t reserve_bytes = 64 << 20;  // left free on the disk
  std::int64_t content_bytes_max = std::int64_t{1} << 40;
  std::size_t open_files_max = 256;       // descriptors kept open
};

struct Progress {
  std::int64_t bytes_done = 0, bytes_total = 0;
  std::int64_t files_done = 0, files_total = 0;
};
using OnProgress = std::function<bool(const Progress&)>;  // false: stop, Code::conflict

struct OpenFile {
  std::shared_ptr<Fd> file;
  std::int64_t size_bytes = 0;
};

enum class Problem { missing, wrong_size, wrong_hash, unreadable };
[[nodiscard]] std::string_view to_string(Problem problem);
struct Finding {
  std::string content_id, path, sha256;
  Problem problem = Problem::missing;
};

struct ChunkNeed {
  std::string sha256;  // of the file
  std::int64_t index = 0;
};

class Library {
 public:
  // Makes the folders where they are absent, reads every manifest, looks at every file's presence and size, and clears what
  // an interrupted add() left. Code::corrupt: a manifest that is not one (named); the others still load with open_lenient.
  [[nodiscard]] static Result<std::unique_ptr<Library>> open(const LibraryOptions& options);
  ~Library();

  // -- reading
  // Exact id first; one without version means the highest version there is. Code::not_found.
  [[nodiscard]] Result<std::shared_ptr<const Content>> find(std::string_view content_id) const;
  [[nodiscard]] std::vector<std::string> contents() const;  // ids, sorted
  // Code::not_found: no content uses such a file; Code::corrupt: it is quarantined or lost.
  [[nodiscard]] Result<OpenFile> open_file(std::string_view sha256) const;
  // The same without ever waiting for the disk; empty: its descriptor is not open, or it is not here.
  [[nodiscard]] std::optional<OpenFile> open_file_at_once(const std::string& sha256) const;
  [[nodiscard]] std::vector<std::string> users_of(std::string_view sha256) const;  // content ids, sorted
  [[nodiscard]] std::vector<std::string> hashes() const;  // of every file, sorted, lower-case
  [[nodiscard]] std::vector<Finding> known_bad(std::string_view content_id) const;  // found earlier, not repaired yet
  [[nodiscard]] Result<std::int64_t> free_bytes() const;

  // -- adding from a folder
  // Reads every file once, hashing and copying in one go. Refused, each with the names: symbolic links, devices, names that
  // are not UTF-8 or no relative path (Code::invalid), a file that changed while it was read (Code::conflict), too many files
  // or bytes (Code::too_large), no room (Code::io). The same files again are the same content; other files under a
  // content id that exists are Code::conflict: a version never changes.
  [[nodiscard]] Result<Manifest> add(std::string_view content_id, const Path& source, const OnProgress& progress = {});
  // Replaces bad files of a content from its source folder, where their bytes are still there. Returns how many.
  [[nodiscard]] Result<int> restore(std::string_view content_id, const Path& source);

  // -- receiving in chunks, in any order, over any number of restarts
  // Also repairs: for a content that exists only its bad files are wanted. Another manifest than the one that was begun takes
  // its place; another than a committed one is Code::conflict. Checks the manifest (wire::check_manifest) and the free space.
  [[nodiscard]] Status begin(const Manifest& manifest);
  [[nodiscard]] Result<std::vector<ChunkNeed>> missing_chunks(std::string_view content_id);
  // Code::corrupt: not the bytes that the manifest names; Code::not_found: nothing begun, or no such file or chunk wanted.
  [[nodiscard]] Status put_chunk(std::string_view content_id, std::string_view file_sha256, std::int64_t index,
                                 std::string_view bytes);
  // Bytes verified so far and all that were wanted at begin(). Code::not_found: nothing begun.
  [[nodiscard]] Result<Progress> received(std::string_view content_id);
  // Durable when it returns. Code::conflict: chunks are missing. Nothing begun but the content is there and whole: fine.
  [[nodiscard]] Status commit(std::string_view content_id);
  [[nodiscard]] Status abandon(std::string_view content_id);

  // -- keeping
  [[nodiscard]] Status remove(std::string_view content_id);  // files that nothing else uses go too; absent is fine
  // Reads and hashes every file of the content (all contents: empty id). Bad files go into quarantine.
  [[nodiscard]] Result<std::vector<Finding>> validate(std::string_view content_id = {}, const OnProgress& progress = {});

 private:
  struct Impl;
  explicit Library(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fp::content
