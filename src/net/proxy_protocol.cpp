#include "net/proxy_protocol.hpp"

#include <arpa/inet.h>

#include <array>

#include "base/text.hpp"

namespace fp::net {
namespace {

constexpr std::string_view kSignatureV2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kLineBytesMaxV1 = 107;

bool is_address(int family, const std::string& text) {
  std::array<unsigned char, 16> raw{};
  return inet_pton(family, text.c_str(), raw.data()) == 1;
}

Result<std::optional<ProxyHeader>> parse_v1(std::string_view bytes) {
  const auto end = bytes.substr(0, kLineBytesMaxV1).find("\r\n");
  if (end == bytes.npos) {
    if (bytes.size() >= kLineBytesMaxV1) return fail(Code::invalid, "PROXY line without an end");
    return std::nullopt;
  }
  ProxyHeader header;
  header.bytes = end + 2;
  const auto words = split(bytes.substr(0, end), ' ');
  if (words.size() >= 2 && words[1] == "UNKNOWN") return header;
  if (words.size() != 6 || (words[1] != "TCP4" && words[1] != "TCP6")) return fail(Code::invalid, "malformed PROXY line");
  header.address = words[2];
  FP_TRY(port, parse_int(words[4]));
  if (port < 0 || port > 65535 || !is_address(words[1] == "TCP4" ? AF_INET : AF_INET6, header.address))
    return fail(Code::invalid, "malformed address in the PROXY line");
  header.port = static_cast<std::uint16_t>(port);
  return header;
}

unsigned u16_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned>(static_cast<unsigned char>(bytes[at]) << 8 | static_cast<unsigned char>(bytes[at + 1]));
}

Result<std::optional<ProxyHeader>> parse_v2(std::string_view bytes) {
  if (bytes.size() < 16) return std::nullopt;
  const auto command = static_cast<unsigned char>(bytes[12]);
  const auto family = static_cast<unsigned char>(bytes[13]) >> 4;
  const std::size_t length = u16_at(bytes, 14);
  if ((command & 0xf0) != 0x20 || (command & 0x0f) > 1) return fail(Code::invalid, "unknown PROXY version or command");
  ProxyHeader header;
  header.bytes = 16 + length;
  if (header.bytes > kProxyHeaderBytesMax) return fail(Code::invalid, "PROXY header too long");
  if (bytes.size() < header.bytes) return std::nullopt;
  if ((command & 0x0f) == 0) return header;
  const std::size_t address_bytes = family == 1 ? 4 : family == 2 ? 16 : 0;
  if (address_bytes == 0) return header;
  if (length < 2 * address_bytes + 4) return fail(Code::invalid, "PROXY addresses too short");
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(family == 1 ? AF_INET : AF_INET6, bytes.data() + 16, text.data(), text.size());
  header.address = text.data();
  header.port = static_cast<std::uint16_t>(u16_at(bytes, 16 + 2 * address_bytes));
  return header;
}

}  // namespace

Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes) {
  constexpr std::string_view v1 = "PROXY ";
  if (bytes.starts_with(kSignatureV2)) return parse_v2(bytes);
  if (bytes.starts_with(v1)) return parse_v1(bytes);
  if (kSignatureV2.starts_with(bytes) || v1.starts_with(bytes)) return std::nullopt;
  return fail(Code::invalid, "no PROXY header");
}

}  // namespace fp::net
