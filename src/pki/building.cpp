#include "pki/building.hpp"

#include <array>
#include <ctime>

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "pki/certificate.hpp"
#include "pki/names.hpp"

namespace fp::pki {

using crypto::fail_openssl;
using crypto::octets;
using crypto::Owned;

namespace {

constexpr std::size_t kCrlUrlBytesMax = 1024;

Status set_string(ASN1_STRING* string, std::string_view bytes) {
  if (string == nullptr || ASN1_STRING_set(string, bytes.data(), static_cast<int>(bytes.size())) != 1)
    return fail_openssl(Code::internal, "building a certificate");
  return {};
}

Status add(X509* x, int nid, void* value, bool critical) {
  if (X509_add1_ext_i2d(x, nid, value, critical ? 1 : 0, X509V3_ADD_REPLACE) != 1)
    return fail_openssl(Code::internal, "adding a certificate extension");
  return {};
}

Result<GENERAL_NAME*> general_name(int type, std::string_view bytes) {
  Owned<GENERAL_NAME, GENERAL_NAME_free> name(GENERAL_NAME_new());
  Owned<ASN1_STRING, ASN1_STRING_free> value(ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING));
  if (!name) return fail_openssl(Code::internal, "building a name");
  FP_CHECK(set_string(value.get(), bytes));
  GENERAL_NAME_set0_value(name.get(), type, value.release());
  return name.release();
}

}  // namespace

Status set_serial(X509* x, std::string_view bytes) {
  const crypto::OwnedNumber number(BN_bin2bn(octets(bytes), static_cast<int>(bytes.size()), nullptr));
  if (!number || BN_is_zero(number.get()) || BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(x)) == nullptr)
    return fail_openssl(Code::internal, "setting a serial number");
  return {};
}

Owned<ASN1_TIME, ASN1_TIME_free> time_of(Instant at) {
  return Owned<ASN1_TIME, ASN1_TIME_free>(ASN1_TIME_set(nullptr, static_cast<std::time_t>(at.ms / 1000)));
}

Status add_text(X509_NAME* name, int nid, std::string_view utf8) {
  if (utf8.empty()) return {};
  if (X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, octets(utf8), static_cast<int>(utf8.size()), -1, 0) != 1)
    return fail_openssl(Code::invalid, fmt::format("certificate name \"{}\"", utf8));
  return {};
}

std::string key_id_of(const crypto::PublicKey& key) {
  X509_PUBKEY* info = nullptr;
  if (X509_PUBKEY_set(&info, key.native()) != 1) return {};
  const Owned<X509_PUBKEY, X509_PUBKEY_free> owned(info);
  const unsigned char* bits = nullptr;
  int size = 0;
  X509_PUBKEY_get0_param(nullptr, &bits, &size, nullptr, info);
  return crypto::sha1({reinterpret_cast<const char*>(bits), static_cast<std::size_t>(size)});
}

Result<OwnedNames> alternative_names_of(const std::vector<std::string>& dns, const std::vector<std::string>& ips) {
  OwnedNames names(GENERAL_NAMES_new());
  if (!names) return fail_openssl(Code::internal, "building names");
  const auto push = [&](int type, std::string_view bytes) -> Status {
    FP_TRY(name, general_name(type, bytes));
    if (sk_GENERAL_NAME_push(names.get(), name) <= 0) {
      GENERAL_NAME_free(name);
      return fail_openssl(Code::internal, "building names");
    }
    return {};
  };
  for (const std::string& name : dns) FP_CHECK(push(GEN_DNS, name));
  for (const std::string& ip : ips) {
    const std::string bytes = address_bytes(ip);
    if (bytes.empty()) return fail(Code::invalid, "\"{}\" is not an IP address", ip);
    FP_CHECK(push(GEN_IPADD, bytes));
  }
  return names;
}

Status add_basic_constraints(X509* x, bool ca, int path_length) {
  const Owned<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free> value(BASIC_CONSTRAINTS_new());
  if (!value) return fail_openssl(Code::internal, "adding a certificate extension");
  value->ca = ca ? 0xFF : 0;
  if (ca) {
    value->pathlen = ASN1_INTEGER_new();
    if (value->pathlen == nullptr || ASN1_INTEGER_set(value->pathlen, path_length) != 1)
      return fail_openssl(Code::internal, "adding a certificate extension");
  }
  return add(x, NID_basic_constraints, value.get(), true);
}

Status add_key_usage(X509* x, unsigned usage) {
  const Owned<ASN1_BIT_STRING, ASN1_BIT_STRING_free> value(ASN1_BIT_STRING_new());
  for (int bit = 0; bit < 7; ++bit)
    if ((usage >> bit & 1U) != 0 && (!value || ASN1_BIT_STRING_set_bit(value.get(), bit, 1) != 1))
      return fail_openssl(Code::internal, "adding a certificate extension");
  return add(x, NID_key_usage, value.get(), true);
}

Status add_ekus(X509* x, const std::vector<std::string_view>& oids) {
  if (oids.empty()) return {};
  const Owned<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free> value(EXTENDED_KEY_USAGE_new());
  for (const std::string_view oid : oids) {
    ASN1_OBJECT* object = OBJ_txt2obj(std::string(oid).c_str(), 1);
    if (!value || object == nullptr || sk_ASN1_OBJECT_push(value.get(), object) <= 0)
      return fail_openssl(Code::internal, "adding a certificate extension");
  }
  return add(x, NID_ext_key_usage, value.get(), false);
}

Status add_subject_key_id(X509* x, std::string_view id) {
  const OwnedOctets value(ASN1_OCTET_STRING_new());
  FP_CHECK(set_string(value.get(), id));
  return add(x, NID_subject_key_identifier, value.get(), false);
}

Status add_crl_url(X509* x, std::string_view url) {
  if (url.empty()) return {};
  if (!(istarts_with(url, "http://") || istarts_with(url, "https://")) || url.size() > kCrlUrlBytesMax)
    return fail(Code::invalid, "\"{}\" is not an http address for a revocation list", url);
  const Owned<CRL_DIST_POINTS, CRL_DIST_POINTS_free> points(CRL_DIST_POINTS_new());
  Owned<DIST_POINT, DIST_POINT_free> point(DIST_POINT_new());
  if (!points || !point) return fail_openssl(Code::internal, "adding a certificate extension");
  point->distpoint = DIST_POINT_NAME_new();
  OwnedNames names(GENERAL_NAMES_new());
  if (point->distpoint == nullptr || !names) return fail_openssl(Code::internal, "adding a certificate extension");
  FP_TRY(name, general_name(GEN_URI, url));
  sk_GENERAL_NAME_push(names.get(), name);
  point->distpoint->type = 0;
  point->distpoint->name.fullname = names.release();
  sk_DIST_POINT_push(points.get(), point.release());
  return add(x, NID_crl_distribution_points, points.get(), false);
}

Owned<AUTHORITY_KEYID, AUTHORITY_KEYID_free> authority_key_id(std::string_view id) {
  Owned<AUTHORITY_KEYID, AUTHORITY_KEYID_free> value(AUTHORITY_KEYID_new());
  if (!value) return nullptr;
  value->keyid = ASN1_OCTET_STRING_new();
  if (value->keyid == nullptr || ASN1_OCTET_STRING_set(value->keyid, octets(id), static_cast<int>(id.size())) != 1)
    return nullptr;
  return value;
}

}  // namespace fp::pki
