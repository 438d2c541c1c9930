// Making certificates, revocation lists and requests: pure functions over keys and values (domain.md §5.1). Any thread.
// Costs one signature each (plus a key where one is generated). Never stores anything (authority.hpp does).
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "crypto/key.hpp"
#include "pki/certificate.hpp"

namespace fp::pki {

enum class Profile {
  server,              // serverAuth: site systems; dns names required
  client,              // clientAuth: managed computers, DP and MP monitoring
  mobile,              // clientAuth, OU=Mobile Devices: an internet-only client by itself, never behind a bridging proxy
  proxy,               // serverAuth and clientAuth: a bridging proxy web server
  admin,               // clientAuth, OU=Farpoint Administrators
  site_signing,        // self-signed, CN "Site Server": signs policy
  site_sealing,        // self-signed, CN "Site Sealing": what clients seal to the site is opened with its key
  client_self_signed,  // self-signed, CN "ConfigMgr Client", the two EKUs of wire.md §4.4
};
[[nodiscard]] std::string_view to_string(Profile profile);
[[nodiscard]] Result<Profile> parse_profile(std::string_view text);

inline constexpr std::string_view kMobileUnit = "Mobile Devices";  // OU of the profile mobile
[[nodiscard]] bool is_mobile(const Certificate& certificate);

struct Order {  // what to put into a certificate
  Profile profile = Profile::client;
  std::string common_name;   // empty: the first dns name; the self-signed profiles have their own
  std::string organisation;  // O=, may be empty
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  Instant not_before, not_after;
  std::string crl_url;  // empty: no CRL distribution point
};

struct Identity {  // a certificate and its key
  Certificate certificate;
  crypto::PrivateKey key;
};

// A root (pathlen 1) and an issuing authority below it (pathlen 0); 3072 bits unless said otherwise.
struct AuthorityOrder {
  std::string common_name;
  std::string organisation;
  Instant not_before, not_after;
  std::string crl_url;  // of the authority above; not used for a root
  int key_bits = 3072;
};
[[nodiscard]] Result<Identity> make_root(const AuthorityOrder& order, Random& random);
[[nodiscard]] Result<Identity> make_issuing(const Identity& root, const AuthorityOrder& order, Random& random);

// Signs a certificate for `key`. Names are checked by grammar; not_after is cut to the issuer's. Code::invalid otherwise.
[[nodiscard]] Result<Certificate> issue(const Identity& issuer, const Order& order, const crypto::PublicKey& key, Random& random);
[[nodiscard]] Result<Identity> issue_with_new_key(const Identity& issuer, const Order& order, Random& random,
                                                  int key_bits = 2048);
// The self-signed profiles only.
[[nodiscard]] Result<Certificate> self_sign(const crypto::PrivateKey& key, const Order& order, Random& random);
[[nodiscard]] Result<Identity> self_signed_with_new_key(const Order& order, Random& random, int key_bits = 2048);

struct Revoked {
  std::string serial;  // hex
  Instant at;
  int reason = 0;  // CRLReason of RFC 5280 §5.3.1; 0: unspecified, left out
};
// DER. `number` must grow from list to list.
[[nodiscard]] Result<std::string> make_crl(const Identity& issuer, std::span<const Revoked> revoked, std::uint64_t number,
                                           Instant this_update, Instant next_update);

struct SigningRequest {
  crypto::PublicKey key;
  std::string common_name;
  std::vector<std::string> dns_names, ip_addresses;
  std::vector<std::string> ekus = {};  // dotted OIDs that it asks for
  bool other_names = false;            // it asks for names that are neither DNS names nor addresses
  bool authority = false;              // it asks to be an authority
};
[[nodiscard]] Result<std::string> make_signing_request(const crypto::PrivateKey& key, const Order& order);  // PEM
// PEM or DER PKCS#10; the request's own signature and the key's strength are checked. Code::invalid otherwise.
[[nodiscard]] Result<SigningRequest> parse_signing_request(std::string_view bytes);

}  // namespace fp::pki
