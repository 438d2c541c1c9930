#include "crypto/hash.hpp"
#include "roles/mp/test_site.hpp"
#include "wire/report.hpp"
#include "wire/upload.hpp"

namespace fp::mp {
namespace {

const Keys& keys() { return Keys::shared(); }
constexpr const char* kTo = "/CCM_Incoming/%7B11111111-2222-3333-4444-555555555555%7D";

class UploadPacketsTest : public testing::Test {
 protected:
  net::Response send(std::string target, const Peer& from, net::Headers headers, std::string body = {},
                     std::string method = "BITS_POST") {
    net::Request r;
    r.method = std::move(method);
    r.target = std::move(target);
    r.headers = std::move(headers);
    r.headers.emplace_back("Content-Length", std::to_string(body.size()));
    r.body = std::move(body);
    r.peer = from;
    return site.send(std::move(r));
  }
  std::string create(const std::string& target, const Peer& from) {
    const auto response = send(target, from,
                               {{"BITS-Packet-Type", "CREATE-SESSION"},
                                {"BITS-Supported-Protocols", "{7DF0354D-249B-430F-820D-3D2A9BEF4931}"}});
    EXPECT_EQ(response.status, 200) << site.reason();
    EXPECT_EQ(header_of(response, "BITS-Protocol"), "{7df0354d-249b-430f-820d-3d2a9bef4931}");
    EXPECT_EQ(header_of(response, "Accept-Encoding"), "identity");
    return header_of(response, "BITS-Session-Id");
  }
  net::Response fragment(const std::string& target, const Peer& from, const std::string& session,
                         std::size_t first, const std::string& bytes, std::size_t total) {
    return send(target, from,
                {{"BITS-Packet-Type", "FRAGMENT"},
                 {"BITS-Session-Id", session},
                 {"Content-Name", "x"},
                 {"Content-Range", fmt::format("bytes {}-{}/{}", first, first + bytes.size() - 1, total)}},
                bytes);
  }
  net::Response close(const std::string& target, const Peer& from, const std::string& session) {
    return send(target, from, {{"BITS-Packet-Type", "Close-Session"}, {"BITS-Session-Id", session}});
  }
  TestSite site{ApprovalMode::all};
  Peer http = site.peer(Door::intranet_http);
};

TEST_F(UploadPacketsTest, AWholeSessionWithOneResumption) {
  EXPECT_EQ(send(kTo, http, {{"BITS-Packet-Type", "Ping"}}).status, 200);
  const std::string session = create(kTo, http);
  auto response = fragment(kTo, http, session, 0, "hello ", 11);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(header_of(response, "BITS-Received-Content-Range"), "6");
  EXPECT_EQ(header_of(response, "BITS-Session-Id"), session);
  response = fragment(kTo, http, session, 8, "rld", 11);
  EXPECT_EQ(response.status, 416);
  EXPECT_EQ(header_of(response, "BITS-Packet-Type"), "Ack");
  EXPECT_EQ(header_of(response, "BITS-Received-Content-Range"), "6");
  EXPECT_EQ(header_of(response, "BITS-Error"), "");
  site.restart();
  EXPECT_EQ(header_of(fragment(kTo, http, session, 6, "world", 11), "BITS-Received-Content-Range"), "11");
  EXPECT_EQ(close(kTo, http, session).status, 200);
  EXPECT_EQ(close(kTo, http, session).status, 200);
}

TEST_F(UploadPacketsTest, ErrorsCarryBothSpellingsOfTheCode) {
  auto response = close(kTo, http, "{99999999-2222-3333-4444-555555555555}");
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(header_of(response, "BITS-Packet-Type"), "Ack");
  EXPECT_EQ(header_of(response, "BITS-Error"), "0x8020001F");
  EXPECT_EQ(header_of(response, "BITS-Error-Code"), "0x8020001F");
  EXPECT_EQ(header_of(response, "BITS-Error-Context"), "0x5");
  response = send(kTo, http, {{"BITS-Packet-Type", "Nonsense"}});
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(header_of(response, "BITS-Error"), "0x80070057");
  EXPECT_EQ(send("/CCM_Incoming", http,
                 {{"BITS-Packet-Type", "Create-Session"},
                  {"BITS-Supported-Protocols", "{7df0354d-249b-430f-820d-3d2a9bef4931}"}})
                .status,
            400);
  EXPECT_EQ(send("/CCM_Incoming/..%2F..%2Fetc", http,
                 {{"BITS-Packet-Type", "Create-Session"},
                  {"BITS-Supported-Protocols", "{7df0354d-249b-430f-820d-3d2a9bef4931}"}})
                .status,
            400);
  EXPECT_EQ(site.get(kTo, http).status, 405);
}

TEST_F(UploadPacketsTest, TheTunnelThroughPostIsTaken) {
  const auto response =
      send(kTo, http, {{"X-Http-Method-Override", "BITS_POST"}, {"BITS-Packet-Type", "Ping"}}, {}, "POST");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(send(kTo, http, {{"BITS-Packet-Type", "Ping"}}, {}, "POST").status, 405);
}

TEST_F(UploadPacketsTest, OnTheInternetOnlyWithACertificateAndToOnesOwnDestination) {
  const Peer mine = site.peer(Door::internet_https, &keys().pki_client);
  EXPECT_EQ(send(kTo, site.peer(Door::internet_https), {{"BITS-Packet-Type", "Ping"}}).status, 403);
  const std::string session = create(kTo, mine);
  EXPECT_EQ(fragment(kTo, site.peer(Door::internet_https, &keys().other_client), session, 0, "x", 1).status,
            403);
  EXPECT_EQ(fragment(kTo, mine, session, 0, "x", 1).status, 200);
}

TEST_F(UploadPacketsTest, WithoutAFolderUploadsAreOff) {
  site.settings.uploads.clear();
  site.restart();
  const auto response = send(kTo, http,
                             {{"BITS-Packet-Type", "Create-Session"},
                              {"BITS-Supported-Protocols", "{7df0354d-249b-430f-820d-3d2a9bef4931}"}});
  EXPECT_EQ(response.status, 501);
  EXPECT_EQ(header_of(response, "BITS-Error"), "0x80070005");
}

TEST_F(UploadPacketsTest, ASignedMessageUsesTheUploadedBodyOnce) {
  TestClient pc{site, keys().self_signed};
  pc.enrol(http);
  const auto asked = site.post(
      pc.message("MP_UploadManager", wire::encode_upload_request({.client_id = pc.id, .bytes = 1})), http);
  const auto reply = wire::decode_upload_reply(document_of(asked));
  ASSERT_TRUE(reply) << site.reason();
  const std::string target = must(percent_decode(wire::upload_path(reply->upload_id)));

  wire::Report report;
  report.header = {.kind = wire::ReportKind::hardware,
                   .client_id = pc.id,
                   .client_version = {},
                   .netbios_name = {},
                   .content = {},
                   .made_at = site.clock.now(),
                   .sequence = 1};
  report.instances = {{.class_name = "PROCESSOR", .properties = {{"Name", "big"}}, .key = "cpu0"}};
  const std::string bytes = wire::make_payload({wire::encode_report(report)}).bytes;
  const auto reference = [&](const std::string& content) {
    return pc.message("MP_HinvEndpoint",
                      wire::encode_uploaded_body({reply->upload_id, hex_lower(crypto::sha256(content))}),
                      true, true);
  };
  site.post(reference(bytes), http);
  EXPECT_NE(site.reason().find("not complete"), std::string::npos);
  const std::string session = create(target, http);
  EXPECT_EQ(fragment(target, http, session, 0, bytes, bytes.size()).status, 200);
  EXPECT_EQ(close(target, http, session).status, 200);
  site.clock.advance_s(1);
  site.post(reference(bytes + "x"), http);
  EXPECT_NE(site.reason().find("its hash is not the one"), std::string::npos);
  site.clock.advance_s(1);
  site.post(reference(bytes), http);
  EXPECT_TRUE(site.refusals.empty()) << site.reason();
  EXPECT_EQ(must(site.store->read([&](store::Repositories& r) {
              return r.inventory.instances(pc.id, "PROCESSOR");
            })).size(),
            1U);
  EXPECT_FALSE(std::filesystem::exists(site.folder() / "uploads" / reply->upload_id));
}

}  // namespace
}  // namespace fp::mp
