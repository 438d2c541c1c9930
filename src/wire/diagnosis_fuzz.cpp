// An answer of the doctor's door from arbitrary bytes: what is read is within its limits and survives being written.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/diagnosis.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = fp::wire::decode_arrived({reinterpret_cast<const char*>(data), size});
  if (!read) return 0;
  if (read->header_names.size() > fp::wire::kArrivedHeadersMax) __builtin_trap();
  const auto text = fp::wire::encode_arrived(*read, false);
  const auto again = fp::wire::decode_arrived(text);
  if (!again || fp::wire::encode_arrived(*again, false) != text) __builtin_trap();
  return 0;
}
