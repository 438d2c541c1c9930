#include "roles/enrollment/proxy.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "domain/access/routes.hpp"
#include "pki/issue.hpp"
#include "roles/enrollment/est.hpp"
#include "wire/est.hpp"

namespace fp::enrollment {

using access::RouteId;

EnrollmentProxyPoint::EnrollmentProxyPoint(Forward forward, const Clock& clock, Random& random)
    : forward_(std::move(forward)), clock_(clock), random_(random), addresses_(kAddressFailuresMax, kAddressWindowMs) {}

// What can be said without the site: that it is a request for a certificate, proved by the key it is for.
Status EnrollmentProxyPoint::examine(const net::Request& request) const {
  if (request.method != "POST") return {};
  FP_TRY(der, wire::decode_est_request(request.header("Content-Type"), request.body));
  FP_CHECK(pki::parse_signing_request(der));
  return {};
}

net::Response EnrollmentProxyPoint::handle(net::Request& request) {
  const access::Route* route = access::find_route(access::Role::enrollment, request.path);
  if (!route) return net::Response::empty(404);
  const std::string address = subject_of_address(request.peer.address);
  access::Caller caller = access::caller_of(request.peer);
  access::Decision decision = access::decide(*route, access::to_verb(request.method), caller, {});
  if (decision.status == 401) {
    if (const auto wait = addresses_.wait_ms(address, clock_.steady_ms()); wait > 0) return too_many(wait);
    if (const auto credentials = wire::parse_basic(request.header("Authorization")); !credentials) {
      if (credentials.error().code != Code::not_found) addresses_.count(address, clock_.steady_ms());
      return refusal({Code::unauthenticated, {}}, random_);
    }
    caller.enrolling = true;  // as far as can be told here: whether the secret is good is the site's to say
    decision = access::decide(*route, access::to_verb(request.method), caller, {});
  }
  if (!decision.allowed()) {
    log::warning("enrollment", "refused {} {} from {}: {}{}{}", request.method, request.path, request.peer.address, decision.reason,
                 request.peer.check.detail.empty() ? "" : ": ", request.peer.check.detail);
    net::Response response = decision.status == 403 ? refusal({Code::forbidden, decision.reason}, random_) : net::Response::empty(decision.status);
    if (decision.status == 405) response.set("Allow", access::allow_header(route->verbs));
    return response;
  }
  if (const Status good = examine(request); !good) {
    log::warning("enrollment", "refused {} {} from {}: {}", request.method, request.path, request.peer.address, good.error().message);
    return refusal(good.error(), random_);
  }
  return pass_on(request, address);
}

net::Response EnrollmentProxyPoint::pass_on(const net::Request& request, const std::string& address) {
  struct Waiting {
    std::atomic<int>& count;
    const bool room;
    explicit Waiting(std::atomic<int>& c) : count(c), room(++c <= kWaitingMax) {}
    ~Waiting() { --count; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
  } waiting(waiting_);
  if (!waiting.room) return refusal({Code::unavailable, {}}, random_);
  net::Request values;
  values.method = request.method;
  values.path = request.path;
  values.target = percent_encode_path(request.path);
  for (const auto* name : {"Host", "Content-Type", "Authorization"})
    if (request.has_header(name)) values.headers.emplace_back(name, request.header(name));
  values.body = request.body;
  values.peer = request.peer;
  values.received_at = request.received_at;
  auto answer = forward_(values);
  if (!answer) {
    log::warning("enrollment", "{} {} from {}: {}", request.method, request.path, request.peer.address, answer.error().message);
    return refusal({Code::unavailable, {}}, random_);
  }
  if (answer->status == 401) addresses_.count(address, clock_.steady_ms());
  return std::move(*answer);
}

}  // namespace fp::enrollment
