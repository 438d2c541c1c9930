#include "agent/core/whereabouts.hpp"

#include <algorithm>

namespace fp::agent {

wire::ClientLocation whereabouts(Machine& machine, memory::Memory& memory) {
  wire::ClientLocation where;
  const auto d = machine.discover();
  for (std::size_t n = 0; n < d.addresses.size(); ++n)
    where.addresses.push_back({n < d.subnets.size() ? d.subnets[n] : "", d.addresses[n]});
  for (const auto& a : d.adapters) where.adapters.push_back({a.name, a.description, a.if_type});
  where.ad_site = memory.property(kAdSite).value_or("");
  return where;
}

std::string place_name(const wire::ClientLocation& where) {
  std::vector<std::string> addresses;
  for (const auto& a : where.addresses) addresses.push_back(a.address);
  std::ranges::sort(addresses);
  return fmt::format("{}", fmt::join(addresses, " "));
}

}  // namespace fp::agent
