#include "domain/internet/networks.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "base/text.hpp"

namespace fp::internet {

Result<Address> parse_address(std::string_view text) {
  Address out;
  const std::string copy(text.substr(0, 64));
  if (::inet_pton(AF_INET, copy.c_str(), out.bytes.data()) == 1) return out;
  out.v6 = true;
  if (::inet_pton(AF_INET6, copy.c_str(), out.bytes.data()) == 1) return out;
  return fail(Code::invalid, "\"{}\" is no IP address", copy);
}

Result<Network> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  FP_TRY(address, parse_address(text.substr(0, slash)));
  const int most = address.v6 ? 128 : 32;
  if (slash == std::string_view::npos) return Network{address, most};
  const auto prefix = parse_int(text.substr(slash + 1));
  if (!prefix || *prefix < 0 || *prefix > most)
    return fail(Code::invalid, "\"{}\" is no network: behind the slash stands a number from 0 to {}", text.substr(0, 64), most);
  return Network{address, static_cast<int>(*prefix)};
}

bool contains(const Network& network, const Address& address) {
  if (network.address.v6 != address.v6) return false;
  const auto whole = static_cast<std::size_t>(network.prefix / 8);
  if (!std::equal(network.address.bytes.begin(), network.address.bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                  address.bytes.begin()))
    return false;
  const int rest = network.prefix % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<unsigned char>(0xFFU << (8 - rest));
  return (network.address.bytes.at(whole) & mask) == (address.bytes.at(whole) & mask);
}

bool contains(std::span<const Network> networks, const Address& address) {
  return std::ranges::any_of(networks, [&](const Network& n) { return contains(n, address); });
}

std::string broadcast_of(const Network& network) {
  if (network.address.v6 || network.prefix > 30) return {};
  auto bytes = network.address.bytes;
  for (int bit = network.prefix; bit < 32; ++bit)
    bytes.at(static_cast<std::size_t>(bit / 8)) |= static_cast<unsigned char>(0x80U >> (bit % 8));
  return fmt::format("{}.{}.{}.{}", bytes[0], bytes[1], bytes[2], bytes[3]);
}

}  // namespace fp::internet
