#include "wire/windows_login.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace fp::wire {
namespace {

TEST(WindowsLogin, AuthorizationHeadersOfWindowsLoginsAreRead) {
  for (const char* header : {"NTLM TlRMTVNTUAABAAAAB4IIAA==", "ntlm   TlRMTVNTUAABAAAAB4IIAA== "}) {
    const auto token = decode_authorization(header);
    ASSERT_TRUE(token && *token) << header;
    EXPECT_EQ((*token)->scheme, LoginScheme::ntlm);
    EXPECT_TRUE((*token)->bytes.starts_with("NTLMSSP"));
  }
  EXPECT_EQ((**decode_authorization("Negotiate YIIB")).scheme, LoginScheme::negotiate);
  for (const char* other : {"", "Basic YTpi", "Bearer x", "NTLMX TlRM"}) EXPECT_FALSE(*decode_authorization(other)) << other;
  for (const char* wrong : {"NTLM", "Negotiate ", "NTLM !", "Negotiate Y"}) EXPECT_EQ(decode_authorization(wrong).error().code, Code::invalid) << wrong;
  const std::string large = "Negotiate " + std::string(limits::kLoginTokenBytesMax / 3 * 4 + 8, 'A');
  EXPECT_EQ(decode_authorization(large).error().code, Code::too_large);
  EXPECT_EQ(encode_challenge(LoginScheme::ntlm, {}), "NTLM");
  EXPECT_EQ(encode_challenge(LoginScheme::negotiate, "abc"), "Negotiate YWJj");
}

TEST(WindowsLogin, NamesOfAccountsAreReadByTheGrammarOfTheirMechanism) {
  EXPECT_EQ(parse_kerberos_name("alice@corp.example")->full_name(), "alice@CORP.EXAMPLE");
  EXPECT_FALSE(parse_kerberos_name("alice@CORP.EXAMPLE")->computer);
  EXPECT_TRUE(parse_kerberos_name("PC1$@CORP.EXAMPLE")->computer);
  EXPECT_TRUE(parse_kerberos_name("host/pc1.corp.example@CORP.EXAMPLE")->computer);
  for (const char* wrong : {"", "alice", "@CORP", "alice@", "HTTP/mp@CORP", "a\\@b@CORP", "a@b@CORP", "a\nb@CORP", "host/a/b@CORP"})
    EXPECT_FALSE(parse_kerberos_name(wrong)) << wrong;
  EXPECT_EQ(parse_ntlm_name("corp\\alice")->full_name(), "alice@CORP");
  EXPECT_TRUE(parse_ntlm_name("CORP\\PC1$")->computer);
  for (const char* wrong : {"", "alice", "\\alice", "CORP\\", "CORP\\a\\b", "CORP\\a@b", "CORP\\host/x"}) EXPECT_FALSE(parse_ntlm_name(wrong)) << wrong;
}

}  // namespace
}  // namespace fp::wire
