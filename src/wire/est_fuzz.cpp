#include <cstdint>
#include <cstdlib>

#include "wire/est.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fp::wire;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto der = decode_est_request(kEstRequestType, text)) {
    if (der->size() > kEstRequestBytesMax) std::abort();
    const auto again = decode_est_request(kEstRequestType, encode_est_body(*der));
    if (!again || *again != *der) std::abort();
  }
  if (const auto credentials = parse_basic(text)) {
    const auto again = parse_basic(encode_basic(*credentials));
    if (!again || again->user != credentials->user || again->secret != credentials->secret) std::abort();
  }
  return 0;
}
