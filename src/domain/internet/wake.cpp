#include "domain/internet/wake.hpp"

#include <algorithm>
#include <set>

#include "base/subnet.hpp"
#include "base/text.hpp"

namespace fp::internet {
namespace {

std::string_view property(const InventoryInstance& instance, std::string_view name) {
  for (const auto& [key, value] : instance.properties)
    if (iequals(key, name)) return value;
  return {};
}

bool is_class(const InventoryInstance& instance, std::string_view name) {
  std::string_view its = instance.class_name;
  if (istarts_with(its, "SMS_G_System_")) its.remove_prefix(13);
  return iequals(its, name);
}

// What both classes call an adapter by.
std::set<Mac> adapters_of_type(const std::vector<InventoryInstance>& instances, std::string_view type) {
  std::set<Mac> out;
  for (const auto& i : instances) {
    if (!is_class(i, "NETWORK_ADAPTER") || !iequals(property(i, "AdapterType"), type)) continue;
    if (const auto mac = parse_mac(property(i, "MACAddress"))) out.insert(*mac);
  }
  return out;
}

bool usable(const IpNetwork& network) {
  const auto& b = network.address.bytes;
  return network.address.bits == 32 && b[0] != 0 && b[0] != 127 && b[0] < 224 && !(b[0] == 169 && b[1] == 254) && network.prefix >= 8;
}

}  // namespace

Result<Mac> parse_mac(std::string_view text) {
  text = trim(text);
  Mac out{};
  if (text.size() != 17) return fail(Code::invalid, "\"{}\" is no MAC address", text.substr(0, 32));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto byte = unhex(text.substr(i * 3, 2));
    const bool separated = i == 5 || text[i * 3 + 2] == ':' || text[i * 3 + 2] == '-';
    if (!byte || !separated) return fail(Code::invalid, "\"{}\" is no MAC address", text);
    out.at(i) = static_cast<unsigned char>((*byte)[0]);
  }
  if ((out[0] & 1U) != 0 || std::ranges::all_of(out, [](unsigned char c) { return c == 0; }))
    return fail(Code::invalid, "{} is the address of no single adapter", text);
  return out;
}

std::string to_string(const Mac& mac) {
  return fmt::format("{:02X}:{:02X}:{:02X}:{:02X}:{:02X}:{:02X}", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

std::string magic_packet(const Mac& mac) {
  std::string out(6, '\xFF');
  for (int i = 0; i < 16; ++i) out.append(mac.begin(), mac.end());
  return out;
}

Result<std::vector<WakeTarget>> wake_targets(const std::vector<InventoryInstance>& instances, WakeSend send) {
  const auto wireless = adapters_of_type(instances, "wireless");
  const auto wired = adapters_of_type(instances, "wired");
  const auto virtual_ones = adapters_of_type(instances, "virtual");
  std::vector<WakeTarget> out;
  int seen = 0;
  for (const auto& i : instances) {
    if (!is_class(i, "NETWORK_ADAPTER_CONFIGURATION")) continue;
    ++seen;
    const auto mac = parse_mac(property(i, "MACAddress"));
    // Radio cannot be woken, and what is only software is worth a packet where there is nothing else.
    if (!mac || wireless.contains(*mac) || (!wired.empty() && virtual_ones.contains(*mac))) continue;
    for (const auto part : split(property(i, "IPAddress"), ',')) {
      const auto network = parse_network(trim(part));
      if (!network || !usable(*network)) continue;
      const bool broadcast = send == WakeSend::subnet_broadcast;
      const std::string to = broadcast ? broadcast_of(*network) : to_text(network->address);
      const bool there = std::ranges::any_of(out, [&](const WakeTarget& t) { return t.mac == *mac && t.address == to; });
      if (!to.empty() && !there && out.size() < kWakeTargetsMax) out.push_back({*mac, to, broadcast});
    }
  }
  if (!out.empty()) return out;
  if (seen == 0) return fail(Code::not_found, "there is no hardware inventory of its network adapters yet");
  return fail(Code::not_found, "its hardware inventory names no wired adapter with a MAC address and an IPv4 subnet");
}

}  // namespace fp::internet
