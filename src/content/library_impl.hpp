// The inside of Library, shared by library.cpp, library_add.cpp and library_receive.cpp. Not for others.
//
// Locks, in the order in which they are taken: Receiving::mutex, change, index. `change` is held over every change of
// FileLib and DataLib, `index` only over look-ups and updates of the maps, never over I/O.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "content/descriptor_cache.hpp"
#include "content/library.hpp"

namespace fp::content {

struct FileState {
  std::int64_t size_bytes = 0;
  std::set<std::string> users;  // content ids, committed
  int pins = 0;                 // adds and receptions that rely on it
  bool present = false;         // stands in FileLib, and no validation failed
  Problem problem = Problem::missing;
};

// A file of a reception that FileLib does not have.
struct Partial {
  const ManifestFile* file = nullptr;
  std::vector<bool> have;
  std::int64_t missing = 0;
};

struct Receiving {
  std::mutex mutex;
  Manifest manifest;
  Path folder;
  std::set<std::string> pinned;
  std::map<std::string, Partial> parts;  // by hash; valid when scanned
  bool scanned = false;                  // what a former process left is proved chunk by chunk before it counts
  Progress progress;
};

// A complete file that waits for its place in FileLib.
struct Staged {
  Path path;
  std::string hash;
  std::int64_t size_bytes = 0;
};

[[nodiscard]] Result<std::string> hash_file(const Path& path, std::int64_t& size_bytes);
// Makes the bytes of many files durable: each by itself when they are few, else the whole file system at once.
[[nodiscard]] Status sync_files(const std::vector<Path>& paths, const Path& any_folder);

struct Library::Impl {
  explicit Impl(const LibraryOptions& o) : options(o), descriptors(o.open_files_max) {}

  [[nodiscard]] Path file_lib() const { return options.folder / "FileLib"; }
  [[nodiscard]] Path data_lib() const { return options.folder / "DataLib"; }
  [[nodiscard]] Path incoming() const { return options.folder / "incoming"; }
  [[nodiscard]] Path staging() const { return options.folder / "staging"; }
  [[nodiscard]] Path quarantine() const { return options.folder / "quarantine"; }
  [[nodiscard]] Path path_of(const std::string& hash) const;
  [[nodiscard]] Path manifest_path(const std::string& content_id) const { return data_lib() / (content_id + ".manifest"); }

  // library.cpp
  [[nodiscard]] Status load();
  [[nodiscard]] Status load_contents();
  [[nodiscard]] Status load_receptions();
  [[nodiscard]] Status clear_unused_files();
  void enter(std::shared_ptr<const Content> content);  // under index
  [[nodiscard]] bool is_present(const std::string& hash) const;
  void pin(const std::string& hash);
  void unpin(const std::set<std::string>& hashes);  // removes what nobody uses
  void drop_if_unused(const std::string& hash);     // under change
  // Puts staged files into FileLib, durably. Their hashes are pinned by the caller.
  [[nodiscard]] Status place(const std::vector<Staged>& files);
  [[nodiscard]] Status commit_manifest(const Manifest& manifest);
  [[nodiscard]] Status check_space(std::int64_t bytes) const;
  void set_bad(const std::string& hash, Problem problem);
  [[nodiscard]] Status quarantine_file(const std::string& hash, Problem problem);
  // Problem of one file as it stands on the disk now.
  [[nodiscard]] std::optional<Problem> examine(const std::string& hash, std::int64_t size_bytes) const;
  [[nodiscard]] std::vector<Finding> bad_of(const Content& content) const;

  // library_receive.cpp
  [[nodiscard]] std::shared_ptr<Receiving> reception(std::string_view content_id);
  [[nodiscard]] Status scan(Receiving& receiving);
  [[nodiscard]] Status commit_reception(Receiving& receiving);
  [[nodiscard]] Status end_reception(const std::string& content_id);

  LibraryOptions options;
  std::mutex change;
  mutable std::shared_mutex index;
  std::map<std::string, std::shared_ptr<const Content>, std::less<>> contents;
  std::unordered_map<std::string, FileState> files;
  DescriptorCache descriptors;
  std::mutex receptions_mutex;
  std::map<std::string, std::shared_ptr<Receiving>, std::less<>> receptions;
};

}  // namespace fp::content
