// Policy assignments and the policy query (wire.md §6.1-6.3, docs/protocol/policy.md), both directions. Any thread; pure.
// Never verifies an assignment: assignment_signing_text says what its signature covers.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "model/policy.hpp"

namespace fp::wire {

enum class AssignmentsWanted { always, full, on_update, delta };

struct AssignmentRequest {
  AssignmentsWanted wanted = AssignmentsWanted::always;
  bool acknowledge = false;          // ACK
  bool crc = false;                  // ValidationRequested="CRC"
  std::string client_id;             // must equal the verified SourceID
  std::string fqdn, netbios_name;
  std::string policy_source = "SMS:PRI";
  bool user = false;                 // ResourceType User
  std::optional<Instant> since;      // ServerCookie; empty or unreadable: nothing, so everything is sent
};
[[nodiscard]] Result<AssignmentRequest> decode_assignment_request(std::string_view document);
[[nodiscard]] std::string encode_assignment_request(const AssignmentRequest& request);

struct AssignmentReply {
  bool delta = false;                // ReplyType
  std::string client_id, fqdn, netbios_name;
  std::string site_code;
  bool user = false;                 // ResourceType User: what a user should hold
  Instant cookie;                    // ServerCookie
  // policy.id (braces are added), version, category, flags, hash, signature; tombstone: to be dropped. Bodies are not sent.
  std::vector<PolicyAssignment> assignments;
  // Orders to report everything again: "hardware", "software", "state". Written as attribute Resync of the root, comma between
  // them, where not empty (docs/protocol/registration.md); clients of others ignore it.
  std::vector<std::string> resync;
};
[[nodiscard]] std::string encode_assignment_reply(const AssignmentReply& reply);

struct ReceivedAssignment {          // as the agent reads it
  std::string policy_id, version, category;
  unsigned flags = 0;
  std::string hash;                  // upper-case hex; empty if the reply had none
  std::string location;              // with the literal host <mp>
  std::string signature;             // raw bytes; empty: unsigned
};
struct ReceivedAssignments {
  bool delta = false;
  std::string client_id, site_code;
  std::string cookie;                // to be sent back
  std::vector<ReceivedAssignment> assignments;
  std::vector<std::string> tombstones;  // policy ids
  std::vector<std::string> resync;      // kinds of reports that the site wants in full
};
[[nodiscard]] Result<ReceivedAssignments> decode_assignment_reply(std::string_view document);

// "http://<mp>/SMS_MP/.sms_pol?{ID}.1_00" with the literal <mp>: clients look for exactly that, on HTTPS too.
[[nodiscard]] std::string policy_location(std::string_view policy_id, std::string_view version);
// The URL to fetch: <mp> replaced by the base URL ("https://mp1:443"), braces percent-encoded. Code::invalid: another shape.
[[nodiscard]] Result<std::string> resolve_policy_location(std::string_view location, std::string_view base_url);

// The part behind "?" of .sms_pol, raw or percent-encoded: {guid}.1_00, DEP-....ver, {guid}.SHA256:HEX.
struct PolicyQuery {
  std::string id;                    // GUID upper case without braces, or another id of letters, digits, - and _
  std::string version;               // "1.00"; empty where a hash was given
  std::string sha256;                // upper-case hex; empty where a version was given
};
[[nodiscard]] Result<PolicyQuery> parse_policy_query(std::string_view query);

// UTF-8 text that the site signs for an assignment (docs/protocol/policy.md). `hash`: 64 hex digits, any case.
[[nodiscard]] std::string assignment_signing_text(std::string_view policy_id, std::string_view version, std::string_view category,
                                                  unsigned flags, std::string_view hash);

}  // namespace fp::wire
