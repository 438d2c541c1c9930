// Addresses of network adapters as a computer reports them.
#include <cstddef>
#include <cstdint>

#include "domain/internet/wake.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = text.find('\n');
  const fp::InventoryInstance instance{"NETWORK_ADAPTER_CONFIGURATION",
                                       fp::InstanceContent::fresh,
                                       {{"MACAddress", std::string(text.substr(0, line))},
                                        {"IPAddress", line == std::string_view::npos ? "" : std::string(text.substr(line + 1))}},
                                       "e0"};
  const auto targets = fp::internet::wake_targets({instance}, fp::internet::WakeSend::subnet_broadcast);
  if (targets && (targets->empty() || targets->size() > fp::internet::kWakeTargetsMax)) __builtin_trap();
  if (targets)
    for (const auto& t : *targets)
      if (fp::internet::magic_packet(t.mac).size() != 102) __builtin_trap();
  return 0;
}
