#include <cstdint>
#include <cstdlib>

#include "pki/issue.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto request = fp::pki::parse_signing_request({reinterpret_cast<const char*>(data), size});
  if (request && request->key.rsa_bits() < 2048) std::abort();
  return 0;
}
