// What is of a gateway alone on the wire: the prefix of its clients' paths (domain.md §27, wire.md §14), and what it tells the site
// about itself under /farpoint/gateway/v1/. Any thread; pure. Costs a hash, or one JSON parse. Never: a decision about who may what.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace fp::wire {

// The number by which clients name the management point of the gateway with this host name: 2^56 and the first four bytes of the
// SHA-256 of the name in lower case, in decimal. Both ends know it without being told.
[[nodiscard]] std::string gateway_id(std::string_view host);
// What a client is installed with: "<host>[:port]/CCM_Proxy_MutualAuth/<id>". `url`: https://host[:port].
[[nodiscard]] std::string gateway_address(std::string_view host, std::string_view url);

struct GatewayTarget {
  std::string id;    // 1 to 20 digits
  std::string rest;  // the target behind the prefix, still encoded, with its query: "/SMS_MP/.sms_aut?MPLIST"
  bool operator==(const GatewayTarget&) const = default;
};
// Takes a request target with the prefix of clients that show a certificate apart. Nothing: it has no such prefix, or one of another
// shape (no number, nothing behind it), which is then a path like any other that nobody answers. Prefix and number may be
// percent-encoded as all of a path may; an encoded slash parts nothing.
[[nodiscard]] std::optional<GatewayTarget> split_gateway_target(std::string_view target);

struct GatewayStatus {           // counts: since the process started
  Instant started_at;
  std::int64_t requests = 0;     // of clients
  std::int64_t refused = 0;      // of these, answered 4xx
  std::int64_t passed = 0;       // taken to the site
  std::int64_t unanswered = 0;   // of these, without an answer of the site
  std::int64_t content_requests = 0, content_bytes = 0;  // from its own store
  bool verifies_revocation = true;
  Instant certificate_until;     // of what its clients see
  std::string last_error;        // one sentence; empty: none
  Instant last_error_at;
  bool operator==(const GatewayStatus&) const = default;
};
[[nodiscard]] std::string encode_gateway_status(const GatewayStatus& status);
// Code::invalid, Code::too_large.
[[nodiscard]] Result<GatewayStatus> decode_gateway_status(std::string_view json);

}  // namespace fp::wire
