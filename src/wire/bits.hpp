// BITS_POST, the upload protocol of [MC-BUP] (wire.md §10): request headers to a packet, and acknowledgements
// to headers. Any thread; pure; bounded by the size of the headers. Never: the sessions themselves (roles/mp
// keeps those).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace fp::wire {

inline constexpr std::string_view kBitsProtocol = "{7df0354d-249b-430f-820d-3d2a9bef4931}";
inline constexpr std::size_t kBitsHeaderValueBytesMax = 4096;
inline constexpr std::size_t kBitsContentNameCharsMax = 260;

enum class BitsKind : std::uint8_t { create, ping, fragment, close, cancel };

struct BitsPacket {
  BitsKind kind = BitsKind::ping;
  std::string session;  // canonical: upper-case GUID without braces; empty where the packet needs none
  std::string content_name;
  std::int64_t first = 0, last = 0,
               total = 0;  // fragment: Content-Range, inclusive; an empty file has no fragment
};

// What the specification calls HRESULT, with the HTTP status that goes with it and who is to blame.
struct BitsError {
  int status = 400;
  std::uint32_t code = 0x80070057;  // 0: none is sent
  std::uint32_t context = 0x5;      // 0x5 the server, 0x7 the application behind it
  std::string reason;               // for the log, one sentence
};
[[nodiscard]] BitsError bits_bad_argument(std::string reason);   // 400, E_INVALIDARG
[[nodiscard]] BitsError bits_length_required();                  // 411
[[nodiscard]] BitsError bits_unknown_session();                  // 500, BG_E_SESSION_NOT_FOUND: start again
[[nodiscard]] BitsError bits_access_denied(std::string reason);  // 403
[[nodiscard]] BitsError bits_switched_off();                     // 501
[[nodiscard]] BitsError bits_fragment_too_large();               // 413: the client makes smaller ones
[[nodiscard]] BitsError bits_too_large();                        // 500, BG_E_TOO_LARGE
[[nodiscard]] BitsError bits_disk_full();                        // 500
[[nodiscard]] BitsError bits_gone();                             // 404: the uploaded entity vanished

using BitsHeaders = std::vector<std::pair<std::string, std::string>>;

// Reads the headers of one BITS_POST. `body_bytes`: how many came. Values are compared without case; unknown
// headers are ignored; a header value above 4 KiB, an unknown packet type, no common protocol, a bad session
// id or Content-Range, or a body whose size differs from the range is a BitsError.
[[nodiscard]] std::expected<BitsPacket, BitsError> decode_bits(const BitsHeaders& headers,
                                                               std::size_t body_bytes);

// "bytes 0-1023/4096". Both ends inclusive, total above the last.
[[nodiscard]] Status decode_content_range(std::string_view text, BitsPacket& out);

// The headers of an acknowledgement, BITS-Packet-Type first. Content-Length is the server's to add (it is
// always 0).
[[nodiscard]] BitsHeaders bits_ack(std::string_view session);  // session empty: left out
[[nodiscard]] BitsHeaders bits_create_ack(std::string_view session);
[[nodiscard]] BitsHeaders bits_fragment_ack(std::string_view session, std::int64_t next);  // also of the 416
[[nodiscard]] BitsHeaders bits_error_ack(const BitsError& error, std::string_view session);
[[nodiscard]] std::string bits_session_text(std::string_view canonical);  // {lower-case guid}

}  // namespace fp::wire
