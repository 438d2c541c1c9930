// A domain controller's answer from arbitrary bytes: whatever comes out keeps to its grammar.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/ids.hpp"
#include "wire/directory/cldap.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto ping = fp::wire::decode_directory_ping({reinterpret_cast<const char*>(data), size}, 1);
  if (!ping) return 0;
  for (const auto& name : {ping->domain, ping->forest, ping->controller})
    if (!fp::parse_host(name)) __builtin_trap();
  if (ping->client_site.size() > 64) __builtin_trap();
  return 0;
}
