#include <cstdint>
#include <cstdlib>

#include "pki/certs_only.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto certificates = fp::pki::parse_certs_only({reinterpret_cast<const char*>(data), size});
  if (certificates && (certificates->empty() || certificates->size() > fp::pki::kCertsOnlyMax)) std::abort();
  return 0;
}
