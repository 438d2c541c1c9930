#include "wire/windows_login.hpp"

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace fp::wire {
namespace {

constexpr std::size_t kNameCharsMax = 256;

Result<Account> account_of(std::string_view domain, std::string_view name) {
  FP_TRY(clean_domain, parse_name(domain, kNameCharsMax));
  FP_TRY(clean_name, parse_name(name, kNameCharsMax));
  Account account{.domain = upper(clean_domain), .name = std::move(clean_name)};
  account.computer = account.name.size() > 1 && account.name.back() == '$';
  return account;
}

}  // namespace

std::string_view to_string(LoginScheme scheme) { return scheme == LoginScheme::ntlm ? "NTLM" : "Negotiate"; }

Result<std::optional<LoginToken>> decode_authorization(std::string_view header) {
  const std::string_view text = trim(header);
  const auto space = text.find(' ');
  const std::string_view name = text.substr(0, space);
  LoginToken token;
  if (iequals(name, "NTLM")) token.scheme = LoginScheme::ntlm;
  else if (!iequals(name, "Negotiate")) return std::optional<LoginToken>();
  const std::string_view coded = space == std::string_view::npos ? std::string_view() : trim(text.substr(space));
  if (coded.empty()) return fail(Code::invalid, "an Authorization header of {} without a token", to_string(token.scheme));
  if (coded.size() / 4 * 3 > limits::kLoginTokenBytesMax) return fail(Code::too_large, "a login token of {} characters", coded.size());
  FP_TRY(bytes, unbase64(coded));
  if (bytes.empty()) return fail(Code::invalid, "an empty login token");
  token.bytes = std::move(bytes);
  return std::optional(std::move(token));
}

std::string encode_challenge(LoginScheme scheme, std::string_view token) {
  std::string out(to_string(scheme));
  if (!token.empty()) out += " " + base64(token);
  return out;
}

Result<Account> parse_kerberos_name(std::string_view name) {
  const auto at = name.rfind('@');
  if (at == std::string_view::npos || name.find('\\') != std::string_view::npos || name.find('@') != at)
    return fail(Code::invalid, "not the name of an account: {:.100}", name);
  std::string_view first = name.substr(0, at);
  const bool host = istarts_with(first, "host/");
  if (host) first.remove_prefix(5);
  if (first.find('/') != std::string_view::npos) return fail(Code::invalid, "a service, and no account: {:.100}", name);
  FP_TRY(account, account_of(name.substr(at + 1), first));
  account.computer = account.computer || host;
  return account;
}

Result<Account> parse_ntlm_name(std::string_view name) {
  const auto slash = name.find('\\');
  if (slash == std::string_view::npos || slash == 0) return fail(Code::invalid, "the account {:.100} names no domain", name);
  const std::string_view rest = name.substr(slash + 1);
  if (rest.find_first_of("\\@/") != std::string_view::npos) return fail(Code::invalid, "not the name of an account: {:.100}", name);
  return account_of(name.substr(0, slash), rest);
}

}  // namespace fp::wire
