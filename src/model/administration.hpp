// Administrators, roles, scopes, audit, settings (domain.md §30.2, §9). Plain values.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace fp {

struct Administrator {
  std::string name;
  std::vector<std::string> roles;        // names of built-in or own roles: "Full Administrator", ...
  std::vector<std::string> scopes;       // "All", "Default", ...
  std::vector<std::string> collections;  // collection ids whose members may be acted on; kAllSystems: all
  std::string token_hash;                // SHA-256 hex of the bearer token; the token itself is shown once
  bool enabled = true;
  Instant created_at, last_seen_at;
};

// A built-in role, copied and changed.
struct CustomRole {
  std::string name, copied_from;
  std::map<std::string, std::string> permissions;  // object class -> permissions with a space between: "device" -> "read approve"
  Instant changed_at;
};

struct AuditLine {
  std::int64_t id = 0;
  Instant at;
  std::string who, action;               // "create", "change", "delete", "approve", "block", ...
  std::string object_kind, object_id;
  std::string detail;                    // what changed; never a secret
  std::string previous_hash, hash;       // chain over the lines
};

struct ClientSettings {
  std::string id;                        // site code + 5; <site>00000 is the default object
  std::string name;
  int priority = 10000;                  // lowest wins; the default object is last
  std::map<std::string, std::string> values;  // "client_policy.polling_interval_min" -> "60", ...
  std::vector<std::string> collections;  // targets; the default object applies to all
  std::vector<std::string> users;        // or users instead of devices: "alice@CORP.EXAMPLE", "*": every user
  Instant changed_at;
};

}  // namespace fp
