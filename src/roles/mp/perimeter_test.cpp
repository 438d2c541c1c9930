// A management point on a host of its own, in front of a site: what it keeps back, what it passes on, and what the site makes of it.
#include "roles/mp/perimeter.hpp"

#include <set>

#include "base/limits.hpp"
#include "roles/mp/test_site.hpp"
#include "wire/authority.hpp"

namespace fp::mp {
namespace {

const Keys& keys() { return Keys::shared(); }

class PerimeterTest : public testing::Test {
 protected:
  // As the link brings it: the finding of the perimeter is left behind, and the site makes its own.
  Result<net::Response> to_site(net::Request& request) {
    ++forwarded;
    if (down) return fail(Code::unavailable, "the site link is down");
    request.via = std::make_shared<const net::Via>(net::Via{"mp.perimeter.test", "its certificate"});
    const Peer own = site.peer(request.peer.door, who_site_sees ? who_site_sees : nullptr);
    request.peer.check = own.check;
    if (tamper) tamper(request);
    return site.service->handle(request);
  }
  net::Response ask(net::Request request) {
    const std::size_t question = request.target.find('?');
    request.path = must(percent_decode(std::string_view(request.target).substr(0, question)));
    if (question != std::string::npos) request.query = request.target.substr(question + 1);
    site.refusals.clear();
    net::Response response = point.handle(request);
    EXPECT_TRUE(response.ticket.wait());
    return response;
  }
  net::Response post(std::string body, std::string type = std::string(wire::kMultipartType)) {
    net::Request r;
    r.method = "CCM_POST";
    r.target = "/ccm_system/request";
    r.headers = {{"Content-Type", std::move(type)}};
    r.body = std::move(body);
    r.peer = from;
    return ask(std::move(r));
  }
  net::Response get(std::string target, std::string method = "GET", net::Headers headers = {}) {
    net::Request r;
    r.method = std::move(method);
    r.target = std::move(target);
    r.headers = std::move(headers);
    r.peer = from;
    return ask(std::move(r));
  }
  void enrol() {
    const auto reply = wire::decode_registration_reply(document_of(post(pc.registration_message(pc.registration()))));
    ASSERT_TRUE(reply) << site.reason();
    pc.id = reply->client_id;
    forwarded = 0;
  }

  TestSite site;
  const pki::Identity* who_site_sees = &keys().pki_client;
  Peer from = site.peer(Door::internet_https, &keys().pki_client);
  TestClient pc{site, keys().pki_client};
  int forwarded = 0;
  bool down = false;
  std::function<void(net::Request&)> tamper;
  PerimeterPoint point{[this](net::Request& r) { return to_site(r); }, system_random()};
};

}  // namespace

TEST_F(PerimeterTest, RegistrationAndPolicyPassThroughAndTheAnswersNameThePerimeter) {
  enrol();
  EXPECT_EQ(site.device(pc.id).last_management_point, "mp.perimeter.test");
  const auto response = post(pc.message("MP_PolicyManager", pc.assignments_document()));
  EXPECT_TRUE(wire::decode_assignment_reply(document_of(response))) << site.reason();
  const auto reply = wire::decode_reply(header_of(response, "Content-Type"), text_of(response));
  ASSERT_TRUE(reply);
  EXPECT_EQ(text_of(get("/SMS_MP/.sms_aut?MPCERT")), wire::encode_mp_certificate("its certificate"));
}

TEST_F(PerimeterTest, WhatIsMalformedUnsignedOrWithoutACertificateStaysInThePerimeter) {
  enrol();
  const std::string good = pc.message("MP_PolicyManager", pc.assignments_document());
  EXPECT_EQ(post("hello").status, 400);
  EXPECT_EQ(post(good.substr(0, good.size() / 2)).status, 400);
  EXPECT_EQ(post(std::string(limits::kMessageBodyBytesMax + 1, 'x')).status, 413);
  EXPECT_EQ(text_of(post(pc.message("MP_PolicyManager", pc.assignments_document(), false))), "");
  EXPECT_EQ(text_of(post(pc.message("MP_TokenManager", "<x/>"))), "");
  EXPECT_EQ(text_of(post(pc.message("MP_Nobody", "<x/>"))), "");
  EXPECT_EQ(get("/SMS_MP/.sms_aut?NONSENSE").status, 404);
  EXPECT_EQ(get("/SMS_MP/.sms_aut?MPLIST", "DELETE").status, 405);
  EXPECT_EQ(get("/elsewhere").status, 404);
  EXPECT_EQ(get("/ccm_system_windowsauth/request").status, 404);
  const auto packet = get("/CCM_Incoming/{AAAAAAAA-2222-3333-4444-555555555555}", "BITS_POST", {{"BITS-Packet-Type", "Nonsense"}, {"Content-Length", "0"}});
  EXPECT_EQ(packet.status, 400);
  EXPECT_NE(header_of(packet, "BITS-Error"), "");
  from = site.peer(Door::internet_https);
  EXPECT_EQ(post(good).status, 403);
  EXPECT_EQ(get("/SMS_MP/.sms_aut?MPLIST").reason, "Client certificate required");
  EXPECT_EQ(forwarded, 0);
}

TEST_F(PerimeterTest, TheSiteLooksAtTheCertificateAgain) {
  enrol();
  site.forced = CertificateCheck{CertificateProblem::revoked, "revoked since"};
  EXPECT_EQ(get("/SMS_MP/.sms_aut?MPLIST").status, 403);
  EXPECT_EQ(post(pc.message("MP_PolicyManager", pc.assignments_document())).status, 403);
  EXPECT_EQ(forwarded, 2) << "the perimeter's own finding was still good";
}

TEST_F(PerimeterTest, AForgedMessageIsRefusedByTheSite) {
  enrol();
  tamper = [](net::Request& r) { r.body[r.body.size() - 60] ^= 1; };
  EXPECT_EQ(text_of(post(pc.message("MP_PolicyManager", pc.assignments_document()))), "");
  EXPECT_FALSE(site.reason().empty());
}

TEST_F(PerimeterTest, WithoutTheLinkClientsAreTold503WithAWindow) {
  enrol();
  down = true;
  std::set<std::string> drawn;
  for (int n = 0; n < 40; ++n) {
    const auto response = get("/SMS_MP/.sms_aut?MPLIST");
    EXPECT_EQ(response.status, 503);
    const auto wait_s = parse_int(header_of(response, "Retry-After")).value_or(0);
    EXPECT_TRUE(wait_s >= 5 && wait_s <= 60) << wait_s;
    drawn.insert(header_of(response, "Retry-After"));
  }
  EXPECT_GT(drawn.size(), 5U) << "not all at the same moment";
}

}  // namespace fp::mp
