#include "domain/internet/client_push.hpp"

namespace fp::internet {
namespace {

Verdict refuse(std::string because) {
  return verdict(Feature::client_push, {ConnectionType::unknown, std::move(because)});
}

}  // namespace

Verdict may_push(std::string_view host, const std::optional<Device>& known, const Result<std::vector<HostAddress>>& addresses, Instant now) {
  if (known) {
    const auto place = place_of(*known, now);
    if (place.internet()) return verdict(Feature::client_push, place);
  }
  if (!addresses) return refuse(fmt::format("{} has no address here ({}), so it is not known to be on the intranet", host, addresses.error().message));
  if (addresses->empty()) return refuse(fmt::format("{} has no address here, so it is not known to be on the intranet", host));
  for (const auto& a : *addresses)
    if (!a.inside) return refuse(fmt::format("{} is not known to be on the intranet: {}", host, a.because));
  return verdict(Feature::client_push,
                 {ConnectionType::currently_intranet, fmt::format("{} is on the intranet: {}", host, addresses->front().because)});
}

ClientPush ordered(ClientPush push, Instant now) {
  push.state = PushState::waiting;
  push.created_at = push.next_at = now;
  push.give_up_at = now.plus_ms(kPushForMs);
  push.finished_at = {};
  push.attempts.clear();
  return push;
}

ClientPush after_attempt(ClientPush push, PushAttempt attempt) {
  const Instant at = attempt.at;
  const bool done = attempt.succeeded;
  push.attempts.push_back(std::move(attempt));
  if (push.attempts.size() > kPushAttemptsMax) push.attempts.erase(push.attempts.begin());
  if (done || !is_open(push.state)) {
    if (is_open(push.state)) push.finished_at = at;
    if (done) push.state = PushState::succeeded;
    return push;
  }
  push.next_at = at.plus_ms(kPushEveryMs);
  push.state = PushState::waiting;
  if (push.next_at > push.give_up_at) {
    push.state = PushState::failed;
    push.finished_at = at;
  }
  return push;
}

ClientPush interrupted(ClientPush push, Instant now) {
  if (push.state != PushState::running) return push;
  push.attempts.push_back({now, false, "the site server stopped while it was at it"});
  push.state = PushState::waiting;
  push.next_at = now;
  return push;
}

ClientPush cancelled(ClientPush push, Instant now, std::string_view who) {
  if (!is_open(push.state)) return push;
  push.attempts.push_back({now, false, fmt::format("cancelled by {}", who)});
  push.state = PushState::cancelled;
  push.finished_at = now;
  return push;
}

}  // namespace fp::internet
