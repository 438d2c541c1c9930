// A gateway's status as the site reads it, and the prefix of its clients' paths, from arbitrary bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/gateway.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto target = fp::wire::split_gateway_target(input)) {
    if (target->id.empty() || !target->rest.starts_with('/') || !input.ends_with(target->rest)) __builtin_trap();
    if (target->rest.size() >= input.size()) __builtin_trap();
  }
  if (const auto status = fp::wire::decode_gateway_status(input)) {
    const auto again = fp::wire::decode_gateway_status(fp::wire::encode_gateway_status(*status));
    if (!again || !(*again == *status)) __builtin_trap();
  }
  return 0;
}
