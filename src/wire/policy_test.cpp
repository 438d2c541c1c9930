#include "wire/policy.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/text.hpp"
#include "wire/envelope.hpp"
#include "wire/policy_body.hpp"
#include "wire/xml.hpp"
#include "wire/zlib.hpp"

namespace fp::wire {
namespace {

constexpr const char* kClient = "GUID:0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9";
constexpr const char* kPolicy = "11111111-2222-3333-4444-555555555555";

AssignmentReply sample_reply() {
  AssignmentReply reply;
  reply.client_id = kClient;
  reply.fqdn = "pc1.lab.test";
  reply.netbios_name = "pc1";
  reply.site_code = "LAB";
  reply.cookie = *parse_time("2026-01-01 00:00:00.007");
  PolicyAssignment assignment;
  assignment.policy.id = kPolicy;
  assignment.policy.version = "1.00";
  assignment.policy.category = "NAAConfig";
  assignment.policy.flags = 6;
  assignment.policy.hash = std::string(64, 'A');
  assignment.policy.signature = "\x01\xFF";
  reply.assignments.push_back(assignment);
  return reply;
}

TEST(Assignments, ReadsTheRequestAsToolsSendIt) {
  auto bytes = read_file(Path(FARPOINT_SOURCE_DIR) / "tests/data/wire/policy.bin");
  ASSERT_TRUE(bytes);
  const auto envelope = decode_envelope(kMultipartType, *bytes);
  ASSERT_TRUE(envelope);
  const auto documents = open_documents(*envelope);
  ASSERT_TRUE(documents);
  const auto r = decode_assignment_request(documents->body());
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->wanted, AssignmentsWanted::always);
  EXPECT_FALSE(r->acknowledge);
  EXPECT_EQ(r->client_id, kClient);
  EXPECT_EQ(r->fqdn, "pc1.lab.test");
  EXPECT_EQ(r->policy_source, "SMS:PRI");
  EXPECT_FALSE(r->user);
  EXPECT_FALSE(r->since);
}

TEST(Assignments, RequestsAreReadBack) {
  AssignmentRequest sent;
  sent.wanted = AssignmentsWanted::delta;
  sent.client_id = kClient;
  sent.fqdn = "pc1.lab.test";
  sent.netbios_name = "pc1";
  sent.crc = sent.acknowledge = sent.user = true;
  sent.since = Instant{1'800'000'000'123};
  const auto r = decode_assignment_request(encode_assignment_request(sent));
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->wanted, sent.wanted);
  EXPECT_EQ(r->since, sent.since);
  EXPECT_EQ(r->client_id, kClient);
  EXPECT_TRUE(r->crc && r->acknowledge && r->user);
}

TEST(Assignments, MalformedRequestsAreRefused) {
  const auto with = [](const std::string& type, const std::string& client) {
    return decode_assignment_request(
        "<RequestAssignments ACK=\"False\" RequestType=\"" + type + "\"><Identification><Machine><ClientID>" + client +
        "</ClientID></Machine></Identification><ServerCookie>never</ServerCookie></RequestAssignments>");
  };
  ASSERT_TRUE(with("full", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"));
  EXPECT_EQ(with("full", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9")->client_id, kClient);
  EXPECT_FALSE(with("Full", kClient)->since);
  EXPECT_FALSE(with("Some", kClient));
  EXPECT_FALSE(with("Full", ""));
  EXPECT_FALSE(with("Full", "GUID:x"));
  EXPECT_FALSE(decode_assignment_request("<Report/>"));
}

TEST(Assignments, TheReplyHasTheShapeThatClientsImpose) {
  AssignmentReply reply = sample_reply();
  PolicyAssignment gone;
  gone.policy.id = "99999999-2222-3333-4444-555555555555";
  gone.tombstone = true;
  reply.assignments.push_back(gone);
  reply.delta = true;
  EXPECT_EQ(
      encode_assignment_reply(reply),
      "<ReplyAssignments SchemaVersion=\"1.00\" ReplyType=\"Delta\"><Identification><Machine>"
      "<ClientID>GUID:0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9</ClientID><FQDN>pc1.lab.test</FQDN><NetBIOSName>pc1</NetBIOSName><SID/"
      ">"
      "</Machine><User/></Identification><PolicySource>SMS:LAB</PolicySource><Resource ResourceType=\"Machine\"/>"
      "<ServerCookie>2026-01-01 00:00:00.007</ServerCookie>"
      "<PolicyAssignment PolicyAssignmentID=\"{11111111-2222-3333-4444-555555555555}\">"
      "<Policy PolicyID=\"{11111111-2222-3333-4444-555555555555}\" PolicyVersion=\"1.00\" PolicyType=\"Machine\" "
      "PolicyCategory=\"NAAConfig\" PolicyFlags=\"6\"><PolicyLocation PolicyHash=\"SHA256:"
      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\">"
      "<![CDATA[http://<mp>/SMS_MP/.sms_pol?{11111111-2222-3333-4444-555555555555}.1_00]]></PolicyLocation></Policy>"
      "<Signature><Reference><SignatureAlgorithm>1.2.840.113549.1.1.11</SignatureAlgorithm><SignatureValue>01FF</SignatureValue>"
      "</Reference></Signature></PolicyAssignment>"
      "<TombstonedAssignment PolicyAssignmentID=\"{99999999-2222-3333-4444-555555555555}\" "
      "PolicyID=\"{99999999-2222-3333-4444-555555555555}\"/></ReplyAssignments>");
}

// A regular expression of a tool: the category, then the next CDATA that begins with http, then <mp>.
TEST(Assignments, ATextSearchFindsTheUrlBehindItsCategory) {
  const std::string xml = encode_assignment_reply(sample_reply());
  const auto category = xml.find("PolicyCategory=\"NAAConfig\"");
  const auto cdata = xml.find("<![CDATA[http://<mp>", category);
  ASSERT_NE(cdata, std::string::npos);
  const auto begin = cdata + 20;
  EXPECT_EQ(xml.substr(begin, xml.find(']', begin) - begin), "/SMS_MP/.sms_pol?{11111111-2222-3333-4444-555555555555}.1_00");
}

TEST(Assignments, EveryPolicyElementHasALocationAsItsFirstChild) {
  auto parsed = XmlDocument::parse(encode_assignment_reply(sample_reply()));
  ASSERT_TRUE(parsed);
  for (const XmlNode& assignment : parsed->root().children("PolicyAssignment"))
    for (const XmlNode& policy : assignment.children("Policy")) {
      ASSERT_FALSE(policy.children().empty());
      EXPECT_EQ(policy.children()[0].name(), "PolicyLocation");
    }
}

TEST(Assignments, RepliesAreReadBack) {
  AssignmentReply sent = sample_reply();
  PolicyAssignment gone;
  gone.policy.id = kPolicy;
  gone.tombstone = true;
  sent.assignments.push_back(gone);
  sent.delta = true;
  const auto r = decode_assignment_reply(encode_assignment_reply(sent));
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_TRUE(r->delta);
  EXPECT_EQ(r->client_id, kClient);
  EXPECT_EQ(r->site_code, "LAB");
  EXPECT_EQ(r->cookie, "2026-01-01 00:00:00.007");
  ASSERT_EQ(r->assignments.size(), 1U);
  EXPECT_EQ(r->assignments[0].policy_id, kPolicy);
  EXPECT_EQ(r->assignments[0].version, "1.00");
  EXPECT_EQ(r->assignments[0].category, "NAAConfig");
  EXPECT_EQ(r->assignments[0].flags, 6U);
  EXPECT_EQ(r->assignments[0].hash, std::string(64, 'A'));
  EXPECT_EQ(r->assignments[0].signature, "\x01\xFF");
  EXPECT_EQ(r->assignments[0].location, "http://<mp>/SMS_MP/.sms_pol?{11111111-2222-3333-4444-555555555555}.1_00");
  EXPECT_EQ(r->tombstones, std::vector<std::string>{kPolicy});
}

TEST(Assignments, MalformedRepliesAreRefused) {
  const std::string good = encode_assignment_reply(sample_reply());
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"PolicyFlags=\"6\"", "PolicyFlags=\"-1\""},
                                                        {"PolicyFlags=\"6\"", "PolicyFlags=\"99999999\""},
                                                        {"PolicyVersion=\"1.00\"", "PolicyVersion=\"../x\""},
                                                        {"SHA256:AA", "SHA1:AAAA"},
                                                        {"SHA256:AA", "SHA256:A"},
                                                        {">01FF<", ">01F<"},
                                                        {"SMS:LAB", "SMS:LABS"},
                                                        {"PolicyID=\"{1", "PolicyID=\"{1/../"},
                                                        {"NAAConfig", "NAA/Config"}}) {
    std::string bad = good;
    const auto at = bad.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    EXPECT_FALSE(decode_assignment_reply(bad.replace(at, from.size(), to))) << to;
  }
}

TEST(PolicyQuery, TakesEveryFormThatIsInUse) {
  for (const char* text : {"{11111111-2222-3333-4444-555555555555}.1_00", "%7B11111111-2222-3333-4444-555555555555%7D.1_00",
                           "%7b11111111-2222-3333-4444-555555555555%7d.1_00", "11111111-2222-3333-4444-555555555555.1.00",
                           "{11111111-2222-3333-4444-555555555555}.1_00&x=y"}) {
    const auto q = parse_policy_query(text);
    ASSERT_TRUE(q) << text;
    EXPECT_EQ(q->id, kPolicy);
    EXPECT_EQ(q->version, "1.00");
  }
  const auto deployment = parse_policy_query("DEP-LAB20001-lab00002-6F6BCC28.2_00");
  ASSERT_TRUE(deployment);
  EXPECT_EQ(deployment->id, "DEP-LAB20001-LAB00002-6F6BCC28");
  EXPECT_EQ(deployment->version, "2.00");
  const auto hashed = parse_policy_query("{11111111-2222-3333-4444-555555555555}.sha256:" + std::string(64, 'a'));
  ASSERT_TRUE(hashed);
  EXPECT_EQ(hashed->sha256, std::string(64, 'A'));
  EXPECT_EQ(hashed->version, "");
}

TEST(PolicyQuery, RefusesTheRest) {
  for (const std::string& text :
       {std::string(), std::string("."), std::string("{11111111-2222-3333-4444-555555555555}"),
        std::string("{11111111-2222-3333-4444-555555555555}."), std::string("{11111111-2222-3333-4444-555555555555}.x"),
        std::string("{11111111-2222-3333-4444-555555555555}.SHA256:AB"), std::string("a/b.1_00"), std::string("a'b.1_00"),
        std::string("%00.1_00"), std::string("%7.1_00"), std::string("..1"), std::string("a._1"), std::string("{}.1_00"),
        std::string(600, 'a') + ".1_00", std::string(101, 'a') + ".1_00", std::string("a.11111111111111111111")})
    EXPECT_FALSE(parse_policy_query(text)) << text;
}

TEST(PolicyLocation, IsResolvedAgainstTheManagementPoint) {
  EXPECT_EQ(*resolve_policy_location(policy_location(kPolicy, "1.00"), "https://mp1.lab.test:8443/"),
            "https://mp1.lab.test:8443/SMS_MP/.sms_pol?%7B11111111-2222-3333-4444-555555555555%7D.1_00");
  EXPECT_FALSE(
      resolve_policy_location("http://evil.test/SMS_MP/.sms_pol?{11111111-2222-3333-4444-555555555555}.1_00", "https://mp1"));
  EXPECT_FALSE(resolve_policy_location("http://<mp>/other", "https://mp1"));
  EXPECT_FALSE(resolve_policy_location("http://<mp>/SMS_MP/.sms_pol?../../x", "https://mp1"));
}

TEST(AssignmentSignature, CoversIdVersionCategoryFlagsAndHash) {
  EXPECT_EQ(assignment_signing_text("aaaaaaaa-2222-3333-4444-555555555555", "1.00", "NAAConfig", 6, std::string(64, 'a')),
            "farpoint-assignment-v1\nAAAAAAAA-2222-3333-4444-555555555555\n1.00\nNAAConfig\n6\n" + std::string(64, 'A') + "\n");
}

PolicyBody sample_body() {
  PolicyBody body;
  body.id = kPolicy;
  body.version = "1.00";
  body.source = "SMS:LAB";
  body.instances = {
      {"CCM_NetworkAccessAccount", {{"NetworkAccessUsername", "8913", cim::kString, true}, {"Flags", "1", cim::kUint32}}},
      {"FP_Deployment", {{"Document", "{\"a\":\"<b>]]>&\"}"}}}};
  return body;
}

TEST(PolicyBody, HasTheShapeThatToolsRead) {
  EXPECT_EQ(encode_policy_body(sample_body()),
            "<Policy PolicyID=\"{11111111-2222-3333-4444-555555555555}\" PolicyType=\"Machine\" PolicyVersion=\"1.00\" "
            "PolicySource=\"SMS:LAB\" SchemaVersion=\"1.00\"><PolicyRule PolicyRuleID=\"{11111111-2222-3333-4444-555555555555}\">"
            "<PolicyAction PolicyActionType=\"WMI-XML\"><instance class=\"CCM_NetworkAccessAccount\">"
            "<property name=\"NetworkAccessUsername\" type=\"8\" secret=\"1\"><value><![CDATA[8913]]></value></property>"
            "<property name=\"Flags\" type=\"19\"><value><![CDATA[1]]></value></property></instance>"
            "<instance class=\"FP_Deployment\"><property name=\"Document\" type=\"8\">"
            "<value><![CDATA[{\"a\":\"<b>]]]]><![CDATA[>&\"}]]></value></property></instance>"
            "</PolicyAction></PolicyRule></Policy>");
}

TEST(PolicyBody, IsReadBackFromEveryForm) {
  const std::string xml = encode_policy_body(sample_body());
  const std::string wrapped = wrap_collection_settings(xml);
  for (const std::string& bytes :
       {xml, policy_body_bytes(xml), sealed_plain_text(xml), wrapped, policy_body_bytes(wrapped), sealed_plain_text(wrapped)}) {
    const auto body = decode_policy_body(bytes);
    ASSERT_TRUE(body) << body.error().message;
    EXPECT_EQ(body->id, kPolicy);
    EXPECT_EQ(body->source, "SMS:LAB");
    ASSERT_EQ(body->instances.size(), 2U);
    EXPECT_TRUE(body->instances[0].properties[0].secret);
    EXPECT_EQ(body->instances[0].properties[1].type, cim::kUint32);
    EXPECT_EQ(body->instances[1].value("document"), "{\"a\":\"<b>]]>&\"}");
    EXPECT_EQ(body->instances[1].value("none"), "");
  }
}

TEST(PolicyBody, CollectionSettingsUnwrapAsToolsDoIt) {
  const std::string xml = encode_policy_body(sample_body());
  auto parsed = XmlDocument::parse(wrap_collection_settings(xml));
  ASSERT_TRUE(parsed);
  const auto packed = unhex(parsed->root().text());
  ASSERT_TRUE(packed);
  EXPECT_EQ(*from_utf16le(*inflate_zlib(*packed)), xml);
}

TEST(PolicyBody, TheHashedBytesAreUtf16WithBomAndTheSealedOnesEndInOneNul) {
  EXPECT_EQ(policy_body_bytes("<a/>"), "\xFF\xFE" + to_utf16le("<a/>"));
  EXPECT_EQ(sealed_plain_text("<a/>"), policy_body_bytes("<a/>") + std::string(2, '\0'));
  const std::string sealed = sealed_plain_text("<a/>");
  EXPECT_EQ(without_sealing_nul(sealed), policy_body_bytes("<a/>"));
  EXPECT_EQ(without_sealing_nul("<a/>"), "<a/>");
}

TEST(PolicyBody, MalformedOnesAreRefused) {
  EXPECT_FALSE(decode_policy_body(""));
  EXPECT_FALSE(decode_policy_body("<Other><x/></Other>"));
  EXPECT_FALSE(decode_policy_body("<CollectionSettings>zz</CollectionSettings>"));
  EXPECT_FALSE(decode_policy_body("<CollectionSettings>AABB</CollectionSettings>"));
  EXPECT_FALSE(
      decode_policy_body("<Policy><PolicyRule><PolicyAction><instance class=\"a b\"/></PolicyAction></PolicyRule></Policy>"));
  EXPECT_FALSE(
      decode_policy_body("<Policy><PolicyRule><PolicyAction><instance class=\"a\"><property "
                         "name=\"\"/></instance></PolicyAction></PolicyRule></Policy>"));
  const std::string bomb = "<CollectionSettings>" + hex(deflate_zlib(std::string(17U << 20, 'x'))) + "</CollectionSettings>";
  EXPECT_EQ(decode_policy_body(bomb).error().code, Code::too_large);
}

}  // namespace
}  // namespace fp::wire
