#include "wire/identity.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace fp::wire {
namespace {

const std::string kNul(2, '\0');
constexpr const char* kClient = "GUID:0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9";

TEST(Identity, ReadsTheClientTokenFamily) {
  const std::string token = "GUID:0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9;2026-11-22T14:52:20Z;2";
  const auto identity = decode_identity({{"clienttoken", token}, {"CLIENTTOKENSIGNATURE", "0aFF"}});
  ASSERT_TRUE(identity && *identity);
  const HttpIdentity& i = **identity;
  EXPECT_EQ(i.family, HttpIdentity::Family::client_token);
  EXPECT_EQ(i.client_id, kClient);
  EXPECT_FALSE(i.media);
  EXPECT_EQ(to_iso(i.sent_at), "2026-11-22T14:52:20Z");
  ASSERT_EQ(i.must_verify.size(), 1U);
  EXPECT_EQ(i.must_verify[0].signature, "0aFF");
  EXPECT_EQ(i.must_verify[0].alternatives, (std::vector<std::string>{to_utf16le(token) + kNul, to_utf16le(token)}));
  EXPECT_EQ(i.replay_key, token);
}

TEST(Identity, ReadsBootMediaWithBracesAndAnOddTime) {
  const auto identity = decode_identity(
      {{"ClientToken", "{0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9};2026-11-22T15:01:13+00:00Z"}, {"ClientTokenSignature", "AB"}});
  ASSERT_TRUE(identity && *identity);
  EXPECT_TRUE((*identity)->media);
  EXPECT_EQ((*identity)->client_id, kClient);
  EXPECT_EQ(to_iso((*identity)->sent_at), "2026-11-22T15:01:13Z");
}

TEST(Identity, ReadsTheOlderFamilyInBothSpellings) {
  for (const char* spelling : {"CCMClientTimestampSignature", "CCMClientTimestampsSignature", "ccmclienttimestampssignature"}) {
    const auto identity = decode_identity({{"CCMClientID", kClient},
                                           {"CCMClientIDSignature", "AA"},
                                           {"CCMClientTimestamp", "2026-11-22T14:52:20Z"},
                                           {spelling, "BB"}});
    ASSERT_TRUE(identity && *identity) << spelling;
    const HttpIdentity& i = **identity;
    EXPECT_EQ(i.family, HttpIdentity::Family::ccm_client);
    ASSERT_EQ(i.must_verify.size(), 2U);
    EXPECT_EQ(i.must_verify[0].alternatives[0], to_utf16le(kClient) + kNul);
    EXPECT_EQ(i.must_verify[0].signature, "AA");
    EXPECT_EQ(i.must_verify[1].alternatives[0], to_utf16le("2026-11-22T14:52:20Z") + kNul);
    EXPECT_EQ(i.must_verify[1].signature, "BB");
  }
}

TEST(Identity, NoHeadersAreNoIdentityAndNoError) {
  const auto identity = decode_identity({{"Host", "mp1"}});
  ASSERT_TRUE(identity);
  EXPECT_FALSE(*identity);
}

TEST(Identity, HalfAFamilyOrAMalformedOneIsRefused) {
  const std::string token = std::string(kClient) + ";2026-11-22T14:52:20Z;2";
  const std::vector<HeaderList> wrong = {
      {{"ClientToken", token}},
      {{"ClientToken", token}, {"ClientTokenSignature", "xyz"}},
      {{"ClientToken", token}, {"ClientTokenSignature", std::string(5000, 'A')}},
      {{"ClientToken", kClient}, {"ClientTokenSignature", "AA"}},
      {{"ClientToken", token + ";3;4"}, {"ClientTokenSignature", "AA"}},
      {{"ClientToken", std::string(kClient) + ";yesterday;2"}, {"ClientTokenSignature", "AA"}},
      {{"ClientToken", "GUID:x;2026-11-22T14:52:20Z;2"}, {"ClientTokenSignature", "AA"}},
      {{"ClientToken", std::string(300, 'x')}, {"ClientTokenSignature", "AA"}},
      {{"ClientTokenSignature", "AA"}},
      {{"CCMClientID", kClient}},
      {{"CCMClientID", kClient}, {"CCMClientIDSignature", "AA"}, {"CCMClientTimestamp", "2026-11-22T14:52:20Z"}},
      {{"CCMClientID", kClient}, {"CCMClientTimestamp", "2026-11-22T14:52:20Z"}, {"CCMClientTimestampSignature", "AA"}},
      {{"CCMClientTimestamp", "2026-11-22T14:52:20Z"}},
  };
  for (const auto& headers : wrong) EXPECT_FALSE(decode_identity(headers)) << headers[0].second;
}

TEST(Identity, TheMediaTokenIsSplitOnAnyLineBreak) {
  const std::string id = "{0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9};2026-11-22T14:52:20Z";
  for (const char* end : {"\r\n", "\n", "\r", "\n\n"}) {
    const auto identity = decode_media_token("ClientToken:" + id + end + "ClientTokenSignature:ab" + end);
    ASSERT_TRUE(identity) << identity.error().message;
    EXPECT_EQ(identity->must_verify[0].alternatives[0], to_utf16le(id) + kNul);
    EXPECT_EQ(identity->must_verify[0].signature, "ab");
  }
  EXPECT_FALSE(decode_media_token("ClientToken:" + id));
  EXPECT_FALSE(decode_media_token("ClientTokenSignature:ab"));
  EXPECT_FALSE(decode_media_token(""));
}

TEST(Identity, WhatTheAgentWritesIsReadBack) {
  const Instant now = *parse_time("2026-11-22T14:52:20Z");
  for (const auto family : {HttpIdentity::Family::client_token, HttpIdentity::Family::ccm_client}) {
    const IdentityToSign to_sign(family, kClient, now);
    const auto identity = decode_identity(to_sign.headers({"AA", "BB"}));
    ASSERT_TRUE(identity && *identity);
    EXPECT_EQ((*identity)->family, family);
    EXPECT_EQ((*identity)->client_id, kClient);
    EXPECT_EQ((*identity)->sent_at, now);
    ASSERT_EQ((*identity)->must_verify.size(), to_sign.to_sign().size());
    for (std::size_t i = 0; i < to_sign.to_sign().size(); ++i)
      EXPECT_EQ((*identity)->must_verify[i].alternatives[0], to_sign.to_sign()[i]);
  }
}

TEST(Identity, AMessageWithoutSignatureHasNoProofs) {
  Envelope e;
  EXPECT_FALSE(*decode_proofs(e));
  e.header.auth = ClientAuth{};
  EXPECT_FALSE(*decode_proofs(e));
  e.header.auth->payload_signature = "not hex";  // is there, and verifies for nobody
  ASSERT_TRUE(*decode_proofs(e));
  EXPECT_EQ((*decode_proofs(e))->payload.signature, "not hex");
  e.header.auth->payload_signature = "AB";
  ASSERT_TRUE(*decode_proofs(e));
  EXPECT_FALSE((*decode_proofs(e))->client_id);
}

}  // namespace
}  // namespace fp::wire
