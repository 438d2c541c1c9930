// Real NTLM on both sides: the acceptor under test, and GSSAPI's own initiator as the client. Kerberos: tests/test_windows_auth.py.
#include "directory/windows_login.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/limits.hpp"
#include "directory/test_client.hpp"

namespace fp::directory {
namespace {

using wire::LoginScheme;

class WindowsLoginTest : public ::testing::Test {
 protected:
  WindowsLoginTest() {
    options.ntlm_accounts = std::filesystem::temp_directory_path() / fmt::format("fp-ntlm-{}", ::getpid());
    EXPECT_TRUE(write_file(options.ntlm_accounts, "LAB:alice:Secret.1\nLAB:PC1$:Secret.2\nOTHER:bob:Secret.3\n", 0600));
    options.domains = {{"LAB.TEST", "LAB"}};
  }
  ~WindowsLoginTest() override { std::filesystem::remove(options.ntlm_accounts); }

  // The account, or why it was refused.
  Result<LoggedIn> login(NtlmClient& client, LoginScheme scheme, std::string_view end_point = {}, bool tls = false) {
    if (!logins) {
      auto opened = WindowsLogins::open(options, clock);
      EXPECT_TRUE(opened);
      logins = std::move(*opened);
    }
    FP_TRY(server, logins->begin(scheme, end_point, tls));
    std::string from_server;
    for (int i = 0; i < 6; ++i) {
      last_token = client.next(from_server);
      FP_TRY(step, server->step(last_token));
      if (step.account) return *step.account;
      from_server = step.reply;
    }
    return fail(Code::internal, "no end");
  }

  ManualClock clock;
  LoginOptions options;
  std::unique_ptr<WindowsLogins> logins;
  std::string last_token;
};

TEST_F(WindowsLoginTest, AnAccountOfATrustedDomainIsLoggedInByNtlmRawAndInsideNegotiate) {
  for (const LoginScheme scheme : {LoginScheme::ntlm, LoginScheme::negotiate}) {
    NtlmClient alice("LAB\\alice", "Secret.1", scheme);
    const auto in = login(alice, scheme);
    ASSERT_TRUE(in) << in.error().message;
    EXPECT_EQ(in->account.full_name(), "alice@LAB.TEST");
    EXPECT_FALSE(in->account.computer);
    EXPECT_EQ(in->mechanism, "NTLM");
    EXPECT_FALSE(in->bound);
    EXPECT_EQ(in->until.since_ms(clock.now()), limits::kLoginLifeMs);
  }
  NtlmClient pc("LAB\\PC1$", "Secret.2", LoginScheme::ntlm);
  const auto in = login(pc, LoginScheme::ntlm);
  ASSERT_TRUE(in) << in.error().message;
  EXPECT_TRUE(in->account.computer);
}

TEST_F(WindowsLoginTest, AWrongPasswordAnUnknownUserAndAForeignDomainAreRefused) {
  NtlmClient wrong("LAB\\alice", "Secret.2", LoginScheme::ntlm);
  EXPECT_EQ(login(wrong, LoginScheme::ntlm).error().code, Code::unauthenticated);
  NtlmClient nobody("LAB\\nobody", "Secret.1", LoginScheme::ntlm);
  EXPECT_EQ(login(nobody, LoginScheme::ntlm).error().code, Code::unauthenticated);
  NtlmClient bob("OTHER\\bob", "Secret.3", LoginScheme::ntlm);
  const auto foreign = login(bob, LoginScheme::ntlm);
  ASSERT_FALSE(foreign);
  EXPECT_NE(foreign.error().message.find("bob@OTHER is of no domain"), std::string::npos) << foreign.error().message;
}

TEST_F(WindowsLoginTest, OverTlsALoginIsBoundToTheChannelWhereTheClientBindsIt) {
  const std::string here(32, 'h'), elsewhere(32, 'e');
  for (const LoginScheme scheme : {LoginScheme::ntlm, LoginScheme::negotiate}) {
    for (const bool required : {true, false}) {
      options.require_binding = required;
      logins.reset();
      NtlmClient bound("LAB\\alice", "Secret.1", scheme, "tls-server-end-point:" + here);
      const auto in = login(bound, scheme, here, true);
      ASSERT_TRUE(in) << in.error().message;
      EXPECT_TRUE(in->bound);
      NtlmClient relayed("LAB\\alice", "Secret.1", scheme, "tls-server-end-point:" + elsewhere);
      EXPECT_EQ(login(relayed, scheme, here, true).error().code, Code::unauthenticated);
      NtlmClient unbound("LAB\\alice", "Secret.1", scheme);
      const auto loose = login(unbound, scheme, here, true);
      EXPECT_EQ(loose.has_value(), !required);
      EXPECT_FALSE(loose && loose->bound);
    }
  }
}

TEST_F(WindowsLoginTest, AnAnswerIsGoodForItsOwnChallengeOnlyAndInTime) {
  NtlmClient alice("LAB\\alice", "Secret.1", LoginScheme::ntlm);
  ASSERT_TRUE(login(alice, LoginScheme::ntlm));
  auto second = logins->begin(LoginScheme::ntlm, {}, false);
  ASSERT_TRUE(second);
  NtlmClient other("LAB\\alice", "Secret.1", LoginScheme::ntlm);
  ASSERT_TRUE((*second)->step(other.next({})));
  EXPECT_EQ((*second)->step(last_token).error().code, Code::unauthenticated);  // the answer to the first challenge

  auto slow = logins->begin(LoginScheme::ntlm, {}, false);
  ASSERT_TRUE(slow);
  NtlmClient third("LAB\\alice", "Secret.1", LoginScheme::ntlm);
  const auto challenge = (*slow)->step(third.next({}));
  ASSERT_TRUE(challenge);
  clock.advance_s(limits::kLoginStepMs / 1000 + 1);
  EXPECT_NE((*slow)->step(third.next(challenge->reply)).error().message.find("too long"), std::string::npos);
}

TEST_F(WindowsLoginTest, NonsenseIsRefusedAndNoMoreLoginsRunThanTheLimit) {
  for (const char* text : {"x", "NTLMSSP", "NTLMSSP\0\3", "\x60\x03\x06\x01\x01"}) {
    auto opened = WindowsLogins::open(options, clock);
    ASSERT_TRUE(opened);
    auto server = (*opened)->begin(LoginScheme::negotiate, {}, false);
    ASSERT_TRUE(server);
    EXPECT_EQ((*server)->step(text).error().code, Code::unauthenticated) << text;
  }
  auto opened = WindowsLogins::open(options, clock);
  ASSERT_TRUE(opened);
  std::vector<std::unique_ptr<WindowsLogin>> many;
  for (int i = 0; i < limits::kLoginsMax; ++i) {
    auto one = (*opened)->begin(LoginScheme::ntlm, {}, false);
    ASSERT_TRUE(one);
    many.push_back(std::move(*one));
  }
  EXPECT_EQ((*opened)->begin(LoginScheme::ntlm, {}, false).error().code, Code::unavailable);
  many.pop_back();
  EXPECT_TRUE((*opened)->begin(LoginScheme::ntlm, {}, false));
}

TEST(WindowsLogins, WhatIsNotConfiguredIsNotOffered) {
  EXPECT_EQ(WindowsLogins::open({}, system_clock()).error().code, Code::invalid);
  LoginOptions options;
  options.keytab = "/nonexistent/keytab";
  auto opened = WindowsLogins::open(options, system_clock());
  ASSERT_TRUE(opened);
  EXPECT_TRUE((*opened)->offers(LoginScheme::negotiate));
  EXPECT_FALSE((*opened)->offers(LoginScheme::ntlm));
  EXPECT_EQ((*opened)->begin(LoginScheme::ntlm, {}, false).error().code, Code::unauthenticated);
  auto login = (*opened)->begin(LoginScheme::negotiate, {}, false);
  ASSERT_TRUE(login);
  EXPECT_NE((*login)->step("x").error().message.find("the server's own credentials"), std::string::npos);
}

TEST_F(WindowsLoginTest, TheFirstNtlmMessageMayBeShortAndComeRawInNegotiate) {
  const std::string first{"NTLMSSP\0\1\0\0\0\6\x82\x08\0", 16};
  auto opened = WindowsLogins::open(options, clock);
  ASSERT_TRUE(opened);
  for (const LoginScheme scheme : {LoginScheme::ntlm, LoginScheme::negotiate}) {
    auto server = (*opened)->begin(scheme, {}, false);
    ASSERT_TRUE(server);
    const auto challenge = (*server)->step(first);
    ASSERT_TRUE(challenge) << challenge.error().message;
    EXPECT_TRUE(challenge->reply.starts_with("NTLMSSP"));
  }
}

TEST(WindowsLogins, DomainsHaveANameAndMayHaveAShortOne) {
  EXPECT_EQ(parse_domain("corp.example=corp")->short_name, "CORP");
  EXPECT_EQ(parse_domain("corp.example")->name, "CORP.EXAMPLE");
  for (const char* text : {"", "=CORP", "CORP.EXAMPLE=", "a b", "CORP.EXAMPLE=A.VERY.LONG.SHORT"}) EXPECT_FALSE(parse_domain(text)) << text;
}

}  // namespace
}  // namespace fp::directory
