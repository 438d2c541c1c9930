// Small text and byte conversions shared by every room: trimming, case, splitting, hex, base64, UTF-16LE, percent-encoding,
// HTML/XML escaping. Byte strings are std::string / std::string_view throughout. Any thread; pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace fp {

[[nodiscard]] std::string_view trim(std::string_view text);  // ASCII white space at both ends
[[nodiscard]] std::string lower(std::string_view text);      // ASCII only
[[nodiscard]] std::string upper(std::string_view text);
[[nodiscard]] bool iequals(std::string_view a, std::string_view b);  // ASCII case-insensitive
[[nodiscard]] bool istarts_with(std::string_view text, std::string_view prefix);
[[nodiscard]] bool icontains(std::string_view text, std::string_view part);
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);  // keeps empty parts
[[nodiscard]] Result<std::int64_t> parse_int(std::string_view text);                      // decimal, whole text, no spaces

[[nodiscard]] std::string hex(std::string_view bytes);        // upper case
[[nodiscard]] std::string hex_lower(std::string_view bytes);
[[nodiscard]] Result<std::string> unhex(std::string_view text);  // either case; odd length or other character: Code::invalid

[[nodiscard]] std::string base64(std::string_view bytes);
[[nodiscard]] Result<std::string> unbase64(std::string_view text);  // white space ignored

// UTF-16LE. A BOM is kept off the output; an unpaired surrogate or odd length is Code::invalid.
[[nodiscard]] std::string to_utf16le(std::string_view utf8);         // no BOM, no NUL; malformed UTF-8 becomes U+FFFD
[[nodiscard]] Result<std::string> from_utf16le(std::string_view bytes);
[[nodiscard]] bool is_utf8(std::string_view bytes);

[[nodiscard]] std::string percent_encode_path(std::string_view path);  // keeps / and unreserved characters and $
[[nodiscard]] Result<std::string> percent_decode(std::string_view text);
[[nodiscard]] std::string xml_escape(std::string_view text);  // & < > " '

}  // namespace fp
