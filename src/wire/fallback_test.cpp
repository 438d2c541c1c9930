#include "wire/fallback.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "wire/envelope.hpp"
#include "wire/state_names.hpp"

namespace fp::wire {
namespace {

constexpr const char* kClient = "GUID:0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9";
// Golden bytes: what agents of this version write.
constexpr const char* kGolden =
    R"(<StateMessage MessageTime="20261122145311.000000+000"><Site SiteCode="FP1"/>)"
    R"(<Sender ID="GUID:0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9" IDType="0" IDFlag="Insecure"/><Topic ID="" Type="1000" IDType="0"/>)"
    R"(<State ID="2" Criticality="1"/><UserParameters Flags="0" Count="2"><Param>https://mp.example.test:443</Param>)"
    R"(<Param>TLS expired</Param></UserParameters><StateDetails Type="Xml"><![CDATA[<ClientIdentity><FQDN>pc1.corp.test</FQDN>)"
    R"(<Detail>its certificate is expired</Detail></ClientIdentity>]]></StateDetails></StateMessage>)";

FallbackMessage sample() {
  FallbackMessage m;
  m.site_code = "FP1";
  m.client_id = kClient;
  m.name = "pc1.corp.test";
  m.topic_type = 1000;
  m.state_id = 2;
  m.criticality = 1;
  m.parameters = {"https://mp.example.test:443", "TLS expired"};
  m.details = "its certificate is expired";
  m.sent_at = *parse_time("2026-11-22T14:53:11Z");
  return m;
}

Code refused(std::string_view body, std::string_view type = kFallbackType) {
  const auto decoded = decode_fallback(type, body);
  EXPECT_FALSE(decoded) << body.substr(0, 200);
  return decoded ? Code::internal : decoded.error().code;
}

std::string states(std::size_t count) {
  std::string text = "<Report><ReportBody>";
  for (std::size_t n = 0; n < count; ++n) text += R"(<StateMessage><Topic Type="800"/><State ID="100"/></StateMessage>)";
  return text + "</ReportBody></Report>";
}

}  // namespace

TEST(Fallback, OurOwnMessageHasTheGoldenBytesAndIsReadBack) {
  EXPECT_EQ(encode_fallback(sample()), kGolden);
  const auto read = decode_fallback(kFallbackType, kGolden);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 1U);
  const auto& m = read->front();
  EXPECT_EQ(m.site_code, "FP1");
  EXPECT_EQ(m.client_id, kClient);
  EXPECT_EQ(m.name, "pc1.corp.test");
  EXPECT_EQ(m.topic_type, 1000);
  EXPECT_EQ(m.state_id, 2);
  EXPECT_EQ(m.parameters, sample().parameters);
  EXPECT_EQ(m.details, "its certificate is expired");
  EXPECT_EQ(m.sent_at, sample().sent_at);
}

TEST(Fallback, ClientsOfOthersMayHaveNoIdNoSiteAndUtf16) {
  const std::string text = R"(<?xml version="1.0"?><StateMessage MessageTime="20261122145311.000000+000"><Site SiteCode=""/>)"
                           R"(<Sender ID="00:11:22:33:44:55" IDType="3" IDFlag="Insecure"/><Topic ID="x" Type="800" IDType="1"/>)"
                           R"(<State ID="315" Criticality="0"/><StateDetails Type="String"><![CDATA[no certificate]]></StateDetails></StateMessage>)";
  for (const auto& body : {text, "\xFF\xFE" + to_utf16le(text)}) {
    const auto read = decode_fallback("text/xml", body);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_TRUE(read->front().client_id.empty() && read->front().site_code.empty() && read->front().parameters.empty());
    EXPECT_EQ(read->front().sender, "00:11:22:33:44:55");
    EXPECT_EQ(read->front().details, "no certificate");
    EXPECT_EQ(state_name(read->front().topic_type, read->front().state_id), "failed: no client certificate could be had");
  }
}

TEST(Fallback, AReportOfSeveralStatesAndAMultipartAreRead) {
  const auto report = decode_fallback("text/xml", states(3));
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report->size(), 3U);
  EXPECT_EQ(report->at(2).part, 2);
  MessageHeader header;
  header.id = "0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9";
  header.source_id = kClient;
  header.target_address = "mp:MP_RelayEndpoint";
  header.target_endpoint = "MP_RelayEndpoint";
  const auto multipart = decode_fallback(kMultipartType, encode_request(header, make_payload({states(1)})));
  ASSERT_TRUE(multipart) << multipart.error().message;
  EXPECT_EQ(multipart->front().client_id, kClient);
}

TEST(Fallback, WhatIsNoStateMessageIsRefused) {
  EXPECT_EQ(refused(""), Code::invalid);
  EXPECT_EQ(refused("hello"), Code::invalid);
  EXPECT_EQ(refused("<Other/>"), Code::invalid);
  EXPECT_EQ(refused(states(0)), Code::invalid);
  EXPECT_EQ(refused("<StateMessage/>"), Code::invalid);
  EXPECT_EQ(refused(R"(<StateMessage><Site SiteCode="'; --"/><Topic Type="800"/><State ID="100"/></StateMessage>)"), Code::invalid);
  EXPECT_EQ(refused(R"(<!DOCTYPE x [<!ENTITY a "b">]><StateMessage><Topic Type="800"/><State ID="100"/></StateMessage>)"), Code::invalid);
  EXPECT_EQ(refused("\x01\x02\x03", kMultipartType), Code::invalid);
}

TEST(Fallback, EveryLimitIsHeld) {
  EXPECT_EQ(refused(std::string(limits::kFallbackBodyBytesMax + 1, ' ')), Code::too_large);
  EXPECT_TRUE(decode_fallback("text/xml", states(limits::kFallbackStatesMax)));
  EXPECT_EQ(refused(states(limits::kFallbackStatesMax + 1)), Code::too_large);
  const auto with = [](const std::string& inside) {
    return R"(<StateMessage><Topic Type="800"/><State ID="100"/>)" + inside + "</StateMessage>";
  };
  std::string many;
  for (std::size_t n = 0; n <= limits::kFallbackParametersMax; ++n) many += "<Param>p</Param>";
  EXPECT_EQ(refused(with("<UserParameters>" + many + "</UserParameters>")), Code::too_large);
  const std::string longer(limits::kFallbackTextBytesMax + 1, 'x');
  EXPECT_EQ(refused(with("<UserParameters><Param>" + longer + "</Param></UserParameters>")), Code::too_large);
  EXPECT_EQ(refused(with("<StateDetails Type=\"String\">" + longer + "</StateDetails>")), Code::too_large);
  std::string deep;
  for (int n = 0; n < 40; ++n) deep += "<a>";
  EXPECT_EQ(refused(with(deep)), Code::too_large);
}

TEST(Fallback, NothingThatATerminalWouldObeyIsLeft) {
  const auto read = decode_fallback("text/xml", "<StateMessage><Topic Type=\"800\"/><State ID=\"100\"/><UserParameters><Param>a\xC2\x9B"
                                                "31mb\xE2\x80\xAE"
                                                "c\nd</Param></UserParameters></StateMessage>");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->front().parameters.front(), "a 31mb c d");
}

TEST(Fallback, ASealedMessageIsOneSequenceOfTheRightType) {
  const std::string shape = std::string("\x30\x03\x02\x01\x05", 5);
  EXPECT_TRUE(is_sealed_fallback(kSealedFallbackType, shape));
  EXPECT_TRUE(is_sealed_fallback("application/pkcs7-mime", "\x30\x81\x80" + std::string(128, 'x')));
  EXPECT_FALSE(is_sealed_fallback("text/xml", shape));
  EXPECT_FALSE(is_sealed_fallback(kSealedFallbackType, shape + "x"));
  EXPECT_FALSE(is_sealed_fallback(kSealedFallbackType, std::string("\x30\x80\x00\x00", 4)));
  EXPECT_FALSE(is_sealed_fallback(kSealedFallbackType, std::string("\x30\x85\x01\x01\x01\x01\x01", 7)));
  EXPECT_FALSE(is_sealed_fallback(kSealedFallbackType, ""));
}

TEST(StateNames, KnowTheStatesOfDeploymentAssignmentCertificateAndCommunication) {
  EXPECT_EQ(topic_name(800), "client deployment");
  EXPECT_EQ(state_name(800, 700), "assignment succeeded");
  EXPECT_EQ(state_name(1000, 2), "cannot reach a management point");
  EXPECT_EQ(state_name(1001, 1), "has its certificate");
  EXPECT_EQ(topic_name(4711), "topic 4711");
  EXPECT_EQ(state_name(800, 999), "state 999");
  EXPECT_TRUE(is_failure(800, 603) && is_failure(1000, 2) && is_failure(1001, 2));
  EXPECT_FALSE(is_failure(800, 500) || is_failure(1000, 1) || is_failure(4711, 2));
}

}  // namespace fp::wire
