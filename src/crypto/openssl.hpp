// Owning pointers and error text over OpenSSL's C API, for the .cpp files of crypto, pki and net only. Any thread.
// Never included by a header that another room sees.
#pragma once
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fp::crypto {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Freer<Free>>;

using OwnedKey = Owned<EVP_PKEY, EVP_PKEY_free>;
using OwnedKeyContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using OwnedBio = Owned<BIO, BIO_free_all>;
using OwnedNumber = Owned<BIGNUM, BN_free>;
using OwnedX509 = Owned<X509, X509_free>;
using OwnedCrl = Owned<X509_CRL, X509_CRL_free>;

[[nodiscard]] inline const unsigned char* octets(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
[[nodiscard]] inline unsigned char* octets(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

// fail() with the library's own reason; empties its error queue, so that no later call of this thread reads it.
[[nodiscard]] std::unexpected<Error> fail_openssl(Code code, std::string_view what);

// A read-only view of the bytes; null when they are longer than the library can say.
[[nodiscard]] OwnedBio reading(std::string_view bytes);
[[nodiscard]] OwnedBio writing();
[[nodiscard]] std::string taken_from(BIO* memory);

// DER of anything that has an i2d function; empty when it cannot be encoded.
template <auto ToDer, class T>
[[nodiscard]] std::string to_der(T* value) {
  unsigned char* out = nullptr;
  const int size = ToDer(value, &out);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<char*>(out), static_cast<std::size_t>(size));
  OPENSSL_free(out);
  return der;
}

}  // namespace fp::crypto
