#include "wire/windows_login.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace fp::wire {
namespace {

// An AUTHENTICATE message with the target information that `pairs` is.
std::string authenticate(std::string_view pairs) {
  const auto number = [](std::size_t value, int size) {
    std::string out;
    for (int i = 0; i < size; ++i) out += static_cast<char>(value >> (8 * i));
    return out;
  };
  const std::size_t length = 16 + 28 + pairs.size();
  std::string m{"NTLMSSP\0\3\0\0\0", 12};
  m += std::string(8, '\0');
  m += number(length, 2) + number(length, 2) + number(64, 4);
  m.resize(64, '\0');
  m += std::string(16 + 28, 'p');
  m += pairs;
  return m;
}

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

TEST(WindowsLogin, WhetherAnAnswerIsBoundToItsChannelStandsInIt) {
  const std::string end(4, '\0');
  const std::string name{"\2\0\4\0L\0B\0", 8};
  const std::string bound = std::string("\x0a\0\x10\0", 4) + std::string(16, 'b');
  const std::string zero = std::string("\x0a\0\x10\0", 4) + std::string(16, '\0');
  EXPECT_EQ(ntlm_binding(authenticate(name + bound + end)), NtlmBinding::bound);
  EXPECT_EQ(ntlm_binding(authenticate(name + zero + end)), NtlmBinding::unbound);
  EXPECT_EQ(ntlm_binding(authenticate(name + end)), NtlmBinding::unbound);
  EXPECT_EQ(ntlm_binding(authenticate(end + bound)), NtlmBinding::unbound);  // behind the end nothing counts
  EXPECT_EQ(ntlm_binding("\x60" + authenticate(name + end) + authenticate(name + bound + end)), NtlmBinding::bound);
  EXPECT_EQ(ntlm_binding(std::string("NTLMSSP\0\1\0\0\0", 12) + std::string(20, '\0')), NtlmBinding::no_answer);
  const std::string whole = authenticate(name + bound + end);
  for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_NE(ntlm_binding(whole.substr(0, n)), NtlmBinding::bound) << n;
}

}  // namespace
}  // namespace fp::wire
