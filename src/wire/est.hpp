// Enrollment over Secure Transport (RFC 7030, clarified by RFC 8951; protocols.md §4.4): the bodies and the credentials of its requests,
// and how answers are written. Any thread; pure; one pass over the bytes. Never: reads the signing request itself (pki does).
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fp::wire {

inline constexpr std::string_view kEstRoot = "/.well-known/est/";
inline constexpr std::size_t kEstBodyBytesMax = 32U << 10;         // base64 of a signing request; one with an RSA key of 8192 bits has 4 KiB
inline constexpr std::size_t kEstRequestBytesMax = 16U << 10;      // the same, decoded
inline constexpr std::size_t kEstCredentialBytesMax = 2048;        // of an Authorization header
inline constexpr std::string_view kEstRequestType = "application/pkcs10";
inline constexpr std::string_view kEstCertificatesType = "application/pkcs7-mime; smime-type=certs-only";
inline constexpr std::string_view kEstAttributesType = "application/csrattrs";

// The PKCS#10 of a simpleenroll or simplereenroll, DER. White space between the base64 digits is let pass, as RFC 8951 asks.
// Code::invalid: another content type, no base64, no DER sequence of that length; Code::too_large.
[[nodiscard]] Result<std::string> decode_est_request(std::string_view content_type, std::string_view body);
// Of an answer: certificates as PKCS#7, DER. The same limits of form; at most `bytes_max`.
[[nodiscard]] Result<std::string> decode_est_certificates(std::string_view content_type, std::string_view body, std::size_t bytes_max);
// In one line: there are clients that read no other.
[[nodiscard]] std::string encode_est_body(std::string_view der);

// RFC 7617. Code::not_found: no header, or of another scheme; Code::invalid: no base64, no colon, no UTF-8, a control character;
// Code::too_large.
struct BasicCredentials {
  std::string user, secret;
};
[[nodiscard]] Result<BasicCredentials> parse_basic(std::string_view authorization);
[[nodiscard]] std::string encode_basic(const BasicCredentials& credentials);

// What a request should bring (RFC 7030 §4.5.2), DER: an RSA key of 2048 bits, signed with SHA-256.
[[nodiscard]] std::string est_attributes();

}  // namespace fp::wire
