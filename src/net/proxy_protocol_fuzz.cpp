#include "net/proxy_protocol.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto header = fp::net::parse_proxy_header({reinterpret_cast<const char*>(data), size});
  if (header && *header && ((*header)->bytes > size || (*header)->bytes > fp::net::kProxyHeaderBytesMax)) __builtin_trap();
  return 0;
}
