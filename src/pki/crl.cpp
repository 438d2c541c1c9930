#include <openssl/pem.h>

#include <mutex>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "pki/building.hpp"
#include "pki/crl_store.hpp"
#include "pki/issue.hpp"
#include "pki/names.hpp"

namespace fp::pki {

using crypto::fail_openssl;
using crypto::octets;
using crypto::Owned;

struct Crl::Impl {
  crypto::OwnedCrl crl;
  std::string issuer, number;
  Instant this_update, next_update;
  std::size_t size = 0;
  mutable std::mutex mutex;
  mutable std::string verified_by;  // fingerprint of the key that the signature held for
};

namespace {

crypto::OwnedCrl decode(std::string_view bytes) {
  if (bytes.find("-----BEGIN X509 CRL-----") != std::string_view::npos) {
    const auto in = crypto::reading(bytes);
    return crypto::OwnedCrl(in ? PEM_read_bio_X509_CRL(
                                     in.get(), nullptr, [](char*, int, int, void*) { return -1; }, nullptr)
                               : nullptr);
  }
  const unsigned char* at = octets(bytes);
  crypto::OwnedCrl crl(d2i_X509_CRL(nullptr, &at, static_cast<long>(bytes.size())));
  if (at != octets(bytes) + bytes.size()) return nullptr;
  return crl;
}

std::string number_of(const X509_CRL* crl) {
  const Owned<ASN1_INTEGER, ASN1_INTEGER_free> value(
      static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(crl, NID_crl_number, nullptr, nullptr)));
  const crypto::OwnedNumber number(value ? ASN1_INTEGER_to_BN(value.get(), nullptr) : nullptr);
  char* text = number ? BN_bn2hex(number.get()) : nullptr;
  std::string out = text == nullptr ? "" : text;
  OPENSSL_free(text);
  ERR_clear_error();
  return out;
}

bool names_one_of(const DIST_POINT_NAME* point, const std::vector<std::string>& urls) {
  if (point->type != 0) return false;
  for (int i = 0; i < sk_GENERAL_NAME_num(point->name.fullname); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(point->name.fullname, i);
    if (name->type != GEN_URI) continue;
    const ASN1_STRING* uri = name->d.uniformResourceIdentifier;
    const std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                                static_cast<std::size_t>(ASN1_STRING_length(uri)));
    for (const std::string& url : urls)
      if (iequals(url, text)) return true;
  }
  return false;
}

std::string unfit_scope(const ISSUING_DIST_POINT& scope, const Certificate& certificate) {
  if (scope.indirectCRL > 0) return "it is an indirect list";
  if (scope.onlyattr > 0) return "it lists attribute certificates only";
  if (scope.onlysomereasons != nullptr) return "it lists some revocation reasons only";
  if (scope.onlyuser > 0 && certificate.is_ca()) return "it lists end entities only";
  if (scope.onlyCA > 0 && !certificate.is_ca()) return "it lists authorities only";
  if (scope.distpoint != nullptr && !certificate.crl_urls().empty() && !names_one_of(scope.distpoint, certificate.crl_urls()))
    return "it is for another distribution point";
  return {};
}

}  // namespace

Result<Crl> Crl::parse(std::string_view bytes) {
  if (bytes.size() > limits::kCrlBytesMax) return fail(Code::too_large, "revocation list of {} bytes", bytes.size());
  auto crl = decode(bytes);
  if (!crl) return fail_openssl(Code::invalid, "not a revocation list");
  auto impl = std::make_shared<Impl>();
  FP_TRY(this_update, instant_of(X509_CRL_get0_lastUpdate(crl.get())));
  FP_TRY(next_update, instant_of(X509_CRL_get0_nextUpdate(crl.get())));
  impl->issuer = text_of(X509_CRL_get_issuer(crl.get()));
  impl->number = pki::number_of(crl.get());
  impl->this_update = this_update;
  impl->next_update = next_update;
  const STACK_OF(X509_REVOKED)* revoked = X509_CRL_get_REVOKED(crl.get());
  impl->size = revoked == nullptr ? 0 : static_cast<std::size_t>(sk_X509_REVOKED_num(revoked));
  impl->crl = std::move(crl);
  return Crl(std::move(impl));
}

const std::string& Crl::issuer() const { return impl_->issuer; }
Instant Crl::this_update() const { return impl_->this_update; }
Instant Crl::next_update() const { return impl_->next_update; }
std::string Crl::number() const { return impl_->number; }
std::size_t Crl::size() const { return impl_->size; }
std::string Crl::pem() const {
  const auto out = crypto::writing();
  if (!out || PEM_write_bio_X509_CRL(out.get(), impl_->crl.get()) != 1) return {};
  return crypto::taken_from(out.get());
}

X509_crl_st* Crl::native() const { return impl_->crl.get(); }

bool Crl::signed_by(const Certificate& issuer) const {
  if ((issuer.key_usage() & kCrlSign) == 0) return false;
  if (X509_NAME_cmp(X509_CRL_get_issuer(impl_->crl.get()), X509_get_subject_name(issuer.native())) != 0) return false;
  const std::string& key = issuer.public_key().fingerprint();
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->verified_by == key) return true;
  }
  const bool holds = X509_CRL_verify(impl_->crl.get(), issuer.public_key().native()) == 1;
  ERR_clear_error();
  if (holds) {
    const std::lock_guard lock(impl_->mutex);
    impl_->verified_by = key;
  }
  return holds;
}

bool Crl::lists(const Certificate& certificate) const {
  X509_REVOKED* entry = nullptr;
  return X509_CRL_get0_by_serial(impl_->crl.get(), &entry, X509_get_serialNumber(certificate.native())) == 1;
}

std::string Crl::unfit_for(const Certificate& certificate) const {
  const X509_CRL* crl = impl_->crl.get();
  for (int i = 0; i < X509_CRL_get_ext_count(crl); ++i) {
    const X509_EXTENSION* extension = X509_CRL_get_ext(crl, i);
    const int nid = OBJ_obj2nid(X509_EXTENSION_get_object(const_cast<X509_EXTENSION*>(extension)));
    if (nid == NID_delta_crl) return "it is a delta list";
    if (nid != NID_issuing_distribution_point && X509_EXTENSION_get_critical(extension) != 0)
      return "it has an unknown critical extension";
  }
  if (X509_CRL_get_ext_by_NID(crl, NID_issuing_distribution_point, -1) < 0) return {};
  const Owned<ISSUING_DIST_POINT, ISSUING_DIST_POINT_free> scope(
      static_cast<ISSUING_DIST_POINT*>(X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, nullptr, nullptr)));
  ERR_clear_error();
  return scope ? unfit_scope(*scope, certificate) : "its scope is malformed";
}

namespace {

Status add_revoked(X509_CRL* crl, const Revoked& revoked) {
  FP_TRY(serial, unhex(revoked.serial.size() % 2 == 0 ? revoked.serial : "0" + revoked.serial));
  const crypto::OwnedNumber number(BN_bin2bn(octets(std::string_view(serial)), static_cast<int>(serial.size()), nullptr));
  const Owned<ASN1_INTEGER, ASN1_INTEGER_free> value(number ? BN_to_ASN1_INTEGER(number.get(), nullptr) : nullptr);
  Owned<X509_REVOKED, X509_REVOKED_free> entry(X509_REVOKED_new());
  const auto at = time_of(revoked.at);
  if (serial.empty() || serial.size() > 20) return fail(Code::invalid, "\"{}\" is not a serial number", revoked.serial);
  if (!value || !entry || !at || X509_REVOKED_set_serialNumber(entry.get(), value.get()) != 1 ||
      X509_REVOKED_set_revocationDate(entry.get(), at.get()) != 1)
    return fail_openssl(Code::internal, "building a revocation list");
  if (revoked.reason != 0) {
    const Owned<ASN1_ENUMERATED, ASN1_ENUMERATED_free> reason(ASN1_ENUMERATED_new());
    if (revoked.reason < 0 || revoked.reason > 10 || revoked.reason == 7)
      return fail(Code::invalid, "{} is not a revocation reason", revoked.reason);
    if (!reason || ASN1_ENUMERATED_set(reason.get(), revoked.reason) != 1 ||
        X509_REVOKED_add1_ext_i2d(entry.get(), NID_crl_reason, reason.get(), 0, 0) != 1)
      return fail_openssl(Code::internal, "building a revocation list");
  }
  if (X509_CRL_add0_revoked(crl, entry.get()) != 1) return fail_openssl(Code::internal, "building a revocation list");
  static_cast<void>(entry.release());
  return {};
}

}  // namespace

Result<std::string> make_crl(const Identity& issuer, std::span<const Revoked> revoked, std::uint64_t number, Instant this_update,
                             Instant next_update) {
  if (next_update <= this_update) return fail(Code::invalid, "a revocation list that ends before it begins");
  const crypto::OwnedCrl crl(X509_CRL_new());
  const auto begin = time_of(this_update), end = time_of(next_update);
  const Owned<ASN1_INTEGER, ASN1_INTEGER_free> count(ASN1_INTEGER_new());
  const std::string& id = issuer.certificate.subject_key_id();
  const auto authority = authority_key_id(id.empty() ? key_id_of(issuer.key.public_key()) : id);
  if (!crl || !begin || !end || !count || !authority || X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2) != 1 ||
      X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(issuer.certificate.native())) != 1 ||
      X509_CRL_set1_lastUpdate(crl.get(), begin.get()) != 1 || X509_CRL_set1_nextUpdate(crl.get(), end.get()) != 1 ||
      ASN1_INTEGER_set_uint64(count.get(), number) != 1 ||
      X509_CRL_add1_ext_i2d(crl.get(), NID_crl_number, count.get(), 0, 0) != 1 ||
      X509_CRL_add1_ext_i2d(crl.get(), NID_authority_key_identifier, authority.get(), 0, 0) != 1)
    return fail_openssl(Code::internal, "building a revocation list");
  for (const Revoked& entry : revoked) FP_CHECK(add_revoked(crl.get(), entry));
  X509_CRL_sort(crl.get());
  if (X509_CRL_sign(crl.get(), issuer.key.native(), EVP_sha256()) <= 0)
    return fail_openssl(Code::internal, "signing a revocation list");
  return crypto::to_der<i2d_X509_CRL>(crl.get());
}

}  // namespace fp::pki
