#include "domain/access/routes.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace fp::access {
namespace {

constexpr Door kDoors[] = {Door::intranet_http, Door::intranet_https, Door::internet_https};

Caller with_certificate(Door door) { return {.door = door, .certificate = CertificateProblem::none}; }
Caller bare(Door door) { return {.door = door}; }
Caller proxy(Door door) {
  return {.door = door, .certificate = CertificateProblem::none, .pinned_proxy = true};
}

const Route& route(Role role, std::string_view path) {
  const Route* found = find_route(role, path);
  EXPECT_NE(found, nullptr) << path;
  return *found;
}
Decision get(Role role, std::string_view path, const Caller& caller, const Settings& settings = {}) {
  return decide(route(role, path), kGet, caller, settings);
}
Decision post(std::string_view path, const Caller& caller, const Settings& settings = {}) {
  return decide(route(Role::mp, path), kCcmPost, caller, settings);
}

TEST(Routes, EveryRouteHasItsOwnIdAndPathWithinItsRole) {
  std::set<RouteId> ids;
  std::set<std::pair<Role, std::string_view>> paths;
  for (const Route& r : routes()) {
    EXPECT_TRUE(ids.insert(r.id).second) << r.path;
    EXPECT_TRUE(paths.emplace(r.role, r.path).second) << r.path;
    EXPECT_NE(r.verbs, 0U) << r.path;
  }
}

TEST(Routes, ArePathsWithoutCaseAndFoldersEndAtASlash) {
  EXPECT_EQ(route(Role::mp, "/CCM_System/REQUEST").id, RouteId::mp_messages);
  EXPECT_EQ(route(Role::mp, "/sms_mp/.SMS_AUT").id, RouteId::mp_authority);
  EXPECT_EQ(route(Role::mp, "/ccm_incoming/{X}").id, RouteId::mp_uploads);
  EXPECT_EQ(route(Role::mp, "/ccm_client").id, RouteId::mp_client_files);
  EXPECT_EQ(route(Role::dp, "/sms_dp_smspkg$/Datalib").id, RouteId::dp_content);
  EXPECT_EQ(find_route(Role::mp, "/ccm_system/request/x"), nullptr);
  EXPECT_EQ(find_route(Role::mp, "/CCM_ClientX"), nullptr);
  EXPECT_EQ(find_route(Role::mp, "/SMS_DP_SMSPKG$"), nullptr);
  EXPECT_EQ(find_route(Role::mp, "/"), nullptr);
}

// A certificate registration point is not offered: unsupported since 2203 (the seed), and what it stood before never was.
TEST(Routes, NothingOfACertificateRegistrationPointIsThere) {
  for (const auto& path : {"/CMCertificateRegistration", "/CMCertificateRegistration/Certificate/VerifyRequest", "/certsrv", "/certsrv/mscep",
                           "/certsrv/mscep/mscep.dll", "/certsrv/mscep_admin/"})
    for (const Route& r : routes()) {
      const Route* found = find_route(r.role, path);
      if (found && found->path == "/") continue;  // folders of files on listeners of their own: these have no programs
      EXPECT_EQ(found, nullptr) << path;
    }
}

TEST(Bridging, OnlyTlsToTlsIsBridged) {
  const auto at = [](const Caller& caller, std::string_view scheme, std::string_view host = "site.corp.test") {
    return decide_bridging(caller, {scheme, host}, "mp.example.org");
  };
  EXPECT_EQ(at(bare(Door::intranet_http), "https").status, 403);
  EXPECT_NE(at(bare(Door::intranet_http), "HTTPS").reason.find("HTTPS to HTTP"), std::string::npos);
  EXPECT_NE(at(bare(Door::intranet_http), "", "MP.example.org").reason.find("HTTPS to HTTP"), std::string::npos);
  EXPECT_TRUE(at(bare(Door::intranet_http), "http").allowed());
  EXPECT_TRUE(decide_bridging(bare(Door::intranet_http), {"", "x"}, "").allowed());
  EXPECT_NE(at(proxy(Door::internet_https), "http").reason.find("HTTP to HTTPS"), std::string::npos);
  EXPECT_TRUE(at(proxy(Door::internet_https), "https", "mp.example.org").allowed());
  // What a client writes itself says nothing.
  EXPECT_TRUE(at(with_certificate(Door::internet_https), "http").allowed());
}

TEST(Bridging, AProxyThatIsNotPinnedIsNobody) {
  const Caller stranger{.door = Door::internet_https, .certificate = CertificateProblem::unpinned_proxy};
  for (const auto* path : {"/SMS_MP/.sms_aut", "/SMS_MP/.sms_pol"}) EXPECT_EQ(get(Role::mp, path, stranger).status, 403);
  EXPECT_EQ(get(Role::dp, "/SMS_DP_SMSPKG$/x", stranger).status, 403);
  EXPECT_EQ(post("/ccm_system/request", stranger).status, 403);
  EXPECT_NE(get(Role::mp, "/SMS_MP/.sms_aut", stranger).reason.find("not pinned"), std::string::npos);
}

TEST(Routes, WhatLetsAnybodyInWithoutACertificateIsAbsentEverywhere) {
  for (const Door door : kDoors)
    for (const Caller& caller : {bare(door), with_certificate(door), proxy(door)}) {
      EXPECT_EQ(post("/ccm_system_altauth/request", caller).status, 404);
      EXPECT_EQ(post("/ccm_system_tokenauth/request", caller).status, 404);
      EXPECT_EQ(get(Role::mp, "/SMS_MP_AltAuth/.sms_pol", caller).status, 404);
      EXPECT_EQ(get(Role::mp, "/SMS_MP_TokenAuth/.sms_pol", caller).status, 404);
      EXPECT_EQ(get(Role::dp, "/NOCERT_SMS_DP_SMSPKG$/x", caller).status, 404);
      EXPECT_EQ(get(Role::dp, "/CCMTOKENAUTH_SMS_DP_SMSPKG$/x", caller).status, 404);
    }
}

TEST(Routes, TheWindowsDoorIsAbsentUntilSwitchedOnAndThenAsks) {
  for (const Door door : kDoors) {
    EXPECT_EQ(post("/ccm_system_windowsauth/request", bare(door)).status, 404);
    const bool internet = door == Door::internet_https;
    EXPECT_EQ(post("/ccm_system_windowsauth/request", bare(door), {.windows_auth = true}).status, internet ? 403 : 401);
    for (const char* path : {"/ccm_system_windowsauth/request", "/SMS_MP_WindowsAuth/.sms_pol"}) {
      EXPECT_EQ(get(Role::mp, path, with_certificate(door), {.windows_auth = true}).status, 401);
      EXPECT_EQ(get(Role::mp, path, with_certificate(door)).status, 404);
    }
  }
}

TEST(Routes, AWindowsLoginOpensTheWindowsDoorsAndNothingElse) {
  for (const Door door : kDoors) {
    Caller logged_in = with_certificate(door);
    logged_in.windows_login = true;
    EXPECT_TRUE(post("/ccm_system_windowsauth/request", logged_in, {.windows_auth = true}).allowed());
    EXPECT_TRUE(get(Role::mp, "/SMS_MP_WindowsAuth/.sms_pol", logged_in, {.windows_auth = true}).allowed());
    EXPECT_EQ(post("/SMS_MP_WindowsAuth/.sms_pol", logged_in, {.windows_auth = true}).status, 405);
    EXPECT_EQ(post("/ccm_system_windowsauth/request", logged_in).status, 404);
    Caller bare_login = bare(door);
    bare_login.windows_login = true;
    EXPECT_EQ(post("/ccm_system_windowsauth/request", bare_login, {.windows_auth = true}).allowed(), door != Door::internet_https);
    Caller bridged = proxy(door);
    bridged.windows_login = true;
    EXPECT_FALSE(post("/ccm_system_windowsauth/request", bridged, {.windows_auth = true}).allowed());
  }
}

TEST(Routes, OnTheInternetNothingOpensWithoutACertificateOrTheProxy) {
  for (const Route& r : routes()) {
    if (r.role == Role::crl || r.id == RouteId::fsp_messages) continue;  // open to everybody, and believing nobody
    if (r.role == Role::sup) continue;  // TLS of the server alone, and nothing believed (docs/protocol/updates.md)
    if (r.id == RouteId::enrollment_authorities || r.id == RouteId::enrollment_attributes) continue;  // public
    for (const bool windows : {false, true}) {
      const Decision decision = decide(r, r.verbs, bare(Door::internet_https),
                                       {.windows_auth = windows, .anonymous_content = true});
      EXPECT_FALSE(decision.allowed()) << r.path;
      EXPECT_FALSE(decision.reason.empty()) << r.path;
    }
  }
  for (const Endpoint& e : endpoints())
    EXPECT_FALSE(
        decide(e, bare(Door::internet_https), {.present = true, .good = true, .key_is_tls_key = true})
            .allowed())
        << e.name;
}

TEST(Routes, TheReasonOfA403NamesTheFailedCheck) {
  EXPECT_EQ(get(Role::mp, "/SMS_MP/.sms_aut", bare(Door::intranet_https)).reason,
            "Client certificate required");
  for (const auto problem :
       {CertificateProblem::expired, CertificateProblem::revoked, CertificateProblem::crl_unavailable,
        CertificateProblem::untrusted, CertificateProblem::blocked}) {
    const Decision decision =
        get(Role::mp, "/SMS_MP/.sms_aut", {.door = Door::internet_https, .certificate = problem});
    EXPECT_EQ(decision.status, 403);
    EXPECT_NE(decision.reason.find(to_string(problem)), std::string::npos);
  }
}

TEST(Routes, OpenOnIntranetHttpOnly) {
  EXPECT_TRUE(get(Role::mp, "/SMS_MP/.sms_aut", bare(Door::intranet_http)).allowed());
  EXPECT_EQ(get(Role::mp, "/SMS_MP/.sms_aut", bare(Door::intranet_https)).status, 403);
  EXPECT_TRUE(get(Role::mp, "/SMS_MP/.sms_aut", with_certificate(Door::intranet_https)).allowed());
  EXPECT_TRUE(get(Role::mp, "/SMS_MP/.sms_aut", proxy(Door::internet_https)).allowed());
}

TEST(Routes, AVerbThatIsNotInTheTableIs405) {
  EXPECT_EQ(
      decide(route(Role::mp, "/ccm_system/request"), to_verb("GET"), bare(Door::intranet_http), {}).status,
      405);
  EXPECT_EQ(decide(route(Role::mp, "/ccm_system/request"), to_verb("ccm_post"), bare(Door::intranet_http), {})
                .status,
            405);
  EXPECT_EQ(decide(route(Role::mp, "/SMS_MP/.sms_aut"), to_verb("PUT"), bare(Door::intranet_http), {}).status,
            405);
  EXPECT_EQ(allow_header(kGet | kHead | kPropfind), "GET, HEAD, PROPFIND");
}

TEST(Routes, ContentIsAnonymousOnlyWhereSwitchedOnAndOnlyOnIntranetHttp) {
  const Settings on{.anonymous_content = true};
  EXPECT_EQ(get(Role::dp, "/SMS_DP_SMSPKG$/x", bare(Door::intranet_http)).status, 403);
  EXPECT_TRUE(get(Role::dp, "/SMS_DP_SMSPKG$/x", bare(Door::intranet_http), on).allowed());
  EXPECT_EQ(get(Role::dp, "/SMS_DP_SMSPKG$/x", bare(Door::intranet_https), on).status, 403);
  EXPECT_EQ(get(Role::dp, "/SMS_DP_SMSPKG$/x", proxy(Door::internet_https), on).status, 403);
  Caller bridged = proxy(Door::internet_https);
  bridged.capability = true;
  EXPECT_TRUE(get(Role::dp, "/SMS_DP_SMSPKG$/x", bridged).allowed());
  bridged.pinned_proxy = false;
  bridged.certificate = CertificateProblem::missing;
  EXPECT_EQ(get(Role::dp, "/SMS_DP_SMSPKG$/x", bridged).status, 403);
}

TEST(Routes, TheLinkIsForTheSiteServerAlone) {
  Caller caller = with_certificate(Door::internet_https);
  EXPECT_EQ(get(Role::dp, "/farpoint/dp/x", caller).status, 403);
  caller.site_server = true;
  EXPECT_TRUE(get(Role::dp, "/farpoint/dp/x", caller).allowed());
  caller.door = Door::intranet_http;
  EXPECT_EQ(get(Role::dp, "/farpoint/dp/x", caller).status, 404);
}

TEST(Routes, EnrolmentNeedsASecretRenewalACertificateAndNeitherPassesABridge) {
  const auto at = [](std::string_view path, const Caller& caller) { return decide(route(Role::enrollment, path), kPost, caller, {}); };
  constexpr std::string_view kEnroll = "/.well-known/est/simpleenroll", kRenew = "/.well-known/est/simplereenroll";
  for (const Door door : {Door::intranet_https, Door::internet_https}) {
    Caller caller = bare(door);
    EXPECT_EQ(at(kEnroll, caller).status, 401);
    EXPECT_EQ(at(kRenew, caller).status, 403);
    caller.enrolling = true;
    EXPECT_TRUE(at(kEnroll, caller).allowed());
    EXPECT_EQ(at(kRenew, caller).status, 403);
    EXPECT_TRUE(at(kRenew, with_certificate(door)).allowed());
    Caller bridged = proxy(door);
    bridged.enrolling = true;
    EXPECT_EQ(at(kEnroll, bridged).status, 403);
    EXPECT_NE(at(kEnroll, bridged).reason.find("tunnelling"), std::string::npos);
    EXPECT_EQ(at(kRenew, bridged).status, 403);
    EXPECT_TRUE(decide(route(Role::enrollment, "/.well-known/est/cacerts"), kGet, bare(door), {}).allowed());
  }
  Caller plain = bare(Door::intranet_http);
  plain.enrolling = true;
  EXPECT_EQ(at(kEnroll, plain).status, 404);
  for (const char* absent : {"/.well-known/est/serverkeygen", "/.well-known/est/fullcmc", "/.well-known/est/label/cacerts", "/EnrollmentServer/Discovery.svc"})
    EXPECT_EQ(find_route(Role::enrollment, absent), nullptr) << absent;
}

TEST(Routes, ThePrefixesOfAGatewayOpenNothingThemselves) {
  for (const Door door : {Door::intranet_http, Door::intranet_https, Door::internet_https})
    for (const char* path : {"/CCM_Proxy_MutualAuth/1/SMS_MP/.sms_aut", "/ccm_proxy_mutualauth", "/CCM_Proxy_ServerAuth/1/SMS_MP/.sms_aut"})
      EXPECT_EQ(get(Role::mp, path, with_certificate(door)).status, 404) << path;
}

TEST(Routes, TheFallbackStatusPointTakesPostsFromEverybodyAndItsSpoolIsForTheSiteServerAlone) {
  for (const Door door : {Door::intranet_http, Door::intranet_https, Door::internet_https}) {
    EXPECT_TRUE(decide(route(Role::fsp, "/sms_fsp/.sms_fsp"), kPost, bare(door), {}).allowed());
    for (const unsigned verb : {kGet, kHead, kPropfind, kOptions, kCcmPost, kBitsPost, kPut, kPatch, kDelete})
      EXPECT_EQ(decide(route(Role::fsp, "/SMS_FSP"), verb, bare(door), {}).status, 405);
    EXPECT_FALSE(get(Role::fsp, "/farpoint/fsp/v1/messages", bare(door)).allowed());
  }
  for (const auto& [role, path] : {std::pair{Role::fsp, "/farpoint/fsp/v1/messages"}, std::pair{Role::gateway, "/farpoint/gateway/v1/status"}}) {
    Caller site = with_certificate(Door::intranet_https);  // so counts what is asked over the site link
    EXPECT_EQ(get(role, path, site).status, 403) << path;
    site.site_server = true;
    EXPECT_TRUE(get(role, path, site).allowed()) << path;
    for (const Door door : {Door::intranet_http, Door::internet_https}) {
      site.door = door;
      EXPECT_EQ(get(role, path, site).status, 404) << path;
    }
  }
  EXPECT_EQ(find_route(Role::fsp, "/SMS_FSPX"), nullptr);
  EXPECT_EQ(find_route(Role::fsp, "/SMS_MP/.sms_aut"), nullptr);
}

TEST(Endpoints, AnUnknownNameIsNotFoundAndAnInternalOneIsRefused) {
  EXPECT_EQ(find_endpoint("MP_Nothing"), nullptr);
  EXPECT_NE(find_endpoint("mp_policymanager"), nullptr);
  for (const Endpoint& e : endpoints()) {
    if (e.visibility != Visibility::internal) continue;
    for (const Door door : kDoors)
      EXPECT_FALSE(decide(e, with_certificate(door), {.present = true, .good = true, .key_is_tls_key = true})
                       .allowed())
          << e.name;
  }
}

TEST(Endpoints, WhatIsClientSignedNeverOpensWithoutAGoodSignature) {
  for (const Endpoint& e : endpoints()) {
    if (e.visibility != Visibility::client_signed) continue;
    for (const Door door : kDoors)
      for (const Caller& caller : {bare(door), with_certificate(door), proxy(door)}) {
        EXPECT_EQ(decide(e, caller, {}).status, 200) << e.name;
        EXPECT_EQ(decide(e, caller,
                         {.present = true, .key_is_tls_key = true, .pair_fixed = true, .pair_matches = true})
                      .status,
                  200);
      }
  }
}

TEST(Endpoints, TheSigningKeyIsTheTlsKeyOnTheInternet) {
  const Endpoint& policy = *find_endpoint("MP_PolicyManager");
  Proof proof{.present = true, .good = true};
  EXPECT_EQ(decide(policy, with_certificate(Door::internet_https), proof).status, 403);
  EXPECT_TRUE(decide(policy, proxy(Door::internet_https), proof).allowed());
  proof.key_is_tls_key = true;
  EXPECT_TRUE(decide(policy, with_certificate(Door::internet_https), proof).allowed());
}

TEST(Endpoints, ThePairOfRegistrationIsRequiredOnTheIntranet) {
  const Endpoint& policy = *find_endpoint("MP_PolicyManager");
  const Caller caller = with_certificate(Door::intranet_https);
  EXPECT_TRUE(
      decide(policy, caller, {.present = true, .good = true, .pair_fixed = true, .pair_matches = true})
          .allowed());
  EXPECT_EQ(decide(policy, caller, {.present = true, .good = true, .pair_fixed = true}).status, 403);
  EXPECT_TRUE(decide(policy, caller, {.present = true, .good = true}).allowed());
  EXPECT_EQ(decide(policy, bare(Door::intranet_https), {.present = true, .good = true}).status, 403);
  EXPECT_TRUE(decide(policy, bare(Door::intranet_http), {.present = true, .good = true}).allowed());
}

TEST(Endpoints, ThePairIsWorthNothingWhenTheCertificateDoesNotHoldAnyMore) {
  const Endpoint& policy = *find_endpoint("MP_PolicyManager");
  const Endpoint& registration = *find_endpoint("MP_ClientRegistration");
  for (const auto problem : {CertificateProblem::revoked, CertificateProblem::expired, CertificateProblem::crl_unavailable,
                             CertificateProblem::blocked}) {
    Caller caller = with_certificate(Door::intranet_https);
    caller.certificate = problem;
    EXPECT_EQ(decide(policy, caller, {.present = true, .good = true, .pair_fixed = true, .pair_matches = true}).status, 403);
    EXPECT_EQ(decide(registration, caller, {.present = true, .good = true}).status, 403);
  }
  // Somebody else's certificate, or none: the request may still be approved by an administrator.
  Caller stranger = with_certificate(Door::intranet_https);
  stranger.certificate = CertificateProblem::untrusted;
  EXPECT_TRUE(decide(registration, stranger, {.present = true, .good = true}).allowed());
  EXPECT_TRUE(decide(registration, bare(Door::intranet_https), {.present = true, .good = true}).allowed());
}

TEST(Endpoints, RegistrationThroughABridgeNeedsATrustedCertificateInTheRequest) {
  const Endpoint& registration = *find_endpoint("MP_ClientRegistration");
  Proof proof{.present = true, .good = true, .request_certificate = CertificateProblem::untrusted};
  EXPECT_EQ(decide(registration, proxy(Door::internet_https), proof).status, 403);
  proof.request_certificate = CertificateProblem::none;
  EXPECT_TRUE(decide(registration, proxy(Door::internet_https), proof).allowed());
  EXPECT_EQ(decide(registration, with_certificate(Door::internet_https), proof).status, 403);
  proof.good = false;
  EXPECT_EQ(decide(registration, proxy(Door::internet_https), proof).status, 200);
}

TEST(Headers, ARefusalIsAlways403) {
  EXPECT_EQ(decide_headers(bare(Door::intranet_http), {}).status, 403);
  EXPECT_EQ(decide_headers(bare(Door::intranet_http), {.present = true}).status, 403);
  EXPECT_TRUE(decide_headers(bare(Door::intranet_http), {.present = true, .good = true}).allowed());
  EXPECT_EQ(decide_headers(with_certificate(Door::internet_https), {.present = true, .good = true}).status,
            403);
}

}  // namespace
}  // namespace fp::access
