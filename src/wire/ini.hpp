// The INI files of a content library as third-party readers know them (wire.md §11.3). Any thread; pure.
// CR LF line ends. Farpoint serves them as views; it stores none of them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace fp::wire {

struct FileIni {  // Datalib/<content>/<file>.INI
  unsigned attributes = 0x20;
  Instant modified;
  std::int64_t size_bytes = 0;
  std::string sha256;  // hex, either case; written in upper case
};
[[nodiscard]] std::string encode_file_ini(const FileIni& file);
[[nodiscard]] Result<FileIni> decode_file_ini(std::string_view text);

// FileLib/<4 hex>/<HASH>.INI: the contents that use the file. PkgLib/<package>.INI: the contents of the package.
[[nodiscard]] std::string encode_users_ini(const std::vector<std::string>& content_ids);
[[nodiscard]] std::string encode_package_ini(const std::vector<std::string>& content_ids);

struct IniSection {
  std::string name;
  std::vector<std::pair<std::string, std::string>> values;  // in order; a line without '=' has an empty value
};
inline constexpr std::size_t kIniBytesMax = 1U << 20;
// Code::invalid: a value outside a section or an unclosed section head; Code::too_large over kIniBytesMax.
[[nodiscard]] Result<std::vector<IniSection>> decode_ini(std::string_view text);

}  // namespace fp::wire
