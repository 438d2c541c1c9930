// What is wrong with a message before anybody asks what it says: shape, size, encoding, endpoint, verb, path
// (wire.md §16).
#include "base/limits.hpp"
#include "roles/mp/test_site.hpp"
#include "wire/multipart.hpp"
#include "wire/zlib.hpp"

namespace fp::mp {
namespace {

const Keys& keys() { return Keys::shared(); }

std::string golden(const std::string& name) {
  return must(read_file(Path(FARPOINT_SOURCE_DIR) / "tests/data/wire" / name));
}
std::string header_xml(const std::string& endpoint, const std::string& source = {},
                       std::size_t length = 100) {
  return "<Msg SchemaVersion=\"1.1\"><ID/><SourceID>" + source + "</SourceID><TargetEndpoint>" + endpoint +
         "</TargetEndpoint><Body Type=\"ByteRange\" Offset=\"0\" Length=\"" + std::to_string(length) +
         "\"/><Hooks><Hook3 Name=\"zlib-compress\"/></Hooks></Msg>";
}
std::string message(const std::string& header, const std::string& second) {
  return wire::encode_multipart("\xFF\xFE" + to_utf16le(header), second);
}
std::string zipped(const std::string& document) {
  return wire::deflate_zlib(to_utf16le(document) + std::string(2, '\0'));
}

class MessagesTest : public testing::Test {
 protected:
  ~MessagesTest() override { EXPECT_EQ(site.devices(), 0); }
  int status(const std::string& bytes, std::string type = std::string(wire::kMultipartType)) {
    const auto response = site.post(bytes, http, std::move(type));
    EXPECT_EQ(text_of(response), "");
    EXPECT_EQ(site.refusals.size(), 1U);
    EXPECT_FALSE(site.reason().empty());
    return response.status;
  }
  TestSite site{ApprovalMode::all};
  Peer http = site.peer(Door::intranet_http);
};

TEST_F(MessagesTest, WhatIsNoMultipartOfTwoPartsIs400) {
  const std::string good = message(header_xml("MP_LocationManager"), zipped("<x/>"));
  EXPECT_EQ(status(""), 400);
  EXPECT_EQ(status("hello"), 400);
  EXPECT_EQ(status(good, "text/plain"), 400);
  EXPECT_EQ(status(good, "multipart/mixed"), 400);
  EXPECT_EQ(status(good, "multipart/mixed; boundary=other"), 400);
  EXPECT_EQ(status(good.substr(0, good.size() / 2)), 400);
}

TEST_F(MessagesTest, TooManyPartsAndTooLargeABodyAreCut) {
  std::string many;
  for (int i = 0; i < 50; ++i) many += "--" + std::string(wire::kBoundary) + "\r\n\r\nx\r\n";
  EXPECT_EQ(status(many + "--" + std::string(wire::kBoundary) + "--"), 413);
  EXPECT_EQ(status(std::string(limits::kMessageBodyBytesMax + 1, 'x')), 413);
}

TEST_F(MessagesTest, AHeaderThatIsNoXmlOrNoUtf16Is400) {
  EXPECT_EQ(status(message("<Msg", zipped("<x/>"))), 400);
  EXPECT_EQ(status(wire::encode_multipart("\xFF\xFE\x01", zipped("<x/>"))), 400);
  EXPECT_EQ(status(wire::encode_multipart("\xFF\xFE" + std::string("\x00\xD8", 2), zipped("<x/>"))), 400);
  EXPECT_EQ(
      status(message("<!DOCTYPE a [<!ENTITY b 'c'>]>" + header_xml("MP_LocationManager"), zipped("<x/>"))),
      400);
}

TEST_F(MessagesTest, AnIdAgainstItsGrammarNeverReachesTheStore) {
  for (const char* id : {"GUID:1' OR '1'='1", "GUID:11111111-2222-3333-4444-55555555555", "..\\..",
                         "GUID:11111111-2222-3333-4444-555555555555; --"})
    EXPECT_EQ(status(message(header_xml("MP_LocationManager", id), zipped("<x/>"))), 400) << id;
}

TEST_F(MessagesTest, ABombOrATruncatedOrForeignStreamIsRefused) {
  EXPECT_EQ(status(message(header_xml("MP_LocationManager", {}, 1U << 30),
                           wire::deflate_zlib(std::string(limits::kInflatedBytesMax + 1, '\0')))),
            413);
  const std::string stream = zipped(
      "<SiteInformationRequest SchemaVersion=\"1.00\"><SiteCode Name=\"LAB\"/></SiteInformationRequest>");
  EXPECT_EQ(status(message(header_xml("MP_LocationManager"), stream.substr(0, stream.size() / 2))), 400);
  EXPECT_EQ(status(message(header_xml("MP_LocationManager"), "not zlib at all")), 400);
}

TEST_F(MessagesTest, DeepNestingIsRefused) {
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "<a>";
  const auto code = status(message(header_xml("MP_LocationManager", {}, 60'000), zipped(deep)));
  EXPECT_TRUE(code == 400 || code == 413) << code;
}

TEST_F(MessagesTest, AnUnknownOrInternalEndpointIsAnsweredEmpty) {
  for (const char* name :
       {"MP_Nothing", "MP_SinvFileEndpoint", "MP_TokenManager", "SMS_SITE_COMPONENT_MANAGER"})
    EXPECT_EQ(status(message(header_xml(name), zipped("<x/>"))), 200) << name;
}

TEST_F(MessagesTest, BootMediaAreRefusedWithTheReason) {
  EXPECT_EQ(site.post(golden("policy-media.bin"), http,
                      golden("policy-media.bin")
                          .substr(2, golden("policy-media.bin").find("\r\n") - 2)
                          .insert(0, "multipart/form-data; boundary="))
                .status,
            200);
  EXPECT_NE(site.reason().find("boot media"), std::string::npos) << site.reason();
}

TEST_F(MessagesTest, AMessageElsewhereIs400AndOtherVerbsAre405) {
  net::Request request;
  request.method = "CCM_POST";
  request.target = "/SMS_MP/.sms_aut";
  request.peer = http;
  EXPECT_EQ(site.send(request).status, 400);
  request.target = "/elsewhere";
  EXPECT_EQ(site.send(request).status, 400);
  for (const char* method : {"GET", "POST", "PUT", "DELETE", "TRACE", "ccm_post"}) {
    const auto response = site.get("/ccm_system/request", http, {}, method);
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(header_of(response, "Allow"), "CCM_POST");
  }
  EXPECT_EQ(site.get("/nothing", http).status, 404);
  const auto packet = site.get("/ccm_system/request", http, {}, "BITS_POST");  // uploads are not offered here (wire.md §10)
  EXPECT_EQ(packet.status, 501);
  EXPECT_EQ(header_of(packet, "BITS-Packet-Type"), "Ack");
  EXPECT_EQ(header_of(packet, "BITS-Error"), "0x80070005");
}

TEST_F(MessagesTest, TheDoorsThatMustBeShutAreAbsent) {
  for (const char* path :
       {"/ccm_system_altauth/request", "/ccm_system_tokenauth/request", "/ccm_system_windowsauth/request"}) {
    TestClient pc{site, keys().self_signed};
    net::Request request;
    request.method = "CCM_POST";
    request.target = path;
    request.headers = {{"Content-Type", std::string(wire::kMultipartType)}};
    request.body = pc.registration_message(pc.registration());
    request.peer = http;
    EXPECT_EQ(site.send(request).status, 404) << path;
  }
  EXPECT_EQ(site.get("/SMS_MP_AltAuth/.sms_pol?x", http).status, 404);
}

TEST_F(MessagesTest, CapturedShapesOfSiteInformationAreAnswered) {
  const auto response = site.post(golden("siteinfo.bin"), http);
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(document_of(response).find("<SiteInfoReply"), std::string::npos) << site.reason();
}

}  // namespace
}  // namespace fp::mp
