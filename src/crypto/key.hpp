// RSA and EC keys as values: a handle shared by copies, immutable after it was made. Any thread.
// Generating RSA-2048 costs about 100 ms of CPU, everything else microseconds. Never prints or logs a private key.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

struct evp_pkey_st;      // OpenSSL's EVP_PKEY; only .cpp files of crypto, pki and net look inside
struct evp_pkey_ctx_st;  // OpenSSL's EVP_PKEY_CTX

namespace fp::crypto {

class PublicKey {
 public:
  // DER SubjectPublicKeyInfo. Code::invalid when it is not one, or is longer than limits::kCertificateBytesMax.
  [[nodiscard]] static Result<PublicKey> from_spki_der(std::string_view der);
  [[nodiscard]] static Result<PublicKey> from_pem(std::string_view pem);  // -----BEGIN PUBLIC KEY-----

  [[nodiscard]] const std::string& spki_der() const;
  [[nodiscard]] const std::string& fingerprint() const;  // SHA-256 of the SubjectPublicKeyInfo, lower-case hex
  [[nodiscard]] bool is_rsa() const;
  [[nodiscard]] bool is_ec() const;
  [[nodiscard]] int bits() const;
  [[nodiscard]] int rsa_bits() const;  // 0: not RSA
  [[nodiscard]] evp_pkey_st* native() const;
  [[nodiscard]] evp_pkey_ctx_st* recovery() const;  // prepared for PKCS#1 recovery, to be copied, never used; null: not RSA
  bool operator==(const PublicKey& other) const { return fingerprint() == other.fingerprint(); }

 private:
  struct Impl;
  explicit PublicKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

class PrivateKey {
 public:
  [[nodiscard]] static Result<PrivateKey> generate_rsa(int bits = 2048);  // 2048 to 8192
  // PKCS#8 or traditional PEM. A wrong or missing pass phrase is Code::unauthenticated.
  [[nodiscard]] static Result<PrivateKey> from_pem(std::string_view pem, std::string_view passphrase = {});

  [[nodiscard]] Result<std::string> to_pem(std::string_view passphrase = {}) const;  // PKCS#8; AES-256 with a pass phrase
  [[nodiscard]] const PublicKey& public_key() const;
  [[nodiscard]] evp_pkey_st* native() const;

 private:
  struct Impl;
  explicit PrivateKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// The CryptoAPI form of an RSA public key in requests (wire.md §4.3): upper-case hex.
// from_public_key_blob: Code::invalid for anything that is not exactly such a blob of 1024 to 8192 bits.
[[nodiscard]] Result<std::string> to_public_key_blob(const PublicKey& key);
[[nodiscard]] Result<PublicKey> from_public_key_blob(std::string_view hex_text);

}  // namespace fp::crypto
