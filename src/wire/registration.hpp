// Registration (wire.md §5), both directions. Any thread; pure. The values are read from the signed <Data> text itself, so what
// is decoded is what was signed. Never trusts the names inside: they are checked for their shape only.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "model/device.hpp"

namespace fp::wire {

struct RegistrationRequest {
  enum class Type { registration, confirmation };
  Type type = Type::registration;
  std::string client_id;             // empty: the server chooses
  std::string hash_algorithm = "1.2.840.113549.1.1.11";
  Instant sent_at;                   // TimeStamp; must be within kClockSkewMs
  std::string agent_identity = "farpoint-agent", agent_version;
  int agent_type = 0;
  int key_type = 1;
  std::string signing_certificate_der;
  std::string encryption_certificate_der;
  std::string netbios_name, fqdn;    // names as sent, printable, 256 bytes at most; may be odd (wire.md §5)
  bool internet = false;             // InternetFlag
  std::map<std::string, std::string> properties;  // every DiscoveryProperties/Property
  // Filled by decoding: the signature and what it covers, UTF-16LE of the literal <Data>...</Data>.
  std::string signature;             // hex; empty: none, or one that is no hex
  std::string signed_bytes;
};

[[nodiscard]] Result<RegistrationRequest> decode_registration(std::string_view document);

// The agent: text = registration_data(r); sign to_utf16le(text); document = encode_registration(text, hex).
// netbios_name, fqdn and internet are written as properties; entries of `properties` come after them.
[[nodiscard]] std::string registration_data(const RegistrationRequest& request);
[[nodiscard]] std::string encode_registration(std::string_view data, std::string_view signature_hex);

struct RegistrationReply {
  enum class Status { registered = 0, pending = 1, reset = 2, rejected = 3 };
  RegistrationRequest::Type type = RegistrationRequest::Type::registration;
  Status status = Status::registered;
  Instant sent_at;
  std::string client_id;             // empty where rejected
  Approval approval = Approval::unknown;
};
[[nodiscard]] std::string encode_registration_reply(const RegistrationReply& reply);
[[nodiscard]] Result<RegistrationReply> decode_registration_reply(std::string_view document);

}  // namespace fp::wire
