// Policy requests, replies, queries and bodies from arbitrary bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/policy.hpp"
#include "wire/policy_body.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto request = fp::wire::decode_assignment_request(input))
    if (!fp::wire::decode_assignment_request(fp::wire::encode_assignment_request(*request))) __builtin_trap();
  (void)fp::wire::decode_assignment_reply(input);
  if (const auto query = fp::wire::parse_policy_query(input))
    if (query->id.empty() || query->version.empty() == query->sha256.empty()) __builtin_trap();
  (void)fp::wire::resolve_policy_location(input, "https://mp1");
  if (const auto body = fp::wire::decode_policy_body(input))
    if (!fp::wire::decode_policy_body(fp::wire::policy_body_bytes(fp::wire::encode_policy_body(*body)))) __builtin_trap();
  return 0;
}
