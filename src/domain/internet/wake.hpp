// Wake-on-LAN, decided: the packet, and where it goes, from what the hardware inventory says about a computer's adapters
// (domain.md §24). Pure; any thread. Inventory is a computer's own word: every address in it is checked. Never: a socket.
#pragma once
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/report.hpp"

namespace fp::internet {

inline constexpr int kWakePort = 9;
inline constexpr std::size_t kWakeTargetsMax = 32;  // of one computer

using Mac = std::array<unsigned char, 6>;
// "02:42:AC:11:00:02", "02-42-ac-11-00-02". Code::invalid: another form, all zero, or an address of a group.
[[nodiscard]] Result<Mac> parse_mac(std::string_view text);
[[nodiscard]] std::string to_string(const Mac& mac);  // upper case, colons

// Six bytes FF and sixteen times the address: 102 bytes.
[[nodiscard]] std::string magic_packet(const Mac& mac);

enum class WakeSend { subnet_broadcast, unicast };

struct WakeTarget {
  Mac mac{};
  std::string address;  // IPv4 literal; of a subnet-directed broadcast the subnet's last
  bool broadcast = true;
};

// One target for each pair of a wired adapter's MAC address and subnet. `instances`: the hardware inventory, any classes.
// Code::not_found: nothing to send to, with the reason.
[[nodiscard]] Result<std::vector<WakeTarget>> wake_targets(const std::vector<InventoryInstance>& instances, WakeSend send);

}  // namespace fp::internet
