// Headers of a BITS_POST from arbitrary bytes: lines "Name: value", then the size of the body by what is
// left.
#include <cstddef>
#include <cstdint>

#include "base/text.hpp"
#include "wire/bits.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fp::wire::BitsHeaders headers;
  for (const std::string_view line : fp::split({reinterpret_cast<const char*>(data), size}, '\n')) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    headers.emplace_back(std::string(line.substr(0, colon)), std::string(line.substr(colon + 1)));
  }
  const auto packet = fp::wire::decode_bits(headers, size % 4096);
  if (packet && packet->kind == fp::wire::BitsKind::fragment && packet->total <= packet->last)
    __builtin_trap();
  return 0;
}
