// Asks whether a domain controller of this computer's domain is near: service records, then one LDAP ping over UDP to each of the
// first few (MS-ADTS §6.3.3). One thread; blocks until one answers, two seconds at most behind DNS. Never: trust in the answer
// (design §7), credentials, a connection: one datagram goes out, one comes in.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "domain/location/location.hpp"
#include "wire/directory/dns.hpp"

namespace fp::agent {

using ServiceLookup = std::function<Result<std::vector<wire::ServiceRecord>>(const std::string& name)>;

inline constexpr std::size_t kControllersAskedMax = 4;
inline constexpr std::int64_t kPingWaitMs = 2000, kPingAgainMs = 500;

// What was tried, the answer last; empty where `domain` is. A controller that says it is of another domain counts as silent.
[[nodiscard]] std::vector<location::Probe> ask_directory(const std::string& domain, const ServiceLookup& services,
                                                         const Clock& clock, Random& random);

}  // namespace fp::agent
