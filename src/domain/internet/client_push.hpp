// Client push, decided: who may be pushed to, when it is tried again and when it is given up (domain.md §24, §34: hourly for
// seven days). Pure; any thread. Never: a connection, a name looked up.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "domain/internet/features.hpp"
#include "model/client_push.hpp"
#include "model/device.hpp"

namespace fp::internet {

inline constexpr std::int64_t kPushEveryMs = 3600 * 1000;
inline constexpr std::int64_t kPushForMs = std::int64_t{7} * 24 * 3600 * 1000;
inline constexpr std::size_t kPushAttemptsMax = 500;  // more can only come of --now; the oldest are dropped

// What a name stands for, and whether the site's boundaries know it (domain/boundary, belongs_to_site).
struct HostAddress {
  std::string address;
  bool inside = false;
  std::string because;  // one sentence, either way
};
// `known`: the site's device of that name. `addresses`: all of its addresses, or why nobody knows. Each has to be inside.
[[nodiscard]] Verdict may_push(std::string_view host, const std::optional<Device>& known, const Result<std::vector<HostAddress>>& addresses,
                               Instant now);

// A new order: tried at once.
[[nodiscard]] ClientPush ordered(ClientPush push, Instant now);
// What the order is after an attempt that ended at `attempt.at`.
[[nodiscard]] ClientPush after_attempt(ClientPush push, PushAttempt attempt);
// The server stopped while it was at it: tried again as soon as it runs.
[[nodiscard]] ClientPush interrupted(ClientPush push, Instant now);
[[nodiscard]] ClientPush cancelled(ClientPush push, Instant now, std::string_view who);

}  // namespace fp::internet
