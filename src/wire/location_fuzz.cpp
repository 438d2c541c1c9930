// Location requests and replies from arbitrary bytes: what is decoded can be encoded and decoded again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/location.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto request = fp::wire::decode_location_request(input)) {
    const auto again = fp::wire::decode_location_request(fp::wire::encode_location_request(*request));
    if (!again || again->index() != request->index()) __builtin_trap();
  }
  if (const auto request = fp::wire::decode_client_id_request(input))
    if (!fp::wire::decode_client_id_request(fp::wire::encode_client_id_request(*request))) __builtin_trap();
  (void)fp::wire::decode_client_id_reply(input);
  (void)fp::wire::decode_site_information(input);
  (void)fp::wire::decode_assigned_site(input);
  (void)fp::wire::decode_mp_locations(input);
  (void)fp::wire::decode_wsus_locations(input);
  if (const auto reply = fp::wire::decode_content_locations(input); reply && !reply->site_code.empty())
    if (!fp::wire::decode_content_locations(fp::wire::encode_content_locations(*reply))) __builtin_trap();
  return 0;
}
