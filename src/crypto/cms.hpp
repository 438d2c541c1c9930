// Sealing to one recipient: CMS EnvelopedData in DER (wire.md §4.7). Any thread; pure but for the library's random bytes.
// Costs one RSA operation and one pass over the bytes. Never seals to more than one certificate, never takes more than
// limits::kMessageBodyBytesMax. Sealing hides and does not authenticate: compare the opened body's hash before using it.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "crypto/key.hpp"

namespace fp::crypto {

enum class SealProfile {
  legacy,  // issuerAndSerialNumber, rsaEncryption, des-ede3-cbc: test clients of others that know nothing else
  modern,  // subjectKeyIdentifier, RSAES-OAEP with SHA-1 and MGF1-SHA1, aes256-CBC
};

// `certificate_der`: the recipient's encryption certificate, RSA. One without subjectKeyIdentifier extension is addressed in
// the modern profile by the SHA-1 of its public key bits (RFC 5280 §4.2.1.2 method 1), which is what extensions hold too.
// Code::invalid: not a certificate with an RSA key; Code::too_large: over the limit.
[[nodiscard]] Result<std::string> seal(std::string_view plain, std::string_view certificate_der,
                                       SealProfile profile = SealProfile::modern);

// Opens either profile with the recipient's key; content type, key transport and recipient are checked first.
// Code::invalid: not an EnvelopedData of these profiles; Code::unauthenticated: not for this key, or damaged (one answer for
// every way of not decrypting, so that nobody learns about paddings).
[[nodiscard]] Result<std::string> open(std::string_view der, const PrivateKey& key, std::string_view certificate_der);

}  // namespace fp::crypto
