// Authority queries, and their replies as the agent reads them, from arbitrary bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/authority.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)fp::wire::parse_authority_query(input);
  if (const auto list = fp::wire::decode_mp_list(input))
    if (!fp::wire::decode_mp_list(fp::wire::encode_mp_list(*list))) __builtin_trap();
  (void)fp::wire::decode_mp_certificate(input);
  (void)fp::wire::decode_key_information(input);
  (void)fp::wire::decode_site_sign_certificate(input);
  (void)fp::wire::decode_site_sign_proof(input);
  (void)fp::wire::decode_trusted_root_key(input);
  (void)fp::wire::decode_mp_location(input);
  return 0;
}
