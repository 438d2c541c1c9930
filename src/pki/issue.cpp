#include "pki/issue.hpp"

#include <openssl/pem.h>

#include <algorithm>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "pki/building.hpp"
#include "pki/names.hpp"

namespace fp::pki {

using crypto::fail_openssl;
using crypto::octets;
using crypto::Owned;

namespace {

constexpr std::size_t kNamesMax = 64;
constexpr std::size_t kSerialBytes = 16;

// The rules of domain.md §5.1, one aligned line for each profile.
struct ProfileRule {
  Profile profile;
  std::string_view name;
  bool self_signed;
  unsigned usage;
  std::vector<std::string_view> ekus;
  std::string_view fixed_common_name;
  std::string_view unit;
};
// clang-format off
const ProfileRule kRules[] = {
    {Profile::server, "server", false, kDigitalSignature | kKeyEncipherment, {kEkuServerAuth}, "", ""},
    {Profile::client, "client", false, kDigitalSignature | kKeyEncipherment, {kEkuClientAuth}, "", ""},
    {Profile::mobile, "mobile", false, kDigitalSignature | kKeyEncipherment, {kEkuClientAuth}, "", kMobileUnit},
    {Profile::proxy, "proxy", false, kDigitalSignature | kKeyEncipherment, {kEkuServerAuth, kEkuClientAuth}, "", ""},
    {Profile::admin, "admin", false, kDigitalSignature, {kEkuClientAuth}, "", "Farpoint Administrators"},
    {Profile::site_signing, "site-signing", true, kDigitalSignature, {}, "Site Server", ""},
    {Profile::site_sealing, "site-sealing", true, kKeyEncipherment, {}, "Site Sealing", ""},
    {Profile::client_self_signed, "client-self-signed", true, kDigitalSignature | kDataEncipherment,
     {kEkuSelfSignedClient, kEkuSelfSigned}, "ConfigMgr Client", ""},
};
// clang-format on

const ProfileRule& rule_of(Profile profile) { return *std::ranges::find(kRules, profile, &ProfileRule::profile); }

Status check_key(const crypto::PublicKey& key) {
  if (key.rsa_bits() < 2048 || key.rsa_bits() > 8192)
    return fail(Code::invalid, "certificates are made for RSA keys of 2048 to 8192 bits, not for {} bits", key.rsa_bits());
  return {};
}

// A name to put into a certificate: a host, or a star as the whole left-most label.
Status check_dns(std::string_view name) {
  const bool wildcard = name.starts_with("*.");
  const auto host = parse_host(wildcard ? name.substr(2) : name);
  if (!host) return fail(Code::invalid, "\"{}\" is not a DNS name", name);
  if (!address_bytes(name).empty()) return fail(Code::invalid, "\"{}\" is an address, not a DNS name", name);
  return {};
}

Result<std::string> common_name_of(const Order& order, const ProfileRule& rule) {
  if (!rule.fixed_common_name.empty()) return std::string(rule.fixed_common_name);
  std::string name = order.common_name;
  if (name.empty() && !order.dns_names.empty()) name = order.dns_names.front();
  if (name.empty() && !order.ip_addresses.empty()) name = order.ip_addresses.front();
  // A longer DNS name stands in the alternative names alone (RFC 5280's bound on common names).
  if (order.common_name.empty() && name.size() > 64) return std::string();
  return parse_name(name, 64);
}

Status check_order(const Order& order) {
  if (order.dns_names.size() + order.ip_addresses.size() > kNamesMax) return fail(Code::invalid, "more than {} names", kNamesMax);
  for (const std::string& name : order.dns_names) FP_CHECK(check_dns(name));
  if (!order.organisation.empty()) FP_CHECK(parse_name(order.organisation, 64));
  const bool serves = order.profile == Profile::server || order.profile == Profile::proxy;
  if (serves && order.dns_names.empty() && order.ip_addresses.empty())
    return fail(Code::invalid, "a server certificate needs the DNS name or address that clients use");
  if (order.not_after <= order.not_before) return fail(Code::invalid, "a certificate that ends before it begins");
  return {};
}

struct Draft {
  crypto::OwnedX509 x;
  std::string key_id;
};

// Everything that all certificates have: version, serial, dates, subject, key, subject key identifier.
Result<Draft> draft(const crypto::PublicKey& key, Instant from, Instant until, Random& random) {
  Draft d{crypto::OwnedX509(X509_new()), key_id_of(key)};
  const auto begin = time_of(from), end = time_of(until);
  if (!d.x || !begin || !end || X509_set_version(d.x.get(), X509_VERSION_3) != 1 ||
      X509_set1_notBefore(d.x.get(), begin.get()) != 1 || X509_set1_notAfter(d.x.get(), end.get()) != 1 ||
      X509_set_pubkey(d.x.get(), key.native()) != 1)
    return fail_openssl(Code::internal, "building a certificate");
  FP_CHECK(set_serial(d.x.get(), random.bytes(kSerialBytes)));
  FP_CHECK(add_subject_key_id(d.x.get(), d.key_id));
  return d;
}

Result<Certificate> signed_by(Draft& d, const X509_NAME* issuer, std::string_view issuer_key_id, const crypto::PrivateKey& key) {
  const auto authority = authority_key_id(issuer_key_id);
  if (!authority || X509_set_issuer_name(d.x.get(), issuer) != 1 ||
      X509_add1_ext_i2d(d.x.get(), NID_authority_key_identifier, authority.get(), 0, X509V3_ADD_REPLACE) != 1 ||
      X509_sign(d.x.get(), key.native(), EVP_sha256()) <= 0)
    return fail_openssl(Code::internal, "signing a certificate");
  return Certificate::from_der(crypto::to_der<i2d_X509>(d.x.get()));
}

Result<std::string> key_id_of_issuer(const Identity& issuer) {
  if (!issuer.certificate.is_ca()) return fail(Code::invalid, "{} is not an authority", issuer.certificate.label());
  if (!(issuer.certificate.public_key() == issuer.key.public_key()))
    return fail(Code::invalid, "{} and the key at hand do not belong together", issuer.certificate.label());
  const std::string& id = issuer.certificate.subject_key_id();
  return id.empty() ? key_id_of(issuer.key.public_key()) : id;
}

// Subject and extensions by profile.
Status fill(Draft& d, const Order& order) {
  const ProfileRule& rule = rule_of(order.profile);
  FP_TRY(common_name, common_name_of(order, rule));
  X509_NAME* subject = X509_get_subject_name(d.x.get());
  FP_CHECK(add_text(subject, NID_organizationName, order.organisation));
  FP_CHECK(add_text(subject, NID_organizationalUnitName, rule.unit));
  FP_CHECK(add_text(subject, NID_commonName, common_name));
  FP_CHECK(add_basic_constraints(d.x.get(), false, 0));
  FP_CHECK(add_key_usage(d.x.get(), rule.usage));
  FP_CHECK(add_ekus(d.x.get(), rule.ekus));
  FP_CHECK(add_crl_url(d.x.get(), order.crl_url));
  if (order.dns_names.empty() && order.ip_addresses.empty()) return {};
  FP_TRY(names, alternative_names_of(order.dns_names, order.ip_addresses));
  if (X509_add1_ext_i2d(d.x.get(), NID_subject_alt_name, names.get(), common_name.empty() ? 1 : 0, X509V3_ADD_REPLACE) != 1)
    return fail_openssl(Code::internal, "adding alternative names");
  return {};
}

Result<Draft> authority_draft(const AuthorityOrder& order, const crypto::PublicKey& key, int path_length, Instant until,
                              Random& random) {
  FP_TRY(common_name, parse_name(order.common_name, 64));
  if (until <= order.not_before) return fail(Code::invalid, "an authority that ends before it begins");
  FP_TRY(d, draft(key, order.not_before, until, random));
  X509_NAME* subject = X509_get_subject_name(d.x.get());
  FP_CHECK(add_text(subject, NID_organizationName, order.organisation));
  FP_CHECK(add_text(subject, NID_commonName, common_name));
  FP_CHECK(add_basic_constraints(d.x.get(), true, path_length));
  FP_CHECK(add_key_usage(d.x.get(), kKeyCertSign | kCrlSign));
  return d;
}

}  // namespace

bool is_mobile(const Certificate& certificate) {
  const auto units = certificate.attribute("OU");
  return std::ranges::find(units, kMobileUnit) != units.end();
}

std::string_view to_string(Profile profile) { return rule_of(profile).name; }

Result<Profile> parse_profile(std::string_view text) {
  for (const ProfileRule& rule : kRules)
    if (iequals(rule.name, text)) return rule.profile;
  return fail(Code::invalid,
              "\"{}\" is not a certificate profile (server, client, mobile, proxy, admin, site-signing, client-self-signed)", text);
}

Result<Identity> make_root(const AuthorityOrder& order, Random& random) {
  FP_TRY(key, crypto::PrivateKey::generate_rsa(order.key_bits));
  FP_TRY(d, authority_draft(order, key.public_key(), 1, order.not_after, random));
  FP_TRY(certificate, signed_by(d, X509_get_subject_name(d.x.get()), d.key_id, key));
  return Identity{certificate, key};
}

Result<Identity> make_issuing(const Identity& root, const AuthorityOrder& order, Random& random) {
  FP_TRY(root_key_id, key_id_of_issuer(root));
  FP_TRY(key, crypto::PrivateKey::generate_rsa(order.key_bits));
  FP_TRY(d, authority_draft(order, key.public_key(), 0, std::min(order.not_after, root.certificate.not_after()), random));
  FP_CHECK(add_crl_url(d.x.get(), order.crl_url));
  FP_TRY(certificate, signed_by(d, X509_get_subject_name(root.certificate.native()), root_key_id, root.key));
  return Identity{certificate, key};
}

Result<Certificate> issue(const Identity& issuer, const Order& order, const crypto::PublicKey& key, Random& random) {
  if (rule_of(order.profile).self_signed)
    return fail(Code::invalid, "profile {} is self-signed, no authority issues it", to_string(order.profile));
  FP_CHECK(check_order(order));
  FP_CHECK(check_key(key));
  FP_TRY(issuer_key_id, key_id_of_issuer(issuer));
  const Instant until = std::min(order.not_after, issuer.certificate.not_after());
  if (until <= order.not_before) return fail(Code::invalid, "the issuer {} ends before that", issuer.certificate.label());
  FP_TRY(d, draft(key, order.not_before, until, random));
  FP_CHECK(fill(d, order));
  return signed_by(d, X509_get_subject_name(issuer.certificate.native()), issuer_key_id, issuer.key);
}

Result<Identity> issue_with_new_key(const Identity& issuer, const Order& order, Random& random, int key_bits) {
  FP_TRY(key, crypto::PrivateKey::generate_rsa(key_bits));
  FP_TRY(certificate, issue(issuer, order, key.public_key(), random));
  return Identity{certificate, key};
}

Result<Certificate> self_sign(const crypto::PrivateKey& key, const Order& order, Random& random) {
  if (!rule_of(order.profile).self_signed)
    return fail(Code::invalid, "profile {} is issued by an authority", to_string(order.profile));
  FP_CHECK(check_order(order));
  FP_CHECK(check_key(key.public_key()));
  FP_TRY(d, draft(key.public_key(), order.not_before, order.not_after, random));
  FP_CHECK(fill(d, order));
  return signed_by(d, X509_get_subject_name(d.x.get()), d.key_id, key);
}

Result<Identity> self_signed_with_new_key(const Order& order, Random& random, int key_bits) {
  FP_TRY(key, crypto::PrivateKey::generate_rsa(key_bits));
  FP_TRY(certificate, self_sign(key, order, random));
  return Identity{certificate, key};
}

}  // namespace fp::pki
