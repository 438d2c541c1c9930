#include "crypto/signature.hpp"

#include <openssl/rsa.h>

#include <algorithm>

#include "base/text.hpp"
#include "crypto/openssl.hpp"

namespace fp::crypto {
namespace {

constexpr int kBitsMin = 1024, kBitsMax = 8192;  // below: nobody's; above: a verification would cost milliseconds

constexpr std::string_view kDigestInfoSha256("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20", 19);
constexpr std::string_view kDigestInfoSha1("\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14", 15);

std::string padded_payload(Hash hash, Padding padding, std::string_view bytes) {
  std::string payload;
  if (padding == Padding::digest_info) payload = hash == Hash::sha256 ? kDigestInfoSha256 : kDigestInfoSha1;
  return payload + digest(hash, bytes);
}

bool usable(const PublicKey& key) { return key.is_rsa() && key.bits() >= kBitsMin && key.bits() <= kBitsMax; }

// Signs the payload as it is, below PKCS#1 v1.5 type 1 padding.
Result<std::string> sign_payload(const PrivateKey& key, std::string_view payload) {
  if (!usable(key.public_key())) return fail(Code::invalid, "signing needs an RSA key of {} to {} bits", kBitsMin, kBitsMax);
  const OwnedKeyContext context(EVP_PKEY_CTX_new(key.native(), nullptr));
  std::string out(static_cast<std::size_t>(EVP_PKEY_get_size(key.native())), '\0');
  std::size_t size = out.size();
  if (!context || EVP_PKEY_sign_init(context.get()) != 1 || EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1 ||
      EVP_PKEY_sign(context.get(), octets(out), &size, octets(payload), payload.size()) != 1)
    return fail_openssl(Code::internal, "signing");
  out.resize(size);
  return out;
}

// What stands below the padding; empty when the padding is wrong.
std::string recover(const PublicKey& key, std::string_view signature) {
  const OwnedKeyContext context(key.recovery() != nullptr ? EVP_PKEY_CTX_dup(key.recovery()) : nullptr);
  std::string out(static_cast<std::size_t>(EVP_PKEY_get_size(key.native())), '\0');
  std::size_t size = out.size();
  if (!context || EVP_PKEY_verify_recover(context.get(), octets(out), &size, octets(signature), signature.size()) != 1) {
    ERR_clear_error();
    return {};
  }
  out.resize(size);
  return out;
}

}  // namespace

Result<std::string> sign_sha256(const PrivateKey& key, std::string_view bytes) {
  return sign_payload(key, padded_payload(Hash::sha256, Padding::digest_info, bytes));
}

bool verify_sha256(const PublicKey& key, std::string_view bytes, std::string_view signature) {
  if (!usable(key) || signature.size() != static_cast<std::size_t>(EVP_PKEY_get_size(key.native()))) return false;
  return equal_constant_time(recover(key, signature), padded_payload(Hash::sha256, Padding::digest_info, bytes));
}

Result<std::string> cm_sign(const PrivateKey& key, std::string_view bytes, Hash hash, Padding padding) {
  FP_TRY(signature, sign_payload(key, padded_payload(hash, padding, bytes)));
  std::reverse(signature.begin(), signature.end());
  return hex(signature);
}

Result<CmSignature> cm_verify_detail(const PublicKey& key, std::string_view bytes, std::string_view hex_text, bool sha256_only) {
  if (!usable(key)) return fail(Code::invalid, "a signature is checked with an RSA key of {} to {} bits", kBitsMin, kBitsMax);
  const auto size = static_cast<std::size_t>(EVP_PKEY_get_size(key.native()));
  if (hex_text.size() != 2 * size)
    return fail(Code::invalid, "a signature of {} hex digits where the key makes {}", hex_text.size(), 2 * size);
  FP_TRY(signature, unhex(hex_text));
  std::reverse(signature.begin(), signature.end());
  const std::string found = recover(key, signature);
  for (const Hash hash : {Hash::sha256, Hash::sha1}) {
    if (hash == Hash::sha1 && sha256_only) break;
    for (const Padding padding : {Padding::digest_info, Padding::no_hash_oid})
      if (equal_constant_time(found, padded_payload(hash, padding, bytes))) return CmSignature{hash, padding};
  }
  return fail(Code::unauthenticated, "the signature does not hold for these bytes and this key");
}

bool cm_verify(const PublicKey& key, std::string_view bytes, std::string_view hex_text) {
  return cm_verify_detail(key, bytes, hex_text).has_value();
}

}  // namespace fp::crypto
