// Multipart, Msg header, body and reply from arbitrary bytes; the first byte chooses the content type.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/limits.hpp"
#include "wire/envelope.hpp"
#include "wire/identity.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  const std::string_view type = input[0] % 2 == 0 ? fp::wire::kMultipartType : "multipart/form-data; boundary=b";
  input.remove_prefix(1);
  if (const auto envelope = fp::wire::decode_envelope(type, input)) {
    if (envelope->payload.size() > input.size()) __builtin_trap();
    (void)fp::wire::decode_proofs(*envelope);
    if (const auto documents = fp::wire::open_documents(*envelope)) {
      if (documents->main >= documents->all.size()) __builtin_trap();
      for (const auto& text : documents->all)
        if (text.size() > fp::limits::kXmlBytesMax) __builtin_trap();
      (void)fp::wire::decode_freshness(documents->body());
    }
    if (!fp::wire::decode_reply(fp::wire::kMultipartType, fp::wire::encode_reply(envelope->header, "<a/>", {"mp", "id", {}})))
      __builtin_trap();
  }
  (void)fp::wire::decode_reply(type, input);
  return 0;
}
