#include <cstdint>
#include <cstdlib>

#include "crypto/key.hpp"

// A blob that is accepted comes back as the same key.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto key = fp::crypto::from_public_key_blob({reinterpret_cast<const char*>(data), size});
  if (!key) return 0;
  const auto again = fp::crypto::to_public_key_blob(*key);
  if (!again || fp::crypto::from_public_key_blob(*again).value() != *key) std::abort();
  return 0;
}
