#include "site/hosts.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace fp::site {

Result<Device> device_of_host(store::Repositories& r, std::string_view host) {
  FP_TRY(all, r.devices.find_by_name(host.substr(0, host.find('.'))));
  std::optional<Device> best;
  const auto heard = [](const Device& d) { return std::max({d.registered_at, d.last_policy_at, d.last_heartbeat_at}); };
  for (auto& d : all) {
    if (!d.fqdn.empty() && d.fqdn.find('.') != std::string::npos && !iequals(d.fqdn, host)) continue;
    if (!best || heard(*best) < heard(d)) best = std::move(d);
  }
  if (!best) return fail(Code::not_found, "no device is called {}", host);
  return *best;
}

}  // namespace fp::site
