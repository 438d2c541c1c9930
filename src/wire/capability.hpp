// A content capability: a path segment by which a distribution point behind a bridging proxy, where no client certificate
// arrives, knows that the management point sent this client to this content (design §7; docs/protocol/distribution.md).
// ".cap-<expiry, unix seconds>-<client GUID>-<HMAC-SHA256, hex>" stands in front of the content id in the URL.
// Any thread; pure; one HMAC. Never opens another content, and never anything after its expiry.
#pragma once
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace fp::wire {

struct ContentCapability {
  std::string content_id;  // canonical, as it stands in the URL behind the segment
  std::string client_id;   // GUID:...
  Instant expires_at;      // whole seconds count
};

// The key of one distribution point, made from the site's secret: who steals a distribution point opens its content only.
[[nodiscard]] std::string capability_key_of(std::string_view site_secret, std::string_view distribution_point);

// `key`: of the distribution point that the URL leads to, known to it and to management points.
[[nodiscard]] std::string encode_capability(const ContentCapability& capability, std::string_view key);
[[nodiscard]] bool is_capability_segment(std::string_view segment);
// Code::invalid: not of this form; Code::unauthenticated: another key or content; Code::forbidden: expired.
[[nodiscard]] Result<ContentCapability> check_capability(std::string_view segment, std::string_view content_id,
                                                         std::string_view key, Instant now);

}  // namespace fp::wire
