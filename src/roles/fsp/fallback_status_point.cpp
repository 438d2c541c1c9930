#include "roles/fsp/fallback_status_point.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "wire/fallback.hpp"

namespace fp::fsp {
namespace {

constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kTypeBytesMax = 256;
constexpr std::int64_t kFullRetryS = 600;
constexpr std::string_view kLinkRoot = "/farpoint/fsp/";

net::Response say(int status, std::string_view text) {
  return net::Response::text(status, "text/plain; charset=utf-8", std::string(text) + "\n");
}

net::Response json(std::string text) { return net::Response::text(200, "application/json", std::move(text)); }

}  // namespace

FallbackStatusPoint::FallbackStatusPoint(Spool& spool, const Clock& clock, Random& random, const Settings& settings)
    : spool_(spool), clock_(clock), random_(random), settings_(settings), throttle_(settings.throttle) {}

bool FallbackStatusPoint::owns(std::string_view path) { return access::find_route(access::Role::fsp, path) != nullptr; }

std::size_t FallbackStatusPoint::body_bytes_max(const net::Request& head) {
  return owns(head.path) && head.method == "POST" ? limits::kFallbackBodyBytesMax : 0;
}

access::Decision FallbackStatusPoint::authorize(const net::Request& request, const access::Route& route) const {
  access::Caller caller = access::caller_of(request.peer);
  caller.site_server = request.peer.tls() && !request.peer.fingerprint.empty() &&
                       std::ranges::find(settings_.site_fingerprints, request.peer.fingerprint) != settings_.site_fingerprints.end();
  return access::decide(route, access::to_verb(request.method), caller, {});
}

net::Response FallbackStatusPoint::handle(net::Request& request) {
  const access::Route* route = access::find_route(access::Role::fsp, request.path);
  if (!route) return net::Response::empty(404);
  const access::Decision decision = authorize(request, *route);
  if (!decision.allowed()) {
    ++refused_;
    net::Response response = net::Response::empty(decision.status);
    if (decision.status == 405) response.set("Allow", access::allow_header(route->verbs));
    return response;
  }
  switch (route->id) {
    case access::RouteId::fsp_messages: return receive(request);
    case access::RouteId::fsp_link: return answer_site(request);
    default: return net::Response::empty(404);
  }
}

net::Response FallbackStatusPoint::throttled(const net::Request& request, Throttled by) {
  ++throttled_;
  if (const auto interval = throttle_.interval(); throttle_said_.exchange(interval) != interval)
    log::warning("fsp", "throttled: {} messages in {} s {}; more are refused until the interval ends (setting {})",
                 by == Throttled::all ? settings_.throttle.messages : settings_.throttle.of_one_address, settings_.throttle.interval_s,
                 by == Throttled::all ? "came" : "came from " + request.peer.address,
                 by == Throttled::all ? "fallback_status_point.messages" : "fallback_status_point.messages_of_address");
  net::Response response = say(429, by == Throttled::all ? "throttled: too many messages in this interval"
                                                         : "throttled: too many messages from this address in this interval");
  return std::move(response.set("Retry-After", std::to_string(throttle_.wait_s(clock_.steady_ms()))));
}

net::Response FallbackStatusPoint::receive(const net::Request& request) {
  const std::string type(request.header("Content-Type").substr(0, kTypeBytesMax));
  // Told apart before they are counted: garbage shall not use up what clients with a trouble need.
  if (!wire::is_sealed_fallback(type, request.body)) {
    if (const auto readable = wire::decode_fallback(type, request.body); !readable) {
      ++refused_;
      return say(readable.error().code == Code::too_large ? 413 : 400, "not a state message: " + readable.error().message);
    }
  }
  const Throttled by = throttle_.take(request.peer.address, clock_.steady_ms());
  if (by != Throttled::no) return throttled(request, by);
  const Status kept = spool_.add({hex_lower(random_.bytes(kIdBytes)), request.received_at, request.peer.address,
                                  is_utf8(type) ? type : std::string(), request.body});
  if (!kept) {
    ++full_;
    if (!spool_full_.exchange(true)) log::error("fsp", "{}; what is new is refused until the site has fetched", kept.error().message);
    net::Response response = say(503, kept.error().code == Code::unavailable ? "the spool is full" : "the message cannot be kept");
    return std::move(response.set("Retry-After", std::to_string(kFullRetryS)));
  }
  spool_full_ = false;
  ++accepted_;
  net::Response response = net::Response::empty(200);
  return std::move(response.set(std::string(wire::kFallbackReceiptHeader), hex_lower(crypto::sha256(request.body))));
}

wire::SpoolCounts FallbackStatusPoint::counts() const {
  return {spool_.messages(), spool_.bytes(), accepted_, refused_ + full_, throttled_};
}

net::Response FallbackStatusPoint::answer_site(const net::Request& request) {
  const std::string_view rest = std::string_view(request.path).substr(std::min(kLinkRoot.size(), request.path.size()));
  if (rest == "v1/messages" && request.method == "GET") return json(wire::encode_spool_batch({counts(), spool_.oldest()}));
  if (rest == "v1/receipts" && request.method == "POST") {
    const auto ids = wire::decode_receipts(request.body);
    if (!ids) return say(400, ids.error().message);
    if (const Status gone = spool_.remove(*ids); !gone) {
      log::error("fsp", "{}", gone.error().message);
      return say(507, gone.error().message);
    }
    return net::Response::empty(204);
  }
  return net::Response::empty(404);
}

void FallbackStatusPoint::say_what_happened() {
  const wire::SpoolCounts now = counts();
  const std::int64_t full = full_;
  if (now.accepted != said_.accepted || now.refused != said_.refused || now.throttled != said_.throttled)
    log::info("fsp", "in the last minute: {} messages taken, {} throttled, {} refused as unreadable or not for here, {} for want of room; "
              "{} wait for the site", now.accepted - said_.accepted, now.throttled - said_.throttled,
              now.refused - said_.refused - (full - said_full_), full - said_full_, now.waiting);
  said_ = now;
  said_full_ = full;
}

}  // namespace fp::fsp
