// zlib streams with a limit on what comes out. Any thread; pure. Costs one pass. Never inflates past the limit.
#pragma once
#include <string>
#include <string_view>

#include "base/limits.hpp"
#include "base/result.hpp"

namespace fp::wire {

// Code::invalid: not a zlib stream, or it ends in the middle; Code::too_large: it would inflate to more than bytes_max.
// Bytes behind the end of the stream are ignored.
[[nodiscard]] Result<std::string> inflate_zlib(std::string_view stream, std::size_t bytes_max = limits::kInflatedBytesMax);
[[nodiscard]] std::string deflate_zlib(std::string_view bytes);

}  // namespace fp::wire
