// Names and times between OpenSSL's structures and values; for the .cpp files of pki only. Any thread; pure.
#pragma once
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace fp::pki {

[[nodiscard]] std::string dotted(const ASN1_OBJECT* object);
[[nodiscard]] std::string text_of(const X509_NAME* name);  // RFC 4514, most specific first
[[nodiscard]] std::vector<std::pair<std::string, std::string>> attributes_of(const X509_NAME* name);
[[nodiscard]] std::string utf8_of(const ASN1_STRING* string);  // empty: not text
[[nodiscard]] Result<Instant> instant_of(const ASN1_TIME* time);
// Dotted OID of a short name or of a dotted OID (domain.md §5.2); empty: unknown.
[[nodiscard]] std::string attribute_oid(std::string_view oid_or_name);
// "10.0.0.1" -> 4 bytes, "::1" -> 16; empty: not an address literal.
[[nodiscard]] std::string address_bytes(std::string_view literal);
[[nodiscard]] std::string address_text(std::string_view bytes);  // empty: neither 4 nor 16 bytes

}  // namespace fp::pki
