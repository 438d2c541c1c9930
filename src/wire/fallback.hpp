// The message of the fallback status point (wire.md §12, docs/protocol/fallback.md), both directions. Any thread; pure. Three
// forms are read: bare XML (a StateMessage, or a Report of them; UTF-8 or UTF-16), the same inside a CCM multipart, and sealed: the
// XML inside a CMS EnvelopedData that only the site opens. Never: more than the kFallback* limits, belief in what is claimed.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/fallback.hpp"

namespace fp::wire {

inline constexpr std::string_view kFallbackType = "text/xml; charset=utf-8";
inline constexpr std::string_view kSealedFallbackType = "application/pkcs7-mime; smime-type=enveloped-data";
inline constexpr std::string_view kFallbackReceiptHeader = "FPReceipt";  // of our status points: SHA-256 of the body, hex

// One DER SEQUENCE and nothing behind it: all that can be said of a sealed message without the key.
[[nodiscard]] bool is_sealed_fallback(std::string_view content_type, std::string_view body);

// Each state as a message with what the client claims about itself; ids and times of others are not filled. At least one.
// Texts lose control characters, so that nobody's terminal is written to. Code::invalid, Code::too_large.
[[nodiscard]] Result<std::vector<FallbackMessage>> decode_fallback(std::string_view content_type, std::string_view body);

// A StateMessage as our agents write it: site_code, client_id, name, topic, state, parameters, details, sent_at.
[[nodiscard]] std::string encode_fallback(const FallbackMessage& message);

}  // namespace fp::wire
