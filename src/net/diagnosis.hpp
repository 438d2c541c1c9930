// The answer of the doctor's door, the same for every role: what arrived, and a sample file to try ranges on
// (docs/protocol/doctor.md). Any thread; costs a hash of the body. Never: anything of the site beside the name of this server.
#pragma once
#include <string>

#include "net/http.hpp"

namespace fp::net {

// `role` and `host` as wire::Arrived has them. With the query "sample" a GET or HEAD is answered with the sample file; anything
// else with the description of the request.
[[nodiscard]] Response answer_diagnosis(const Request& request, std::string role, std::string host, Instant now);

}  // namespace fp::net
