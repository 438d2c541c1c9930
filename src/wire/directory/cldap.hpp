// The ping by which a client asks whether a domain controller of its domain is near: one LDAP search over UDP (RFC 4511, MS-ADTS
// §6.3.3) and the netlogon value of its answer (MS-ADTS §6.3.1.9). Bytes to values and back, nothing else. Any thread; pure.
// Never: believes that an answer proves anything (design §7: a location hint opens nothing).
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fp::wire {

inline constexpr std::size_t kDirectoryPingBytesMax = 4096;  // of an answer; controllers send some two hundred

struct DirectoryPing {
  std::string domain;           // "corp.example", lower case
  std::string forest;           // the same grammar
  std::string controller;       // host name of the domain controller
  std::string client_site;      // site of the asking address in the directory; empty: none fits
  unsigned flags = 0;           // DS_FLAG of MS-ADTS §6.3.1.2: 0x8 LDAP, 0x20 KDC, 0x100 writable, ...
};

// The search request: base "", the attribute Netlogon, filter (&(DnsDomain=domain)(NtVer=6)). `domain` keeps to parse_host.
[[nodiscard]] std::string encode_directory_ping(std::string_view domain, int message_id);

// Code::invalid: malformed. Code::not_found: an answer, but without a netlogon value (no controller of that domain).
// Names keep to parse_host; another message id than that asked with is Code::invalid too.
[[nodiscard]] Result<DirectoryPing> decode_directory_ping(std::string_view datagram, int message_id);

}  // namespace fp::wire
