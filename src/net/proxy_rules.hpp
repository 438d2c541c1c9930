// Which servers are reached without the web proxy: the list that is known as NO_PROXY. Any thread; pure, a few comparisons.
#pragma once
#include <string_view>

namespace fp::net {

// `list`: names, addresses and networks between commas, semicolons or spaces. A name also means every name below it, with or
// without a dot in front ("corp.example", ".corp.example", "*.corp.example"); "*" means everything; "10.0.0.0/8" and
// "2001:db8::/32" are networks. `host`: a name or an address, without brackets and port. What is malformed matches nothing.
[[nodiscard]] bool is_excepted(std::string_view list, std::string_view host);

}  // namespace fp::net
