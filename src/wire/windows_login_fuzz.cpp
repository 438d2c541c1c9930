// Authorization headers and names of accounts: what is accepted keeps its grammar.
#include <cstdlib>

#include "base/limits.hpp"
#include "wire/windows_login.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace fp;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto token = wire::decode_authorization(text);
  if (token && *token) {
    if ((*token)->bytes.empty() || (*token)->bytes.size() > limits::kLoginTokenBytesMax) std::abort();
    const auto again = wire::decode_authorization(wire::encode_challenge((*token)->scheme, (*token)->bytes));
    if (!again || !*again || (*again)->bytes != (*token)->bytes) std::abort();
  }
  for (const auto& account : {wire::parse_kerberos_name(text), wire::parse_ntlm_name(text)})
    if (account && (account->domain.empty() || account->name.empty() || account->name.find('\n') != std::string::npos)) std::abort();
  return 0;
}
