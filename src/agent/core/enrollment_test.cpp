// A client that asks for its certificate: what it sends, what it believes, what it keeps.
#include "agent/core/enrollment.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include "base/test_folder.hpp"
#include "base/text.hpp"
#include "pki/authority.hpp"
#include "pki/certs_only.hpp"
#include "wire/est.hpp"

namespace fp::agent {
namespace {

template <class T>
T must(Result<T> result) {
  EXPECT_TRUE(result) << result.error().message;
  return std::move(*result);
}

// An enrollment point in memory.
class Point final : public Transport {
 public:
  Point(const Path& folder, const Clock& clock) {
    pki::AuthoritySettings settings;
    settings.key_bits = 2048;
    authority.emplace(must(pki::CertificateAuthority::init(folder, settings, clock, system_random())));
  }
  Result<Reply> send(const Call& call) override {
    calls.push_back(call.method + " " + call.url);
    if (away) return fail(Code::unavailable, "no connection");
    if (call.url.ends_with("cacerts")) {
      const pki::Certificate both[] = {authority->issuing(), authority->root()};
      return certificates(both);
    }
    authorization.clear();
    for (const auto& [name, value] : call.headers)
      if (name == "Authorization") authorization = value;
    if (status != 200) return Reply{status, {{"Content-Type", "text/plain"}}, "the reason\n"};
    const auto der = must(wire::decode_est_request("application/pkcs10", call.body));
    const auto request = must(pki::parse_signing_request(der));
    keys.push_back(request.key.fingerprint());
    const auto name = rename.empty() ? request.common_name : rename;
    const pki::Certificate leaf = must(authority->issue({.common_name = name, .dns_names = {name}}, other_key ? *other_key : request.key));
    if (lost) return fail(Code::timed_out, "the answer was lost");
    return certificates({&leaf, 1});
  }
  Result<Reply> fetch(const Call&, std::int64_t, std::int64_t, const Sink&) override { return fail(Code::unavailable, "not here"); }
  static Reply certificates(std::span<const pki::Certificate> list) {
    return {200, {{"Content-Type", std::string(wire::kEstCertificatesType)}}, wire::encode_est_body(must(pki::certs_only(list)))};
  }

  std::optional<pki::CertificateAuthority> authority;
  std::optional<crypto::PublicKey> other_key;
  std::vector<std::string> calls, keys;
  std::string authorization, rename;
  int status = 200;
  bool away = false, lost = false;
};

struct EnrollmentTest : testing::Test {
  [[nodiscard]] Code code() {
    const auto done = enroll(point, request);
    EXPECT_FALSE(done);
    return done ? Code::internal : done.error().code;
  }
  TestFolder folder;
  ManualClock clock;
  Point point{folder.path() / "ca", clock};
  EnrollmentRequest request{"epp.example.test:8443", "pc1.example.test", "", "fpe_secret", folder.path() / "certificates" / "enrolled.pem",
                            folder.path() / "data" / "enrolling.key"};
};

}  // namespace

TEST_F(EnrollmentTest, KeyCertificateAndChainComeIntoOneFileThatOthersCannotRead) {
  const auto got = must(enroll(point, request));
  EXPECT_EQ(point.calls.front(), "POST https://epp.example.test:8443/.well-known/est/simpleenroll");
  EXPECT_EQ(must(wire::parse_basic(point.authorization)).secret, "fpe_secret");
  const auto text = must(read_file(request.file));
  const auto chain = must(pki::Certificate::chain_from_pem(text));
  ASSERT_EQ(chain.size(), 2U) << "and the root is nobody's to send";
  EXPECT_EQ(chain[0], got);
  EXPECT_EQ(chain[1], point.authority->issuing());
  EXPECT_TRUE(must(crypto::PrivateKey::from_pem(text)).public_key() == got.public_key());
  struct stat info {};
  ASSERT_EQ(::stat(request.file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_FALSE(file_exists(request.pending_key));
  // Where the agent finds it.
  InstallSettings settings;
  const auto chosen = must(choose_certificate(settings, {request.file.parent_path(), "pc1", clock.now()}));
  EXPECT_EQ(chosen.key_file, request.file);
}

TEST_F(EnrollmentTest, ALostAnswerIsAskedForAgainWithTheSameKey) {
  point.lost = true;
  EXPECT_EQ(code(), Code::timed_out);
  EXPECT_FALSE(file_exists(request.file));
  EXPECT_TRUE(file_exists(request.pending_key));
  point.lost = false;
  must(enroll(point, request));
  ASSERT_EQ(point.keys.size(), 2U);
  EXPECT_EQ(point.keys[0], point.keys[1]);
}

TEST_F(EnrollmentTest, RefusalsSayWhichAndLeaveNothing) {
  for (const auto& [status, wanted] : {std::pair{401, Code::unauthenticated}, {403, Code::forbidden}, {400, Code::forbidden}, {404, Code::unavailable},
                                       {429, Code::unavailable}, {503, Code::unavailable}}) {
    point.status = status;
    EXPECT_EQ(code(), wanted) << status;
  }
  point.status = 403;
  EXPECT_NE(enroll(point, request).error().message.find("the reason"), std::string::npos);
  point.away = true;
  EXPECT_EQ(code(), Code::unavailable);
  EXPECT_FALSE(file_exists(request.file));
}

TEST_F(EnrollmentTest, WhatIsForAnotherKeyOrNameIsNotBelieved) {
  point.rename = "pc2.example.test";
  EXPECT_EQ(code(), Code::invalid);
  point.rename.clear();
  point.other_key = must(crypto::PrivateKey::generate_rsa(2048)).public_key();
  EXPECT_EQ(code(), Code::invalid);
  EXPECT_FALSE(file_exists(request.file));
}

TEST_F(EnrollmentTest, ARenewalShowsNoSecretAndReplacesTheFileInOneStep) {
  const auto first = must(enroll(point, request));
  request.secret.clear();
  point.status = 503;
  EXPECT_EQ(code(), Code::unavailable);
  EXPECT_EQ(must(pki::Certificate::from_pem(must(read_file(request.file)))), first) << "until there is a new one the old one stays";
  point.status = 200;
  const auto second = must(enroll(point, request));
  EXPECT_EQ(point.authorization, "");
  EXPECT_FALSE(second.public_key() == first.public_key());
  EXPECT_EQ(must(pki::Certificate::from_pem(must(read_file(request.file)))), second);
}

TEST_F(EnrollmentTest, IsRenewedInTheLastThirdAndNotAllAtOnce) {
  std::set<std::int64_t> times;
  for (int i = 0; i < 8; ++i) {
    const auto c = must(point.authority->issue({.common_name = "pc1", .not_after = clock.now().plus_s(72 * 3600)}, point.authority->issuing().public_key()));
    const auto life = c.not_after().since_ms(c.not_before()), left = c.not_after().since_ms(renewal_time(c));
    EXPECT_GE(left, life / 3);
    EXPECT_LE(left, life / 3 + life / 24);
    times.insert(left);
  }
  EXPECT_GT(times.size(), 1U);
}

}  // namespace fp::agent
