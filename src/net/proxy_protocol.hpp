// The PROXY protocol header, versions 1 and 2: a tunnelling proxy says whose connection it forwards. Any thread; pure.
// It is read only on listeners that are configured for it, and never believed anywhere else.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fp::net {

inline constexpr std::size_t kProxyHeaderBytesMax = 536;

struct ProxyHeader {
  std::size_t bytes = 0;  // length of the header on the wire
  std::string address;    // of the client; empty: not said (UNKNOWN, LOCAL), the socket's own counts
  std::uint16_t port = 0;
};

// Empty optional: more bytes are needed. Code::invalid: not a PROXY header.
[[nodiscard]] Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes);

}  // namespace fp::net
