#include "site/enrollment_token.hpp"

#include "base/text.hpp"
#include "crypto/hash.hpp"

namespace fp::site {

std::string new_enrollment_token(Random& random) {
  constexpr std::size_t kBytes = 24;
  return std::string(kTokenPrefix) + hex_lower(random.bytes(kBytes));
}

std::string hash_of_token(std::string_view token) { return hex_lower(crypto::sha256(token)); }

TokenState state_of(const EnrollmentToken& token, Instant now) {
  if (token.revoked_at.ms != 0) return TokenState::revoked;
  if (token.expires_at <= now) return TokenState::expired;
  return token.used >= token.uses ? TokenState::used_up : TokenState::good;
}

std::string_view to_string(TokenState state) {
  switch (state) {
    case TokenState::good: return "good";
    case TokenState::revoked: return "revoked";
    case TokenState::expired: return "expired";
    case TokenState::used_up: return "used up";
  }
  return "?";
}

}  // namespace fp::site
