// Where this computer is on the network, as it tells a management point on the intranet (wire.md §8, domain.md §10): addresses
// with their subnets, interfaces, the AD site that a domain controller named. One thread; reads /sys. Never: on the internet, where
// a place means nothing.
#pragma once
#include <string>
#include <string_view>

#include "agent/core/machine.hpp"
#include "agent/memory/memory.hpp"
#include "wire/location.hpp"

namespace fp::agent {

inline constexpr std::string_view kAdSite = "location.ad_site";  // in memory: what the last controller that answered said

[[nodiscard]] wire::ClientLocation whereabouts(Machine& machine, memory::Memory& memory);
// One word for it, to see whether it is still the same.
[[nodiscard]] std::string place_name(const wire::ClientLocation& where);

}  // namespace fp::agent
