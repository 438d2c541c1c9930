// Policy bodies (wire.md §6.3): instances of classes with typed properties, and their bytes on the wire. Both directions.
// Any thread; pure. Never interprets a class.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace fp::wire {

namespace cim {  // type= of a property
inline constexpr int kBoolean = 11, kString = 8, kUint32 = 19, kSint64 = 20, kUint64 = 21, kDatetime = 101;
}

struct PolicyProperty {
  std::string name;
  std::string value;
  int type = cim::kString;
  bool secret = false;               // the value is then hex of wire.md §4.8
};
struct PolicyInstance {
  std::string class_name;
  std::vector<PolicyProperty> properties;
  [[nodiscard]] std::string_view value(std::string_view name) const;  // empty if absent
};
struct PolicyBody {
  std::string id;                    // GUID, no braces
  std::string version;
  std::string source;                // "SMS:FP1"
  std::string rule_id;               // GUID; empty: the policy's own
  std::vector<PolicyInstance> instances;
};

[[nodiscard]] std::string encode_policy_body(const PolicyBody& body);  // UTF-8 XML
// UTF-8 or UTF-16 bytes, with or without NUL behind; the double wrapping of CollectionSettings is taken off.
[[nodiscard]] Result<PolicyBody> decode_policy_body(std::string_view bytes);

// <CollectionSettings>hex(zlib(UTF-16LE))</CollectionSettings>, UTF-8 XML.
[[nodiscard]] std::string wrap_collection_settings(std::string_view body_xml);

// What .sms_pol sends and PolicyHash covers: UTF-16LE with BOM.
[[nodiscard]] std::string policy_body_bytes(std::string_view body_xml);
// What is sealed for a secret policy: the same and one NUL, which clients throw away (wire.md §4.7).
[[nodiscard]] std::string sealed_plain_text(std::string_view body_xml);
// The bytes that PolicyHash covers, from what came out of an opened envelope.
[[nodiscard]] std::string_view without_sealing_nul(std::string_view plain_text);

}  // namespace fp::wire
