// The Windows doors with real NTLM logins. With Kerberos, over sockets and TLS: tests/test_windows_auth.py.
#include "directory/test_client.hpp"
#include "roles/mp/test_site.hpp"
#include "site/policy_maker.hpp"
#include "site/settings.hpp"

namespace fp::mp {
namespace {

using directory::NtlmClient;
using wire::LoginScheme;

const Keys& keys() { return Keys::shared(); }

class WindowsDoorTest : public testing::Test {
 protected:
  WindowsDoorTest() {
    const Path accounts = site.folder() / "accounts";
    EXPECT_TRUE(write_file(accounts, "LAB:alice:Secret.1\nLAB:PC1$:Secret.2\n", 0600));
    directory::LoginOptions options;
    options.ntlm_accounts = accounts;
    options.domains = {{"LAB.TEST", "LAB"}};
    logins = must(directory::WindowsLogins::open(options, site.clock));
    site.settings.windows_logins = logins.get();
    site.settings.windows_doors = {Door::intranet_http, Door::intranet_https, Door::internet_https};
    site.restart();
  }

  net::Response ask(const Peer& from, net::ConnectionState& on, std::string body = {}, const std::string& authorization = {},
                    std::string target = "/ccm_system_windowsauth/request", std::string method = "CCM_POST") {
    net::Request r;
    r.method = std::move(method);
    r.target = std::move(target);
    r.headers = {{"Content-Type", std::string(wire::kMultipartType)}};
    if (!authorization.empty()) r.headers.emplace_back("Authorization", authorization);
    r.body = std::move(body);
    r.peer = from;
    r.connection = &on;
    return site.send(std::move(r));
  }
  // Sends the message with each step of the login, as clients do; the response to the last.
  net::Response log_in(const std::string& user, const std::string& password, LoginScheme scheme, const Peer& from,
                       net::ConnectionState& on, const std::string& body = {}) {
    const std::string end_point(32, 'e');
    if (from.tls()) on.server_end_point = end_point;
    NtlmClient client("LAB\\" + user, password, scheme, from.tls() ? "tls-server-end-point:" + end_point : "");
    std::string token = client.next({});
    net::Response response;
    for (int i = 0; i < 3; ++i) {
      response = ask(from, on, body, wire::encode_challenge(scheme, token));
      const auto challenge = wire::decode_authorization(header_of(response, "WWW-Authenticate"));
      if (response.status != 401 || !challenge || !*challenge) break;
      token = client.next((*challenge)->bytes);
    }
    return response;
  }
  std::string user_request(const TestClient& pc) const {
    wire::AssignmentRequest r;
    r.client_id = pc.id;
    r.user = true;
    return pc.message("MP_PolicyManager", wire::encode_assignment_request(r));
  }
  void put(const ClientSettings& settings) {
    const site::PolicyMaker maker("LAB", [](std::string_view) -> Result<std::string> { return "signature"; });
    EXPECT_TRUE(site.store->write([&](store::Repositories& r) -> Status {
      FP_CHECK(r.administration.put_settings(settings));
      return maker.settings(r, settings);
    }));
  }
  void switch_on(bool intranet, bool internet) {
    ClientSettings all = site::default_client_settings("LAB");
    all.values["client_policy.enable_user_policy"] = intranet ? "true" : "false";
    all.values["client_policy.enable_user_policy_on_internet"] = internet ? "true" : "false";
    put(all);
  }

  TestSite site;
  std::unique_ptr<directory::WindowsLogins> logins;
  net::ConnectionState connection;
  Peer http = site.peer(Door::intranet_http);
};

std::vector<std::string> offered_by(const net::Response& response) {
  std::vector<std::string> out;
  for (const auto& [name, value] : response.headers)
    if (name == "WWW-Authenticate") out.push_back(value);
  return out;
}

TEST_F(WindowsDoorTest, TheDoorAsksByTwoLinesAndClosesNothing) {
  for (const char* method : {"GET", "HEAD", "CCM_POST", "PUT"}) {
    const auto response = ask(http, connection, {}, {}, "/ccm_system_windowsauth/request", method);
    EXPECT_EQ(response.status, 401) << method;
    EXPECT_EQ(offered_by(response), (std::vector<std::string>{"Negotiate", "NTLM"}));
    EXPECT_FALSE(response.close);
  }
  for (const char* nonsense : {"NTLM TlRMTVNTUAADAAAA", "NTLM !", "Negotiate", "Negotiate AAAA"}) {
    EXPECT_EQ(offered_by(ask(http, connection, {}, nonsense)).size(), 2U) << nonsense;
  }
  EXPECT_EQ(ask(http, connection, {}, "Basic YTpi").status, 401);
}

TEST_F(WindowsDoorTest, ADoorThatIsNotSwitchedOnIsNotThere) {
  site.settings.windows_doors = {Door::intranet_https};
  site.restart();
  EXPECT_EQ(ask(http, connection).status, 404);
  EXPECT_EQ(ask(http, connection, {}, {}, "/SMS_MP_WindowsAuth/.sms_pol?x", "GET").status, 404);
  EXPECT_EQ(ask(site.peer(Door::intranet_https), connection).status, 401);
  site.settings.windows_logins = nullptr;
  site.restart();
  EXPECT_EQ(ask(site.peer(Door::intranet_https), connection).status, 404);
}

TEST_F(WindowsDoorTest, ALoginIsOfItsConnectionAndEnds) {
  EXPECT_EQ(log_in("alice", "Secret.1", LoginScheme::ntlm, http, connection).status, 400);  // in, and the message is none
  EXPECT_EQ(ask(http, connection, {}, {}, "/ccm_system_windowsauth/request", "GET").status, 405);
  EXPECT_EQ(ask(http, connection, {}, {}, "/SMS_MP_WindowsAuth/other", "GET").status, 404);
  net::ConnectionState another;
  EXPECT_EQ(ask(http, another).status, 401);
  site.clock.advance_s(3601);
  EXPECT_EQ(ask(http, connection).status, 401);
  EXPECT_NE(site.reason().find("is over"), std::string::npos);
  EXPECT_EQ(log_in("alice", "wrong", LoginScheme::negotiate, http, connection).status, 401);
  EXPECT_EQ(ask(http, connection).status, 401);
}

TEST_F(WindowsDoorTest, AComputerAccountIsTrustedAndAUserAccountIsNot) {
  TestClient pc{site, keys().self_signed};
  const auto registered = [&](const std::string& user, const std::string& password) {
    net::ConnectionState own;
    const auto response = log_in(user, password, LoginScheme::ntlm, http, own, pc.registration_message(pc.registration()));
    const auto reply = wire::decode_registration_reply(document_of(response));
    EXPECT_TRUE(reply) << site.reason();
    if (reply) pc.id = reply->client_id;
    site.clock.advance_s(1);
    return reply ? reply->status : wire::RegistrationReply::Status::reset;
  };
  EXPECT_EQ(registered("alice", "Secret.1"), wire::RegistrationReply::Status::pending);
  EXPECT_EQ(registered("PC1$", "Secret.2"), wire::RegistrationReply::Status::registered);
  EXPECT_EQ(site.device(pc.id).approval, Approval::approved);

  site.settings.approval = ApprovalMode::manual;
  site.restart();
  TestClient second{site, keys().other_self_signed, "PC2"};
  const auto response = log_in("PC1$", "Secret.2", LoginScheme::negotiate, http, connection, second.registration_message(second.registration()));
  EXPECT_EQ(wire::decode_registration_reply(document_of(response))->status, wire::RegistrationReply::Status::pending);
}

TEST_F(WindowsDoorTest, AUserGetsWhatIsAimedAtUsersAndTheDeviceDoesNot) {
  site.settings.approval = ApprovalMode::all;
  site.restart();
  switch_on(true, false);
  put({.id = "LAB00010", .name = "Alice", .priority = 5, .values = {{"user_device_affinity.user_defined", "true"}}, .users = {"alice@lab.test"}});
  put({.id = "LAB00011", .name = "Bob", .priority = 6, .values = {{"user_device_affinity.user_defined", "true"}}, .users = {"bob@LAB.TEST"}});
  TestClient pc{site, keys().self_signed};
  pc.enrol(http);
  const auto response = log_in("alice", "Secret.1", LoginScheme::ntlm, http, connection, user_request(pc));
  const auto reply = wire::decode_assignment_reply(document_of(response));
  ASSERT_TRUE(reply) << site.reason();
  ASSERT_EQ(reply->assignments.size(), 1U);
  EXPECT_NE(document_of(response).find("<Resource ResourceType=\"User\"/>"), std::string::npos);
  EXPECT_NE(document_of(response).find("PolicyType=\"User\""), std::string::npos);
  const auto device = pc.assignments(http);
  EXPECT_EQ(device.assignments.size(), 1U);  // the default settings
  const auto body = ask(http, connection, {}, {}, "/SMS_MP_WindowsAuth/.sms_pol?{" + reply->assignments[0].policy_id + "}.1_00", "GET");
  EXPECT_NE(must(from_utf16le(text_of(body).substr(2))).find("user_device_affinity"), std::string::npos);

  // The same connection without the login of a user, another door, a computer: device policy only.
  EXPECT_EQ(text_of(site.post(user_request(pc), http)), "");
  EXPECT_NE(site.reason().find("needs a Windows login"), std::string::npos);
  net::ConnectionState computer;
  EXPECT_EQ(text_of(log_in("PC1$", "Secret.2", LoginScheme::ntlm, http, computer, user_request(pc))), "");
  switch_on(false, false);
  EXPECT_EQ(text_of(ask(http, connection, user_request(pc))), "");
  EXPECT_NE(site.reason().find("enable_user_policy = false"), std::string::npos) << site.reason();
}

TEST_F(WindowsDoorTest, OnTheInternetTheDoorOpensByClientSettingsAndBehindACertificate) {
  const Peer internet = site.peer(Door::internet_https, &keys().pki_client);
  EXPECT_EQ(ask(internet, connection).status, 404);
  TestClient pc{site, keys().pki_client};
  pc.enrol(internet);
  switch_on(true, true);
  put({.id = "LAB00010", .name = "Everybody", .priority = 5, .values = {{"user_device_affinity.user_defined", "true"}}, .users = {"*"}});
  EXPECT_EQ(ask(site.peer(Door::internet_https), connection).status, 403);
  EXPECT_EQ(ask(site.peer(Door::internet_https, &keys().pki_client, true), connection).status, 403);
  EXPECT_EQ(ask(internet, connection).status, 401);
  const auto response = log_in("alice", "Secret.1", LoginScheme::negotiate, internet, connection, user_request(pc));
  const auto reply = wire::decode_assignment_reply(document_of(response));
  ASSERT_TRUE(reply) << site.reason();
  EXPECT_EQ(reply->assignments.size(), 1U);
  put({.id = "LAB00012", .name = "Not these", .priority = 1, .values = {{"client_policy.enable_user_policy_on_internet", "false"}},
       .collections = {kAllSystems}});
  EXPECT_EQ(text_of(ask(internet, connection, user_request(pc))), "");
  EXPECT_NE(site.reason().find("back on the intranet"), std::string::npos) << site.reason();
  switch_on(true, false);
  EXPECT_EQ(ask(internet, connection, user_request(pc)).status, 404);
}

}  // namespace
}  // namespace fp::mp
