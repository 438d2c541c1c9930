// .sms_aut (wire.md §7): the query, every reply, and what the agent reads of them. Any thread; pure.
// Never decides who may ask; GETCLIENTAFFINITY needs a caller who has proved who he is.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace fp::wire {

namespace ssl_state {  // Capabilities/Property Name="SSLState"
inline constexpr unsigned kEnabled = 1, kRequired = 2, kClientAuthEnabled = 4, kClientAuthRequired = 8, kUse128Bit = 16,
                          kClientCrlChecking = 32, kAllowHttpFallback = 64, kUseSslWhenEnabled = 128,
                          kAllowPkiReRegistration = 256;
inline constexpr unsigned kHttp = 0, kHttps = 63;
}

enum class AuthorityKeyword {
  mp_list, mp_list_site, mp_list_internet,     // MPLIST, MPLIST1, MPLIST2
  mp_certificate, mp_certificate2,             // MPCERT, MPCERT2
  key_information, key_information_ex, key_information_media,  // MPKEYINFORMATION, ...EX, ...MEDIA
  site_sign_certificate,                       // SITESIGNCERT
  trusted_root_key,                            // MPTRK
  mp_location,                                 // MPLOCATION
  trace,                                       // SMSTRC: 403 or 200 is all that matters
  client_affinity,                             // GETCLIENTAFFINITY
};
struct AuthorityQuery {
  AuthorityKeyword keyword = AuthorityKeyword::mp_list;
  std::string site_code;                       // MPLIST1&FP1; empty: own site
  std::string client_id;                       // GETCLIENTAFFINITY&GUID:...
  std::vector<std::string> arguments;          // everything behind the keyword, decoded
};
// The raw query, without "?". Code::not_found: unknown keyword; Code::invalid: malformed argument.
[[nodiscard]] Result<AuthorityQuery> parse_authority_query(std::string_view query);

struct MpEntry {
  std::string name, fqdn;
  std::string site_code;                       // written only where not empty
  int version = 9128;
  unsigned ssl_state = ssl_state::kHttps;
  // Ours (ignored by others): base URLs per door, so that the agent need not guess ports. Empty: not offered there.
  std::string intranet_url, internet_url;
  int category = 2, locality = 3;              // of the intranet (domain.md §3.3); written only where they differ from these
};
[[nodiscard]] std::string encode_mp_list(const std::vector<MpEntry>& list);
[[nodiscard]] Result<std::vector<MpEntry>> decode_mp_list(std::string_view bytes);

[[nodiscard]] std::string encode_mp_certificate(std::string_view der);
[[nodiscard]] Result<std::string> decode_mp_certificate(std::string_view bytes);  // DER

struct KeyInformation {
  std::string machine_name, fqdn, site_code, assigned_site_code;
  std::string certificate_der;                 // of the management point
  std::string trusted_root_key;                // SubjectPublicKeyInfo DER
  std::string unknown_x86, unknown_x64;        // GUIDs; written for EX and MEDIA where set
};
[[nodiscard]] std::string encode_key_information(const KeyInformation& information, AuthorityKeyword keyword);
[[nodiscard]] Result<KeyInformation> decode_key_information(std::string_view bytes);

// `root_signature`: ours, by the trusted root key over site_sign_text; programs that do not know it see the certificate only.
[[nodiscard]] std::string encode_site_sign_certificate(std::string_view der, std::string_view root_signature = {});
[[nodiscard]] Result<std::string> decode_site_sign_proof(std::string_view bytes);  // raw signature; empty: there is none
[[nodiscard]] std::string site_sign_text(std::string_view sha256_of_der);          // docs/protocol/policy.md
[[nodiscard]] Result<std::string> decode_site_sign_certificate(std::string_view bytes);  // DER

[[nodiscard]] std::string encode_trusted_root_key(std::string_view spki_der);
[[nodiscard]] Result<std::string> decode_trusted_root_key(std::string_view bytes);       // SubjectPublicKeyInfo DER

struct MpLocation {
  std::string mp_host, assigned_site_code, certificate_der, site_sign_certificate_der;
};
[[nodiscard]] std::string encode_mp_location(const MpLocation& location);
[[nodiscard]] Result<MpLocation> decode_mp_location(std::string_view bytes);

[[nodiscard]] std::string encode_trace();
[[nodiscard]] std::string encode_client_affinity(std::string_view user);  // DOM\user; empty: nobody

}  // namespace fp::wire
