// Addresses of places on a network, as administrators write them: "host:port", IP addresses, networks of IPv4 and IPv6. Any thread;
// pure. Never: a name, a look-up. An IPv4 address that came through an IPv6 socket (::ffff:10.1.2.3) is an IPv4 address.
#pragma once
#include <array>
#include <compare>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fp {

struct HostPort {
  std::string host;  // DNS name or IP literal, without brackets
  int port = 0;
};
[[nodiscard]] Result<HostPort> parse_host_port(std::string_view text);  // "mp1.example:10443", "[2001:db8::1]:443"

struct IpAddress {
  std::array<unsigned char, 16> bytes{};  // of IPv4 the first four
  int bits = 0;                           // 32 or 128
  auto operator<=>(const IpAddress&) const = default;  // of one family: the order of a range
};
[[nodiscard]] Result<IpAddress> parse_address(std::string_view text);
[[nodiscard]] std::string to_text(const IpAddress& address);
[[nodiscard]] IpAddress masked(IpAddress address, int prefix);  // host bits cleared

struct IpNetwork {
  IpAddress address;  // host bits may be set: of an interface
  int prefix = 0;
};
[[nodiscard]] Result<IpNetwork> parse_network(std::string_view text);  // "10.1.0.0/16", "fd00::/8", an address alone: itself
[[nodiscard]] bool contains(const IpNetwork& network, const IpAddress& address);
[[nodiscard]] bool contains(std::span<const IpNetwork> networks, const IpAddress& address);

// "10.77.1.255" of 10.77.1.50/24. Empty: IPv6, which has none, or a network without one (/31, /32).
[[nodiscard]] std::string broadcast_of(const IpNetwork& network);

// Canonical: host bits are cleared. Code::invalid for anything that is no "address/prefix length".
[[nodiscard]] Result<std::string> parse_subnet(std::string_view text);
[[nodiscard]] bool subnet_holds(std::string_view subnet, std::string_view address);  // false where either is malformed

}  // namespace fp
