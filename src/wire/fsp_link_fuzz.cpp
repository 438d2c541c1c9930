// The link between a site and its fallback status points from arbitrary bytes: what is read is written and read the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/fsp_link.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto one = fp::wire::decode_spooled(input)) {
    const auto again = fp::wire::decode_spooled(fp::wire::encode_spooled(*one));
    if (!again || !(*again == *one)) __builtin_trap();
  }
  if (const auto batch = fp::wire::decode_spool_batch(input)) {
    const auto again = fp::wire::decode_spool_batch(fp::wire::encode_spool_batch(*batch));
    if (!again || again->messages != batch->messages) __builtin_trap();
  }
  if (const auto ids = fp::wire::decode_receipts(input)) {
    const auto again = fp::wire::decode_receipts(fp::wire::encode_receipts(*ids));
    if (!again || *again != *ids) __builtin_trap();
  }
  return 0;
}
