#include "agent/sensors/sensors.hpp"

#include <arpa/inet.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <set>

#include "agent/sensors/reading.hpp"
#include "base/text.hpp"

namespace fp::sensors {
namespace {

constexpr std::size_t kFactBytesMax = 1000;

constexpr Sensor kSensors[] = {
    {"PROCESSOR",                     "hardware", read_processor},
    {"X86_PC_MEMORY",                 "hardware", read_memory},
    {"DISK",                          "hardware", read_disk},
    {"LOGICAL_DISK",                  "hardware", read_logical_disk},
    {"NETWORK_ADAPTER",               "hardware", read_network_adapter},
    {"NETWORK_ADAPTER_CONFIGURATION", "hardware", read_network_configuration},
    {"PC_BIOS",                       "hardware", read_bios},
    {"BASEBOARD",                     "hardware", read_baseboard},
    {"OPERATING_SYSTEM",              "hardware", read_operating_system},
    {"COMPUTER_SYSTEM",               "hardware", read_computer_system},
    {"LINUX_PACKAGE",                 "software", read_packages},
};

std::pair<std::string_view, std::string_view> identity(const InventoryInstance& i) { return {i.class_name, i.key}; }

void sort_and_make_unique(Instances& all) {
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return identity(a) != identity(b) ? identity(a) < identity(b) : a.properties < b.properties;
  });
  const auto same = [](const auto& a, const auto& b) { return identity(a) == identity(b); };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
}

// The first address of its network; empty if it is no address.
std::string subnet_of(const Address& a) {
  const int family = a.address.find(':') == a.address.npos ? AF_INET : AF_INET6;
  std::array<unsigned char, sizeof(in6_addr)> bits{};
  const int bytes = family == AF_INET ? 4 : 16;
  if (::inet_pton(family, a.address.c_str(), bits.data()) != 1) return {};
  for (int bit = std::clamp(a.prefix_length, 0, bytes * 8); bit < bytes * 8; ++bit) {
    bits[static_cast<std::size_t>(bit / 8)] &= static_cast<unsigned char>(~(0x80U >> (bit % 8)));
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  return ::inet_ntop(family, bits.data(), text.data(), text.size()) == nullptr ? std::string() : std::string(text.data());
}

bool reachable(std::string_view address) {
  return !address.starts_with("127.") && !address.starts_with("169.254.") && address != "::1" && !istarts_with(address, "fe80:");
}

// The name of /etc/hosts with a domain that belongs to the host name: "127.0.1.1 laptop.corp.example laptop".
std::string qualified_name(const Source& source, const std::string& host) {
  if (host.find('.') != host.npos) return lower(host);
  std::string hosts = text_of(source, "/etc/hosts").value_or("");
  std::replace(hosts.begin(), hosts.end(), '\t', ' ');
  for (const auto line : split(hosts, '\n')) {
    for (const auto word : split(line.substr(0, std::min(line.find('#'), line.size())), ' ')) {
      if (word.size() > host.size() + 1 && istarts_with(word, host) && word[host.size()] == '.') return lower(trim(word));
    }
  }
  return lower(host);
}

std::string property(const Result<Instances>& instances, const char* name) {
  if (!instances || instances->empty()) return {};
  const auto found = instances->front().properties.find(name);
  return found == instances->front().properties.end() ? std::string() : found->second;
}

}  // namespace

std::span<const Sensor> all() { return kSensors; }

Collected collect(const Source& source, std::string_view kind) {
  Collected out;
  for (const auto& sensor : kSensors) {
    if (kind != sensor.kind) continue;
    auto read = sensor.read(source);
    if (!read) {
      out.failed.push_back(fmt::format("{}: {}", sensor.class_name, read.error().message));
      continue;
    }
    std::move(read->begin(), read->end(), std::back_inserter(out.instances));
  }
  sort_and_make_unique(out.instances);
  return out;
}

Instances delta(const Instances& before, const Instances& after) {
  Instances a = before, b = after, out;
  sort_and_make_unique(a);
  sort_and_make_unique(b);
  auto at = a.begin();
  const auto removed = [&] { out.push_back({at->class_name, InstanceContent::removed, {}, at->key}); ++at; };
  for (auto& now : b) {
    while (at != a.end() && identity(*at) < identity(now)) removed();
    const bool known = at != a.end() && identity(*at) == identity(now);
    if (!known || at->properties != now.properties) {
      now.content = known ? InstanceContent::update : InstanceContent::fresh;
      out.push_back(std::move(now));
    }
    if (known) ++at;
  }
  while (at != a.end()) removed();
  return out;
}

deployment::Facts facts(const Source& source) {
  deployment::Facts out;
  const auto put = [&](const char* name, std::string value) { if (!value.empty()) out[name] = std::move(value); };
  const auto os = read_operating_system(source);
  put("os.id", property(os, "Id"));
  put("os.version", property(os, "Version"));
  put("kernel", word_of(source, "/proc/sys/kernel/osrelease"));
  put("hostname", host_name(source));
  put("architecture", machine_of(source));
  if (const auto kb = parse_int(property(read_memory(source), "TotalPhysicalMemory")))
    put("memory_mb", std::to_string(*kb / 1024));
  if (const auto bytes = free_bytes(source.root)) put("disk_free_mb", std::to_string(*bytes >> 20));
  // An administrator's own: the name of a file is that of the fact, its first line the value.
  for (const auto& name : names_in(source, "/etc/farpoint/facts.d")) {
    const std::string text = word_of(source, "/etc/farpoint/facts.d/" + name);
    if (name.front() != '.' && !text.empty()) out["fact:" + name] = text.substr(0, std::min<std::size_t>(text.find('\n'), kFactBytesMax));
  }
  if (const auto list = installed_packages(source)) {
    put("package_manager", list->manager);
    const auto scheme = list->manager == "rpm" ? deployment::VersionScheme::rpm : deployment::VersionScheme::dpkg;
    for (const auto& p : list->packages) {
      auto [at, fresh] = out.emplace("package:" + p.name, p.version);
      if (!fresh && deployment::compare_versions(scheme, p.version, at->second) > 0) at->second = p.version;
    }
  }
  return out;
}

Discovery discover(const Source& source) {
  Discovery out;
  const std::string host = host_name(source);
  out.netbios_name = upper(host.substr(0, std::min<std::size_t>(host.find('.'), 15)));
  out.fqdn = qualified_name(source, host);
  for (const auto& a : addresses_of(source)) {
    if (!reachable(a.address)) continue;
    out.addresses.push_back(a.address);
    out.subnets.push_back(subnet_of(a));
    if (std::ranges::find(out.adapters, a.interface, &Adapter::name) == out.adapters.end())
      out.adapters.push_back(adapter_of(source, a.interface));
  }
  std::set<std::string> macs;
  for (const auto& adapter : read_network_adapter(source).value_or(Instances{})) {
    const auto mac = adapter.properties.find("MACAddress");
    if (mac != adapter.properties.end() && mac->second != "00:00:00:00:00:00") macs.insert(mac->second);
  }
  out.macs.assign(macs.begin(), macs.end());
  out.machine_id = word_of(source, "/etc/machine-id");
  const auto os = read_operating_system(source);
  out.os_caption = property(os, "Caption");
  out.os_version = property(os, "Version");
  out.architecture = machine_of(source);
  return out;
}

std::int64_t local_offset_s(Instant at) {
  const time_t seconds = static_cast<time_t>(at.ms / 1000);
  struct tm local {};
  return ::localtime_r(&seconds, &local) != nullptr ? local.tm_gmtoff : 0;
}

}  // namespace fp::sensors
