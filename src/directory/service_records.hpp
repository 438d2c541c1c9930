// Asks DNS for services, management points of a site (domain.md §3.5) or domain controllers, with the resolver of the machine. One
// thread; blocks for as long as the resolver takes (its own limits, 5 s a server by default). Never: belief in the answer: whoever is
// found has to show its certificate.
#pragma once
#include <vector>

#include "base/result.hpp"
#include "wire/directory/dns.hpp"

namespace fp::directory {

// Code::not_found: there is no such record. Code::unavailable: no name server answered.
[[nodiscard]] Result<std::vector<wire::ServiceRecord>> look_up_services(const std::string& name);

}  // namespace fp::directory
