// Identity headers, as lines "Name: value", and a media token from arbitrary bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/text.hpp"
#include "wire/identity.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)fp::wire::decode_media_token(input);
  fp::wire::HeaderList headers;
  for (const std::string_view line : fp::split(input, '\n')) {
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos)
      headers.emplace_back(std::string(line.substr(0, colon)), std::string(line.substr(colon + 1)));
  }
  const auto identity = fp::wire::decode_identity(headers);
  if (!identity || !*identity) return 0;
  if ((*identity)->must_verify.empty() || (*identity)->client_id.size() != 41) __builtin_trap();
  for (const auto& proof : (*identity)->must_verify)
    if (proof.signature.empty() || proof.alternatives.empty()) __builtin_trap();
  return 0;
}
