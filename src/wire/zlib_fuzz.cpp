// Inflation of arbitrary bytes never passes its limit, and takes back what deflation made.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/zlib.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto out = fp::wire::inflate_zlib(input, 100'000); out && out->size() > 100'000) __builtin_trap();
  const auto back = fp::wire::inflate_zlib(fp::wire::deflate_zlib(input));
  if (!back || *back != input) __builtin_trap();
  return 0;
}
