// Who may use which door: every route of every role, and what proves the caller's right to it, per listener
// kind (design §7). One table in code (routes.cpp); tools/check_routes reads it. Any thread; pure; a decision
// costs a few comparisons. Never: I/O, signatures or certificates themselves (the caller says what it found).
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "model/peer.hpp"

namespace fp::access {

enum class Role : std::uint8_t { mp, dp, sup, fsp, gateway, enrollment, crl, admin };

// What opens a route at one door. `absent` answers 404 as if the route did not exist.
enum class Auth : std::uint8_t {
  absent,
  open,
  tls_certificate,           // a verified client certificate on this connection
  tls_certificate_or_proxy,  // the same, or the pinned bridging proxy
  by_endpoint,               // a CCM_POST: the endpoint table decides once the envelope is read
  by_endpoint_behind_tls,    // and nobody comes that far without a certificate or the pinned proxy
  request_signature,    // registration: signed by the key it brings; approval decides what it is good for
  request_certificate,  // registration: certificate of a trusted issuer, in TLS or, through the proxy, in the
                        // request
  message_signature,    // signed by the registered key
  message_signature_and_pair,  // and the TLS certificate that was there at registration
  message_signature_bound,     // and the TLS key is the signing key, unless it came through the pinned proxy
  certificate_or_anonymous,    // anonymous where an administrator switched that on; else a certificate
  certificate_or_capability,   // a certificate, or the pinned proxy with a content capability in the path
  windows,                     // a login by Negotiate or NTLM, where switched on; else absent
  windows_behind_tls,          // the same, and a verified client certificate on this connection first
  site_server,                 // the site server's pinned certificate
  administrator,               // a bearer token of the admin API
  enrollment_secret,           // an enrollment token or a domain account, by HTTP Basic; never through a bridge
};

enum Verb : unsigned {
  kGet = 1U,
  kHead = 2U,
  kPropfind = 4U,
  kOptions = 8U,
  kCcmPost = 16U,
  kBitsPost = 32U,
  kPost = 64U,
  kPut = 128U,
  kPatch = 256U,
  kDelete = 512U,
};
[[nodiscard]] unsigned to_verb(std::string_view method);  // 0: none of these (methods are case-sensitive)
[[nodiscard]] std::string allow_header(unsigned verbs);   // "GET, HEAD"

enum class RouteId : std::uint8_t {
  mp_messages,
  mp_messages_windows,
  mp_messages_alternative,
  mp_messages_token,
  mp_authority,
  mp_policy,
  mp_documents,
  mp_policy_windows,
  mp_policy_alternative,
  mp_policy_token,
  mp_uploads,
  mp_client_files,
  mp_tokens,
  mp_notification,
  mp_diagnosis,
  mp_diagnosis_messages,
  mp_diagnosis_uploads,
  mp_gateway_certificate,
  mp_gateway_token,
  dp_content,
  dp_signatures,
  dp_content_nocert,
  dp_signatures_nocert,
  dp_content_token,
  dp_signatures_token,
  dp_diagnosis,
  dp_link,
  sup_client,
  sup_authorization,
  sup_reporting,
  sup_reporting_alias,
  fsp_messages,
  fsp_link,
  enrollment_authorities,
  enrollment_attributes,
  enrollment_enroll,
  enrollment_renew,
  gateway_link,
  crl_files,
  admin_api,
};

enum class Match : std::uint8_t { exact, folder };  // folder: the path itself and everything below it

struct Route {
  RouteId id;
  Role role;
  std::string_view path;  // compared without case, percent-decoded
  Match match;
  unsigned verbs;
  Auth intranet_http, intranet_https, internet_https;
  [[nodiscard]] Auth at(Door door) const;
};

// Endpoints of CCM_POST messages (wire.md §1 "Endpoint visibility"). A name that is not here is refused.
enum class EndpointId : std::uint8_t {
  registration,
  location,
  policy,
  client_id,
  discovery,
  hardware,
  software,
  file_collection,
  relay,
  status,
  upload,
  token,
};
enum class Visibility : std::uint8_t { all, client_signed, internal };

struct Endpoint {
  EndpointId id;
  std::string_view name;  // TargetEndpoint, compared without case
  Visibility visibility;
  Auth intranet_http, intranet_https, internet_https;
  [[nodiscard]] Auth at(Door door) const;
};

[[nodiscard]] std::span<const Route> routes();
[[nodiscard]] std::span<const Endpoint> endpoints();
[[nodiscard]] const Route* find_route(Role role, std::string_view decoded_path);  // null: no such route (404)
[[nodiscard]] const Endpoint* find_endpoint(std::string_view name);               // null: refuse
[[nodiscard]] std::string_view to_string(RouteId id);
[[nodiscard]] std::string_view to_string(Auth auth);

// What is known about the caller before its message is read.
struct Caller {
  Door door = Door::internet_https;
  CertificateProblem certificate = CertificateProblem::missing;
  bool pinned_proxy = false;
  bool site_server = false;    // the leaf is the site server's pinned certificate
  bool administrator = false;  // the token was found and is enabled
  bool capability = false;     // the path carries a valid content capability
  bool enrolling = false;      // a good enrollment token or account came along
  bool windows_login = false;  // an account of a trusted domain is logged in on this connection
};
[[nodiscard]] Caller caller_of(const Peer& peer);

// What the signature of a message or of identity headers was found to be.
struct Proof {
  bool present = false;
  bool good = false;  // verifies under the key of our own record (registration: of the request itself)
  bool key_is_tls_key = false;  // the signing key is the key of the certificate on this connection
  bool pair_fixed = false;      // a TLS certificate was noted at registration
  bool pair_matches = false;    // and it is the one on this connection
  CertificateProblem request_certificate =
      CertificateProblem::missing;  // registration: check of the certificate it brings
};

struct Settings {
  bool windows_auth = false;       // the _windowsauth routes are there at this door
  bool anonymous_content = false;  // content on intranet listeners without a certificate
};

struct Decision {
  int status = 0;  // 0: allowed; else the HTTP status of the refusal (200: the empty answer of wire.md §16)
  std::string
      reason;  // one sentence for the log; on 403 for a missing certificate also the HTTP reason phrase
  [[nodiscard]] bool allowed() const { return status == 0; }
};

// First stage: path, verb and transport. 404, 405, 401, 403.
[[nodiscard]] Decision decide(const Route& route, unsigned verb, const Caller& caller,
                              const Settings& settings);
// What a request shows of bridging that ends or begins TLS on the way (the seed: "doesn't support bridging with HTTP to HTTPS, or
// from HTTPS to HTTP"). What a proxy says here is never believed for anybody's sake: it can only get its own request refused.
struct BridgeSigns {
  std::string_view forwarded_scheme;  // "https" or "http" as a proxy says; empty: it says nothing
  std::string_view host;              // of the Host header, without port
};
// 403 with the reason where plain HTTP carries what came by HTTPS, or the pinned proxy says that its client spoke plain HTTP.
// `internet_name`: the public name of this host, if it is another than the one of the intranet; empty: none.
[[nodiscard]] Decision decide_bridging(const Caller& caller, const BridgeSigns& signs, std::string_view internet_name);
// Second stage of a message: what the endpoint demands at this door. 403 for a certificate, 200 for a
// signature.
[[nodiscard]] Decision decide(const Endpoint& endpoint, const Caller& caller, const Proof& proof);
// Second stage of a GET with identity headers: secret policy, uploads. 403 in every case.
[[nodiscard]] Decision decide_headers(const Caller& caller, const Proof& proof);

}  // namespace fp::access
