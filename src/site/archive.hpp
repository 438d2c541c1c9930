// Files as one .tar.gz (ustar, RFC 1952): what a bundle is handed out as. Pure; costs one compression. Never: reads a file.
#pragma once
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace fp::site {

struct ArchiveFile {
  std::string name;      // relative, at most 100 bytes
  unsigned mode = 0644;
  std::string bytes;
};
// Folders of the names are written too. Code::invalid: a name that does not fit.
[[nodiscard]] Result<std::string> tar_gz(const std::vector<ArchiveFile>& files, Instant at);

}  // namespace fp::site
