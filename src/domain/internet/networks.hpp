// IP networks as an administrator writes them: which addresses are inside, and the directed broadcast of a subnet. Pure; any
// thread. Never: a name, a look-up.
#pragma once
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace fp::internet {

struct Address {
  bool v6 = false;
  std::array<unsigned char, 16> bytes{};  // of IPv4 the first four
};
[[nodiscard]] Result<Address> parse_address(std::string_view text);

struct Network {
  Address address;  // host bits may be set: of an interface
  int prefix = 0;
};
[[nodiscard]] Result<Network> parse_network(std::string_view text);  // "10.1.0.0/16", "fd00::/8", an address alone: itself

[[nodiscard]] bool contains(const Network& network, const Address& address);
[[nodiscard]] bool contains(std::span<const Network> networks, const Address& address);

// "10.77.1.255" of 10.77.1.50/24. Empty: IPv6, which has none, or a network without one (/31, /32).
[[nodiscard]] std::string broadcast_of(const Network& network);

}  // namespace fp::internet
