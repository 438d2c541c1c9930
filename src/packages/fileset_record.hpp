// What a fileset placed: a text file, one line for each entry, so that uninstall removes exactly that.
//   farpoint-fileset 1
//   T <percent-encoded target folder>
//   D <percent-encoded path>          a folder that was made
//   F <sha256> <percent-encoded path> a file
// Paths are relative to the target folder and stand in the order in which they were made. Any thread; pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace fp::packages {

struct PlacedFile {
  std::string path, sha256;
};
struct FilesetRecord {
  std::string target;                // absolute
  std::vector<std::string> folders;
  std::vector<PlacedFile> files;
};

[[nodiscard]] std::string encode(const FilesetRecord& record);
[[nodiscard]] Result<FilesetRecord> decode_fileset(std::string_view text);  // Code::corrupt

}  // namespace fp::packages
