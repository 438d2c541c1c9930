#include "base/subnet.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "base/ids.hpp"
#include "base/text.hpp"

namespace fp {

Result<HostPort> parse_host_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(Code::invalid, "not HOST:PORT: {:.100}", text);
  std::string_view name = text.substr(0, colon);
  if (name.size() > 2 && name.front() == '[' && name.back() == ']') name = name.substr(1, name.size() - 2);
  const auto port = parse_int(text.substr(colon + 1));
  auto host = parse_host(name);
  if (!host || !port || *port < 1 || *port > 65535) return fail(Code::invalid, "not HOST:PORT: {:.100}", text);
  return HostPort{std::move(*host), static_cast<int>(*port)};
}

Result<IpAddress> parse_address(std::string_view text) {
  const std::string literal(text);
  IpAddress out;
  const bool plain = literal.size() <= 64 && literal.find('\0') == std::string::npos;
  if (plain && ::inet_pton(AF_INET, literal.c_str(), out.bytes.data()) == 1) {
    out.bits = 32;
    return out;
  }
  if (!plain || ::inet_pton(AF_INET6, literal.c_str(), out.bytes.data()) != 1) return fail(Code::invalid, "\"{:.64}\" is no IP address", text);
  constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (!std::ranges::equal(kMapped, std::span(out.bytes).first<12>())) {
    out.bits = 128;
    return out;
  }
  IpAddress v4;
  std::ranges::copy(std::span(out.bytes).last<4>(), v4.bytes.begin());
  v4.bits = 32;
  return v4;
}

std::string to_text(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  ::inet_ntop(address.bits == 32 ? AF_INET : AF_INET6, address.bytes.data(), buffer.data(), buffer.size());
  return buffer.data();
}

IpAddress masked(IpAddress address, int prefix) {
  for (int bit = prefix; bit < address.bits; ++bit)
    address.bytes.at(static_cast<std::size_t>(bit / 8)) &= static_cast<unsigned char>(~(0x80U >> (bit % 8)));
  return address;
}

Result<IpNetwork> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  FP_TRY(address, parse_address(text.substr(0, slash)));
  if (slash == std::string_view::npos) return IpNetwork{address, address.bits};
  const auto prefix = parse_int(text.substr(slash + 1));
  if (!prefix || *prefix < 0 || *prefix > address.bits)
    return fail(Code::invalid, "\"{:.64}\" is no network: behind the slash stands a number from 0 to {}", text, address.bits);
  return IpNetwork{address, static_cast<int>(*prefix)};
}

bool contains(const IpNetwork& network, const IpAddress& address) {
  return network.address.bits == address.bits && masked(address, network.prefix) == masked(network.address, network.prefix);
}

bool contains(std::span<const IpNetwork> networks, const IpAddress& address) {
  return std::ranges::any_of(networks, [&](const IpNetwork& n) { return contains(n, address); });
}

std::string broadcast_of(const IpNetwork& network) {
  if (network.address.bits != 32 || network.prefix > 30) return {};
  IpAddress last = network.address;
  for (int bit = network.prefix; bit < 32; ++bit)
    last.bytes.at(static_cast<std::size_t>(bit / 8)) |= static_cast<unsigned char>(0x80U >> (bit % 8));
  return to_text(last);
}

Result<std::string> parse_subnet(std::string_view text) {
  const auto network = parse_network(text);
  if (!network || text.find('/') == std::string_view::npos) return fail(Code::invalid, "not a subnet such as 10.1.0.0/16: {:.60}", text);
  return fmt::format("{}/{}", to_text(masked(network->address, network->prefix)), network->prefix);
}

bool subnet_holds(std::string_view subnet, std::string_view address) {
  const auto network = parse_network(subnet);
  const auto one = parse_address(address);
  return network && one && contains(*network, *one);
}

}  // namespace fp
