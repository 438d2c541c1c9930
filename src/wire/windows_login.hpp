// What a Windows login brings over HTTP (RFC 4559, wire.md §2, §15): the Authorization header, and the names of accounts as GSSAPI
// shows them. Any thread; pure; bounded by limits::kLoginTokenBytesMax. Never: looks into a token, or decides whether a login is
// good. That is GSSAPI's work (directory/windows_login.hpp).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/account.hpp"

namespace fp::wire {

enum class LoginScheme { negotiate, ntlm };
[[nodiscard]] std::string_view to_string(LoginScheme scheme);  // as written in headers

struct LoginToken {
  LoginScheme scheme = LoginScheme::negotiate;
  std::string bytes;
};
// Empty: no header, or one of another scheme. Code::invalid: no base64, or nothing behind the scheme; Code::too_large.
[[nodiscard]] Result<std::optional<LoginToken>> decode_authorization(std::string_view header);
// The value of a WWW-Authenticate header; the scheme alone where there is no token.
[[nodiscard]] std::string encode_challenge(LoginScheme scheme, std::string_view token);

// "alice@CORP.EXAMPLE", "PC1$@CORP.EXAMPLE", "host/pc1.corp.example@CORP.EXAMPLE". Code::invalid: another service, or no realm.
[[nodiscard]] Result<Account> parse_kerberos_name(std::string_view name);
// "CORP\alice". Code::invalid: no domain.
[[nodiscard]] Result<Account> parse_ntlm_name(std::string_view name);

}  // namespace fp::wire
