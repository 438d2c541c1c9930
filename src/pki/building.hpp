// Building blocks of certificates, lists and requests; for the .cpp files of pki only. Any thread; pure.
#pragma once
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "crypto/key.hpp"
#include "crypto/openssl.hpp"

namespace fp::pki {

using OwnedRequest = crypto::Owned<X509_REQ, X509_REQ_free>;
using OwnedNames = crypto::Owned<GENERAL_NAMES, GENERAL_NAMES_free>;
using OwnedOctets = crypto::Owned<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>;

[[nodiscard]] Status set_serial(X509* x, std::string_view bytes);
[[nodiscard]] crypto::Owned<ASN1_TIME, ASN1_TIME_free> time_of(Instant at);
[[nodiscard]] Status add_text(X509_NAME* name, int nid, std::string_view utf8);  // empty: nothing is added
[[nodiscard]] std::string key_id_of(const crypto::PublicKey& key);               // RFC 5280 §4.2.1.2, method 1

// Extensions that fit both certificates and requests come back as values, to be added by the caller.
[[nodiscard]] Result<OwnedNames> alternative_names_of(const std::vector<std::string>& dns, const std::vector<std::string>& ips);

[[nodiscard]] Status add_basic_constraints(X509* x, bool ca, int path_length);
[[nodiscard]] Status add_key_usage(X509* x, unsigned usage);  // bits of KeyUsage
[[nodiscard]] Status add_ekus(X509* x, const std::vector<std::string_view>& oids);
[[nodiscard]] Status add_subject_key_id(X509* x, std::string_view id);
[[nodiscard]] Status add_crl_url(X509* x, std::string_view url);
[[nodiscard]] crypto::Owned<AUTHORITY_KEYID, AUTHORITY_KEYID_free> authority_key_id(std::string_view id);

}  // namespace fp::pki
