// PROPFIND bodies and multistatus replies: what is read can be written, and what was written is well-formed.
#include <cstdlib>

#include "wire/dav.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)fp::wire::parse_depth(text);
  const auto request = fp::wire::decode_propfind(text);
  if (request) {
    const fp::wire::DavResource file{"http://dp/f", "f", false, 3, {}, "\"e\""};
    const auto reply = fp::wire::decode_multistatus(fp::wire::encode_multistatus(*request, {file}));
    if (!reply || reply->size() != 1) std::abort();
  }
  (void)fp::wire::decode_multistatus(text);
  return 0;
}
