// Limits on Windows logins; the others stand in base/limits.hpp.
#pragma once
#include <cstddef>
#include <cstdint>

namespace fp::limits {

inline constexpr std::size_t kLoginTokenBytesMax = 48U << 10;  // one step, decoded; what Windows makes at most
inline constexpr int kLoginStepsMax = 8;
inline constexpr std::int64_t kLoginStepMs = 60 * 1000;       // from the first step to the last
inline constexpr std::int64_t kLoginLifeMs = 3600 * 1000;     // of a login on its connection
inline constexpr int kLoginsMax = 1024;                       // begun and not ended, in all

}  // namespace fp::limits
