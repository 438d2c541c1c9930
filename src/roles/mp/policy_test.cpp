#include "base/limits.hpp"
#include "crypto/cms.hpp"
#include "crypto/hash.hpp"
#include "roles/mp/test_site.hpp"

namespace fp::mp {
namespace {

const Keys& keys() { return Keys::shared(); }
constexpr const char* kPlain = "10000000-2222-3333-4444-555555555555";
constexpr const char* kSecret = "20000000-2222-3333-4444-555555555555";
constexpr const char* kElsewhere = "30000000-2222-3333-4444-555555555555";

std::string body_xml(const std::string& id) {
  return "<Policy PolicyID=\"{" + id + "}\" PolicyType=\"Machine\" PolicyVersion=\"1.00\"/>";
}

class PolicyTest : public testing::Test {
 protected:
  PolicyTest() {
    pc.enrol(http);
    EXPECT_TRUE(site.store->write([&](store::Repositories& r) -> Status {
      FP_CHECK(
          r.collections.put({.id = "LAB00010", .name = "Nobody", .comment = {}, .limiting_id = kAllSystems}));
      FP_CHECK(put(r, kPlain, 0, kAllSystems));
      FP_CHECK(put(r, kSecret, policy_flag::kSecret | policy_flag::kRequiresAuth, kAllSystems));
      return put(r, kElsewhere, policy_flag::kSecret, "LAB00010");
    }));
  }
  Status put(store::Repositories& r, const std::string& id, unsigned flags, const std::string& collection,
             std::string version = "1.00") {
    const std::string xml = body_xml(id);
    return r.policies.put({.id = id,
                           .version = std::move(version),
                           .category = flags ? "NAAConfig" : "ClientSettings",
                           .flags = flags,
                           .body = xml,
                           .hash = hex(crypto::sha256(wire::policy_body_bytes(xml))),
                           .signature = "sig",
                           .source_id = id},
                          {collection});
  }
  std::string url(const std::string& id) { return "/SMS_MP/.sms_pol?%7B" + id + "%7D.1_00"; }

  TestSite site{ApprovalMode::all};
  Peer http = site.peer(Door::intranet_http);
  TestClient pc{site, keys().self_signed};
};

TEST_F(PolicyTest, AFullRequestNamesEverythingThatIsForTheDevice) {
  const auto reply = pc.assignments(http);
  EXPECT_FALSE(reply.delta);
  ASSERT_EQ(reply.assignments.size(), 2U);
  EXPECT_EQ(reply.assignments[0].location,
            "http://<mp>/SMS_MP/.sms_pol?{10000000-2222-3333-4444-555555555555}.1_00");
  EXPECT_EQ(reply.assignments[1].flags, 6U);
  EXPECT_EQ(reply.site_code, "LAB");
}

TEST_F(PolicyTest, ACookieGetsWhatChangedSince) {
  const Instant cookie = must(parse_time(pc.assignments(http).cookie));
  const auto same = pc.assignments(http, cookie);
  EXPECT_TRUE(same.delta);
  EXPECT_TRUE(same.assignments.empty());
  ASSERT_TRUE(site.store->write([&](store::Repositories& r) -> Status {
    FP_CHECK(put(r, kPlain, 0, kAllSystems, "2.00"));
    return r.policies.remove(kSecret);
  }));
  const auto delta = pc.assignments(http, cookie);
  EXPECT_TRUE(delta.delta);
  ASSERT_EQ(delta.assignments.size(), 1U);
  EXPECT_EQ(delta.assignments[0].version, "2.00");
  EXPECT_EQ(delta.tombstones, std::vector<std::string>{kSecret});
}

// A device that polls again with nothing new, until its answer comes from memory.
class PollTest : public PolicyTest {
 protected:
  PollTest() {
    cookie = must(parse_time(pc.assignments(http).cookie));
    same = pc.message("MP_PolicyManager", pc.assignments_document(cookie));
    (void)site.post(same, http);
    // The note of the last contact is committed by and by; a write that waits comes after it.
    EXPECT_TRUE(site.store->write([](store::Repositories&) { return Status{}; }));
    (void)site.post(same, http);
    site.answered_at_once = 0;
    (void)site.post(same, http);
    EXPECT_EQ(site.answered_at_once, 1);
    site.answered_at_once = 0;
  }
  wire::ReceivedAssignments poll() {
    return must(wire::decode_assignment_reply(document_of(site.post(same, http))));
  }
  Instant cookie;
  std::string same;
};

TEST_F(PollTest, NothingNewIsAnsweredFromMemoryAsTheStoreWouldAnswer) {
  const auto remembered = poll();
  EXPECT_EQ(site.answered_at_once, 1);
  EXPECT_TRUE(remembered.delta);
  EXPECT_TRUE(remembered.assignments.empty());
  EXPECT_EQ(must(parse_time(remembered.cookie)), cookie);
  site.restart();
  const auto read = poll();
  EXPECT_EQ(site.answered_at_once, 1);
  EXPECT_EQ(read.cookie, remembered.cookie);
}

TEST_F(PollTest, ABlockIsSeenByTheNextRequest) {
  site.change(pc.id, [](Device& d) { d.blocked = true; });
  EXPECT_EQ(text_of(site.post(same, http)), "");
  EXPECT_NE(site.reason().find("blocked"), std::string::npos);
  site.change(pc.id, [](Device& d) { d.blocked = false; });
  EXPECT_TRUE(poll().delta);
}

TEST_F(PollTest, ARemovedDeviceIsUnknownToTheNextRequest) {
  ASSERT_TRUE(site.store->write([&](store::Repositories& r) { return r.devices.remove(pc.id); }));
  EXPECT_EQ(text_of(site.post(same, http)), "");
  EXPECT_NE(site.reason().find("unknown client"), std::string::npos);
}

TEST_F(PollTest, AChangedPolicyIsInTheNextAnswer) {
  ASSERT_TRUE(site.store->write([&](store::Repositories& r) { return put(r, kPlain, 0, kAllSystems, "2.00"); }));
  const auto delta = poll();
  ASSERT_EQ(delta.assignments.size(), 1U);
  EXPECT_EQ(delta.assignments[0].version, "2.00");
}

TEST_F(PollTest, AnotherKeyOfTheDeviceIsAskedForByTheNextRequest) {
  site.change(pc.id, [](Device& d) {
    d.key_fingerprint = keys().other_self_signed.certificate.public_key().fingerprint();
    d.signing_certificate_der = keys().other_self_signed.certificate.der();
  });
  EXPECT_EQ(text_of(site.post(same, http)), "");
  EXPECT_NE(site.reason().find("does not verify"), std::string::npos);
}

TEST_F(PollTest, MemoryAnswersNobodyWhoDoesNotProveTheKey) {
  TestClient thief{site, keys().other_self_signed, "PC1", pc.id};
  EXPECT_EQ(text_of(site.post(thief.message("MP_PolicyManager", thief.assignments_document(cookie)), http)), "");
  EXPECT_EQ(text_of(site.post(pc.message("MP_PolicyManager", pc.assignments_document(cookie), false), http)), "");
  Peer bare = site.peer(Door::internet_https);
  bare.check = {CertificateProblem::missing, "no certificate"};
  bare.fingerprint.clear();
  bare.certificate_der.clear();
  EXPECT_EQ(site.post(same, bare).status, 403);
  EXPECT_EQ(site.answered_at_once, 0);
}

TEST_F(PollTest, AFullRequestAndADueContactGoToTheStore) {
  EXPECT_EQ(pc.assignments(http).assignments.size(), 2U);
  EXPECT_EQ(site.answered_at_once, 0);
  site.clock.advance_s(11 * 60);
  EXPECT_TRUE(poll().delta);
  EXPECT_EQ(site.answered_at_once, 0);
  site.change(pc.id, [](Device&) {});  // behind it in the queue of writes
  EXPECT_EQ(site.device(pc.id).last_policy_at, site.clock.now());
}

TEST_F(PolicyTest, ACookieFromBeforeForgottenTombstonesGetsEverything) {
  const Instant cookie = must(parse_time(pc.assignments(http).cookie));
  ASSERT_TRUE(site.store->write([&](store::Repositories& r) -> Status {
    FP_CHECK(r.policies.remove(kSecret));
    FP_TRY(forgotten, r.site.forget_older({.tombstones = r.change.plus_ms(1)}, 100));
    EXPECT_GT(forgotten.tombstones, 0);
    return {};
  }));
  const auto reply = pc.assignments(http, cookie);
  EXPECT_FALSE(reply.delta);
  EXPECT_EQ(reply.assignments.size(), 1U);
}

TEST_F(PolicyTest, ACookieThatWeNeverGaveMeansEverything) {
  const auto reply = pc.assignments(http, site.clock.now().plus_s(86400LL * 365));
  EXPECT_FALSE(reply.delta);
  EXPECT_EQ(reply.assignments.size(), 2U);
}

TEST_F(PolicyTest, AnHonestRetryOfTheSameBytesIsAnsweredAgain) {
  const std::string bytes = pc.message("MP_PolicyManager", pc.assignments_document());
  for (int i = 0; i < 3; ++i) EXPECT_NE(document_of(site.post(bytes, http)), "");
}

TEST_F(PolicyTest, PendingBlockedUnknownAndBadlySignedAreAnsweredEmpty) {
  const auto refused = [&](const std::string& bytes, std::string_view why) {
    const auto response = site.post(bytes, http);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(text_of(response), "");
    EXPECT_NE(site.reason().find(why), std::string::npos) << site.reason();
  };
  const std::string good = pc.message("MP_PolicyManager", pc.assignments_document());
  site.change(pc.id, [](Device& d) { d.approval = Approval::pending; });
  refused(good, "not approved");
  site.change(pc.id, [](Device& d) { d.approval = Approval::rejected; });
  refused(good, "rejected");
  site.change(pc.id, [](Device& d) {
    d.approval = Approval::approved;
    d.blocked = true;
  });
  refused(good, "blocked");
  site.change(pc.id, [](Device& d) { d.blocked = false; });
  TestClient thief{site, keys().other_self_signed, "PC1", pc.id};
  refused(thief.message("MP_PolicyManager", thief.assignments_document()), "does not verify");
  refused(pc.message("MP_PolicyManager", pc.assignments_document(), false), "not signed");
  TestClient nobody{site, keys().self_signed, "PC1", "GUID:99999999-2222-3333-4444-555555555555"};
  refused(nobody.message("MP_PolicyManager", nobody.assignments_document()), "unknown client");
  EXPECT_EQ(site.device(pc.id).last_policy_at, Instant{});
}

TEST_F(PolicyTest, TheBodyMayOnlyAskForTheSigner) {
  TestClient other{site, keys().other_self_signed, "PC2"};
  other.enrol(http);
  const auto response = site.post(pc.message("MP_PolicyManager", other.assignments_document()), http);
  EXPECT_EQ(text_of(response), "");
  EXPECT_NE(site.reason().find("the body asks for"), std::string::npos);
}

TEST_F(PolicyTest, AChangedPayloadDoesNotVerify) {
  std::string bytes = pc.message("MP_PolicyManager", pc.assignments_document());
  const std::size_t at = bytes.find("octet-stream");
  bytes[at + 40] ^= 1;
  EXPECT_EQ(text_of(site.post(bytes, http)), "");
  EXPECT_FALSE(site.refusals.empty());
}

TEST_F(PolicyTest, APlainBodyIsUtf16XmlForAnybodyAtThisDoor) {
  const auto response = site.get(url(kPlain), http);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(header_of(response, "Content-Type"), "text/xml");
  EXPECT_EQ(text_of(response), "\xFF\xFE" + to_utf16le(body_xml(kPlain)));
  const auto again = site.get("/sms_mp/.SMS_POL?{" + std::string(kPlain) + "}.1_00", http,
                              {{"If-None-Match", header_of(response, "ETag")}});
  EXPECT_EQ(again.status, 304);
  const auto head = site.get(url(kPlain), http, {}, "HEAD");
  EXPECT_EQ(head.head_length, static_cast<std::int64_t>(text_of(response).size()));
  EXPECT_TRUE(head.body.empty());
  const auto by_hash = site.get(
      "/SMS_MP/.sms_pol?{" + std::string(kPlain) + "}.SHA256:" + hex(crypto::sha256(text_of(response))),
      http);
  EXPECT_EQ(by_hash.status, 200);
}

TEST_F(PolicyTest, ASecretBodyWithoutHeadersIsAPageThatStartsWithHtmlInCapitals) {
  const auto response = site.get(url(kSecret), http);
  EXPECT_EQ(response.status, 403);
  EXPECT_TRUE(text_of(response).starts_with("<HTML>"));
}

TEST_F(PolicyTest, ASecretBodyIsSealedToTheRegisteredCertificateInBothHeaderFamilies) {
  for (const auto family :
       {wire::HttpIdentity::Family::client_token, wire::HttpIdentity::Family::ccm_client}) {
    site.clock.advance_s(2);
    const auto response = site.get(url(kSecret), http, pc.identity_headers(family));
    ASSERT_EQ(response.status, 200) << site.reason();
    const auto plain =
        crypto::open(text_of(response), keys().self_signed.key, keys().self_signed.certificate.der());
    ASSERT_TRUE(plain);
    EXPECT_EQ(*plain, wire::sealed_plain_text(body_xml(kSecret)));
  }
}

TEST_F(PolicyTest, TheOldEnvelopeOnlyBySetting) {
  site.settings.legacy_cms = true;
  site.restart();
  const std::string sealed = text_of(site.get(url(kSecret), http, pc.identity_headers()));
  EXPECT_NE(sealed.find("\x2A\x86\x48\x86\xF7\x0D\x03\x07"), std::string::npos);  // des-ede3-cbc
}

TEST_F(PolicyTest, ATokenIsGoodForItsSecondAndNeverAgain) {
  const auto headers = pc.identity_headers();
  EXPECT_EQ(site.get(url(kSecret), http, headers).status, 200);
  EXPECT_EQ(site.get(url(kSecret), http, headers).status, 200);
  site.clock.advance_s(2);
  EXPECT_EQ(site.get(url(kSecret), http, headers).status, 403);
  EXPECT_EQ(site.reason(), "identity headers were used before");
  site.restart();
  EXPECT_EQ(site.get(url(kSecret), http, headers).status, 403);
}

TEST_F(PolicyTest, ATokenMoreThanFiveMinutesOffIsRefused) {
  const auto headers = pc.identity_headers();
  site.clock.advance_s(301);
  EXPECT_EQ(site.get(url(kSecret), http, headers).status, 403);
  EXPECT_NE(site.reason().find("more than 5 minutes off"), std::string::npos);
}

TEST_F(PolicyTest, ForeignForgedOrForbiddenCallersGetNoSecret) {
  TestClient thief{site, keys().other_self_signed, "PC1", pc.id};
  EXPECT_EQ(site.get(url(kSecret), http, thief.identity_headers()).status, 403);
  EXPECT_NE(site.reason().find("does not verify"), std::string::npos);
  EXPECT_EQ(site.get(url(kElsewhere), http, pc.identity_headers()).status, 403);
  EXPECT_NE(site.reason().find("is not for"), std::string::npos);
  site.clock.advance_s(2);
  site.change(pc.id, [](Device& d) { d.blocked = true; });
  const auto response = site.get(url(kSecret), http, pc.identity_headers());
  EXPECT_EQ(response.status, 403);
  EXPECT_TRUE(text_of(response).starts_with("<HTML>"));
  EXPECT_EQ(site.get(url(kSecret), http, {{"ClientToken", "GUID:" + std::string(kPlain) + ";x;2"}}).status,
            403);
}

TEST_F(PolicyTest, OnTheInternetTheKeyOfTheHeadersIsTheTlsKey) {
  const Peer other = site.peer(Door::internet_https, &keys().other_client);
  EXPECT_EQ(site.get(url(kSecret), other, pc.identity_headers()).status, 403);
  EXPECT_EQ(site.get(url(kPlain), site.peer(Door::internet_https)).status, 403);
  EXPECT_EQ(site.get(url(kPlain), other).status, 200);
}

TEST_F(PolicyTest, WhatIsNotThereIs404AndWhatIsNoPolicyIdIs400) {
  EXPECT_EQ(site.get("/SMS_MP/.sms_pol?{99999999-2222-3333-4444-555555555555}.1_00", http).status, 404);
  EXPECT_EQ(site.get(url(kPlain) + "1", http).status, 404);
  EXPECT_EQ(site.get("/SMS_MP/.sms_pol?' or 1=1 --", http).status, 400);
  EXPECT_EQ(site.get("/SMS_MP/.sms_pol", http).status, 400);
}

TEST_F(PolicyTest, ResyncOrdersRideOnTheReply) {
  site.change(pc.id, [](Device& d) { d.hardware_resync = d.state_resync = true; });
  EXPECT_EQ(pc.assignments(http).resync, (std::vector<std::string>{"hardware", "state"}));
}

TEST_F(PolicyTest, OnTheIntranetThePairOfRegistrationIsRequired) {
  TestClient own{site, keys().other_self_signed, "PC5"};
  const Peer registered = site.peer(Door::intranet_https, &keys().pki_client);
  own.enrol(registered);
  EXPECT_EQ(own.assignments(registered).assignments.size(), 2U);
  const std::string bytes = own.message("MP_PolicyManager", own.assignments_document());
  EXPECT_EQ(site.post(bytes, site.peer(Door::intranet_https, &keys().other_client)).status, 403);
  EXPECT_EQ(site.post(bytes, site.peer(Door::intranet_https)).status, 403);
}

}  // namespace
}  // namespace fp::mp
