#include "base/subnet.hpp"

#include <arpa/inet.h>

#include <array>
#include <optional>

#include "base/ids.hpp"
#include "base/text.hpp"

namespace fp {
namespace {

struct Address {
  int family = AF_INET;
  std::array<unsigned char, 16> bytes{};
  [[nodiscard]] int bits() const { return family == AF_INET ? 32 : 128; }
};

std::optional<Address> address_of(std::string_view text) {
  const std::string literal(text);
  Address out;
  out.family = literal.find(':') == std::string::npos ? AF_INET : AF_INET6;
  if (literal.size() > 64 || ::inet_pton(out.family, literal.c_str(), out.bytes.data()) != 1) return std::nullopt;
  return out;
}

void clear_behind(Address& address, int prefix) {
  for (int bit = prefix; bit < address.bits(); ++bit)
    address.bytes[static_cast<std::size_t>(bit / 8)] &= static_cast<unsigned char>(~(0x80U >> (bit % 8)));
}

struct Subnet {
  Address first;
  int prefix = 0;
};

std::optional<Subnet> subnet_of(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  auto first = address_of(text.substr(0, slash));
  const auto prefix = parse_int(text.substr(slash + 1));
  if (!first || !prefix || *prefix < 0 || *prefix > first->bits()) return std::nullopt;
  clear_behind(*first, static_cast<int>(*prefix));
  return Subnet{*first, static_cast<int>(*prefix)};
}

}  // namespace

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

Result<std::string> parse_subnet(std::string_view text) {
  const auto subnet = subnet_of(text);
  if (!subnet) return fail(Code::invalid, "not a subnet such as 10.1.0.0/16: {:.60}", text);
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  ::inet_ntop(subnet->first.family, subnet->first.bytes.data(), buffer.data(), buffer.size());
  return fmt::format("{}/{}", buffer.data(), subnet->prefix);
}

bool subnet_holds(std::string_view subnet, std::string_view address) {
  const auto whole = subnet_of(subnet);
  auto one = address_of(address);
  if (!whole || !one || one->family != whole->first.family) return false;
  clear_behind(*one, whole->prefix);
  return one->bytes == whole->first.bytes;
}

}  // namespace fp
