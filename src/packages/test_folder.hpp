// A folder of a test that is gone afterwards, and shorthands to fill it.
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "base/file.hpp"
#include "packages/runner.hpp"

namespace fp::packages {

class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "farpoint-test-XXXXXX").native();
    path_ = ::mkdtemp(name.data());
  }
  ~TestFolder() { std::error_code none; std::filesystem::remove_all(path_, none); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  [[nodiscard]] const Path& path() const { return path_; }
  Path put(const std::string& name, std::string_view text, unsigned mode = 0644) const {
    const Path file = path_ / name;
    EXPECT_TRUE(make_dirs(file.parent_path()));
    std::ofstream(file) << text;
    std::filesystem::permissions(file, static_cast<std::filesystem::perms>(mode));
    return file;
  }

 private:
  Path path_;
};

}  // namespace fp::packages
