// multipart/mixed as the messages use it (wire.md §3.1, §3.4): two parts, the first the header, the second the body, whatever
// their part headers say. Any thread; pure; costs one search. Never copies the parts it finds.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace fp::wire {

// Clients split on this literal, so every message of ours has it.
inline constexpr std::string_view kBoundary = "aAbBcCdDv1234567890VxXyYzZ";
inline constexpr std::string_view kMultipartType = "multipart/mixed; boundary=\"aAbBcCdDv1234567890VxXyYzZ\"";

// The parts' contents, without part headers and without the CRLF before the next delimiter; views into `body`.
// `content_type` is the value of the HTTP header, boundary quoted or not. Code::invalid, or Code::too_large over kPartsMax.
[[nodiscard]] Result<std::vector<std::string_view>> parse_multipart(std::string_view content_type, std::string_view body);

// The exact bytes of wire.md §3.4. `header` is UTF-16LE with BOM.
[[nodiscard]] std::string encode_multipart(std::string_view header, std::string_view second);

}  // namespace fp::wire
