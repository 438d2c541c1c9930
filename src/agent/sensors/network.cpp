// NETWORK_ADAPTER and NETWORK_ADAPTER_CONFIGURATION: interfaces from /sys/class/net with their addresses.
#include <algorithm>

#include "agent/sensors/reading.hpp"
#include "base/text.hpp"

namespace fp::sensors {
namespace {

// The loopback interface says nothing about the machine.
std::vector<std::string> interfaces(const Source& source) {
  auto names = names_in(source, "/sys/class/net");
  std::erase_if(names, [&](const std::string& name) {
    return name == "lo" || word_of(source, "/sys/class/net/" + name + "/address").empty();
  });
  return names;
}

std::string mac_of(const Source& source, const std::string& name) {
  return upper(word_of(source, "/sys/class/net/" + name + "/address"));
}

// ARPHRD_* of /sys/class/net/<name>/type. What has no link layer at all is a tunnel: tun, WireGuard.
constexpr int kPpp = 512, kTunnel4 = 768, kTunnel6 = 769, kSit = 776, kGre = 778, kGre6 = 823, kNone = 65534;

}  // namespace

Adapter adapter_of(const Source& source, const std::string& interface) {
  const std::string folder = "/sys/class/net/" + interface;
  Adapter out{interface, {}, 6};
  std::error_code none;
  const auto type = parse_int(word_of(source, folder + "/type")).value_or(1);
  for (const int tunnel : {kTunnel4, kTunnel6, kSit, kGre, kGre6, kNone})
    if (type == tunnel) out.if_type = 131;
  if (std::filesystem::exists(below(source, folder + "/tun_flags"), none)) out.if_type = 131;  // also one that carries frames (tap)
  if (type == kPpp) out.if_type = 23;
  out.description = word_of(source, folder + "/ifalias");
  return out;
}

Result<Instances> read_network_adapter(const Source& source) {
  Instances out;
  for (const auto& name : interfaces(source)) {
    const std::string folder = "/sys/class/net/" + name;
    std::error_code none;
    const bool hardware = std::filesystem::exists(below(source, folder + "/device"), none);
    const bool wireless = std::filesystem::exists(below(source, folder + "/wireless"), none);
    const std::string driver = std::filesystem::read_symlink(below(source, folder + "/device/driver"), none).filename().native();
    out.push_back(instance("NETWORK_ADAPTER", name,
                           {{"DeviceID", name},
                            {"Name", name},
                            {"MACAddress", mac_of(source, name)},
                            {"AdapterType", wireless ? "wireless" : hardware ? "wired" : "virtual"},
                            {"ServiceName", driver}}));
  }
  return out;
}

Result<Instances> read_network_configuration(const Source& source) {
  const auto all = addresses_of(source);
  Instances out;
  for (const auto& name : interfaces(source)) {
    std::vector<std::string> addresses;
    for (const auto& a : all) {
      if (a.interface == name) addresses.push_back(fmt::format("{}/{}", a.address, a.prefix_length));
    }
    std::sort(addresses.begin(), addresses.end());
    std::string list;
    for (const auto& a : addresses) list += (list.empty() ? "" : ", ") + a;
    out.push_back(instance("NETWORK_ADAPTER_CONFIGURATION", name,
                           {{"Index", name},
                            {"Description", name},
                            {"MACAddress", mac_of(source, name)},
                            {"IPAddress", list},
                            {"IPEnabled", addresses.empty() ? "0" : "1"},
                            {"MTU", word_of(source, "/sys/class/net/" + name + "/mtu")}}));
  }
  return out;
}

}  // namespace fp::sensors
