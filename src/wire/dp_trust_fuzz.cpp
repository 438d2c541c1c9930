// What the site tells a distribution point: what is read can be written, and is read again as the same.
#include <cstdlib>

#include "wire/dp_trust.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto trust = fp::wire::decode_dp_trust({reinterpret_cast<const char*>(data), size});
  if (!trust) return 0;
  const auto again = fp::wire::decode_dp_trust(fp::wire::encode_dp_trust(*trust));
  if (!again || !(*again == *trust)) std::abort();
  return 0;
}
