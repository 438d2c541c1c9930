#include "agent/sensors/reading.hpp"

#include <ifaddrs.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/utsname.h>

#include <algorithm>
#include <bit>
#include <memory>

#include "base/text.hpp"

namespace fp::sensors {
namespace {

int prefix_length(const sockaddr* mask) {
  if (mask == nullptr) return 0;
  int bits = 0;
  if (mask->sa_family == AF_INET) {
    bits = std::popcount(reinterpret_cast<const sockaddr_in*>(mask)->sin_addr.s_addr);
  } else if (mask->sa_family == AF_INET6) {
    for (const auto byte : reinterpret_cast<const sockaddr_in6*>(mask)->sin6_addr.s6_addr) bits += std::popcount(byte);
  }
  return bits;
}

std::vector<Address> real_addresses() {
  std::vector<Address> out;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return out;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, ::freeifaddrs);
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr) continue;
    const int family = at->ifa_addr->sa_family;
    char text[INET6_ADDRSTRLEN];
    const void* raw = nullptr;
    if (family == AF_INET) raw = &reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr;
    if (family == AF_INET6) raw = &reinterpret_cast<const sockaddr_in6*>(at->ifa_addr)->sin6_addr;
    if (raw == nullptr || ::inet_ntop(family, raw, text, sizeof text) == nullptr) continue;
    out.push_back({at->ifa_name, text, prefix_length(at->ifa_netmask)});
  }
  return out;
}

// Shell quoting as os-release(5) allows it.
std::string unquoted(std::string_view value) {
  value = trim(value);
  if (value.size() >= 2 && value.front() == '\'' && value.back() == '\'') return std::string(value.substr(1, value.size() - 2));
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::string(value);
  std::string out;
  value = value.substr(1, value.size() - 2);
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && i + 1 < value.size()) ++i;
    out += value[i];
  }
  return out;
}

std::string without_octal(std::string_view text) {
  std::string out;
  const auto octal = [](char c) { return c >= '0' && c <= '7'; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && octal(text[i + 1]) && octal(text[i + 2]) && octal(text[i + 3])) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

Path below(const Source& source, std::string_view path) { return source.root / Path(path).relative_path(); }

Result<std::string> text_of(const Source& source, std::string_view path) { return read_file(below(source, path), 64U << 20); }

std::string word_of(const Source& source, std::string_view path) {
  const auto text = text_of(source, path);
  return text ? std::string(trim(*text)) : std::string();
}

std::vector<std::string> names_in(const Source& source, std::string_view folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (std::filesystem::directory_iterator at(below(source, folder), error), end; !error && at != end; at.increment(error)) {
    out.push_back(at->path().filename().native());
  }
  std::sort(out.begin(), out.end());
  return out;
}

InventoryInstance instance(std::string_view class_name, std::string key, std::map<std::string, std::string> properties) {
  std::erase_if(properties, [](const auto& p) { return p.second.empty(); });
  return {std::string(class_name), InstanceContent::fresh, std::move(properties), std::move(key)};
}

std::map<std::string, std::string> parse_assignments(std::string_view text) {
  std::map<std::string, std::string> out;
  for (const auto line : split(text, '\n')) {
    const auto equals = line.find('=');
    const auto name = trim(line.substr(0, std::min(equals, line.size())));
    if (equals == line.npos || name.empty() || name[0] == '#') continue;
    out.insert_or_assign(std::string(name), unquoted(line.substr(equals + 1)));
  }
  return out;
}

std::map<std::string, std::string> parse_colons(std::string_view text) {
  std::map<std::string, std::string> out;
  for (const auto line : split(text, '\n')) {
    const auto colon = line.find(':');
    if (colon == line.npos) continue;
    out.emplace(std::string(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1))));
  }
  return out;
}

std::vector<MountPoint> parse_mounts(std::string_view text) {
  std::vector<MountPoint> out;
  for (const auto line : split(text, '\n')) {
    const auto fields = split(line, ' ');
    if (fields.size() >= 3) out.push_back({without_octal(fields[0]), without_octal(fields[1]), std::string(fields[2])});
  }
  return out;
}

std::string machine_of(const Source& source) {
  if (source.machine) return source.machine();
  utsname name{};
  return ::uname(&name) == 0 ? name.machine : "";
}

std::vector<Address> addresses_of(const Source& source) { return source.addresses ? source.addresses() : real_addresses(); }

std::string host_name(const Source& source) {
  std::string name = word_of(source, "/proc/sys/kernel/hostname");
  return name.empty() ? word_of(source, "/etc/hostname") : name;
}

}  // namespace fp::sensors
