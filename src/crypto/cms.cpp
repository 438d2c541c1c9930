#include "crypto/cms.hpp"

#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/limits.hpp"
#include "crypto/hash.hpp"
#include "crypto/openssl.hpp"

namespace fp::crypto {
namespace {

using OwnedCms = Owned<CMS_ContentInfo, CMS_ContentInfo_free>;

// The certificate, with a subjectKeyIdentifier (SHA-1 of the key's bits) written into this copy when it has none: the library
// addresses recipients only by the extension. The copy's signature no longer holds and is never looked at.
Result<OwnedX509> recipient_of(std::string_view der) {
  if (der.size() > limits::kCertificateBytesMax) return fail(Code::invalid, "certificate of {} bytes", der.size());
  const unsigned char* at = octets(der);
  OwnedX509 certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!certificate || at != octets(der) + der.size()) return fail_openssl(Code::invalid, "recipient: not a certificate");
  EVP_PKEY* key = X509_get0_pubkey(certificate.get());
  if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) < 1024 ||
      EVP_PKEY_get_bits(key) > 8192)
    return fail_openssl(Code::invalid, "recipient: sealing needs a certificate with an RSA key of 1024 to 8192 bits");
  if (X509_get0_subject_key_id(certificate.get()) != nullptr) return certificate;
  const ASN1_BIT_STRING* bits = X509_get0_pubkey_bitstr(certificate.get());
  const std::string id = sha1({reinterpret_cast<const char*>(bits->data), static_cast<std::size_t>(bits->length)});
  const Owned<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> text(ASN1_OCTET_STRING_new());
  const OwnedX509 copy(X509_dup(certificate.get()));
  if (!text || !copy || ASN1_OCTET_STRING_set(text.get(), octets(std::string_view(id)), static_cast<int>(id.size())) != 1 ||
      X509_set_version(copy.get(), X509_VERSION_3) != 1 ||
      X509_add1_ext_i2d(copy.get(), NID_subject_key_identifier, text.get(), 0, X509V3_ADD_REPLACE) != 1)
    return fail_openssl(Code::internal, "naming the recipient's key");
  // The library keeps the first encoding until it is told to make another one, and the first object remembers that it had no
  // such extension: so encode anew, and parse that.
  static_cast<void>(i2d_re_X509_tbs(copy.get(), nullptr));
  const std::string again = to_der<i2d_X509>(copy.get());
  const unsigned char* start = octets(std::string_view(again));
  OwnedX509 named(d2i_X509(nullptr, &start, static_cast<long>(again.size())));
  if (!named) return fail_openssl(Code::internal, "naming the recipient's key");
  return named;
}

Status set_oaep(CMS_RecipientInfo* recipient) {
  EVP_PKEY_CTX* context = CMS_RecipientInfo_get0_pkey_ctx(recipient);
  if (context == nullptr || EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha1()) != 1 || EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha1()) != 1)
    return fail_openssl(Code::internal, "setting RSAES-OAEP");
  return {};
}

// The one recipient, by key transport of one of the two profiles, and the one that the certificate names.
Status check_envelope(CMS_ContentInfo* cms, X509* certificate) {
  if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_enveloped) return fail(Code::invalid, "CMS: not EnvelopedData");
  STACK_OF(CMS_RecipientInfo)* recipients = CMS_get0_RecipientInfos(cms);
  if (recipients == nullptr || sk_CMS_RecipientInfo_num(recipients) != 1) return fail(Code::invalid, "CMS: not one recipient");
  CMS_RecipientInfo* recipient = sk_CMS_RecipientInfo_value(recipients, 0);
  if (CMS_RecipientInfo_type(recipient) != CMS_RECIPINFO_TRANS) return fail(Code::invalid, "CMS: not key transport");
  X509_ALGOR* algorithm = nullptr;
  if (CMS_RecipientInfo_ktri_get0_algs(recipient, nullptr, nullptr, &algorithm) != 1 || algorithm == nullptr)
    return fail_openssl(Code::invalid, "CMS: no key transport algorithm");
  const ASN1_OBJECT* oid = nullptr;
  X509_ALGOR_get0(&oid, nullptr, nullptr, algorithm);
  const int nid = OBJ_obj2nid(oid);
  if (nid != NID_rsaEncryption && nid != NID_rsaesOaep) return fail(Code::invalid, "CMS: key transport of another kind");
  if (CMS_RecipientInfo_ktri_cert_cmp(recipient, certificate) != 0)
    return fail(Code::unauthenticated, "CMS: cannot be opened with this key");
  return {};
}

}  // namespace

Result<std::string> seal(std::string_view plain, std::string_view certificate_der, SealProfile profile) {
  if (plain.size() > limits::kMessageBodyBytesMax) return fail(Code::too_large, "{} bytes to seal", plain.size());
  FP_TRY(certificate, recipient_of(certificate_der));
  const bool modern = profile == SealProfile::modern;
  const unsigned flags = CMS_BINARY | CMS_PARTIAL | CMS_KEY_PARAM | (modern ? CMS_USE_KEYID : 0U);
  const OwnedBio in = reading(plain);
  const OwnedCms cms(CMS_encrypt(nullptr, nullptr, modern ? EVP_aes_256_cbc() : EVP_des_ede3_cbc(), flags));
  if (!in || !cms) return fail_openssl(Code::internal, "sealing");
  CMS_RecipientInfo* recipient = CMS_add1_recipient_cert(cms.get(), certificate.get(), flags);
  if (recipient == nullptr) return fail_openssl(Code::internal, "naming the recipient");
  if (modern) FP_CHECK(set_oaep(recipient));
  if (CMS_final(cms.get(), in.get(), nullptr, flags) != 1) return fail_openssl(Code::internal, "sealing");
  std::string der = to_der<i2d_CMS_ContentInfo>(cms.get());
  if (der.empty()) return fail_openssl(Code::internal, "encoding the envelope");
  return der;
}

Result<std::string> open(std::string_view der, const PrivateKey& key, std::string_view certificate_der) {
  if (der.size() > limits::kMessageBodyBytesMax + (64U << 10)) return fail(Code::too_large, "envelope of {} bytes", der.size());
  FP_TRY(certificate, recipient_of(certificate_der));
  const unsigned char* at = octets(der);
  const OwnedCms cms(d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(der.size())));
  if (!cms || at != octets(der) + der.size()) return fail_openssl(Code::invalid, "not a CMS message");
  FP_CHECK(check_envelope(cms.get(), certificate.get()));
  const OwnedBio out = writing();
  if (!out || CMS_decrypt(cms.get(), key.native(), certificate.get(), nullptr, out.get(), CMS_BINARY) != 1) {
    ERR_clear_error();
    return fail(Code::unauthenticated, "CMS: cannot be opened with this key");
  }
  return taken_from(out.get());
}

}  // namespace fp::crypto
