// Manifests and the messages between site and distribution point.
#include <cstdlib>

#include "wire/dp_link.hpp"
#include "wire/manifest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto manifest = fp::wire::decode_manifest(text);
  if (manifest && !fp::wire::decode_manifest(fp::wire::encode_manifest(*manifest))) std::abort();
  const auto missing = fp::wire::decode_missing(text);
  if (missing && fp::wire::decode_missing(fp::wire::encode_missing(*missing)) != *missing) std::abort();
  (void)fp::wire::decode_findings(text);
  (void)fp::wire::decode_held(text);
  (void)fp::wire::decode_dp_status(text);
  (void)fp::wire::decode_pull_order(text);
  return 0;
}
