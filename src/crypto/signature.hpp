// Signatures: the plain RSA-SHA256 of policy assignments, and the byte-reversed ones of the wire (wire.md §4.1).
// Any thread; pure. A verification costs about 30 us with RSA-2048, a signature about 1 ms. Never parses a padding
// leniently: the recovered block is compared whole, so no forged signature hides bytes behind a short DigestInfo.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "crypto/hash.hpp"
#include "crypto/key.hpp"

namespace fp::crypto {

// RSASSA-PKCS1-v1_5 with SHA-256; raw big-endian bytes. Code::invalid: not an RSA key.
[[nodiscard]] Result<std::string> sign_sha256(const PrivateKey& key, std::string_view bytes);
[[nodiscard]] bool verify_sha256(const PublicKey& key, std::string_view bytes, std::string_view signature);

enum class Padding {
  digest_info,  // 00 01 FF..FF 00 || DigestInfo || hash
  no_hash_oid,  // 00 01 FF..FF 00 || hash: CRYPT_NOHASHOID
};

// Byte-reversed, upper-case hex.
[[nodiscard]] Result<std::string> cm_sign(const PrivateKey& key, std::string_view bytes, Hash hash = Hash::sha256,
                                          Padding padding = Padding::digest_info);

struct CmSignature {  // what a verified signature turned out to be
  Hash hash = Hash::sha256;
  Padding padding = Padding::digest_info;
};
// Accepts both paddings, SHA-256 then (unless `sha256_only`, domain.md §5.6) SHA-1; hex in either case.
// Code::invalid: not hex of the key's length, or not an RSA key of 1024 bits and more. Code::unauthenticated: does not hold.
[[nodiscard]] Result<CmSignature> cm_verify_detail(const PublicKey& key, std::string_view bytes, std::string_view hex_text,
                                                   bool sha256_only = false);
[[nodiscard]] bool cm_verify(const PublicKey& key, std::string_view bytes, std::string_view hex_text);

}  // namespace fp::crypto
