// Service records from arbitrary bytes: whatever comes out keeps to its grammar.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/ids.hpp"
#include "wire/directory/dns.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto records = fp::wire::decode_service_records({reinterpret_cast<const char*>(data), size});
  if (!records) return 0;
  for (const auto& r : *records) {
    if (r.port <= 0 || r.port > 65535 || !fp::parse_host(r.host)) __builtin_trap();
  }
  return 0;
}
