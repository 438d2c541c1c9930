#include "crypto/hash.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <new>

namespace fp::crypto {
namespace {

// Fetched once: the library's implicit fetch at each use costs more than hashing a short text.
const EVP_MD* method(Hash hash) {
  static const EVP_MD* const sha256_method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static const EVP_MD* const sha1_method = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  return hash == Hash::sha256 ? sha256_method : sha1_method;
}

}  // namespace

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() {
    if (context == nullptr || EVP_DigestInit_ex(context, method(Hash::sha256), nullptr) != 1) throw std::bad_alloc();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

Sha256& Sha256::update(std::string_view bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
  return *this;
}

std::string Sha256::finish() {
  std::string out(32, '\0');
  EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(out.data()), nullptr);
  EVP_DigestInit_ex(state_->context, method(Hash::sha256), nullptr);
  return out;
}

std::string digest(Hash hash, std::string_view bytes) {
  std::string out(hash == Hash::sha256 ? 32 : 20, '\0');
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr, method(hash), nullptr) != 1)
    throw std::bad_alloc();
  return out;
}

std::string sha256(std::string_view bytes) { return digest(Hash::sha256, bytes); }
std::string sha1(std::string_view bytes) { return digest(Hash::sha1, bytes); }

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::string out(32, '\0');
  unsigned size = 0;
  const char none = 0;  // the library takes a null key for "the one before"
  const void* start = key.empty() ? &none : key.data();
  if (HMAC(EVP_sha256(), start, static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
           reinterpret_cast<unsigned char*>(out.data()), &size) == nullptr)
    throw std::bad_alloc();
  return out;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace fp::crypto
