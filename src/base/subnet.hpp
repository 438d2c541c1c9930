// Addresses of places on a network, as administrators write them: "host:port", and subnets of IPv4 and IPv6. Any thread; pure.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fp {

struct HostPort {
  std::string host;  // DNS name or IP literal, without brackets
  int port = 0;
};
[[nodiscard]] Result<HostPort> parse_host_port(std::string_view text);  // "mp1.example:10443", "[2001:db8::1]:443"

// Canonical: host bits are cleared. Code::invalid for anything that is no "address/prefix length".
[[nodiscard]] Result<std::string> parse_subnet(std::string_view text);
[[nodiscard]] bool subnet_holds(std::string_view subnet, std::string_view address);  // false where either is malformed

}  // namespace fp
