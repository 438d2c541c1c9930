#include "wire/est.hpp"

#include "base/text.hpp"

namespace fp::wire {
namespace {

constexpr std::string_view kBasic = "Basic ";
constexpr unsigned char kSequence = 0x30;

bool is_type(std::string_view header, std::string_view wanted) {
  const auto only = [](std::string_view text) { return trim(text.substr(0, text.find(';'))); };
  return iequals(only(header), only(wanted));
}

// One DER sequence, and nothing behind it.
bool is_sequence(std::string_view der) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(der[i]); };
  if (der.size() < 2 || at(0) != kSequence) return false;
  std::size_t length = at(1), head = 2;
  if (length >= 0x80) {
    const std::size_t digits = length & 0x7F;
    if (digits < 1 || digits > 3 || der.size() < 2 + digits) return false;
    length = 0;
    for (std::size_t i = 0; i < digits; ++i) length = length << 8 | at(2 + i);
    head += digits;
  }
  return der.size() == head + length;
}

Result<std::string> decode_body(std::string_view body, std::size_t bytes_max) {
  FP_TRY(der, unbase64(body));
  if (der.size() > bytes_max) return fail(Code::too_large, "{} bytes; at most {}", der.size(), bytes_max);
  if (!is_sequence(der)) return fail(Code::invalid, "the body is base64 of something else than one DER value");
  return der;
}

}  // namespace

Result<std::string> decode_est_request(std::string_view content_type, std::string_view body) {
  if (body.size() > kEstBodyBytesMax) return fail(Code::too_large, "a body of {} bytes; at most {}", body.size(), kEstBodyBytesMax);
  if (!is_type(content_type, kEstRequestType)) return fail(Code::invalid, "the Content-Type is not {}", kEstRequestType);
  return decode_body(body, kEstRequestBytesMax);
}

Result<std::string> decode_est_certificates(std::string_view content_type, std::string_view body, std::size_t bytes_max) {
  if (!is_type(content_type, kEstCertificatesType)) return fail(Code::invalid, "the Content-Type is not application/pkcs7-mime");
  return decode_body(body, bytes_max);
}

std::string encode_est_body(std::string_view der) { return base64(der); }

Result<BasicCredentials> parse_basic(std::string_view authorization) {
  if (authorization.size() > kEstCredentialBytesMax)
    return fail(Code::too_large, "credentials of {} bytes; at most {}", authorization.size(), kEstCredentialBytesMax);
  if (!istarts_with(authorization, kBasic)) return fail(Code::not_found, "no credentials of the scheme Basic");
  FP_TRY(text, unbase64(trim(authorization.substr(kBasic.size()))));
  const auto colon = text.find(':');
  if (colon == std::string::npos) return fail(Code::invalid, "Basic credentials without a colon");
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return fail(Code::invalid, "Basic credentials with a control character");
  if (!is_utf8(text)) return fail(Code::invalid, "Basic credentials that are not UTF-8");
  return BasicCredentials{text.substr(0, colon), text.substr(colon + 1)};
}

std::string encode_basic(const BasicCredentials& credentials) {
  return std::string(kBasic) + base64(credentials.user + ":" + credentials.secret);
}

std::string est_attributes() {
  // SEQUENCE { OID sha256WithRSAEncryption, SEQUENCE { OID rsaEncryption, SET { INTEGER 2048 } } }
  static constexpr unsigned char kDer[] = {0x30, 0x1E, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B, 0x30, 0x11, 0x06,
                                          0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x31, 0x04, 0x02, 0x02, 0x08, 0x00};
  return {reinterpret_cast<const char*>(kDer), sizeof kDer};
}

}  // namespace fp::wire
