// A folder of a test that is gone with it, and a shorthand to fill it. Aborts where it cannot be made: nothing could be tested.
#pragma once
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include "base/file.hpp"

namespace fp {

class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "farpoint-test-XXXXXX").native();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TestFolder() { std::error_code none; std::filesystem::remove_all(path_, none); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  [[nodiscard]] const Path& path() const { return path_; }
  // Writes a file, with the folders above it, and returns its full name.
  Path put(const std::string& name, std::string_view bytes, unsigned mode = 0644) const {
    const Path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    if (!(std::ofstream(file, std::ios::binary) << bytes)) std::abort();
    std::filesystem::permissions(file, static_cast<std::filesystem::perms>(mode));
    return file;
  }

 private:
  Path path_;
};

}  // namespace fp
