#include "net/proxy_rules.hpp"

#include <arpa/inet.h>

#include <array>
#include <optional>
#include <string>

#include "base/text.hpp"

namespace fp::net {
namespace {

struct Address {
  std::array<unsigned char, 16> bytes{};
  int bits = 0;  // 32 or 128
};

std::optional<Address> address_of(std::string_view text) {
  Address a;
  const std::string name(text);
  if (::inet_pton(AF_INET, name.c_str(), a.bytes.data()) == 1)
    a.bits = 32;
  else if (::inet_pton(AF_INET6, name.c_str(), a.bytes.data()) == 1)
    a.bits = 128;
  else
    return std::nullopt;
  return a;
}

bool lies_in(const Address& a, std::string_view network) {
  const auto slash = network.find('/');
  const auto base = address_of(network.substr(0, slash));
  if (!base || base->bits != a.bits) return false;
  std::int64_t length = base->bits;
  if (slash != std::string_view::npos) {
    const auto written = parse_int(network.substr(slash + 1));
    if (!written || *written < 0 || *written > base->bits) return false;
    length = *written;
  }
  for (std::int64_t bit = 0; bit < length; ++bit) {
    const auto at = static_cast<std::size_t>(bit / 8);
    const unsigned mask = 0x80U >> (bit % 8);
    if (((a.bytes[at] ^ base->bytes[at]) & mask) != 0) return false;
  }
  return true;
}

bool is_below(std::string_view host, std::string_view name) {
  if (name.starts_with("*")) name.remove_prefix(1);
  if (name.starts_with('.')) name.remove_prefix(1);
  if (name.empty() || host.size() < name.size()) return false;
  const auto tail = host.substr(host.size() - name.size());
  return iequals(tail, name) && (tail.size() == host.size() || host[host.size() - name.size() - 1] == '.');
}

}  // namespace

bool is_excepted(std::string_view list, std::string_view host) {
  while (host.ends_with('.')) host.remove_suffix(1);
  const auto address = address_of(host);
  for (std::size_t at = 0; at < list.size();) {
    const auto end = std::min(list.find_first_of(",; \t", at), list.size());
    const auto entry = list.substr(at, end - at);
    at = end + 1;
    if (entry.empty()) continue;
    if (entry == "*" || (address ? lies_in(*address, entry) : is_below(host, entry))) return true;
  }
  return false;
}

}  // namespace fp::net
