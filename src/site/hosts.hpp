// Hosts by the name they have in DNS: a device of that name, and whether a host of the site may be a gateway. Reads only.
#pragma once
#include <string_view>

#include "store/store.hpp"

namespace fp::site {

// Why clients' requests that a gateway passes on are refused, and no gateway can be added.
inline constexpr std::string_view kNoGatewayTraffic =
    "gateway traffic is not allowed at this site: set management_point.allow_gateway_traffic = true in the site server's configuration, and "
    "start it anew";

// The device that the site knows by this fully qualified name; of several the one heard of last. Code::not_found.
[[nodiscard]] Result<Device> device_of_host(store::Repositories& r, std::string_view host);

}  // namespace fp::site
