#include "wire/windows_login.hpp"

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace fp::wire {
namespace {

constexpr std::size_t kNameCharsMax = 256;
constexpr std::string_view kNtlmSignature{"NTLMSSP\0", 8};
constexpr std::uint32_t kAuthenticate = 3;
constexpr std::size_t kNtResponseAt = 20;       // NtChallengeResponseFields: length, room, offset
constexpr std::size_t kPairsAt = 16 + 28;       // behind the proof and the fixed part of NTLMv2_CLIENT_CHALLENGE
constexpr std::uint16_t kAvEnd = 0, kAvChannelBindings = 10;

std::uint32_t little(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = size; i > 0; --i) value = value << 8U | static_cast<unsigned char>(bytes[at + i - 1]);
  return value;
}

// Of one message, whose first byte is that of its signature.
NtlmBinding binding_of(std::string_view message) {
  if (message.size() < kNtResponseAt + 8 || little(message, 8, 4) != kAuthenticate) return NtlmBinding::no_answer;
  const std::size_t length = little(message, kNtResponseAt, 2);
  const std::size_t offset = little(message, kNtResponseAt + 4, 4);
  if (offset > message.size() || length > message.size() - offset || length < kPairsAt) return NtlmBinding::unbound;
  std::string_view pairs = message.substr(offset, length).substr(kPairsAt);
  while (pairs.size() >= 4) {
    const std::uint32_t id = little(pairs, 0, 2);
    const std::size_t size = little(pairs, 2, 2);
    pairs.remove_prefix(4);
    if (id == kAvEnd || size > pairs.size()) break;
    const std::string_view value = pairs.substr(0, size);
    if (id == kAvChannelBindings && value.find_first_not_of('\0') != std::string_view::npos) return NtlmBinding::bound;
    pairs.remove_prefix(size);
  }
  return NtlmBinding::unbound;
}

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

NtlmBinding ntlm_binding(std::string_view token) {
  NtlmBinding found = NtlmBinding::no_answer;
  for (auto at = token.find(kNtlmSignature); at != std::string_view::npos; at = token.find(kNtlmSignature, at + 1)) {
    const NtlmBinding one = binding_of(token.substr(at));
    if (one == NtlmBinding::bound) return one;
    if (one == NtlmBinding::unbound) found = one;
  }
  return found;
}

}  // namespace fp::wire
