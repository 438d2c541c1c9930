// What enrollment point and proxy point have in common: which paths are theirs, and the form of refusals. Any thread; pure but for a log line.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "net/http.hpp"

namespace fp::enrollment {

inline constexpr int kAddressFailuresMax = 10;  // wrong secrets from one address ...
inline constexpr std::int64_t kAddressWindowMs = 60'000;  // ... within a minute, then it waits

[[nodiscard]] bool owns(std::string_view path);
[[nodiscard]] std::size_t body_limit(const net::Request& head);
// The status that an error has: 400, 401, 403, 413, 503. A 401 says nothing of the reason and asks for Basic credentials.
[[nodiscard]] net::Response refusal(const Error& error, Random& random);
[[nodiscard]] net::Response too_many(std::int64_t wait_ms);

}  // namespace fp::enrollment
