// Registration requests and replies from arbitrary bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/text.hpp"
#include "wire/registration.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto request = fp::wire::decode_registration(input)) {
    // A signature that is none is empty, and proves nothing; what is kept can be decoded.
    if (request->signed_bytes.empty() || !fp::unhex(request->signature)) __builtin_trap();
    const std::string again = fp::wire::encode_registration(fp::wire::registration_data(*request), request->signature);
    if (!fp::wire::decode_registration(again)) __builtin_trap();
  }
  if (const auto reply = fp::wire::decode_registration_reply(input))
    if (!fp::wire::decode_registration_reply(fp::wire::encode_registration_reply(*reply))) __builtin_trap();
  return 0;
}
