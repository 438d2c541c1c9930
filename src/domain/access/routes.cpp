#include "domain/access/routes.hpp"

#include <fmt/format.h>

#include <array>

#include "base/text.hpp"

namespace fp::access {
namespace {

using enum Auth;
constexpr unsigned kRead = kGet | kHead;
constexpr unsigned kProbe = kCcmPost | kGet | kHead;
constexpr unsigned kDav = kGet | kHead | kPropfind | kOptions;
constexpr unsigned kLink = kGet | kPost;
// The doctor's door takes every verb: what one was made into on the way is what it tells.
constexpr unsigned kTold = kGet | kHead | kPropfind | kCcmPost | kBitsPost | kPost;
constexpr unsigned kRest = kGet | kHead | kPost | kPut | kPatch | kDelete;

// clang-format off
// tools/check_routes reads the lines between the two marks: one route each, an authenticator for each of the three doors.
// table begin
constexpr std::array kRoutes{
  //    id                                role         path                           match          verbs      intranet HTTP             intranet HTTPS    internet HTTPS
  Route{RouteId::mp_messages,             Role::mp,    "/ccm_system/request",             Match::exact,  kCcmPost,  by_endpoint,              by_endpoint,      by_endpoint_behind_tls},
  Route{RouteId::mp_messages_windows,     Role::mp,    "/ccm_system_windowsauth/request", Match::exact,  kProbe,    windows,                  windows,          windows_behind_tls},
  Route{RouteId::mp_messages_alternative, Role::mp,    "/ccm_system_altauth/request",     Match::exact,  kProbe,    absent,                   absent,           absent},
  Route{RouteId::mp_messages_token,       Role::mp,    "/ccm_system_tokenauth/request",   Match::exact,  kProbe,    absent,                   absent,           absent},
  Route{RouteId::mp_authority,            Role::mp,    "/SMS_MP/.sms_aut",                Match::exact,  kRead,     open,                     tls_certificate,  tls_certificate_or_proxy},
  Route{RouteId::mp_policy,               Role::mp,    "/SMS_MP/.sms_pol",                Match::exact,  kRead,     open,                     tls_certificate,  tls_certificate_or_proxy},
  Route{RouteId::mp_documents,            Role::mp,    "/SMS_MP/.sms_dcm",                Match::exact,  kRead,     absent,                   absent,           absent},
  Route{RouteId::mp_policy_windows,       Role::mp,    "/SMS_MP_WindowsAuth",             Match::folder, kRead,     windows,                  windows,          windows_behind_tls},
  Route{RouteId::mp_policy_alternative,   Role::mp,    "/SMS_MP_AltAuth",                 Match::folder, kRead,     absent,                   absent,           absent},
  Route{RouteId::mp_policy_token,         Role::mp,    "/SMS_MP_TokenAuth",               Match::folder, kRead,     absent,                   absent,           absent},
  Route{RouteId::mp_uploads,              Role::mp,    "/CCM_Incoming",                   Match::folder, kBitsPost, open,                     tls_certificate,  tls_certificate_or_proxy},
  Route{RouteId::mp_client_files,         Role::mp,    "/CCM_Client",                     Match::folder, kDav,      open,                     tls_certificate,  tls_certificate_or_proxy},
  Route{RouteId::mp_tokens,               Role::mp,    "/CCM_STS",                        Match::folder, kPost,     absent,                   absent,           absent},
  Route{RouteId::mp_notification,         Role::mp,    "/bgb",                            Match::folder, kRead,     absent,                   absent,           absent},
  Route{RouteId::mp_diagnosis,            Role::mp,    "/SMS_MP/.sms_doctor",            Match::exact,  kTold,     absent,                   tls_certificate,  tls_certificate_or_proxy},
  Route{RouteId::mp_diagnosis_messages,   Role::mp,    "/ccm_system/doctor",             Match::exact,  kTold,      absent,                   tls_certificate,  tls_certificate_or_proxy},
  Route{RouteId::mp_diagnosis_uploads,    Role::mp,    "/CCM_Incoming/.doctor",          Match::exact,  kTold,     absent,                   tls_certificate,  tls_certificate_or_proxy},
  // A gateway takes its own prefix off before this table is asked, so what opens a door there is the line of the path behind it.
  Route{RouteId::mp_gateway_certificate,  Role::mp,    "/CCM_Proxy_MutualAuth",          Match::folder, kTold,     absent,                   absent,           absent},
  Route{RouteId::mp_gateway_token,        Role::mp,    "/CCM_Proxy_ServerAuth",          Match::folder, kTold,     absent,                   absent,           absent},
  Route{RouteId::dp_content,              Role::dp,    "/SMS_DP_SMSPKG$",                 Match::folder, kDav,      certificate_or_anonymous, tls_certificate,  certificate_or_capability},
  Route{RouteId::dp_signatures,           Role::dp,    "/SMS_DP_SMSSIG$",                 Match::folder, kDav,      certificate_or_anonymous, tls_certificate,  certificate_or_capability},
  Route{RouteId::dp_content_nocert,       Role::dp,    "/NOCERT_SMS_DP_SMSPKG$",          Match::folder, kDav,      absent,                   absent,           absent},
  Route{RouteId::dp_signatures_nocert,    Role::dp,    "/NOCERT_SMS_DP_SMSSIG$",          Match::folder, kDav,      absent,                   absent,           absent},
  Route{RouteId::dp_content_token,        Role::dp,    "/CCMTOKENAUTH_SMS_DP_SMSPKG$",    Match::folder, kDav,      absent,                   absent,           absent},
  Route{RouteId::dp_signatures_token,     Role::dp,    "/CCMTOKENAUTH_SMS_DP_SMSSIG$",    Match::folder, kDav,      absent,                   absent,           absent},
  Route{RouteId::dp_diagnosis,            Role::dp,    "/SMS_DP_SMSPKG$/.sms_doctor",    Match::exact,  kTold,     absent,                   tls_certificate,  tls_certificate_or_proxy},
  Route{RouteId::dp_link,                 Role::dp,    "/farpoint/dp",                    Match::folder, kRest,     absent,                   site_server,      site_server},
  Route{RouteId::sup_client,              Role::sup,   "/ClientWebService/client.asmx",   Match::exact,  kPost,     open,                     open,             open},
  Route{RouteId::sup_authorization,       Role::sup,   "/SimpleAuthWebService/SimpleAuth.asmx", Match::exact, kPost, open,                   open,             open},
  Route{RouteId::sup_reporting,           Role::sup,   "/ReportingWebService/ReportingWebService.asmx", Match::exact, kPost, open,           open,             open},
  Route{RouteId::sup_reporting_alias,     Role::sup,   "/ReportingWebService/WebService.asmx", Match::exact, kPost,  open,                   open,             open},
  Route{RouteId::fsp_messages,            Role::fsp,   "/SMS_FSP",                       Match::folder, kPost,     open,                     open,             open},
  // What the site asks over the site link counts as asked at an intranet HTTPS door; no listener of these hosts is one.
  Route{RouteId::fsp_link,                Role::fsp,   "/farpoint/fsp",                  Match::folder, kLink,     absent,                   site_server,      absent},
  Route{RouteId::gateway_link,            Role::gateway, "/farpoint/gateway",            Match::folder, kRead,     absent,                   site_server,      absent},
  Route{RouteId::enrollment_authorities,  Role::enrollment, "/.well-known/est/cacerts",     Match::exact,  kRead,    absent,                   open,             open},
  Route{RouteId::enrollment_attributes,   Role::enrollment, "/.well-known/est/csrattrs",    Match::exact,  kRead,    absent,                   open,             open},
  Route{RouteId::enrollment_enroll,       Role::enrollment, "/.well-known/est/simpleenroll", Match::exact, kPost,    absent,                   enrollment_secret, enrollment_secret},
  Route{RouteId::enrollment_renew,        Role::enrollment, "/.well-known/est/simplereenroll", Match::exact, kPost,  absent,                   tls_certificate,  tls_certificate},
  Route{RouteId::crl_files,               Role::crl,   "/",                               Match::folder, kRead,     open,                     open,             open},
  Route{RouteId::admin_api,               Role::admin, "/",                               Match::folder, kRest,     absent,                   administrator,    administrator},
};

constexpr std::array kEndpoints{
  //       id                           name                    visibility                  intranet HTTP      intranet HTTPS              internet HTTPS
  Endpoint{EndpointId::registration,    "MP_ClientRegistration", Visibility::all,           request_signature, request_signature,          request_certificate},
  Endpoint{EndpointId::location,        "MP_LocationManager",    Visibility::all,           open,              tls_certificate,            tls_certificate_or_proxy},
  Endpoint{EndpointId::policy,          "MP_PolicyManager",      Visibility::client_signed, message_signature, message_signature_and_pair, message_signature_bound},
  Endpoint{EndpointId::client_id,       "MP_ClientIdManager",    Visibility::client_signed, message_signature, message_signature_and_pair, message_signature_bound},
  Endpoint{EndpointId::discovery,       "MP_DdrEndpoint",        Visibility::client_signed, message_signature, message_signature_and_pair, message_signature_bound},
  Endpoint{EndpointId::hardware,        "MP_HinvEndpoint",       Visibility::client_signed, message_signature, message_signature_and_pair, message_signature_bound},
  Endpoint{EndpointId::software,        "MP_SinvEndpoint",       Visibility::client_signed, message_signature, message_signature_and_pair, message_signature_bound},
  Endpoint{EndpointId::file_collection, "MP_SinvFileEndpoint",   Visibility::internal,      absent,            absent,                     absent},
  Endpoint{EndpointId::relay,           "MP_RelayEndpoint",      Visibility::client_signed, message_signature, message_signature_and_pair, message_signature_bound},
  Endpoint{EndpointId::status,          "MP_StatusManager",      Visibility::client_signed, message_signature, message_signature_and_pair, message_signature_bound},
  Endpoint{EndpointId::upload,          "MP_UploadManager",      Visibility::client_signed, message_signature, message_signature_and_pair, message_signature_bound},
  Endpoint{EndpointId::token,           "MP_TokenManager",       Visibility::internal,      absent,            absent,                     absent},
};
// table end
// clang-format on

template <class Line>
Auth pick(const Line& line, Door door) {
  return door == Door::intranet_http    ? line.intranet_http
         : door == Door::intranet_https ? line.intranet_https
                                        : line.internet_https;
}

Decision refuse(int status, std::string reason) { return {status, std::move(reason)}; }

bool has_certificate(const Caller& caller) {
  return caller.door != Door::intranet_http && caller.certificate == CertificateProblem::none &&
         !caller.pinned_proxy;
}

Decision need_certificate(const Caller& caller) {
  if (caller.door == Door::intranet_http) return refuse(403, "Client certificate required");
  if (caller.pinned_proxy) return refuse(403, "a bridging proxy is not a client");
  if (caller.certificate == CertificateProblem::missing) return refuse(403, "Client certificate required");
  return refuse(403, fmt::format("client certificate refused: {}", to_string(caller.certificate)));
}

Decision by_transport(Auth auth, const Caller& caller, const Settings& settings) {
  const Decision good;
  switch (auth) {
    case open:
    case by_endpoint:
      return good;
    case tls_certificate:
      return has_certificate(caller) ? good : need_certificate(caller);
    case tls_certificate_or_proxy:
    case by_endpoint_behind_tls:
      return has_certificate(caller) || caller.pinned_proxy ? good : need_certificate(caller);
    case certificate_or_anonymous:
      return settings.anonymous_content || has_certificate(caller) ? good : need_certificate(caller);
    case certificate_or_capability:
      if (has_certificate(caller)) return good;
      if (!caller.pinned_proxy) return need_certificate(caller);
      return caller.capability ? good
                               : refuse(403, "no valid content capability in the path of a bridged request");
    case windows:
      if (!settings.windows_auth) return refuse(404, "Windows authentication is switched off");
      // Whoever comes through a bridge shares its connections with others, and a login is of its connection.
      if (caller.pinned_proxy) return refuse(403, "a Windows login does not pass a bridging proxy: let the proxy tunnel");
      return caller.windows_login ? good : refuse(401, "a Windows login is required");
    case windows_behind_tls:
      if (!settings.windows_auth) return refuse(404, "Windows authentication is switched off for clients on the internet");
      if (!has_certificate(caller) && !caller.pinned_proxy) return need_certificate(caller);
      return by_transport(windows, caller, settings);
    case site_server:
      return caller.site_server ? good
                                : refuse(403, "only the site server's pinned certificate may use this");
    case administrator:
      return caller.administrator ? good : refuse(401, "an administrator's token is required");
    case enrollment_secret:
      // A token that a proxy has seen is the proxy's too.
      if (caller.pinned_proxy) return refuse(403, "enrolment does not pass a bridging proxy: publish it with SSL tunnelling");
      return caller.enrolling ? good : refuse(401, "an enrollment token or account is required");
    default:
      return refuse(404, "not offered at this door");
  }
}

Decision by_message(Auth auth, const Caller& caller, const Proof& proof) {
  if (!proof.present) return refuse(200, "the message is not signed");
  if (!proof.good) return refuse(200, "the signature does not verify under the registered key");
  if (auth == message_signature) return {};
  if (auth == message_signature_and_pair) {
    if (!has_certificate(caller)) return need_certificate(caller);  // revoked or expired since, it opens nothing
    if (proof.pair_fixed && !proof.pair_matches)
      return refuse(403, "the TLS certificate is not the one this signing key registered with");
    return {};
  }
  if (caller.pinned_proxy) return {};
  if (!has_certificate(caller)) return need_certificate(caller);
  return proof.key_is_tls_key ? Decision{}
                              : refuse(403, "the signing key is not the key of the TLS certificate");
}

// A certificate of ours that does not hold any more. Who shows none, or one of somebody else, may still ask for approval.
bool was_good_once(CertificateProblem problem) {
  using enum CertificateProblem;
  return problem == expired || problem == revoked || problem == crl_unavailable || problem == blocked || problem == not_yet_valid;
}

Decision by_request(Auth auth, const Caller& caller, const Proof& proof) {
  if (!proof.present) return refuse(200, "the registration is not signed");
  if (!proof.good)
    return refuse(200, "the registration's signature does not verify under the certificate it brings");
  if (auth == request_signature) return was_good_once(caller.certificate) ? need_certificate(caller) : Decision{};
  if (caller.pinned_proxy) {
    if (proof.request_certificate == CertificateProblem::none) return {};
    return refuse(
        403, fmt::format("certificate in the request refused: {}", to_string(proof.request_certificate)));
  }
  if (!has_certificate(caller)) return need_certificate(caller);
  return proof.key_is_tls_key ? Decision{}
                              : refuse(403, "the signing key is not the key of the TLS certificate");
}

}  // namespace

Auth Route::at(Door door) const { return pick(*this, door); }
Auth Endpoint::at(Door door) const { return pick(*this, door); }

std::span<const Route> routes() { return kRoutes; }
std::span<const Endpoint> endpoints() { return kEndpoints; }

const Route* find_route(Role role, std::string_view path) {
  const Route* best = nullptr;
  for (const Route& route : kRoutes) {
    if (route.role != role) continue;
    const bool root = route.path == "/";
    const bool same = iequals(path, route.path);
    const bool below = route.match == Match::folder && istarts_with(path, route.path) &&
                       (root || (path.size() > route.path.size() && path[route.path.size()] == '/'));
    if ((same || below) && (!best || route.path.size() > best->path.size())) best = &route;
  }
  return best;
}

const Endpoint* find_endpoint(std::string_view name) {
  for (const Endpoint& endpoint : kEndpoints)
    if (iequals(endpoint.name, name)) return &endpoint;
  return nullptr;
}

Caller caller_of(const Peer& peer) {
  return {.door = peer.door, .certificate = peer.check.problem, .pinned_proxy = peer.pinned_proxy};
}

Decision decide(const Route& route, unsigned verb, const Caller& caller, const Settings& settings) {
  const Auth auth = route.at(caller.door);
  if (auth == absent) return refuse(404, "not offered at this door");
  // Whoever asks at the Windows doors by any verb is asked who it is (wire.md §2).
  if (auth == windows || auth == windows_behind_tls) {
    Decision login = by_transport(auth, caller, settings);
    if (!login.allowed()) return login;
  }
  if ((route.verbs & verb) == 0) return refuse(405, "this path does not take that verb");
  return by_transport(auth, caller, settings);
}

Decision decide_bridging(const Caller& caller, const BridgeSigns& signs, std::string_view internet_name) {
  if (caller.door == Door::intranet_http) {
    if (iequals(signs.forwarded_scheme, "https"))
      return refuse(403, "bridging from HTTPS to HTTP is not supported: a proxy says that it ended TLS and came on without");
    if (!internet_name.empty() && iequals(signs.host, internet_name))
      return refuse(403, fmt::format("bridging from HTTPS to HTTP is not supported: {} is served over HTTPS only", internet_name));
    return {};
  }
  if (caller.pinned_proxy && iequals(signs.forwarded_scheme, "http"))
    return refuse(403, "bridging from HTTP to HTTPS is not supported: the proxy says that its client came without TLS");
  return {};
}

Decision decide(const Endpoint& endpoint, const Caller& caller, const Proof& proof) {
  const Auth auth = endpoint.at(caller.door);
  switch (auth) {
    case open:
    case tls_certificate:
    case tls_certificate_or_proxy:
      return by_transport(auth, caller, {});
    case request_signature:
    case request_certificate:
      return by_request(auth, caller, proof);
    case message_signature:
    case message_signature_and_pair:
    case message_signature_bound:
      return by_message(auth, caller, proof);
    default:
      return refuse(200, "this endpoint is not reachable from the network");
  }
}

Decision decide_headers(const Caller& caller, const Proof& proof) {
  const Auth auth = caller.door == Door::intranet_http    ? message_signature
                    : caller.door == Door::intranet_https ? message_signature_and_pair
                                                          : message_signature_bound;
  Decision decision = by_message(auth, caller, proof);
  if (decision.status == 200) decision.status = 403;
  return decision;
}

unsigned to_verb(std::string_view method) {
  struct Name {
    std::string_view text;
    unsigned verb;
  };
  static constexpr std::array<Name, 10> kNames{{{"GET", kGet},
                                                {"HEAD", kHead},
                                                {"PROPFIND", kPropfind},
                                                {"OPTIONS", kOptions},
                                                {"CCM_POST", kCcmPost},
                                                {"BITS_POST", kBitsPost},
                                                {"POST", kPost},
                                                {"PUT", kPut},
                                                {"PATCH", kPatch},
                                                {"DELETE", kDelete}}};
  for (const Name& name : kNames)
    if (name.text == method) return name.verb;
  return 0;
}

std::string allow_header(unsigned verbs) {
  std::string out;
  for (const std::string_view name :
       {"GET", "HEAD", "PROPFIND", "OPTIONS", "CCM_POST", "BITS_POST", "POST", "PUT", "PATCH", "DELETE"}) {
    if ((verbs & to_verb(name)) == 0) continue;
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

std::string_view to_string(RouteId id) {
  for (const Route& route : kRoutes)
    if (route.id == id) return route.path;
  return "?";
}

std::string_view to_string(Auth auth) {
  switch (auth) {
    case absent:
      return "absent";
    case open:
      return "open";
    case tls_certificate:
      return "TLS certificate";
    case tls_certificate_or_proxy:
      return "TLS certificate or pinned proxy";
    case by_endpoint:
      return "by endpoint";
    case by_endpoint_behind_tls:
      return "by endpoint, behind a TLS certificate or the pinned proxy";
    case request_signature:
      return "request signature, then approval";
    case request_certificate:
      return "request signature by a certificate of a trusted issuer";
    case message_signature:
      return "message signature";
    case message_signature_and_pair:
      return "message signature and the registered TLS certificate";
    case message_signature_bound:
      return "message signature by the TLS key";
    case certificate_or_anonymous:
      return "certificate, or anonymous where switched on";
    case certificate_or_capability:
      return "TLS certificate, or pinned proxy with a content capability";
    case windows:
      return "Negotiate or NTLM, where switched on";
    case windows_behind_tls:
      return "TLS certificate, then Negotiate or NTLM, where switched on";
    case site_server:
      return "the site server's certificate";
    case administrator:
      return "an administrator's token";
    case enrollment_secret:
      return "an enrollment token or account";
  }
  return "?";
}

}  // namespace fp::access
