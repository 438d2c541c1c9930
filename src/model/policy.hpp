// Policy as the site makes it and the management point hands it out (wire.md §6, docs/protocol.md). Plain values.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace fp {

namespace policy_flag {
inline constexpr unsigned kTaskSequence = 1, kRequiresAuth = 2, kSecret = 4, kIntranetOnly = 8, kPersistWhole = 16,
                          kAuthorizedDynamicDownload = 32, kCompressed = 64;
}

struct Policy {
  std::string id;            // GUID, no braces (braces are added on the wire)
  std::string version;       // "1.00", "2.00", ...
  std::string category;      // "NAAConfig", "CollectionSettings", "ApplicationDeployment", "ClientSettings", ...
  unsigned flags = 0;        // policy_flag
  std::string body;          // plain policy XML, UTF-8 (wire turns it into UTF-16 with BOM)
  std::string hash;          // SHA-256 hex (upper) of the body's UTF-16LE bytes with BOM, before any sealing
  std::string signature;     // of the assignment, by the site signing key (docs/protocol.md); raw bytes
  std::string source_id;     // what it was made from: deployment id, settings id, collection id
  Instant changed_at;
};

// One line of what a device should hold.
struct PolicyAssignment {
  Policy policy;             // body empty in lists
  std::string collection_id; // through which it reached the device
  bool tombstone = false;    // delta: the device should drop it
};

// Cheap answer to "has anything changed for this device since?"
struct PolicyState {
  Instant latest;            // newest change that concerns the device
};

}  // namespace fp
