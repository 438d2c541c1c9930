// What a site tells a distribution point on another host for requests through a bridging proxy: the key of its content
// capabilities, and which devices are blocked (docs/protocol/distribution.md "Trust"). JSON; the same text lies in the
// distribution point's data folder. Any thread; pure; costs one JSON parse. Limits: limits::kBlockedDevicesMax, kDpTrustBytesMax.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace fp::wire {

struct DpTrust {
  std::string capability_key;              // 32 bytes: capability_key_of(the site's secret, this distribution point)
  std::vector<std::string> clients;        // GUID:..., blocked by an administrator; ascending
  std::vector<std::string> fingerprints;   // SHA-256, lower-case hex: certificates and keys of these; ascending
  bool operator==(const DpTrust&) const = default;
};
[[nodiscard]] std::string encode_dp_trust(const DpTrust& trust);
// Code::invalid: a field (named); Code::too_large.
[[nodiscard]] Result<DpTrust> decode_dp_trust(std::string_view json);

}  // namespace fp::wire
