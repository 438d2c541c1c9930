#include "crypto/key.hpp"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <cstring>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "crypto/openssl.hpp"

namespace fp::crypto {

struct PublicKey::Impl {
  OwnedKey key;
  OwnedKeyContext recovery;  // ready to recover PKCS#1 payloads; null unless RSA
  int bits = 0;
  std::string spki;
  std::string fingerprint;
};

namespace {

// The library looks its algorithms up at each initialisation; verifiers copy one that is ready instead.
OwnedKeyContext recovery_of(EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) return nullptr;
  OwnedKeyContext context(EVP_PKEY_CTX_new(key, nullptr));
  if (context && EVP_PKEY_verify_recover_init(context.get()) == 1 &&
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1)
    return context;
  ERR_clear_error();
  return nullptr;
}

}  // namespace

struct PrivateKey::Impl {
  OwnedKey key;
  PublicKey half;
};

Result<PublicKey> PublicKey::from_spki_der(std::string_view der) {
  if (der.size() > limits::kCertificateBytesMax) return fail(Code::invalid, "public key of {} bytes", der.size());
  const unsigned char* at = octets(der);
  OwnedKey key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  if (!key || at != octets(der) + der.size()) return fail_openssl(Code::invalid, "not a public key");
  // Encoded anew, so that one key has one fingerprint however it was written.
  std::string spki = to_der<i2d_PUBKEY>(key.get());
  if (spki.empty()) return fail_openssl(Code::invalid, "public key of an unknown kind");
  auto impl = std::make_shared<Impl>();
  impl->key = std::move(key);
  impl->bits = EVP_PKEY_get_bits(impl->key.get());
  impl->recovery = recovery_of(impl->key.get());
  impl->fingerprint = hex_lower(sha256(spki));
  impl->spki = std::move(spki);
  return PublicKey(std::move(impl));
}

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  const OwnedBio in = reading(pem);
  const OwnedKey key(in ? PEM_read_bio_PUBKEY(in.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!key) return fail_openssl(Code::invalid, "not a public key in PEM");
  return from_spki_der(to_der<i2d_PUBKEY>(key.get()));
}

const std::string& PublicKey::spki_der() const { return impl_->spki; }
const std::string& PublicKey::fingerprint() const { return impl_->fingerprint; }
bool PublicKey::is_rsa() const { return EVP_PKEY_get_base_id(impl_->key.get()) == EVP_PKEY_RSA; }
bool PublicKey::is_ec() const { return EVP_PKEY_get_base_id(impl_->key.get()) == EVP_PKEY_EC; }
int PublicKey::bits() const { return impl_->bits; }
int PublicKey::rsa_bits() const { return is_rsa() ? bits() : 0; }
evp_pkey_st* PublicKey::native() const { return impl_->key.get(); }
evp_pkey_ctx_st* PublicKey::recovery() const { return impl_->recovery.get(); }

Result<PrivateKey> PrivateKey::generate_rsa(int bits) {
  if (bits < 2048 || bits > 8192) return fail(Code::invalid, "an RSA key of {} bits (2048 to 8192 are made)", bits);
  OwnedKey key(EVP_RSA_gen(static_cast<unsigned>(bits)));
  if (!key) return fail_openssl(Code::internal, "generating an RSA key");
  FP_TRY(half, PublicKey::from_spki_der(to_der<i2d_PUBKEY>(key.get())));
  return PrivateKey(std::make_shared<const Impl>(Impl{std::move(key), std::move(half)}));
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem, std::string_view passphrase) {
  const OwnedBio in = reading(pem);
  if (!in) return fail(Code::invalid, "not a private key in PEM");
  // Given a callback, the library never asks at a terminal.
  const auto answer = [](char* buffer, int size, int, void* data) -> int {
    const auto& secret = *static_cast<const std::string_view*>(data);
    if (secret.empty() || secret.size() > static_cast<std::size_t>(size)) return -1;
    std::memcpy(buffer, secret.data(), secret.size());
    return static_cast<int>(secret.size());
  };
  OwnedKey key(PEM_read_bio_PrivateKey(in.get(), nullptr, answer, &passphrase));
  if (!key) {
    const bool sealed = pem.find("ENCRYPTED") != std::string_view::npos;
    return fail_openssl(sealed ? Code::unauthenticated : Code::invalid,
                        sealed ? "private key with another pass phrase" : "not a private key in PEM");
  }
  FP_TRY(half, PublicKey::from_spki_der(to_der<i2d_PUBKEY>(key.get())));
  return PrivateKey(std::make_shared<const Impl>(Impl{std::move(key), std::move(half)}));
}

Result<std::string> PrivateKey::to_pem(std::string_view passphrase) const {
  const OwnedBio out = writing();
  const EVP_CIPHER* cipher = passphrase.empty() ? nullptr : EVP_aes_256_cbc();
  if (!out || PEM_write_bio_PKCS8PrivateKey(out.get(), impl_->key.get(), cipher, passphrase.data(),
                                            static_cast<int>(passphrase.size()), nullptr, nullptr) != 1)
    return fail_openssl(Code::internal, "writing a private key");
  return taken_from(out.get());
}

const PublicKey& PrivateKey::public_key() const { return impl_->half; }
evp_pkey_st* PrivateKey::native() const { return impl_->key.get(); }

namespace {

constexpr std::string_view kBlobKeyExchange("\x06\x02\x00\x00\x00\xA4\x00\x00RSA1", 12);
constexpr std::string_view kBlobSignature("\x06\x02\x00\x00\x00\x24\x00\x00RSA1", 12);
constexpr std::size_t kBlobHeaderBytes = 20;

std::string little_endian32(std::uint32_t value) {
  std::string out;
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
  return out;
}

std::uint32_t read32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return value;
}

OwnedNumber number_of(const EVP_PKEY* key, const char* name) {
  BIGNUM* value = nullptr;
  EVP_PKEY_get_bn_param(key, name, &value);
  return OwnedNumber(value);
}

Result<PublicKey> rsa_of(const BIGNUM* modulus, std::uint32_t exponent) {
  const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> build(OSSL_PARAM_BLD_new());
  const OwnedNumber e(BN_new());
  if (!build || !e || BN_set_word(e.get(), exponent) != 1 ||
      OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, modulus) != 1 ||
      OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    return fail_openssl(Code::internal, "building an RSA key");
  const Owned<OSSL_PARAM, OSSL_PARAM_free> params(OSSL_PARAM_BLD_to_param(build.get()));
  const OwnedKeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* made = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    return fail_openssl(Code::invalid, "not an RSA key");
  const OwnedKey key(made);
  return PublicKey::from_spki_der(to_der<i2d_PUBKEY>(key.get()));
}

}  // namespace

Result<std::string> to_public_key_blob(const PublicKey& key) {
  if (!key.is_rsa()) return fail(Code::invalid, "only RSA keys have a PUBLICKEYBLOB");
  const OwnedNumber n = number_of(key.native(), OSSL_PKEY_PARAM_RSA_N);
  const OwnedNumber e = number_of(key.native(), OSSL_PKEY_PARAM_RSA_E);
  if (!n || !e || BN_num_bits(e.get()) > 32) return fail(Code::invalid, "an RSA key whose exponent has more than 32 bits");
  std::string modulus(static_cast<std::size_t>(BN_num_bytes(n.get())), '\0');
  if (BN_bn2lebinpad(n.get(), octets(modulus), static_cast<int>(modulus.size())) < 0)
    return fail_openssl(Code::internal, "writing a modulus");
  return hex(fmt::format("{}{}{}{}", kBlobKeyExchange, little_endian32(static_cast<std::uint32_t>(BN_num_bits(n.get()))),
                         little_endian32(static_cast<std::uint32_t>(BN_get_word(e.get()))), modulus));
}

Result<PublicKey> from_public_key_blob(std::string_view hex_text) {
  if (hex_text.size() > 2 * (kBlobHeaderBytes + 1024)) return fail(Code::invalid, "PUBLICKEYBLOB of {} digits", hex_text.size());
  FP_TRY(blob, unhex(hex_text));
  if (blob.size() < kBlobHeaderBytes || !(blob.starts_with(kBlobKeyExchange) || blob.starts_with(kBlobSignature)))
    return fail(Code::invalid, "not a PUBLICKEYBLOB of an RSA key");
  const std::uint32_t bits = read32(std::string_view(blob).substr(12));
  const std::uint32_t exponent = read32(std::string_view(blob).substr(16));
  if (bits < 1024 || bits > 8192 || bits % 8 != 0 || blob.size() != kBlobHeaderBytes + bits / 8)
    return fail(Code::invalid, "PUBLICKEYBLOB of {} bytes that says {} bits", blob.size(), bits);
  if (exponent < 3 || exponent % 2 == 0) return fail(Code::invalid, "PUBLICKEYBLOB with exponent {}", exponent);
  const OwnedNumber n(BN_lebin2bn(octets(std::string_view(blob)) + kBlobHeaderBytes, static_cast<int>(bits / 8), nullptr));
  if (!n || BN_num_bits(n.get()) != static_cast<int>(bits) || BN_is_odd(n.get()) == 0)
    return fail(Code::invalid, "PUBLICKEYBLOB whose modulus is not an odd number of {} bits", bits);
  return rsa_of(n.get(), exponent);
}

}  // namespace fp::crypto
