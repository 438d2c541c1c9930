#include <openssl/pem.h>

#include <algorithm>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "pki/building.hpp"
#include "pki/issue.hpp"
#include "pki/names.hpp"

namespace fp::pki {

using crypto::fail_openssl;
using crypto::octets;
using crypto::Owned;

namespace {

constexpr int kNamesMax = 64;

void free_extensions(STACK_OF(X509_EXTENSION) * stack) { sk_X509_EXTENSION_pop_free(stack, X509_EXTENSION_free); }
using OwnedPurposes = Owned<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free>;
using OwnedConstraints = Owned<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free>;
using OwnedExtensions = Owned<STACK_OF(X509_EXTENSION), free_extensions>;

Result<OwnedRequest> decode(std::string_view bytes) {
  if (bytes.size() > 4 * limits::kCertificateBytesMax) return fail(Code::too_large, "signing request of {} bytes", bytes.size());
  if (bytes.find("-----BEGIN") != std::string_view::npos) {
    const auto in = crypto::reading(bytes);
    OwnedRequest request(in ? PEM_read_bio_X509_REQ(
                                  in.get(), nullptr, [](char*, int, int, void*) { return -1; }, nullptr)
                            : nullptr);
    if (!request) return fail_openssl(Code::invalid, "not a signing request in PEM");
    return request;
  }
  const unsigned char* at = octets(bytes);
  OwnedRequest request(d2i_X509_REQ(nullptr, &at, static_cast<long>(bytes.size())));
  if (!request || at != octets(bytes) + bytes.size()) return fail_openssl(Code::invalid, "not a signing request");
  return request;
}

Status read_extensions(X509_REQ* request, SigningRequest& out) {
  const OwnedExtensions extensions(X509_REQ_get_extensions(request));
  if (!extensions) return {};
  const OwnedPurposes purposes(
      static_cast<EXTENDED_KEY_USAGE*>(X509V3_get_d2i(extensions.get(), NID_ext_key_usage, nullptr, nullptr)));
  for (int i = 0; purposes && i < sk_ASN1_OBJECT_num(purposes.get()) && i < kNamesMax; ++i)
    out.ekus.push_back(dotted(sk_ASN1_OBJECT_value(purposes.get(), i)));
  const OwnedConstraints constraints(
      static_cast<BASIC_CONSTRAINTS*>(X509V3_get_d2i(extensions.get(), NID_basic_constraints, nullptr, nullptr)));
  out.authority = constraints && constraints->ca != 0;
  const OwnedNames names(static_cast<GENERAL_NAMES*>(X509V3_get_d2i(extensions.get(), NID_subject_alt_name, nullptr, nullptr)));
  if (!names) return {};
  if (sk_GENERAL_NAME_num(names.get()) > kNamesMax)
    return fail(Code::invalid, "signing request with more than {} names", kNamesMax);
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) {
      out.other_names = true;
      continue;
    }
    const ASN1_STRING* value = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    const std::string raw(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                          static_cast<std::size_t>(ASN1_STRING_length(value)));
    if (name->type == GEN_DNS)
      out.dns_names.push_back(raw);
    else if (const std::string text = address_text(raw); !text.empty())
      out.ip_addresses.push_back(text);
    else
      return fail(Code::invalid, "signing request with a malformed address");
  }
  return {};
}

}  // namespace

Result<std::string> make_signing_request(const crypto::PrivateKey& key, const Order& order) {
  const OwnedRequest request(X509_REQ_new());
  if (!request || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_REQ_set_pubkey(request.get(), key.native()) != 1)
    return fail_openssl(Code::internal, "building a signing request");
  X509_NAME* subject = X509_REQ_get_subject_name(request.get());
  FP_CHECK(add_text(subject, NID_organizationName, order.organisation));
  FP_CHECK(add_text(subject, NID_commonName, order.common_name));
  if (!order.dns_names.empty() || !order.ip_addresses.empty()) {
    FP_TRY(names, alternative_names_of(order.dns_names, order.ip_addresses));
    X509_EXTENSION* extension = X509V3_EXT_i2d(NID_subject_alt_name, 0, names.get());
    const OwnedExtensions stack(sk_X509_EXTENSION_new_null());
    if (!stack || extension == nullptr || sk_X509_EXTENSION_push(stack.get(), extension) <= 0 ||
        X509_REQ_add_extensions(request.get(), stack.get()) != 1)
      return fail_openssl(Code::internal, "building a signing request");
  }
  const auto out = crypto::writing();
  if (!out || X509_REQ_sign(request.get(), key.native(), EVP_sha256()) <= 0 ||
      PEM_write_bio_X509_REQ(out.get(), request.get()) != 1)
    return fail_openssl(Code::internal, "signing a signing request");
  return crypto::taken_from(out.get());
}

Result<SigningRequest> parse_signing_request(std::string_view bytes) {
  FP_TRY(request, decode(bytes));
  FP_TRY(key, crypto::PublicKey::from_spki_der(crypto::to_der<i2d_X509_PUBKEY>(X509_REQ_get_X509_PUBKEY(request.get()))));
  if (key.rsa_bits() < 2048 || key.rsa_bits() > 8192)
    return fail(Code::invalid, "signing request for a key that is not RSA of 2048 to 8192 bits");
  // Proof of possession: whoever asks holds the key.
  if (X509_REQ_verify(request.get(), key.native()) != 1)
    return fail_openssl(Code::invalid, "signing request whose signature does not hold");
  SigningRequest out{key, {}, {}, {}};
  for (const auto& [oid, value] : attributes_of(X509_REQ_get_subject_name(request.get())))
    if (oid == "2.5.4.3" && out.common_name.empty()) out.common_name = value;
  FP_CHECK(read_extensions(request.get(), out));
  return out;
}

}  // namespace fp::pki
