// DNS: does the name exist, does it lead where the internet can follow, does the resolver tell the truth.
#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/text.hpp"
#include "doctor/visit.hpp"

namespace fp::doctor {
namespace {

std::string joined(const std::vector<std::string>& all) {
  std::string out;
  for (const auto& one : all) out += (out.empty() ? "" : ", ") + one;
  return out;
}

struct Block {
  std::array<unsigned char, 16> base;
  int bits;
};

bool lies_in(const unsigned char* bytes, const Block& block) {
  for (int bit = 0; bit < block.bits; ++bit) {
    const auto at = static_cast<std::size_t>(bit / 8);
    if (((bytes[at] ^ block.base[at]) & (0x80U >> (bit % 8))) != 0) return false;
  }
  return true;
}

constexpr Block kNotPublic4[] = {{{0}, 8},         {{10}, 8},       {{100, 64}, 10},  {{127}, 8},
                                 {{169, 254}, 16}, {{172, 16}, 12}, {{192, 168}, 16}, {{224}, 3}};
constexpr Block kNotPublic6[] = {{{}, 127}, {{0xfc}, 7}, {{0xfe, 0x80}, 10}, {{0xff}, 8}};

}  // namespace

bool is_public_address(std::string_view address) {
  const std::string text(address);
  std::array<unsigned char, 16> bytes{};
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1)
    return std::ranges::none_of(kNotPublic4, [&](const Block& b) { return lies_in(bytes.data(), b); });
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1)
    return std::ranges::none_of(kNotPublic6, [&](const Block& b) { return lies_in(bytes.data(), b); });
  return false;
}

Result<std::vector<std::string>> resolve_by_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (code != 0) return fail(Code::not_found, "{}: {}", host, ::gai_strerror(code));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  std::vector<std::string> out;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0)
      out.emplace_back(text.data());
  }
  return out;
}

void check_names(Visit& visit) {
  const auto& host = visit.host;
  const bool proxied = !visit.subject.client.proxy.empty();
  const auto addresses = visit.around.resolve(host);
  if (!addresses && proxied) {
    visit.ok("dns name", fmt::format("{} is not resolved here; the web proxy finds it", host));
    return;
  }
  if (!addresses) {
    visit.add(
        "dns name", Outcome::failed, fmt::format("{} has no address here: {}", host, addresses.error().message),
        fmt::format("register a host entry (A or AAAA) for {} in the public DNS zone, or look at the resolver of this computer",
                    host));
    return;
  }
  visit.ok("dns name", fmt::format("{} is {}", host, joined(*addresses)));
  const auto nonsense = "x" + hex_lower(visit.around.random.bytes(8)) + ".invalid";  // RFC 6761: never exists
  if (const auto lie = visit.around.resolve(nonsense); lie && !lie->empty()) {
    visit.add(
        "dns truth", Outcome::failed, fmt::format("DNS here gives {} for {}, a name that cannot exist", joined(*lie), nonsense),
        "a login portal or a resolver answers every name with its own address: log in to the network, or use another resolver");
  } else {
    visit.ok("dns truth", "names that do not exist are not answered");
  }
  if (!visit.subject.internet) return;
  if (std::ranges::any_of(*addresses, [](const auto& a) { return is_public_address(a); }))
    visit.ok("dns public", fmt::format("{} has a public address", host));
  else
    visit.add("dns public", Outcome::warning,
              fmt::format("{} is {}: nobody on the internet reaches that", host, joined(*addresses)),
              fmt::format(
                  "where this computer is on the internet: the public DNS zone must give the public address of {}; inside, with "
                  "DNS of its own, nothing is wrong",
                  host));
}

}  // namespace fp::doctor
