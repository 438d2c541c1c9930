#include "pki/certs_only.hpp"

#include <openssl/pkcs7.h>

#include "crypto/openssl.hpp"

namespace fp::pki {

using crypto::fail_openssl;
using crypto::octets;
using OwnedMessage = crypto::Owned<PKCS7, PKCS7_free>;

Result<std::string> certs_only(std::span<const Certificate> certificates) {
  const OwnedMessage message(PKCS7_new());
  if (!message || PKCS7_set_type(message.get(), NID_pkcs7_signed) != 1 || PKCS7_content_new(message.get(), NID_pkcs7_data) != 1 ||
      PKCS7_set_detached(message.get(), 1) != 1)
    return fail_openssl(Code::internal, "building a list of certificates");
  for (const Certificate& certificate : certificates)
    if (PKCS7_add_certificate(message.get(), certificate.native()) != 1)
      return fail_openssl(Code::internal, "building a list of certificates");
  return crypto::to_der<i2d_PKCS7>(message.get());
}

Result<std::vector<Certificate>> parse_certs_only(std::string_view der) {
  if (der.size() > kCertsOnlyBytesMax) return fail(Code::too_large, "a list of certificates of {} bytes", der.size());
  const unsigned char* at = octets(der);
  const OwnedMessage message(d2i_PKCS7(nullptr, &at, static_cast<long>(der.size())));
  if (!message || at != octets(der) + der.size() || PKCS7_type_is_signed(message.get()) != 1 || message->d.sign == nullptr)
    return fail_openssl(Code::invalid, "not a PKCS#7 list of certificates");
  const STACK_OF(X509)* all = message->d.sign->cert;
  if (sk_PKCS7_SIGNER_INFO_num(message->d.sign->signer_info) > 0 || sk_X509_num(all) < 1)
    return fail(Code::invalid, "a PKCS#7 message that is not just certificates");
  if (sk_X509_num(all) > kCertsOnlyMax) return fail(Code::too_large, "a list of more than {} certificates", kCertsOnlyMax);
  std::vector<Certificate> out;
  for (int i = 0; i < sk_X509_num(all); ++i) {
    FP_TRY(certificate, Certificate::from_der(crypto::to_der<i2d_X509>(sk_X509_value(all, i))));
    out.push_back(std::move(certificate));
  }
  return out;
}

}  // namespace fp::pki
