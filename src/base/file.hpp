// The file system: whole-file reads and durable writes. Any thread; each call does its own I/O. A write is on the disk
// (file and folder synced) when it returns, and a reader sees the old content or the new, never a mixture.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fp {

using Path = std::filesystem::path;

// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool ok() const { return fd_ >= 0; }
  int release() { const int fd = fd_; fd_ = -1; return fd; }

 private:
  int fd_ = -1;
};

[[nodiscard]] Result<std::string> read_file(const Path& path, std::size_t bytes_max = 64U << 20);
[[nodiscard]] Status write_file(const Path& path, std::string_view bytes, unsigned mode = 0644);  // atomic and durable
[[nodiscard]] Status make_dirs(const Path& path, unsigned mode = 0755);
[[nodiscard]] Status sync_dir(const Path& dir);
[[nodiscard]] Status rename_durable(const Path& from, const Path& to);  // and syncs the target's folder
[[nodiscard]] Status remove_tree(const Path& path);
[[nodiscard]] Result<std::int64_t> size_of_file(const Path& path);
[[nodiscard]] bool file_exists(const Path& path);
[[nodiscard]] Status write_all(int fd, std::string_view bytes);
[[nodiscard]] Result<std::int64_t> free_bytes(const Path& path);

}  // namespace fp
