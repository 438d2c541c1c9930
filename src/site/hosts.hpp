// Computers by the name they have in DNS. Reads only.
#pragma once
#include <string_view>

#include "store/store.hpp"

namespace fp::site {

// The device that the site knows by this fully qualified name; of several the one heard of last. Code::not_found.
[[nodiscard]] Result<Device> device_of_host(store::Repositories& r, std::string_view host);

}  // namespace fp::site
