// The conversation of a scan from arbitrary bytes: what is decoded can be encoded and decoded again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/wsus.hpp"
#include "wire/wsus_metadata.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fp::wire;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const auto service : {wsus::Service::client, wsus::Service::authorization, wsus::Service::reporting})
    if (const auto request = wsus::decode_request(service, input)) {
      const auto again = wsus::decode_request(service, wsus::encode_request(*request).body);
      if (!again || again->index() != request->index()) __builtin_trap();
    }
  (void)wsus::decode_fault(input);
  (void)wsus::decode_config(input);
  (void)wsus::decode_cookie(input);
  (void)wsus::decode_authorization_cookie(input);
  (void)wsus::decode_extended_info(input);
  if (const auto info = wsus::decode_sync_info(input))
    if (!wsus::decode_sync_info(wsus::encode_sync_info(*info))) __builtin_trap();
  if (const auto update = decode_core_fragment(input))
    if (const auto again = decode_core_fragment(encode_core_fragment(*update)); !again || again->id != update->id) __builtin_trap();
  (void)decode_extended_fragment(input);
  (void)decode_localized_fragment(input);
  return 0;
}
