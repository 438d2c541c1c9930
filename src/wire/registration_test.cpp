#include "wire/registration.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "wire/envelope.hpp"

namespace fp::wire {
namespace {

constexpr const char* kClient = "GUID:0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9";

std::string golden(const std::string& name) {
  auto bytes = read_file(Path(FARPOINT_SOURCE_DIR) / "tests/data/wire" / name);
  EXPECT_TRUE(bytes) << name;
  return bytes ? *bytes : std::string();
}

std::string document(std::string data, const std::string& signature = "AABB") { return encode_registration(data, signature); }

RegistrationRequest sample() {
  RegistrationRequest r;
  r.sent_at = *parse_time("2026-11-22T14:52:20Z");
  r.agent_version = "0.1.0";
  r.signing_certificate_der = r.encryption_certificate_der = "\x30\x82\x01\x02";
  r.netbios_name = "PC1";
  r.fqdn = "pc1.lab.test";
  r.internet = true;
  r.properties = {{"Locale ID", "2057"}, {"Odd \"name\" & more", "<\xC3\xA9>"}};
  return r;
}

TEST(Registration, TheSignatureCoversTheLiteralDataText) {
  const auto envelope = decode_envelope(kMultipartType, golden("registration.bin"));
  ASSERT_TRUE(envelope);
  const auto documents = open_documents(*envelope);
  ASSERT_TRUE(documents);
  const auto r = decode_registration(documents->body());
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->signed_bytes, golden("registration.data"));
  EXPECT_EQ(r->signature.size(), 512U);
  EXPECT_EQ(r->type, RegistrationRequest::Type::registration);
  EXPECT_EQ(r->client_id, "");
  EXPECT_EQ(r->netbios_name, "pc1");
  EXPECT_EQ(r->fqdn, "pc1.lab.test");
  EXPECT_FALSE(r->internet);
  EXPECT_EQ(r->agent_identity, "CCMSetup.exe");
  EXPECT_EQ(r->agent_version, "5.00.8325.0000");
  EXPECT_EQ(to_iso(r->sent_at), "2026-11-22T14:52:20Z");
  EXPECT_EQ(hex(r->signing_certificate_der).substr(0, 10), "30820102AB");
  EXPECT_EQ(r->encryption_certificate_der, r->signing_certificate_der);
  EXPECT_EQ(r->properties.at("Locale ID"), "2057");
}

TEST(Registration, WhatTheAgentWritesIsReadBack) {
  RegistrationRequest sent = sample();
  sent.client_id = kClient;
  sent.type = RegistrationRequest::Type::confirmation;
  const std::string data = registration_data(sent);
  const auto r = decode_registration(document(data));
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->signed_bytes, to_utf16le(data));
  EXPECT_EQ(r->signature, "AABB");
  EXPECT_EQ(r->type, sent.type);
  EXPECT_EQ(r->client_id, kClient);
  EXPECT_EQ(r->sent_at, sent.sent_at);
  EXPECT_EQ(r->signing_certificate_der, sent.signing_certificate_der);
  EXPECT_EQ(r->netbios_name, "PC1");
  EXPECT_TRUE(r->internet);
  EXPECT_EQ(r->properties.at("Odd \"name\" & more"), "<\xC3\xA9>");
}

TEST(Registration, ValuesOutsideTheSignedTextAreNotRead) {
  const std::string data = registration_data(sample());
  // A second Data element makes the signed text two roots; one hidden in a comment moves where the signed text begins.
  EXPECT_FALSE(decode_registration("<ClientRegistrationRequest>" + data + data +
                                   "<Signature><SignatureValue>AA</SignatureValue></Signature></ClientRegistrationRequest>"));
  EXPECT_FALSE(decode_registration("<ClientRegistrationRequest><!--<Data>-->" + data +
                                   "<Signature><SignatureValue>AA</SignatureValue></Signature></ClientRegistrationRequest>"));
}

TEST(Registration, OddNamesAreKeptAndBrokenOnesRefused) {
  RegistrationRequest odd = sample();
  odd.netbios_name = "LAB\\test$";
  EXPECT_EQ(decode_registration(document(registration_data(odd)))->netbios_name, "LAB\\test$");
  odd.netbios_name = "a\nb";
  EXPECT_FALSE(decode_registration(document(registration_data(odd))));
  odd.netbios_name = std::string(300, 'x');
  EXPECT_EQ(decode_registration(document(registration_data(odd))).error().code, Code::too_large);
}

TEST(Registration, MalformedOnesAreRefused) {
  const std::string good = registration_data(sample());
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string data = good;
    const auto at = data.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return document(data.replace(at, from.size(), to));
  };
  EXPECT_TRUE(decode_registration(document(good)));
  EXPECT_FALSE(decode_registration(changed("SMSID=\"\"", "SMSID=\"GUID:1' OR\"")));
  EXPECT_FALSE(decode_registration(changed("RequestType=\"Registration\"", "RequestType=\"Takeover\"")));
  EXPECT_FALSE(decode_registration(changed("2026-11-22T14:52:20Z", "soon")));
  EXPECT_FALSE(decode_registration(changed("30820102</Signing>", "3082010</Signing>")));
  EXPECT_FALSE(decode_registration(changed("30820102</Signing>", "</Signing>")));
  for (const char* nothing : {"", "not hex"}) EXPECT_EQ(decode_registration(document(good, nothing))->signature, "");
  EXPECT_FALSE(decode_registration("<ClientRegistrationRequest/>"));
  EXPECT_FALSE(decode_registration("</Data><Data>"));
  EXPECT_FALSE(decode_registration(""));
  RegistrationRequest big = sample();
  big.signing_certificate_der = std::string(limits::kCertificateBytesMax + 1, 'x');
  EXPECT_EQ(decode_registration(document(registration_data(big))).error().code, Code::too_large);
  RegistrationRequest many = sample();
  for (std::size_t i = 0; i <= limits::kPropertiesMax; ++i) many.properties["p" + std::to_string(i)] = "v";
  EXPECT_EQ(decode_registration(document(registration_data(many))).error().code, Code::too_large);
}

TEST(RegistrationReply, IsSpelledAsClientsMatchIt) {
  RegistrationReply reply;
  reply.sent_at = *parse_time("2026-11-22T14:52:20Z");
  reply.client_id = kClient;
  reply.approval = Approval::approved;
  EXPECT_EQ(encode_registration_reply(reply),
            "<ClientRegistrationResponse ResponseType=\"Registration\" TimeStamp=\"2026-11-22T14:52:20Z\" Status=\"0\" "
            "SMSID=\"GUID:0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9\" ApprovalStatus=\"3\"/>");
}

TEST(RegistrationReply, IsReadBackByTheAgent) {
  for (const auto status : {RegistrationReply::Status::registered, RegistrationReply::Status::pending,
                            RegistrationReply::Status::reset, RegistrationReply::Status::rejected}) {
    RegistrationReply reply{
        RegistrationRequest::Type::confirmation, status, {1'800'000'000'000}, kClient, Approval::not_applicable};
    if (status == RegistrationReply::Status::rejected) reply.client_id.clear();
    const auto back = decode_registration_reply(encode_registration_reply(reply));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->status, status);
    EXPECT_EQ(back->type, reply.type);
    EXPECT_EQ(back->client_id, reply.client_id);
    EXPECT_EQ(back->approval, Approval::not_applicable);
  }
  EXPECT_FALSE(decode_registration_reply("<ClientRegistrationResponse Status=\"9\"/>"));
  EXPECT_FALSE(decode_registration_reply("<ClientRegistrationResponse/>"));
  EXPECT_FALSE(decode_registration_reply("<Other Status=\"0\"/>"));
  EXPECT_FALSE(decode_registration_reply("<ClientRegistrationResponse Status=\"0\" SMSID=\"x\"/>"));
}

}  // namespace
}  // namespace fp::wire
