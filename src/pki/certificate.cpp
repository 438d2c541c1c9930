#include "pki/certificate.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "crypto/openssl.hpp"
#include "pki/names.hpp"

namespace fp::pki {

using crypto::fail_openssl;
using crypto::octets;
using crypto::Owned;

namespace {

constexpr std::size_t kCrlUrlsMax = 8;
constexpr std::size_t kAlternativeNamesMax = 256;

using Attributes = std::vector<std::pair<std::string, std::string>>;

struct Parsed {
  std::string der, fingerprint, subject, issuer, common_name, serial, subject_key_id;
  Attributes subject_attributes, issuer_attributes;
  std::vector<std::string> dns_names, ip_addresses, alternative_names, ekus, crl_urls;
  Instant not_before, not_after;
  bool has_key_usage = false, signed_with_sha2 = false, is_ca = false, self_signed = false;
  unsigned key_usage = 0;
};

std::string_view raw_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)), static_cast<std::size_t>(ASN1_STRING_length(string))};
}

unsigned usage_of(std::uint32_t bits) {
  constexpr std::pair<std::uint32_t, unsigned> kBits[] = {{KU_DIGITAL_SIGNATURE, kDigitalSignature},
                                                          {KU_NON_REPUDIATION, kNonRepudiation},
                                                          {KU_KEY_ENCIPHERMENT, kKeyEncipherment},
                                                          {KU_DATA_ENCIPHERMENT, kDataEncipherment},
                                                          {KU_KEY_AGREEMENT, kKeyAgreement},
                                                          {KU_KEY_CERT_SIGN, kKeyCertSign},
                                                          {KU_CRL_SIGN, kCrlSign}};
  unsigned out = 0;
  for (const auto& [theirs, ours] : kBits)
    if ((bits & theirs) != 0) out |= ours;
  return out;
}

void add_alternative_name(Parsed& p, const GENERAL_NAME* name) {
  std::string text;
  if (name->type == GEN_DNS) {
    text = raw_of(name->d.dNSName);
    p.dns_names.push_back(text);
  } else if (name->type == GEN_IPADD) {
    text = address_text(raw_of(name->d.iPAddress));
    if (!text.empty()) p.ip_addresses.push_back(text);
  } else if (name->type == GEN_EMAIL || name->type == GEN_URI) {
    text = raw_of(name->d.ia5);
  } else if (name->type == GEN_OTHERNAME && OBJ_obj2nid(name->d.otherName->type_id) == NID_ms_upn &&
             name->d.otherName->value->type == V_ASN1_UTF8STRING) {
    text = utf8_of(name->d.otherName->value->value.utf8string);
  }
  if (!text.empty()) p.alternative_names.push_back(std::move(text));
}

void read_alternative_names(Parsed& p, const X509* x) {
  const Owned<GENERAL_NAMES, GENERAL_NAMES_free> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(x, NID_subject_alt_name, nullptr, nullptr)));
  if (!names) return;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()) && p.alternative_names.size() < kAlternativeNamesMax; ++i)
    add_alternative_name(p, sk_GENERAL_NAME_value(names.get(), i));
}

void read_crl_urls(Parsed& p, const X509* x) {
  const Owned<CRL_DIST_POINTS, CRL_DIST_POINTS_free> points(
      static_cast<CRL_DIST_POINTS*>(X509_get_ext_d2i(x, NID_crl_distribution_points, nullptr, nullptr)));
  if (!points) return;
  for (int i = 0; i < sk_DIST_POINT_num(points.get()); ++i) {
    const DIST_POINT* point = sk_DIST_POINT_value(points.get(), i);
    // A list by another issuer or for some reasons only would not answer the whole question.
    if (point->CRLissuer != nullptr || point->reasons != nullptr || point->distpoint == nullptr || point->distpoint->type != 0)
      continue;
    const GENERAL_NAMES* names = point->distpoint->name.fullname;
    for (int j = 0; j < sk_GENERAL_NAME_num(names) && p.crl_urls.size() < kCrlUrlsMax; ++j) {
      const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, j);
      if (name->type != GEN_URI) continue;
      const std::string_view url = raw_of(name->d.uniformResourceIdentifier);
      const bool plain = std::ranges::all_of(url, [](char c) { return c > ' ' && c < 0x7F; });
      if (plain && (istarts_with(url, "http://") || istarts_with(url, "https://"))) p.crl_urls.emplace_back(url);
    }
  }
}

void read_ekus(Parsed& p, const X509* x) {
  const Owned<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free> ekus(
      static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(x, NID_ext_key_usage, nullptr, nullptr)));
  if (!ekus) return;
  for (int i = 0; i < sk_ASN1_OBJECT_num(ekus.get()); ++i) p.ekus.push_back(dotted(sk_ASN1_OBJECT_value(ekus.get(), i)));
}

std::string serial_of(const X509* x) {
  const crypto::OwnedNumber number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), nullptr));
  char* text = number ? BN_bn2hex(number.get()) : nullptr;
  std::string out = text == nullptr ? "" : text;
  OPENSSL_free(text);
  return out;
}

bool hashed_with_sha2(const X509* x) {
  int hash = NID_undef;
  if (X509_get_signature_info(const_cast<X509*>(x), &hash, nullptr, nullptr, nullptr) != 1) {
    ERR_clear_error();
    return false;
  }
  return hash == NID_sha256 || hash == NID_sha384 || hash == NID_sha512;
}

Result<Parsed> read(X509* x, std::string_view der) {
  // Makes the library read and remember the extensions now, in one thread.
  if (X509_check_purpose(x, -1, 0) != 1 || (X509_get_extension_flags(x) & EXFLAG_INVALID) != 0)
    return fail_openssl(Code::invalid, "certificate with malformed extensions");
  Parsed p;
  p.der = der;
  p.fingerprint = hex_lower(crypto::sha256(der));
  p.subject = text_of(X509_get_subject_name(x));
  p.issuer = text_of(X509_get_issuer_name(x));
  p.subject_attributes = attributes_of(X509_get_subject_name(x));
  p.issuer_attributes = attributes_of(X509_get_issuer_name(x));
  for (const auto& [oid, value] : p.subject_attributes)
    if (oid == "2.5.4.3" && p.common_name.empty()) p.common_name = value;
  p.serial = serial_of(x);
  FP_TRY(not_before, instant_of(X509_get0_notBefore(x)));
  FP_TRY(not_after, instant_of(X509_get0_notAfter(x)));
  p.not_before = not_before;
  p.not_after = not_after;
  read_alternative_names(p, x);
  read_crl_urls(p, x);
  read_ekus(p, x);
  p.has_key_usage = (X509_get_extension_flags(x) & EXFLAG_KUSAGE) != 0;
  p.key_usage = usage_of(X509_get_key_usage(x));
  p.signed_with_sha2 = hashed_with_sha2(x);
  p.is_ca = X509_check_ca(x) == 1;
  p.self_signed = X509_self_signed(x, 1) == 1;
  if (const ASN1_OCTET_STRING* id = X509_get0_subject_key_id(x)) p.subject_key_id = raw_of(id);
  ERR_clear_error();
  return p;
}

}  // namespace

struct Certificate::Impl {
  crypto::OwnedX509 x509;
  crypto::PublicKey key;
  Parsed p;
};

Result<Certificate> Certificate::adopt(x509_st* owned) {
  crypto::OwnedX509 x(owned);
  const std::string der = crypto::to_der<i2d_X509>(x.get());
  if (der.empty()) return fail_openssl(Code::invalid, "not a certificate");
  if (der.size() > limits::kCertificateBytesMax) return fail(Code::too_large, "certificate of {} bytes", der.size());
  auto key = crypto::PublicKey::from_spki_der(crypto::to_der<i2d_X509_PUBKEY>(X509_get_X509_PUBKEY(x.get())));
  if (!key) return std::unexpected(key.error().with_context("certificate"));
  FP_TRY(parsed, read(x.get(), der));
  return Certificate(std::make_shared<const Impl>(Impl{std::move(x), std::move(*key), std::move(parsed)}));
}

Result<Certificate> Certificate::from_der(std::string_view der) {
  if (der.size() > limits::kCertificateBytesMax) return fail(Code::too_large, "certificate of {} bytes", der.size());
  const unsigned char* at = octets(der);
  crypto::OwnedX509 x(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!x || at != octets(der) + der.size()) return fail_openssl(Code::invalid, "not a certificate");
  FP_TRY(certificate, adopt(x.release()));
  // The fingerprint is over these bytes: two spellings of one certificate would be two identities.
  if (certificate.der() != der) return fail(Code::invalid, "certificate that is not in DER");
  return certificate;
}

Result<std::vector<Certificate>> Certificate::chain_from_pem(std::string_view pem) {
  if (pem.size() > kChainMax * limits::kCertificateBytesMax) return fail(Code::too_large, "PEM text of {} bytes", pem.size());
  const auto in = crypto::reading(pem);
  std::vector<Certificate> out;
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  while (in) {
    X509* x = PEM_read_bio_X509(in.get(), nullptr, no_passphrase, nullptr);
    if (x == nullptr) break;
    if (out.size() == kChainMax) {
      X509_free(x);
      return fail(Code::too_large, "more than {} certificates in one PEM text", kChainMax);
    }
    FP_TRY(certificate, adopt(x));
    out.push_back(std::move(certificate));
  }
  const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!ended) return fail_openssl(Code::invalid, fmt::format("damaged certificate number {} in a PEM text", out.size() + 1));
  ERR_clear_error();
  if (out.empty()) return fail(Code::invalid, "no certificate in the PEM text");
  return out;
}

Result<Certificate> Certificate::from_pem(std::string_view pem) {
  FP_TRY(chain, chain_from_pem(pem));
  return chain.front();
}

std::string Certificate::pem() const {
  const auto out = crypto::writing();
  if (!out || PEM_write_bio_X509(out.get(), impl_->x509.get()) != 1) return {};
  return crypto::taken_from(out.get());
}

std::vector<std::string> Certificate::attribute(std::string_view oid_or_name) const {
  const std::string wanted = attribute_oid(oid_or_name);
  if (wanted == "2.5.29.17") return impl_->p.alternative_names;
  std::vector<std::string> out;
  for (const auto& [oid, value] : impl_->p.subject_attributes)
    if (oid == wanted) out.push_back(value);
  return out;
}

std::string Certificate::label() const {
  const Parsed& p = impl_->p;
  return fmt::format("{} (serial {}, issued by {})", p.subject.empty() ? "a certificate without subject" : p.subject, p.serial,
                     p.issuer);
}

const std::string& Certificate::der() const { return impl_->p.der; }
const std::string& Certificate::fingerprint() const { return impl_->p.fingerprint; }
const std::string& Certificate::subject() const { return impl_->p.subject; }
const std::string& Certificate::issuer() const { return impl_->p.issuer; }
const std::string& Certificate::common_name() const { return impl_->p.common_name; }
const Attributes& Certificate::subject_attributes() const { return impl_->p.subject_attributes; }
const Attributes& Certificate::issuer_attributes() const { return impl_->p.issuer_attributes; }
const std::vector<std::string>& Certificate::dns_names() const { return impl_->p.dns_names; }
const std::vector<std::string>& Certificate::ip_addresses() const { return impl_->p.ip_addresses; }
const std::vector<std::string>& Certificate::alternative_names() const { return impl_->p.alternative_names; }
const std::string& Certificate::serial() const { return impl_->p.serial; }
Instant Certificate::not_before() const { return impl_->p.not_before; }
Instant Certificate::not_after() const { return impl_->p.not_after; }
const std::vector<std::string>& Certificate::ekus() const { return impl_->p.ekus; }
bool Certificate::has_eku(std::string_view oid) const { return std::ranges::find(impl_->p.ekus, oid) != impl_->p.ekus.end(); }
bool Certificate::has_key_usage() const { return impl_->p.has_key_usage; }
unsigned Certificate::key_usage() const { return impl_->p.key_usage; }
const crypto::PublicKey& Certificate::public_key() const { return impl_->key; }
bool Certificate::signed_with_sha2() const { return impl_->p.signed_with_sha2; }
bool Certificate::is_ca() const { return impl_->p.is_ca; }
bool Certificate::self_signed() const { return impl_->p.self_signed; }
const std::vector<std::string>& Certificate::crl_urls() const { return impl_->p.crl_urls; }
const std::string& Certificate::subject_key_id() const { return impl_->p.subject_key_id; }
x509_st* Certificate::native() const { return impl_->x509.get(); }

bool names_host(const Certificate& certificate, std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return false;
  if (const std::string address = address_bytes(host); !address.empty())
    return std::ranges::any_of(certificate.ip_addresses(), [&](const std::string& ip) { return address_bytes(ip) == address; });
  const auto covers = [host](std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    if (iequals(name, host)) return name.find('*') == std::string_view::npos;
    if (!name.starts_with("*.") || name.find('*', 1) != std::string_view::npos) return false;
    const std::string_view rest = name.substr(1);  // ".example.org": at least two labels behind the star
    const std::size_t dot = host.find('.');
    return rest.find('.', 1) != std::string_view::npos && dot != std::string_view::npos && dot > 0 &&
           iequals(host.substr(dot), rest);
  };
  if (!certificate.alternative_names().empty()) return std::ranges::any_of(certificate.dns_names(), covers);
  return covers(certificate.common_name());
}

bool is_signed_by(const Certificate& certificate, const Certificate& issuer) {
  if (X509_NAME_cmp(X509_get_issuer_name(certificate.native()), X509_get_subject_name(issuer.native())) != 0) return false;
  const bool good = X509_verify(certificate.native(), issuer.public_key().native()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

}  // namespace fp::pki
