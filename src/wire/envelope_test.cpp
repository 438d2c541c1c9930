#include "wire/envelope.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "wire/identity.hpp"
#include "wire/xml.hpp"
#include "wire/zlib.hpp"

namespace fp::wire {
namespace {

const std::string kNul(2, '\0');
constexpr const char* kClient = "GUID:0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9";

std::string golden(const std::string& name) {
  auto bytes = read_file(Path(FARPOINT_SOURCE_DIR) / "tests/data/wire" / name);
  EXPECT_TRUE(bytes) << name;
  return bytes ? *bytes : std::string();
}

Envelope open_golden(const std::string& name, std::string_view type = kMultipartType) {
  auto envelope = decode_envelope(type, golden(name));
  EXPECT_TRUE(envelope) << name << ": " << envelope.error().message;
  return envelope ? *envelope : Envelope{};
}

// What clients of others do with a reply: split on the literal boundary, take the part whose header is exactly this, inflate
// all of it, decode, throw the last character away.
std::string third_party_body(const std::string& reply, bool compressed = true) {
  const std::string delimiter = "--aAbBcCdDv1234567890VxXyYzZ";
  std::vector<std::string> parts;
  for (std::size_t at = reply.find(delimiter); at != std::string::npos;) {
    const std::size_t begin = at + delimiter.size();
    at = reply.find(delimiter, begin);
    if (at != std::string::npos) parts.push_back(reply.substr(begin, at - begin));
  }
  EXPECT_EQ(parts.size(), 2U);
  const std::string head = "\r\nContent-Type: application/octet-stream\r\n\r\n";
  EXPECT_TRUE(parts[1].starts_with(head));
  EXPECT_TRUE(parts[1].ends_with("\r\n"));
  const std::string content = parts[1].substr(head.size(), parts[1].size() - head.size() - 2);
  std::string plain = content;
  if (compressed) {
    auto inflated = inflate_zlib(content);
    EXPECT_TRUE(inflated);
    plain = inflated.value_or("");
    EXPECT_EQ(deflate_zlib(plain), content) << "something stands behind the stream";
  }
  auto text = from_utf16le(plain);
  EXPECT_TRUE(text);
  EXPECT_EQ(text->back(), '\0');
  return text->substr(0, text->size() - 1);
}

std::string plain_message(std::string_view header, std::string_view second = "x") {
  return encode_multipart("\xFF\xFE" + to_utf16le(header), second);
}
Code header_code(std::string_view header) {
  const auto e = decode_envelope(kMultipartType, plain_message(header));
  return e ? Code::internal : e.error().code;
}

TEST(Multipart, FindsThePartsWhateverSurroundsThem) {
  const std::string type = "multipart/mixed; boundary=xyz";
  for (const std::string& body :
       {std::string("--xyz\r\nA: b\r\n\r\none\r\n--xyz\r\n\r\ntwo\r\n--xyz--"),
        std::string("preamble\r\n--xyz\r\nA: b\r\n\r\none\r\n--xyz \t\r\n\r\ntwo\r\n--xyz--\r\nepilogue"),
        std::string("--xyz\r\nA: b\r\nC: d\r\n\r\none\r\n--xyz\r\nE: f\r\n\r\ntwo\r\n--xyz--\r\n")}) {
    const auto parts = parse_multipart(type, body);
    ASSERT_TRUE(parts) << parts.error().message;
    ASSERT_EQ(parts->size(), 2U);
    EXPECT_EQ((*parts)[0], "one");
    EXPECT_EQ((*parts)[1], "two");
  }
}

TEST(Multipart, TakesTheBoundaryQuotedOrNot) {
  const std::string body = "--b\r\n\r\n1\r\n--b--";
  for (const char* type : {"multipart/mixed; boundary=b", "multipart/mixed; boundary=\"b\"",
                           "Multipart/Related;charset=x; BOUNDARY=\"b\" ", "multipart/form-data;boundary=b"})
    EXPECT_TRUE(parse_multipart(type, body)) << type;
  for (const char* type :
       {"", "text/plain; boundary=b", "multipart/mixed", "multipart/mixed; boundary=", "multipart/mixed; boundary=\"\""})
    EXPECT_FALSE(parse_multipart(type, body)) << type;
  EXPECT_FALSE(parse_multipart("multipart/mixed; boundary=" + std::string(71, 'b'), body));
}

TEST(Multipart, StripsExactlyOneLineBreak) {
  const auto parts = parse_multipart("multipart/mixed; boundary=b", "--b\r\n\r\none\r\n\r\n--b\r\n\r\n\r\n--b--");
  ASSERT_TRUE(parts);
  EXPECT_EQ((*parts)[0], "one\r\n");
  EXPECT_EQ((*parts)[1], "");
}

TEST(Multipart, ABoundaryInsideTheBytesIsNoDelimiter) {
  const std::string inside = "x--b\r\n y\r\n--bz\r\n\n--b--";
  const std::string body = "--b\r\n\r\n" + inside + "\r\n--b--";
  const auto parts = parse_multipart("multipart/mixed; boundary=b", body);
  ASSERT_TRUE(parts);
  EXPECT_EQ((*parts)[0], inside);
}

TEST(Multipart, BrokenOnesAreRefused) {
  for (const char* body : {"", "--b", "--b\r\n", "--b\r\n\r\n", "--b\r\n\r\none", "--b\r\nno blank line\r\n--b--", "one"})
    EXPECT_FALSE(parse_multipart("multipart/mixed; boundary=b", body)) << body;
  std::string many;
  for (int i = 0; i < 100; ++i) many += "--b\r\n\r\nx\r\n";
  EXPECT_EQ(parse_multipart("multipart/mixed; boundary=b", many + "--b--").error().code, Code::too_large);
}

TEST(Envelope, ReadsARegistrationAsToolsSendIt) {
  const Envelope e = open_golden("registration.bin");
  EXPECT_EQ(e.header.endpoint, endpoint::kRegistration);
  EXPECT_EQ(e.header.id, "5DD100CD-DF1D-45F5-BA17-A327F43465F8");
  EXPECT_EQ(e.header.source_id, "");
  EXPECT_EQ(e.header.source_host, "PC1");
  EXPECT_EQ(e.header.reply_compression, "zlib");
  EXPECT_TRUE(e.header.compressed);
  EXPECT_FALSE(e.header.auth);
  EXPECT_FALSE(e.header.async);
  EXPECT_EQ(to_iso(*e.header.sent_at), "2026-11-22T14:52:20Z");
  const auto documents = open_documents(e);
  ASSERT_TRUE(documents) << documents.error().message;
  ASSERT_EQ(documents->all.size(), 1U);
  EXPECT_TRUE(documents->body().starts_with("<ClientRegistrationRequest><Data "));
  EXPECT_TRUE(documents->body().ends_with("</ClientRegistrationRequest>"));
}

TEST(Envelope, ThePayloadIsTheWireBytesOfTheSecondPart) {
  const Envelope e = open_golden("policy.bin");
  const std::string bytes = golden("policy.bin");
  const std::string head = "content-type: application/octet-stream\r\n\r\n";
  const std::size_t at = bytes.find(head) + head.size();
  EXPECT_EQ(e.payload, bytes.substr(at, bytes.rfind("\r\n--aAbB") - at));
  const auto proofs = decode_proofs(e);
  ASSERT_TRUE(proofs && *proofs);
  EXPECT_EQ((*proofs)->payload.alternatives, std::vector<std::string>{e.payload});
  EXPECT_EQ((*proofs)->payload.signature.size(), 512U);
  ASSERT_TRUE((*proofs)->client_id);
  EXPECT_EQ((*proofs)->client_id->alternatives[0], client_id_bytes(kClient));
  EXPECT_EQ(e.header.auth->capabilities, "NonSSL");
  EXPECT_EQ(e.header.auth->hash_algorithm, "1.2.840.113549.1.1.11");
  EXPECT_EQ(e.header.source_id, kClient);
}

TEST(Envelope, ReadsBootMediaWithFormDataAndTokenAndWrongLength) {
  const Envelope e = open_golden("policy-media.bin", "multipart/form-data; boundary=7d1f00c3a5e94b6d8f3c");
  EXPECT_EQ(e.header.id, "");
  EXPECT_EQ(e.header.source_id, kClient);
  EXPECT_EQ(e.header.reply_compression, "");
  ASSERT_TRUE(e.header.auth);
  EXPECT_EQ(e.header.auth->payload_signature, "");
  EXPECT_FALSE(*decode_proofs(e));
  const auto identity = decode_media_token(e.header.auth->token);
  ASSERT_TRUE(identity) << identity.error().message;
  EXPECT_TRUE(identity->media);
  EXPECT_EQ(identity->client_id, kClient);
  EXPECT_EQ(to_iso(identity->sent_at), "2026-11-22T15:01:13Z");
  const auto documents = open_documents(e);
  ASSERT_TRUE(documents) << documents.error().message;
  EXPECT_TRUE(documents->body().ends_with("</RequestAssignments>"));
}

TEST(Envelope, ReadsAHeaderWithLineBreaksAroundItAndNoEndpoint) {
  const Envelope e = open_golden("siteinfo.bin");
  EXPECT_EQ(e.header.endpoint, endpoint::kLocation);
  EXPECT_EQ(e.header.target_endpoint, "MP_LocationManager");
  EXPECT_EQ(e.header.auth->capabilities, "NonSSL");
  EXPECT_EQ(open_documents(e)->body(),
            "<SiteInformationRequest SchemaVersion=\"1.00\"><SiteCode Name=\"LAB\"/></SiteInformationRequest>");
}

TEST(Envelope, ReadsAnUncompressedBodyWithTwoNuls) {
  const Envelope e = open_golden("contentlocation.bin");
  EXPECT_FALSE(e.header.compressed);
  EXPECT_EQ(e.header.endpoint, endpoint::kLocation);
  EXPECT_EQ(e.header.source_id, "");
  const auto documents = open_documents(e);
  ASSERT_TRUE(documents) << documents.error().message;
  EXPECT_TRUE(documents->body().ends_with("</ContentLocationRequest>"));
  EXPECT_NE(documents->body().find("\xC3\xA9\xC3\xA8 \xF0\x9F\x98\x80"), std::string::npos);
}

TEST(Envelope, ReadsTwoReportsFromOneBody) {
  const Envelope e = open_golden("ddr.bin");
  EXPECT_TRUE(e.header.async);
  ASSERT_EQ(e.header.attachments.size(), 2U);
  const auto documents = open_documents(e);
  ASSERT_TRUE(documents) << documents.error().message;
  ASSERT_EQ(documents->all.size(), 2U);
  EXPECT_EQ(documents->main, 1U);
  for (const auto& text : documents->all) {
    EXPECT_TRUE(text.starts_with("<Report>"));
    EXPECT_TRUE(text.ends_with("</Report>"));
  }
  EXPECT_NE(documents->all[0].find("CCM_ComputerSystem"), std::string::npos);
  EXPECT_NE(documents->body().find("SMS_Authority"), std::string::npos);
}

TEST(Envelope, TheEndpointComesFromTheAddressWhereItIsMissing) {
  for (const auto& [address, expected] :
       std::vector<std::pair<std::string, std::string>>{{"mp:MP_PolicyManager", "mp_policymanager"},
                                                        {"mp:[http]MP_LocationManager", "mp_locationmanager"},
                                                        {"raw:httpsync:HOST:MP_LocationManager", "mp_locationmanager"}}) {
    const auto e = decode_envelope(kMultipartType, plain_message("<Msg><TargetAddress>" + address + "</TargetAddress></Msg>"));
    ASSERT_TRUE(e) << e.error().message;
    EXPECT_EQ(e->header.endpoint, expected);
  }
}

TEST(Envelope, IdsAgainstTheirGrammarAreRefused) {
  const auto with = [](const std::string& inside) {
    return header_code("<Msg><TargetEndpoint>MP_LocationManager</TargetEndpoint>" + inside + "</Msg>");
  };
  EXPECT_EQ(with(""), Code::internal);
  EXPECT_EQ(with("<SourceID>GUID:{0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9}</SourceID>"), Code::internal);
  EXPECT_EQ(with("<SourceID>GUID:0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9' OR 1=1 --</SourceID>"), Code::invalid);
  EXPECT_EQ(with("<SourceID>x</SourceID>"), Code::invalid);
  EXPECT_EQ(with("<ID>not a guid</ID>"), Code::invalid);
  EXPECT_EQ(with("<ID>" + std::string(65, 'a') + "</ID>"), Code::invalid);
  EXPECT_EQ(with("<SourceHost>" + std::string(2000, 'a') + "</SourceHost>"), Code::too_large);
  EXPECT_EQ(header_code("<Msg><TargetEndpoint>MP_Location;Manager</TargetEndpoint></Msg>"), Code::invalid);
  EXPECT_EQ(header_code("<Msg/>"), Code::invalid);
  EXPECT_EQ(header_code("<Message/>"), Code::invalid);
  EXPECT_EQ(header_code("<!DOCTYPE Msg><Msg/>"), Code::invalid);
}

TEST(Envelope, OnePartIsNotEnough) {
  EXPECT_EQ(decode_envelope("multipart/mixed; boundary=b", "--b\r\n\r\n<Msg/>\r\n--b--").error().code, Code::invalid);
}

Result<Documents> open_plain(const std::string& ranges, const std::string& payload, const std::string& hooks = "") {
  auto e = decode_envelope(
      kMultipartType,
      plain_message("<Msg><TargetEndpoint>MP_X</TargetEndpoint>" + ranges + "<Hooks>" + hooks + "</Hooks></Msg>", payload));
  if (!e) return std::unexpected(e.error());
  return open_documents(*e);
}

TEST(Envelope, RangesNeverReachOutsideTheBody) {
  const std::string text = to_utf16le("<a/>") + kNul + "\r\n";
  EXPECT_EQ(open_plain("", text)->body(), "<a/>");
  EXPECT_EQ(open_plain("<Body Offset='0' Length='99999999999'/>", text)->body(), "<a/>");
  EXPECT_EQ(open_plain("<Body Offset='0' Length='9223372036854775807'/>", text)->body(), "<a/>");
  EXPECT_EQ(open_plain("<Body Offset='0' Length='9'/>", text)->body(), "<a/>");
  EXPECT_EQ(open_plain("<Body Offset='12' Length='2'/>", text).error().code, Code::invalid);
  EXPECT_EQ(open_plain("<Body Offset='9223372036854775807' Length='9223372036854775807'/>", text).error().code, Code::invalid);
  EXPECT_EQ(open_plain("<Body Offset='-1' Length='2'/>", text).error().code, Code::invalid);
  EXPECT_EQ(open_plain("<Body Offset='18446744073709551615' Length='2'/>", text).error().code, Code::invalid);
  EXPECT_EQ(open_plain("<Body Offset='x' Length='2'/>", text).error().code, Code::invalid);
  EXPECT_EQ(open_plain("<Attachment Offset='500' Length='1'/><Body Offset='0' Length='10'/>", text).error().code, Code::invalid);
}

TEST(Envelope, RangesThatOverlapAreCutWhereTheNextBegins) {
  const std::string text = to_utf16le("<a/>") + kNul + "\r\n" + to_utf16le("<b/>") + kNul;
  const auto documents =
      open_plain("<Attachment Offset='0' Length='22'/><Attachment Offset='0' Length='9'/><Body Offset='12' Length='10'/>", text);
  ASSERT_TRUE(documents) << documents.error().message;
  EXPECT_EQ(documents->all, (std::vector<std::string>{"<a/>", "<b/>"}));
  EXPECT_EQ(documents->main, 1U);
}

TEST(Envelope, BombsAndBrokenBodiesAreRefused) {
  const std::string hook = "<Hook3 Name='zlib-compress'/>";
  EXPECT_EQ(open_plain("", deflate_zlib(std::string(limits::kInflatedBytesMax + 1, 'x')), hook).error().code, Code::too_large);
  EXPECT_EQ(open_plain("", "not zlib", hook).error().code, Code::invalid);
  EXPECT_EQ(open_plain("", deflate_zlib("abcdef").substr(0, 9), hook).error().code, Code::invalid);
  std::string lone = to_utf16le("<a>x</a>");
  lone[7] = '\xD8';
  EXPECT_EQ(open_plain("", lone).error().code, Code::invalid);
  EXPECT_EQ(open_plain("", "\xC3<a/>").error().code, Code::invalid);
  std::string many;
  for (int i = 0; i < 20; ++i) many += "<Attachment Offset='" + std::to_string(i) + "' Length='1'/>";
  EXPECT_EQ(open_plain(many, "abcdefghijklmnopqrstuvwxyz").error().code, Code::too_large);
}

TEST(Envelope, AUtf8BodyIsTakenToo) {
  EXPECT_EQ(open_plain("", std::string("<a>\xC3\xA9</a>\0\r\n", 12))->body(), "<a>\xC3\xA9</a>");
}

TEST(Reply, IsWhatClientsOfOthersCanRead) {
  const Envelope request = open_golden("siteinfo.bin");  // without ReplyCompression: still compressed
  const std::string xml = "<SiteInfoReply>\xC3\xA9</SiteInfoReply>";
  const std::string reply =
      encode_reply(request.header, xml, {"mp1.lab.test", "11111111-2222-3333-4444-555555555555", {1'800'000'000'000}});
  EXPECT_TRUE(reply.starts_with("--aAbBcCdDv1234567890VxXyYzZ\r\nContent-Type: text/plain; charset=UTF-16\r\n\r\n\xFF\xFE<"));
  EXPECT_TRUE(reply.ends_with("\r\n--aAbBcCdDv1234567890VxXyYzZ--\r\n"));
  EXPECT_EQ(third_party_body(reply), xml);
}

TEST(Reply, WithoutCompressionIsGoldenToTheByte) {
  Envelope request = open_golden("registration.bin");
  request.header.reply_compression = "none";
  const std::string xml =
      "<ClientRegistrationResponse ResponseType=\"Registration\" TimeStamp=\"2026-11-22T14:52:21Z\" Status=\"0\" "
      "SMSID=\"GUID:0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9\" ApprovalStatus=\"3\"/>";
  const std::string reply = encode_reply(
      request.header, xml, {"mp1.lab.test", "11111111-2222-3333-4444-555555555555", *parse_time("2026-11-22T14:52:21Z")});
  EXPECT_EQ(reply, golden("reply.bin"));
  EXPECT_EQ(third_party_body(reply, false), xml);
}

TEST(Zlib, TextsOfEverySizeOpenToWhatTheyWere) {
  for (const std::size_t size : {0U, 1U, 1023U, 1024U, 1025U, 8192U, 8193U, 300'000U}) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<char>(i * 7 + i / 251));
    const auto packed = deflate_zlib(text);
    const auto opened = inflate_zlib(packed, size);
    ASSERT_TRUE(opened) << size << ": " << opened.error().message;
    EXPECT_TRUE(*opened == text) << size;
    for (const std::size_t cut : {std::size_t{1}, packed.size() / 2})
      EXPECT_FALSE(inflate_zlib(std::string_view(packed).substr(0, packed.size() - cut), size)) << size;
    if (size > 0) {
      EXPECT_FALSE(inflate_zlib(packed, size - 1)) << size;
    }
  }
}

TEST(Reply, IsReadBackByTheAgent) {
  const Envelope request = open_golden("policy.bin");
  const auto reply = decode_reply(kMultipartType, encode_reply(request.header, "<X a=\"\xC3\xA9\"/>", {"mp1", "ID", {}}));
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->document, "<X a=\"\xC3\xA9\"/>");
  EXPECT_EQ(reply->header.correlation_id, request.header.id);
  EXPECT_EQ(reply->header.target_address, "direct:PC1:SccmMessaging");
  EXPECT_EQ(decode_reply(kMultipartType, "").error().code, Code::unavailable);
}

TEST(Request, IsReadBackByTheServer) {
  MessageHeader h;
  h.id = "5DD100CD-DF1D-45F5-BA17-A327F43465F8";
  h.source_id = kClient;
  h.source_host = "pc1";
  h.target_endpoint = "MP_HinvEndpoint";
  h.target_host = "mp1.lab.test";
  h.async = true;
  h.sent_at = Instant{1'800'000'000'000};
  h.reply_compression = "zlib";
  h.auth = ClientAuth{"pc1", "", "AA", "BB", "SSL", "1.2.840.113549.1.1.11", ""};
  h.reply_capabilities = {{"AllowRegistrationReset", "direct:pc1:ClientRegistration"}};
  for (const bool compress : {true, false}) {
    const Payload payload = make_payload({"<Report>1</Report>", "<Report>\xC3\xA9</Report>"}, compress);
    const auto e = decode_envelope(kMultipartType, encode_request(h, payload));
    ASSERT_TRUE(e) << e.error().message;
    EXPECT_EQ(e->payload, payload.bytes);
    EXPECT_EQ(e->header.endpoint, endpoint::kHardware);
    EXPECT_EQ(e->header.source_id, kClient);
    EXPECT_EQ(e->header.sent_at, h.sent_at);
    EXPECT_EQ(e->header.auth->payload_signature, "BB");
    EXPECT_EQ(e->header.auth->client_id_signature, "AA");
    EXPECT_EQ(e->header.reply_to, "direct:pc1:SccmMessaging");
    EXPECT_EQ(e->header.compressed, compress);
    EXPECT_TRUE(e->header.async);
    const auto documents = open_documents(*e);
    ASSERT_TRUE(documents) << documents.error().message;
    EXPECT_EQ(documents->all, (std::vector<std::string>{"<Report>1</Report>", "<Report>\xC3\xA9</Report>"}));
    EXPECT_EQ(documents->main, 1U);
  }
}

TEST(Request, OneDocumentHasTheLengthAndTailOfEveryClient) {
  const Payload payload = make_payload({"<a/>"}, false);
  EXPECT_EQ(payload.bytes, to_utf16le("<a/>") + kNul + "\r\n");
  EXPECT_EQ(payload.body.offset, 0U);
  EXPECT_EQ(payload.body.length, 10U);
  EXPECT_TRUE(payload.attachments.empty());
}

TEST(Freshness, StandsOnTheRootAndIsReadBack) {
  const Freshness f{"00112233445566778899AABBCCDDEEFF", 42, {1'800'000'000'123}};
  for (const char* text : {"<A/>", "<A b=\"1\"><B/></A>", "<?xml version=\"1.0\"?><!-- <x> --><A></A>"}) {
    const std::string stamped = with_freshness(text, f);
    const auto back = decode_freshness(stamped);
    ASSERT_TRUE(back && *back) << stamped;
    EXPECT_EQ((*back)->nonce, f.nonce);
    EXPECT_EQ((*back)->counter, 42);
    EXPECT_EQ((*back)->sent_at, f.sent_at);
    EXPECT_FALSE(*decode_freshness(text));
  }
}

TEST(Freshness, HalfOfItIsRefused) {
  const std::string good = "FPNonce='00112233445566778899AABBCCDDEEFF' ", time = "FPTime='2026-11-22T14:52:20Z' ";
  EXPECT_TRUE(decode_freshness("<A " + good + time + "FPCounter='1'/>"));
  for (const std::string& attributes :
       {good, time, std::string("FPCounter='1'"), good + time, good + "FPCounter='1'", good + time + "FPCounter='0'",
        good + time + "FPCounter='-5'", time + "FPCounter='1' FPNonce='zz'", time + "FPCounter='1' FPNonce='0011'"})
    EXPECT_EQ(decode_freshness("<A " + attributes + "/>").error().code, Code::invalid) << attributes;
}

}  // namespace
}  // namespace fp::wire
