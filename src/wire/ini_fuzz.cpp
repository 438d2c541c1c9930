// INI files of content libraries.
#include <cstdlib>

#include "wire/ini.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto file = fp::wire::decode_file_ini(text);
  if (file && (file->size_bytes < 0 || file->sha256.size() != 64)) std::abort();
  return 0;
}
