// Every document of the upload messages from arbitrary bytes.
#include <cstddef>
#include <cstdint>

#include "wire/upload.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)fp::wire::decode_upload_request(text);
  (void)fp::wire::decode_upload_reply(text);
  (void)fp::wire::decode_uploaded_body(text);
  return 0;
}
