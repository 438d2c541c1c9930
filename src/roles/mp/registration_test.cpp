#include "roles/mp/test_site.hpp"
#include "wire/report.hpp"

namespace fp::mp {
namespace {

using Status = wire::RegistrationReply::Status;
const Keys& keys() { return Keys::shared(); }

TEST(Registration, APkiClientOnTheInternetNeedsNoApproval) {
  TestSite site(ApprovalMode::manual);
  TestClient pc{site, keys().pki_client};
  const auto reply = pc.enrol(site.peer(Door::internet_https, &keys().pki_client));
  EXPECT_EQ(reply.status, Status::registered);
  EXPECT_EQ(reply.approval, Approval::not_applicable);
  const Device device = site.device(pc.id);
  EXPECT_TRUE(device.pki);
  EXPECT_EQ(device.tls_fingerprint, keys().pki_client.certificate.fingerprint());
  EXPECT_EQ(device.connection, ConnectionType::currently_internet);
  EXPECT_TRUE(must(
      site.store->read([&](store::Repositories& r) { return r.collections.is_member(kAllSystems, pc.id); })));
}

TEST(Registration, SelfSignedOverHttpFollowsTheApprovalMode) {
  for (const auto& [mode, status] :
       {std::pair{ApprovalMode::manual, Status::pending}, std::pair{ApprovalMode::trusted, Status::pending},
        std::pair{ApprovalMode::all, Status::registered}}) {
    TestSite site(mode);
    TestClient pc{site, keys().self_signed};
    EXPECT_EQ(pc.enrol(site.peer(Door::intranet_http)).status, status);
  }
}

TEST(Registration, ATrustedSigningCertificateOverHttpIsApprovedInModeTrusted) {
  TestSite site(ApprovalMode::trusted);
  TestClient pc{site, keys().pki_client};
  EXPECT_EQ(pc.enrol(site.peer(Door::intranet_http)).approval, Approval::approved);
  TestSite closed(ApprovalMode::manual);
  TestClient other{closed, keys().pki_client};
  EXPECT_EQ(other.enrol(closed.peer(Door::intranet_http)).approval, Approval::pending);
}

TEST(Registration, OnTheIntranetAClientMaySignWithAKeyOfItsOwn) {
  TestSite site(ApprovalMode::manual);
  TestClient pc{site, keys().self_signed};
  EXPECT_EQ(pc.enrol(site.peer(Door::intranet_https, &keys().pki_client)).approval, Approval::not_applicable);
  EXPECT_EQ(site.device(pc.id).tls_fingerprint, keys().pki_client.certificate.fingerprint());
}

TEST(Registration, OnIntranetHttpsWithoutACertificateApprovalDecides) {
  TestSite site(ApprovalMode::manual);
  TestClient pc{site, keys().self_signed};
  EXPECT_EQ(pc.enrol(site.peer(Door::intranet_https)).status, Status::pending);
}

TEST(Registration, OnTheInternetTheSigningKeyMustBeTheTlsKey) {
  TestSite site(ApprovalMode::all);
  TestClient pc{site, keys().self_signed};
  const auto response = site.post(pc.registration_message(pc.registration()),
                                  site.peer(Door::internet_https, &keys().pki_client));
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(site.reason(), "the signing key is not the key of the TLS certificate");
  EXPECT_EQ(site.devices(), 0);
}

TEST(Registration, ThroughTheBridgeTheCertificateInTheRequestIsChecked) {
  TestSite site(ApprovalMode::all);
  const Peer bridge = site.peer(Door::internet_https, &keys().other_client, true);
  TestClient good{site, keys().pki_client};
  EXPECT_EQ(good.enrol(bridge).approval, Approval::not_applicable);
  EXPECT_EQ(site.device(good.id).tls_fingerprint, "");
  for (const pki::Identity* identity : {&keys().self_signed, &keys().foreign_client}) {
    TestClient bad{site, *identity};
    EXPECT_EQ(site.post(bad.registration_message(bad.registration()), bridge).status, 403);
    EXPECT_NE(site.reason().find("certificate in the request refused: untrusted issuer"), std::string::npos)
        << site.reason();
  }
  for (const auto problem :
       {CertificateProblem::revoked, CertificateProblem::crl_unavailable, CertificateProblem::expired}) {
    site.forced = CertificateCheck{problem, "forced"};
    TestClient bad{site, keys().other_client};
    EXPECT_EQ(site.post(bad.registration_message(bad.registration()), bridge).status, 403);
    EXPECT_NE(site.reason().find(to_string(problem)), std::string::npos) << site.reason();
  }
  EXPECT_EQ(site.devices(), 1);
}

TEST(Registration, AMobileDeviceIsNotServedThroughTheBridge) {
  TestSite site(ApprovalMode::all);
  TestClient phone{site, keys().pki_client};
  auto request = phone.registration();
  request.agent_type = 2;
  EXPECT_EQ(site.post(phone.registration_message(request), site.peer(Door::internet_https, &keys().other_client, true)).status, 403);
  EXPECT_NE(site.reason().find("mobile devices are not served through SSL bridging"), std::string::npos) << site.reason();
  EXPECT_EQ(site.devices(), 0);
  EXPECT_EQ(site.post(phone.registration_message(request), site.peer(Door::internet_https, &keys().pki_client)).status, 200);
  EXPECT_EQ(site.devices(), 1);
}

// What the enrollment point noted counts, whatever the device says of itself.
TEST(Registration, WhatWasEnrolledAsAMobileDeviceIsOne) {
  TestSite site(ApprovalMode::all);
  TestClient phone{site, keys().pki_client};
  ASSERT_TRUE(site.store->write([&](store::Repositories& r) {
    return r.enrollments.put({.serial = "01", .name = "phone1.lab.test", .kind = EnrollmentKind::mobile,
                              .key_fingerprint = keys().pki_client.certificate.public_key().fingerprint()});
  }));
  EXPECT_EQ(site.post(phone.registration_message(phone.registration()), site.peer(Door::internet_https, &keys().other_client, true)).status, 403);
  EXPECT_NE(site.reason().find("mobile devices are not served through SSL bridging"), std::string::npos) << site.reason();
  phone.enrol(site.peer(Door::internet_https, &keys().pki_client));
  EXPECT_EQ(site.device(phone.id).connection, ConnectionType::always_internet);
}

TEST(Registration, ARenewedCertificateWithANewKeyIsTheSameClient) {
  TestSite site(ApprovalMode::all);
  TestClient before{site, keys().pki_client};
  before.enrol(site.peer(Door::internet_https, &keys().pki_client));
  TestClient after{site, keys().other_client};
  const auto enroll = [&](const pki::Identity& of, const pki::Identity* replaces) {
    ASSERT_TRUE(site.store->write([&](store::Repositories& r) {
      return r.enrollments.put({.serial = of.certificate.serial(), .name = "pc1.lab.test", .key_fingerprint = of.certificate.public_key().fingerprint(),
                                .replaces_fingerprint = replaces ? replaces->certificate.public_key().fingerprint() : std::string()});
    }));
  };
  enroll(keys().other_client, &keys().pki_client);
  EXPECT_EQ(after.enrol(site.peer(Door::internet_https, &keys().other_client)).client_id, before.id);
  EXPECT_EQ(site.devices(), 1);
  EXPECT_FALSE(site.device(before.id).conflict);
  EXPECT_EQ(site.device(before.id).key_fingerprint, keys().other_client.certificate.public_key().fingerprint());
  // The old key speaks for nobody any more, and a blocked client stays blocked under whatever key.
  EXPECT_EQ(text_of(site.post(before.message("MP_PolicyManager", before.assignments_document()), site.peer(Door::internet_https, &keys().pki_client))), "");
  ASSERT_TRUE(site.store->write([&](store::Repositories& r) -> fp::Status {
    FP_TRY(device, r.devices.find(before.id));
    device.blocked = true;
    return r.devices.put(device);
  }));
  enroll(keys().pki_client, &keys().other_client);
  EXPECT_EQ(before.enrol(site.peer(Door::internet_https, &keys().pki_client)).status, wire::RegistrationReply::Status::rejected);
}

TEST(Registration, TheSameKeyGetsTheSameGuid) {
  TestSite site(ApprovalMode::all);
  TestClient pc{site, keys().self_signed};
  pc.enrol(site.peer(Door::intranet_http));
  const std::string first = pc.id;
  site.clock.advance_s(60);
  pc.name = "RENAMED";
  pc.enrol(site.peer(Door::intranet_http));
  EXPECT_EQ(pc.id, first);
  EXPECT_EQ(site.device(first).name, "RENAMED");
  EXPECT_EQ(site.devices(), 1);
}

TEST(Registration, AKeyWhoseCertificateWasWithdrawnKeepsNothingOfIt) {
  TestSite site(ApprovalMode::manual);
  TestClient pc{site, keys().pki_client};
  pc.enrol(site.peer(Door::intranet_https, &keys().pki_client));
  ASSERT_EQ(site.device(pc.id).approval, Approval::not_applicable);
  site.clock.advance_s(60);
  EXPECT_EQ(pc.enrol(site.peer(Door::intranet_http)).approval, Approval::not_applicable) << "good still, if at another door";
  site.clock.advance_s(60);
  site.forced = CertificateCheck{CertificateProblem::revoked, "revoked"};
  EXPECT_EQ(pc.enrol(site.peer(Door::intranet_http)).status, Status::pending);
  EXPECT_FALSE(site.device(pc.id).pki);
}

TEST(Registration, WhoRegistersAgainCountsAnew) {
  TestSite site(ApprovalMode::all);
  TestClient pc{site, keys().self_signed};
  const Peer http = site.peer(Door::intranet_http);
  pc.enrol(http);
  const auto say = [&](std::int64_t counter, std::int64_t serial) {
    wire::Report report;
    report.header = {.kind = wire::ReportKind::state, .client_id = pc.id};
    report.states.push_back({.client_id = pc.id, .serial = serial, .topic_type = 800, .state_id = 400});
    const auto body = wire::with_freshness(wire::encode_report(report), {.nonce = "00112233445566778899aabbccddeeff",
                                                                         .counter = counter, .sent_at = site.clock.now()});
    return document_of(site.post(pc.message("MP_RelayEndpoint", body), http));
  };
  EXPECT_TRUE(wire::is_receipt(say(17, 5)));
  EXPECT_FALSE(wire::is_receipt(say(1, 1))) << "stale";
  site.clock.advance_s(60);
  pc.enrol(http);  // the agent was installed again, and remembers neither
  EXPECT_TRUE(wire::is_receipt(say(1, 1)));
  EXPECT_EQ(must(site.store->read([&](store::Repositories& r) { return r.states.of_device(pc.id, 9); })).size(), 2U);
}

TEST(Registration, TheSameNameWithAnotherKeyIsAConflictAndNeverATakeover) {
  TestSite site(ApprovalMode::all);
  TestClient pc{site, keys().self_signed}, thief{site, keys().other_self_signed};
  pc.enrol(site.peer(Door::intranet_http));
  const Device before = site.device(pc.id);
  auto request = thief.registration();
  request.client_id = pc.id;
  const auto reply = wire::decode_registration_reply(
      document_of(site.post(thief.registration_message(request), site.peer(Door::intranet_http))));
  ASSERT_TRUE(reply);
  EXPECT_NE(reply->client_id, pc.id);
  EXPECT_TRUE(site.device(reply->client_id).conflict);
  EXPECT_EQ(site.device(pc.id).key_fingerprint, before.key_fingerprint);
  EXPECT_FALSE(site.device(pc.id).conflict);
}

TEST(Registration, AWrongSignatureIsAnsweredEmptyAndChangesNothing) {
  TestSite site(ApprovalMode::all);
  TestClient pc{site, keys().self_signed};
  const Peer from = site.peer(Door::intranet_http);
  std::string signature = pc.sign(to_utf16le(wire::registration_data(pc.registration())));
  signature[7] = signature[7] == '0' ? '1' : '0';
  for (const std::string& bad : {signature, std::string(512, 'A'), std::string("00")}) {
    const auto response = site.post(pc.registration_message(pc.registration(), bad), from);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(text_of(response), "");
    EXPECT_EQ(site.reason(), "the registration's signature does not verify");
  }
  EXPECT_EQ(site.devices(), 0);
}

TEST(Registration, ATimeStampMoreThanFiveMinutesOffIsRefused) {
  TestSite site(ApprovalMode::all);
  TestClient pc{site, keys().self_signed};
  for (const std::int64_t off_s : {-301, 301, -86400}) {
    auto request = pc.registration();
    request.sent_at = site.clock.now().plus_s(off_s);
    const auto response = site.post(pc.registration_message(request), site.peer(Door::intranet_http));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(text_of(response), "");
    EXPECT_NE(site.reason().find("more than 5 minutes off"), std::string::npos);
  }
  EXPECT_EQ(site.devices(), 0);
}

TEST(Registration, AReplayIsAnsweredAgainAndChangesNothing) {
  TestSite site(ApprovalMode::manual);
  TestClient pc{site, keys().self_signed};
  const std::string bytes = pc.registration_message(pc.registration());
  const auto first = site.post(bytes, site.peer(Door::intranet_https, &keys().pki_client));
  const std::string id = wire::decode_registration_reply(document_of(first))->client_id;
  // Somebody else with a certificate of his own sends the same bytes: the pair that was fixed stays.
  const auto second = site.post(bytes, site.peer(Door::intranet_https, &keys().other_client));
  EXPECT_EQ(wire::decode_registration_reply(document_of(second))->client_id, id);
  EXPECT_EQ(site.device(id).tls_fingerprint, keys().pki_client.certificate.fingerprint());
  site.clock.advance_s(301);
  EXPECT_EQ(text_of(site.post(bytes, site.peer(Door::intranet_http))), "");
  EXPECT_EQ(site.devices(), 1);
}

TEST(Registration, AConfirmationTellsHowTheApprovalWent) {
  TestSite site(ApprovalMode::manual);
  TestClient pc{site, keys().self_signed};
  const Peer from = site.peer(Door::intranet_http);
  auto confirm = pc.registration();
  confirm.type = wire::RegistrationRequest::Type::confirmation;
  EXPECT_EQ(
      wire::decode_registration_reply(document_of(site.post(pc.registration_message(confirm), from)))->status,
      Status::reset);
  EXPECT_EQ(site.devices(), 0);
  pc.enrol(from);
  confirm.client_id = pc.id;
  EXPECT_EQ(
      wire::decode_registration_reply(document_of(site.post(pc.registration_message(confirm), from)))->status,
      Status::pending);
  site.change(pc.id, [](Device& d) { d.approval = Approval::approved; });
  EXPECT_EQ(
      wire::decode_registration_reply(document_of(site.post(pc.registration_message(confirm), from)))->status,
      Status::registered);
}

TEST(Registration, ABlockedOrRejectedKeyStaysOut) {
  TestSite site(ApprovalMode::all);
  TestClient pc{site, keys().self_signed};
  pc.enrol(site.peer(Door::intranet_http));
  site.change(pc.id, [](Device& d) { d.blocked = true; });
  site.clock.advance_s(60);
  pc.name = "OTHER";
  EXPECT_EQ(pc.enrol(site.peer(Door::intranet_http)).status, Status::rejected);
  EXPECT_EQ(site.device(pc.id).name, "PC1");
  EXPECT_EQ(site.refusals.size(), 1U);
}

TEST(Registration, MalformedContentsAre400AndChangeNothing) {
  TestSite site(ApprovalMode::all);
  TestClient pc{site, keys().self_signed};
  auto request = pc.registration();
  request.signing_certificate_der = "not a certificate";
  EXPECT_EQ(site.post(pc.registration_message(request, std::string(512, '0')), site.peer(Door::intranet_http))
                .status,
            400);
  EXPECT_EQ(site.post(pc.message("MP_ClientRegistration", "<ClientRegistrationRequest/>", false),
                      site.peer(Door::intranet_http))
                .status,
            400);
  EXPECT_EQ(
      site.post(pc.message("MP_ClientRegistration", "<Clie", false), site.peer(Door::intranet_http)).status,
      400);
  EXPECT_EQ(site.devices(), 0);
}

TEST(Registration, OnTheInternetNobodyComesThatFarWithoutACertificate) {
  TestSite site(ApprovalMode::all);
  TestClient pc{site, keys().pki_client};
  const std::string bytes = pc.registration_message(pc.registration());
  const auto response = site.post(bytes, site.peer(Door::internet_https));
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.reason, "Client certificate required");
  for (const auto problem : {CertificateProblem::expired, CertificateProblem::revoked,
                             CertificateProblem::crl_unavailable, CertificateProblem::untrusted}) {
    Peer from = site.peer(Door::internet_https, &keys().pki_client);
    from.check = {problem, "which one"};
    EXPECT_EQ(site.post(bytes, from).status, 403);
    EXPECT_NE(site.reason().find(to_string(problem)), std::string::npos);
    EXPECT_NE(site.reason().find("which one"), std::string::npos);
  }
  EXPECT_EQ(site.devices(), 0);
}

}  // namespace
}  // namespace fp::mp
