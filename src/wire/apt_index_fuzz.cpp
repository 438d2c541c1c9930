// Release files and lists of packages from arbitrary bytes: whatever is taken is within its grammar.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/ids.hpp"
#include "wire/apt_index.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto release = fp::wire::decode_apt_release(input))
    for (const auto& [path, file] : release->files)
      if (!fp::parse_relative_path(path) || file.sha256.size() != 64 || file.bytes < 0) __builtin_trap();
  if (const auto packages = fp::wire::decode_apt_packages(input))
    for (const auto& p : packages->packages)
      if (p.package.empty() || p.version.empty() || !fp::parse_relative_path(p.file) || p.sha256.size() != 64 || p.bytes <= 0) __builtin_trap();
  return 0;
}
