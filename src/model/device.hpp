// A managed computer as the site knows it (domain.md §4). Plain values.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"

namespace fp {

enum class Approval { unknown = 0, pending = 1, not_applicable = 2, approved = 3, rejected = 4 };  // 2: PKI, needs none
enum class ConnectionType { unknown, always_internet, currently_internet, currently_intranet };

struct Device {
  std::string client_id;  // GUID:..., the primary key
  std::string name;       // NetBIOS-style host name
  std::string fqdn;
  Approval approval = Approval::pending;
  bool pki = false;            // registered with a certificate of a trusted issuer
  bool blocked = false;
  std::string block_reason;
  bool conflict = false;       // same name, other key: shown to the administrator, never a takeover
  ConnectionType connection = ConnectionType::unknown;
  std::string signing_certificate_der;     // registered; the verification key comes from here only
  std::string encryption_certificate_der;  // secret policy is sealed to this
  std::string key_fingerprint;             // SHA-256 hex of the signing key's SubjectPublicKeyInfo; unique
  std::string tls_fingerprint;             // SHA-256 hex of the TLS leaf of registration; empty: none (HTTP or bridge)
  std::string agent_version;
  std::string last_address;
  std::string last_management_point;
  Instant registered_at, last_policy_at, last_heartbeat_at, last_hardware_at, last_software_at, last_state_at;
  std::int64_t state_serial = 0;           // highest state message serial without a gap below it
  bool state_resync = false;               // asked to send everything again
  bool hardware_resync = false, software_resync = false;
  std::int64_t agent_counter = 0;          // highest signed counter of our own agents (replay)
  [[nodiscard]] bool may_have_policy() const {
    return !blocked && (approval == Approval::approved || approval == Approval::not_applicable);
  }
};

// A device about which something that collections may ask was changed: registered, renamed, approved, blocked, reported.
struct DeviceChange {
  std::string client_id;
  Instant at;
};

struct DeviceFilter {
  std::string name_contains;               // case-insensitive; also matches client_id
  std::optional<Approval> approval;
  std::optional<bool> blocked;
  std::string collection_id;               // empty: all
  std::string after;                       // client_id to continue behind (pages)
  int limit = 200;
};

}  // namespace fp
