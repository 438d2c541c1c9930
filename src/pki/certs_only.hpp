// Certificates in a PKCS#7 SignedData without signers, "certs-only" (RFC 5652 §5, RFC 7030 §4.1.3): what an enrollment point hands out.
// Any thread; pure. Never: says anything about trust.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "pki/certificate.hpp"

namespace fp::pki {

inline constexpr std::size_t kCertsOnlyBytesMax = 64U << 10;
inline constexpr int kCertsOnlyMax = 16;

[[nodiscard]] Result<std::string> certs_only(std::span<const Certificate> certificates);  // DER
// In the order of the message; 1 to kCertsOnlyMax. Code::invalid: no such message, or one with content; Code::too_large.
[[nodiscard]] Result<std::vector<Certificate>> parse_certs_only(std::string_view der);

}  // namespace fp::pki
