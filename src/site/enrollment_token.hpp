// Enrollment tokens: how one is made, what of it is stored, and what it is worth now. Any thread; pure.
#pragma once
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "model/enrollment.hpp"

namespace fp::site {

inline constexpr std::string_view kTokenPrefix = "fpe_";  // and 48 hexadecimal digits: 192 random bits
[[nodiscard]] std::string new_enrollment_token(Random& random);
[[nodiscard]] std::string hash_of_token(std::string_view token);  // SHA-256, lower-case hex: what is stored

enum class TokenState { good, revoked, expired, used_up };
[[nodiscard]] TokenState state_of(const EnrollmentToken& token, Instant now);
[[nodiscard]] std::string_view to_string(TokenState state);

}  // namespace fp::site
