// The part of a DNS answer (RFC 1035, RFC 2782) that names management points: service records. Bytes from the network to
// values, nothing else. Any thread; pure. Never: asks anybody, follows a compression pointer forwards.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace fp::wire {

inline constexpr std::size_t kDnsMessageBytesMax = 65'535, kDnsRecordsMax = 256;

struct ServiceRecord {
  int priority = 0, weight = 0, port = 0;
  std::string host;  // lower case, without the last dot; a host name by the grammar of base/ids
};

// The whole answer as a resolver gives it. Records of other types, and those whose host is no host name, are left out; none at
// all is an empty list. Code::invalid: malformed or truncated. Code::not_found: the server says that there is no such name.
[[nodiscard]] Result<std::vector<ServiceRecord>> decode_service_records(std::string_view message);

// "_mssms_mp_fp1._tcp.corp.example" (domain.md §3.5); without a site code, which a client looks for yet: "_mssms_mp._tcp…", ours.
[[nodiscard]] std::string management_point_record(std::string_view site_code, std::string_view suffix);

// "_ldap._tcp.dc._msdcs.corp.example": where the domain controllers of a domain stand.
[[nodiscard]] std::string domain_controller_record(std::string_view domain);

}  // namespace fp::wire
