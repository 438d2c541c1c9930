// The enrollment point as a whole: who gets a certificate, who is refused and why, what is remembered; and the proxy point before it.
#include "roles/enrollment/point.hpp"

#include <gtest/gtest.h>

#include "base/ids.hpp"
#include "base/test_folder.hpp"
#include "base/text.hpp"
#include "pki/certs_only.hpp"
#include "roles/enrollment/proxy.hpp"
#include "roles/enrollment/rules.hpp"
#include "site/enrolled_keys.hpp"
#include "site/enrollment_token.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "wire/est.hpp"

namespace fp::enrollment {
namespace {

constexpr std::string_view kEnroll = "/.well-known/est/simpleenroll", kRenew = "/.well-known/est/simplereenroll";
constexpr std::int64_t kDayS = 86400;

template <class T>
T must(Result<T> result) {
  EXPECT_TRUE(result) << result.error().message;
  return std::move(*result);
}
const crypto::PrivateKey& key_number(std::size_t n) {
  static std::vector<crypto::PrivateKey> keys;
  while (keys.size() <= n) keys.push_back(must(crypto::PrivateKey::generate_rsa(2048)));
  return keys[n];
}
std::string csr(const crypto::PrivateKey& key, const std::string& name, std::vector<std::string> dns = {}) {
  pki::Order order;
  order.common_name = name;
  order.dns_names = dns.empty() ? std::vector<std::string>{name} : std::move(dns);
  const std::string pem = must(pki::make_signing_request(key, order));
  const auto begin = pem.find('\n');
  return must(unbase64(pem.substr(begin, pem.rfind("-----END") - begin)));
}
std::string text_of(const net::Response& response) {
  return response.body.empty() ? std::string() : must(net::bytes_of(response.body.front()));
}
std::string header_of(const net::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (iequals(key, name)) return value;
  return {};
}

// One for the whole program: its keys are slow to make.
const Path& an_authority(const Clock& clock) {
  static const TestFolder folder;
  static const Path made = [&] {
    pki::AuthoritySettings settings;
    settings.key_bits = 2048;
    EXPECT_TRUE(pki::CertificateAuthority::init(folder.path() / "ca", settings, clock, system_random()));
    return folder.path() / "ca";
  }();
  return made;
}

class PointTest : public testing::Test {
 protected:
  PointTest() {
    clock.advance_s(20LL * 365 * kDayS);
    std::filesystem::copy(an_authority(clock), folder.path() / "ca", std::filesystem::copy_options::recursive);
    authority.emplace(must(pki::CertificateAuthority::open(folder.path() / "ca", clock, system_random())));
    store = must(store::open_sqlite(folder.path() / "site.db", clock));
    point = std::make_unique<EnrollmentPoint>(*store, *authority, clock, system_random(), Settings{30 * kDayS}, [this](const std::string& user, const std::string& password) {
      return verify(user, password);
    });
  }
  Result<Account> verify(const std::string& user, const std::string& password) {
    ++asked;
    if (user == "away") return fail(Code::unavailable, "no controller");
    if (user != "alice" || password != "right") return fail(Code::unauthenticated, "the password is wrong");
    return Account{"CORP.EXAMPLE", "alice", false};
  }
  std::string token(EnrollmentToken t = {}) {
    const std::string secret = site::new_enrollment_token(system_random());
    t.hash = site::hash_of_token(secret);
    t.id = fmt::format("FP1{:05X}", ++tokens);
    if (t.expires_at.ms == 0) t.expires_at = clock.now().plus_s(kDayS);
    EXPECT_TRUE(store->write([&](store::Repositories& r) { return r.enrollments.put_token(t); }));
    last_token = t.id;
    return secret;
  }
  net::Request request(std::string_view path, const std::string& der, const std::string& user = {}, const std::string& secret = {}) {
    net::Request r;
    r.method = "POST";
    r.path = path;
    r.target = path;
    r.headers = {{"Content-Type", "application/pkcs10"}};
    if (!secret.empty()) r.headers.emplace_back("Authorization", wire::encode_basic({user, secret}));
    r.body = wire::encode_est_body(der);
    r.peer.door = Door::internet_https;
    r.peer.address = address;
    return r;
  }
  net::Response ask(net::Request r) {
    net::Response response = point->handle(r);
    EXPECT_TRUE(response.ticket.wait());
    return response;
  }
  net::Response enroll(const std::string& secret, const std::string& name = "pc1.example.test", std::size_t key = 0, const std::string& user = {}) {
    return ask(request(kEnroll, csr(key_number(key), name), user, secret));
  }
  pki::Certificate certificate(const net::Response& response) {
    EXPECT_EQ(response.status, 200) << text_of(response);
    EXPECT_EQ(header_of(response, "Content-Type"), "application/pkcs7-mime; smime-type=certs-only");
    EXPECT_EQ(text_of(response).find('\n'), std::string::npos);
    return must(pki::parse_certs_only(must(unbase64(text_of(response))))).front();
  }
  net::Response renew(const pki::Certificate& old, std::size_t key, const std::string& name = "pc1.example.test") {
    auto r = request(kRenew, csr(key_number(key), name));
    r.peer.certificate_der = old.der();
    r.peer.fingerprint = old.fingerprint();
    r.peer.check = {CertificateProblem::none, {}};
    return ask(std::move(r));
  }
  std::string last_audit() {
    const auto lines = must(store->read([](store::Repositories& r) { return r.administration.audit_lines(0, 1); }));
    return lines.empty() ? "" : fmt::format("{} {}: {}", lines[0].who, lines[0].action, lines[0].detail);
  }
  bool audited(std::string_view part) {
    const bool found = last_audit().find(part) != std::string::npos;
    if (!found) ADD_FAILURE() << last_audit();
    return found;
  }
  EnrollmentToken kept(const std::string& id) { return must(store->read([&](store::Repositories& r) { return r.enrollments.find_token(id); })); }
  void register_device(const pki::Certificate& c, const std::string& id, bool blocked = false) {
    EXPECT_TRUE(store->write([&](store::Repositories& r) -> Status {
      Device d;
      d.client_id = id;
      d.name = "PC";
      d.blocked = blocked;
      d.key_fingerprint = c.public_key().fingerprint();
      return r.devices.put(d);
    }));
  }

  TestFolder folder;
  ManualClock clock;
  std::optional<pki::CertificateAuthority> authority;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<EnrollmentPoint> point;
  std::string address = "192.0.2.7", last_token;
  int tokens = 0, asked = 0;
};

constexpr const char* kDevice = "GUID:00000000-0000-4000-8000-000000000001";

}  // namespace

TEST_F(PointTest, ATokenIsGoodForOneCertificateForTheKeyThatProvedItself) {
  const std::string secret = token();
  const auto got = certificate(enroll(secret));
  EXPECT_EQ(got.common_name(), "pc1.example.test");
  EXPECT_EQ(got.dns_names(), std::vector<std::string>{"pc1.example.test"});
  EXPECT_EQ(got.ekus(), std::vector<std::string>{std::string(pki::kEkuClientAuth)});
  EXPECT_TRUE(got.public_key() == key_number(0).public_key());
  EXPECT_TRUE(authority->has_issued(got));
  EXPECT_FALSE(pki::is_mobile(got));
  EXPECT_LE(got.not_after(), clock.now().plus_s(30 * kDayS));
  const auto record = must(store->read([&](store::Repositories& r) { return r.enrollments.find(got.serial()); }));
  EXPECT_EQ(record.by, "token " + last_token);
  EXPECT_EQ(record.address, "192.0.2.7");
  EXPECT_EQ(record.certificate_der, got.der());
  EXPECT_TRUE(audited("token " + last_token + " enroll: pc1.example.test (computer)"));
  EXPECT_EQ(kept(last_token).used, 1);
  EXPECT_EQ(kept(last_token).last_used_by, "pc1.example.test");
  // Used up for anybody else ...
  const auto refused = enroll(secret, "pc2.example.test", 1);
  EXPECT_EQ(refused.status, 401);
  EXPECT_TRUE(audited("used up"));
  EXPECT_EQ(must(authority->issued()).size(), 1U);
  // ... but whoever lost the answer gets the same one again.
  EXPECT_EQ(certificate(enroll(secret)).serial(), got.serial());
  EXPECT_EQ(must(authority->issued()).size(), 1U);
}

TEST_F(PointTest, WrongExpiredRevokedAndUsedUpTokensLookTheSameOutsideAndAreAuditedWithTheReason) {
  const auto expired = token({.expires_at = clock.now().plus_s(-1)});
  const auto revoked = token({.revoked_at = clock.now()});
  const auto used = token({.uses = 2, .used = 2});
  std::set<std::string> bodies;
  for (const auto& [secret, reason] : {std::pair<std::string, const char*>{"fpe_" + std::string(48, '0'), "no such token"}, {expired, "expired"},
                                       {revoked, "revoked"}, {used, "used up"}}) {
    const auto response = enroll(secret);
    EXPECT_EQ(response.status, 401) << reason;
    EXPECT_NE(header_of(response, "WWW-Authenticate").find("Basic"), std::string::npos);
    bodies.insert(text_of(response));
    EXPECT_TRUE(audited(reason));
    EXPECT_TRUE(audited("from 192.0.2.7 (internet-https)"));
  }
  EXPECT_EQ(bodies.size(), 1U);
  EXPECT_EQ(ask(request(kEnroll, csr(key_number(0), "pc1.example.test"))).status, 401);  // none at all: asked for one
  EXPECT_TRUE(must(authority->issued()).empty());
}

TEST_F(PointTest, WhatIsAskedForIsWhatAClientMayHave) {
  const std::string secret = token({.names = "*.example.test", .uses = 100});
  EXPECT_EQ(enroll(secret, "pc1.other.test").status, 403);
  EXPECT_TRUE(audited("is not a name that this token is good for"));
  EXPECT_EQ(enroll(secret, "a.b.example.test").status, 403);
  EXPECT_EQ(enroll(secret, "not a host").status, 400);
  EXPECT_EQ(enroll(secret, "10.0.0.1").status, 400);
  EXPECT_EQ(ask(request(kEnroll, csr(key_number(0), "pc1.example.test", {"pc1.example.test", "www.example.test"}), {}, secret)).status, 400);
  EXPECT_EQ(ask(request(kEnroll, csr(key_number(0), "alice", {"pc1.example.test"}), {}, secret)).status, 400);
  std::string broken = csr(key_number(0), "pc1.example.test");
  broken[broken.size() - 5] = static_cast<char>(broken[broken.size() - 5] ^ 1);  // not signed by its key any more
  EXPECT_EQ(ask(request(kEnroll, broken, {}, secret)).status, 400);
  EXPECT_EQ(kept(last_token).used, 0) << "what was refused does not use a token up";
  EXPECT_TRUE(store->write([](store::Repositories& r) {
    return r.site.put_management_point({.name = "mp.example.test", .internet_url = "https://www.example.test:8443"});
  }));
  for (const char* name : {"mp.example.test", "WWW.example.test"}) {
    EXPECT_EQ(enroll(secret, name).status, 403) << name;
    EXPECT_TRUE(audited("is the name of a site system"));
  }
}

TEST_F(PointTest, AMobileTokenMakesAMobileCertificate) {
  const auto got = certificate(enroll(token({.kind = EnrollmentKind::mobile})));
  EXPECT_TRUE(pki::is_mobile(got));
  register_device(got, kDevice);
  EXPECT_TRUE(pki::is_mobile(certificate(renew(got, 1)))) << "and stays one";
}

TEST_F(PointTest, AnAccountOfTheDirectoryEnrolsAndAWrongPasswordRests) {
  const auto got = certificate(enroll("right", "pc1.example.test", 0, "alice"));
  EXPECT_TRUE(audited("account alice@CORP.EXAMPLE enroll"));
  EXPECT_EQ(enroll("right", "pc1.example.test", 0, "away").status, 503);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(enroll("wrong", "pc1.example.test", 0, "Alice").status, 401);
  const int before = asked;
  address = "198.51.100.9";  // from elsewhere: the account rests all the same, and the directory is not asked
  EXPECT_EQ(enroll("right", "pc9.example.test", 1, "alice").status, 401);
  EXPECT_EQ(asked, before);
  EXPECT_TRUE(audited("failed too often and rests"));
  clock.advance_s(16 * 60);
  certificate(enroll("right", "pc9.example.test", 1, "alice"));
}

TEST_F(PointTest, WhoGuessesIsHeldBackByAddress) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(enroll("fpe_guess").status, 401);
  const auto held = enroll(token());
  EXPECT_EQ(held.status, 429);
  EXPECT_FALSE(header_of(held, "Retry-After").empty());
  address = "198.51.100.9";
  certificate(enroll(token()));
  address = "192.0.2.7";
  clock.advance_s(61);
  certificate(enroll(token(), "pc2.example.test", 1));
}

TEST_F(PointTest, ACertificateRenewsItselfAndStaysTheSameClient) {
  const auto first = certificate(enroll(token()));
  register_device(first, kDevice);
  const auto second = certificate(renew(first, 1));
  EXPECT_TRUE(audited("certificate " + first.serial() + " renew"));
  EXPECT_TRUE(second.public_key() == key_number(1).public_key());
  const auto device = must(store->read([&](store::Repositories& r) { return site::device_of_key(r, second.public_key().fingerprint()); }));
  ASSERT_TRUE(device);
  EXPECT_EQ(device->client_id, kDevice);
  // An answer that was lost is given again; another attempt with a fresh key is good too, while the client uses neither.
  EXPECT_EQ(certificate(renew(first, 1)).serial(), second.serial());
  certificate(renew(first, 2));
  register_device(second, kDevice);
  EXPECT_EQ(renew(first, 3).status, 403) << "it has been replaced";
  EXPECT_TRUE(audited("was renewed before"));
  certificate(renew(second, 4));
  const auto lineage = must(store->read([&](store::Repositories& r) { return site::lineage_of(r, second.public_key().fingerprint()); }));
  EXPECT_EQ(lineage.size(), 4U) << "keys 0, 1, 2, 4";
}

TEST_F(PointTest, ARenewalKeepsNameAndOwnerAndIsForClientsOfThisSite) {
  const auto first = certificate(enroll(token()));
  EXPECT_EQ(renew(first, 1, "pc2.example.test").status, 403);
  EXPECT_TRUE(audited("a renewal keeps the name"));
  const auto other = certificate(enroll(token(), "pc2.example.test", 2));
  register_device(other, "GUID:00000000-0000-4000-8000-000000000002");
  EXPECT_EQ(renew(first, 2).status, 403);
  EXPECT_TRUE(audited("the key is that of PC"));
  register_device(first, kDevice, true);
  EXPECT_EQ(renew(first, 1).status, 403);
  EXPECT_TRUE(audited("which is blocked"));
  // By another authority, for another purpose, or of nobody that is known here.
  const auto foreign = must(pki::self_signed_with_new_key({.profile = pki::Profile::client_self_signed, .not_before = clock.now(), .not_after = clock.now().plus_s(kDayS)}, system_random()));
  EXPECT_EQ(renew(foreign.certificate, 1).status, 403);
  const auto server = must(authority->issue({.profile = pki::Profile::proxy, .common_name = "pc1.example.test", .dns_names = {"pc1.example.test"}}, key_number(3).public_key()));
  EXPECT_EQ(renew(server, 1).status, 403);
  EXPECT_TRUE(audited("is no client's"));
  const auto stranger = must(authority->issue({.common_name = "pc1.example.test", .dns_names = {"pc1.example.test"}}, key_number(4).public_key()));
  EXPECT_EQ(renew(stranger, 1).status, 403);
  EXPECT_TRUE(audited("belongs to no client"));
  // What the route finds: no certificate, a revoked one, a bridge.
  auto bare = request(kRenew, csr(key_number(1), "pc1.example.test"));
  EXPECT_EQ(ask(bare).status, 403);
  bare.peer.certificate_der = other.der();
  bare.peer.check = {CertificateProblem::revoked, "revoked yesterday"};
  EXPECT_EQ(ask(bare).status, 403);
  EXPECT_TRUE(audited("revoked"));
  auto bridged = request(kEnroll, csr(key_number(5), "pc5.example.test"), {}, token());
  bridged.peer.pinned_proxy = true;
  EXPECT_EQ(ask(bridged).status, 403);
  EXPECT_TRUE(audited("tunnelling"));
}

TEST_F(PointTest, AKeyOfABlockedDeviceGetsNothingByAnotherToken) {
  const auto first = certificate(enroll(token()));
  register_device(first, kDevice, true);
  EXPECT_EQ(enroll(token()).status, 403);
  EXPECT_TRUE(audited("which is blocked"));
}

TEST_F(PointTest, AuthoritiesAndAttributesAreForEverybody) {
  net::Request r;
  r.method = "GET";
  r.peer.door = Door::internet_https;
  r.path = "/.well-known/est/cacerts";
  const auto all = must(pki::parse_certs_only(must(unbase64(text_of(ask(r))))));
  ASSERT_EQ(all.size(), 2U);
  EXPECT_TRUE(all[0] == authority->issuing() || all[1] == authority->issuing());
  r.path = "/.well-known/est/csrattrs";
  const auto attributes = ask(r);
  EXPECT_EQ(header_of(attributes, "Content-Type"), "application/csrattrs");
  EXPECT_EQ(text_of(attributes), base64(wire::est_attributes()));
  r.method = "DELETE";
  EXPECT_EQ(ask(r).status, 405);
  r.path = "/.well-known/est/serverkeygen";
  EXPECT_EQ(ask(r).status, 404);
}

TEST_F(PointTest, TheProxyPointKeepsBackWhatIsNoRequestAndWhoGuesses) {
  int forwarded = 0;
  bool down = false;
  EnrollmentProxyPoint proxy(
      [&](net::Request& r) -> Result<net::Response> {
        ++forwarded;
        EXPECT_FALSE(r.has_header("Cookie"));
        if (down) return fail(Code::unavailable, "the site link is down");
        r.via = std::make_shared<const net::Via>(net::Via{"epp.example.test", {}});
        return point->handle(r);
      },
      clock, system_random());
  auto good = request(kEnroll, csr(key_number(0), "pc1.example.test"), {}, token());
  good.headers.emplace_back("Cookie", "x");
  auto bad = good;
  bad.body = "no base64!";
  EXPECT_EQ(proxy.handle(bad).status, 400);
  bad.body = wire::encode_est_body("\x30\x03\x02\x01\x05");
  EXPECT_EQ(proxy.handle(bad).status, 400);
  auto bare = request(kEnroll, csr(key_number(0), "pc1.example.test"));
  EXPECT_EQ(proxy.handle(bare).status, 401);
  auto renewing = request(kRenew, csr(key_number(0), "pc1.example.test"));
  EXPECT_EQ(proxy.handle(renewing).status, 403);
  auto elsewhere = good;
  elsewhere.path = "/.well-known/est/fullcmc";
  EXPECT_EQ(proxy.handle(elsewhere).status, 404);
  EXPECT_EQ(forwarded, 0);
  auto again = good;
  const net::Response passed = proxy.handle(good);
  ASSERT_TRUE(passed.ticket.wait());
  EXPECT_EQ(certificate(passed).common_name(), "pc1.example.test");
  EXPECT_EQ(must(store->read([](store::Repositories& r) { return r.enrollments.list(1); })).front().via, "epp.example.test");
  down = true;
  EXPECT_EQ(proxy.handle(again).status, 503);
  down = false;
  auto guess = request(kEnroll, csr(key_number(0), "pc1.example.test"), {}, "fpe_guess");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(proxy.handle(guess).status, 401);
  const int before = forwarded;
  EXPECT_EQ(proxy.handle(again).status, 429);
  EXPECT_EQ(forwarded, before);
}

TEST(EnrollmentThrottle, AFloodOfAddressesDoesNotMakeItForget) {
  Throttle throttle(2, 1000);
  throttle.count("guesser", 0);
  throttle.count("guesser", 0);
  for (std::size_t i = 0; i < 2 * Throttle::kSubjectsMax; ++i) throttle.count(std::to_string(i), 1);
  EXPECT_GT(throttle.wait_ms("guesser", 2), 0);
  EXPECT_GT(throttle.wait_ms("one that is new", 2), 0) << "those beyond the limit share a count";
  EXPECT_EQ(throttle.wait_ms("guesser", 1000), 0);
  EXPECT_EQ(subject_of_address("2001:db8::1"), subject_of_address("2001:db8::ffff"));
  EXPECT_NE(subject_of_address("192.0.2.1"), subject_of_address("192.0.2.2"));
}

TEST(EnrollmentRules, AuthoritiesAndOtherPurposesAreNoClients) {
  pki::SigningRequest request{key_number(0).public_key(), "PC1.example.test", {"pc1.EXAMPLE.test"}, {}};
  EXPECT_EQ(must(requested_name(request)), "pc1.example.test");
  request.ekus = {std::string(pki::kEkuClientAuth)};
  EXPECT_TRUE(requested_name(request));
  request.ekus.emplace_back(pki::kEkuServerAuth);
  EXPECT_FALSE(requested_name(request));
  request.ekus.clear();
  request.authority = true;
  EXPECT_FALSE(requested_name(request));
  request.authority = false;
  request.other_names = true;
  EXPECT_FALSE(requested_name(request));
  request.other_names = false;
  request.ip_addresses = {"10.0.0.1"};
  EXPECT_FALSE(requested_name(request));
}

}  // namespace fp::enrollment
