// Messages of the fallback status point from arbitrary bytes: the first byte chooses the content type. What is read can be written
// and read again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/fallback.hpp"
#include "wire/multipart.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::string_view types[] = {fp::wire::kFallbackType, fp::wire::kMultipartType, fp::wire::kSealedFallbackType};
  const auto type = types[data[0] % 3];
  if (fp::wire::is_sealed_fallback(type, body) && type != fp::wire::kSealedFallbackType) __builtin_trap();
  const auto messages = fp::wire::decode_fallback(type, body);
  if (!messages) return 0;
  for (const auto& m : *messages) {
    const auto again = fp::wire::decode_fallback(fp::wire::kFallbackType, fp::wire::encode_fallback(m));
    if (again && (again->size() != 1 || again->front().topic_type != m.topic_type || again->front().state_id != m.state_id)) __builtin_trap();
  }
  return 0;
}
