// Limits of what a gateway says and is asked.
#pragma once
#include <cstddef>

namespace fp::wire {

inline constexpr std::size_t kGatewayStatusBytesMax = 8U << 10;
inline constexpr std::size_t kGatewayErrorBytesMax = 1024;
inline constexpr std::size_t kGatewayIdDigitsMax = 20;

}  // namespace fp::wire
