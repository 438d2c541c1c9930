#include "roles/mp/admission.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace fp::mp {

using access::Role;
using access::RouteId;

namespace {

// What may stand behind a request that is refused for its verb or its path: read, so that the refusal is the true one.
constexpr std::size_t kOtherBodyBytesMax = std::size_t{64} << 10;

constexpr std::string_view kForbiddenPage =
    "<HTML><HEAD><TITLE>403 Forbidden</TITLE></HEAD><BODY><H1>403 Forbidden</H1></BODY></HTML>";

bool is_bits(const net::Request& request) {
  return request.method == "BITS_POST" ||
         (request.method == "POST" && iequals(request.header("X-Http-Method-Override"), "BITS_POST"));
}

wire::BitsError bits_error_of(int status, std::string reason) {
  if (status == 405) return wire::bits_switched_off();
  if (status == 413) return wire::bits_fragment_too_large();
  return wire::BitsError{status, 0x80070005, 0x5, std::move(reason)};
}

}  // namespace

net::Response refusal_response(std::string_view component, const net::Request& request, std::string_view client_id,
                               const Refused& refused) {
  log::warning(component, "refused {} {} from {} ({}{}{}){}{}: {}", request.method, request.path, request.peer.address,
               to_string(request.peer.door), request.via ? " of " : "", request.via ? request.via->name : "", client_id.empty() ? "" : " ",
               client_id, refused.reason);
  // The caller of a message learns nothing from an empty 200; what is at fault stands in our log.
  net::Response response = refused.status == 403 && request.method != "CCM_POST" && request.method != "HEAD"
                               ? net::Response::text(403, "text/html", std::string(kForbiddenPage))
                               : net::Response::empty(refused.status);
  // What is no secret, and helps whoever set up the proxy.
  if (refused.status == 403 && request.peer.pinned_proxy && request.method == "CCM_POST")
    response = net::Response::text(403, "text/plain; charset=utf-8", refused.reason + "\n");
  if (refused.status == 403 && refused.reason == "Client certificate required") response.reason = refused.reason;
  return response;
}

std::string retry_after(Random& random) {
  constexpr std::uint64_t kMinS = 5, kMaxS = 60;
  return std::to_string(kMinS + random.below(kMaxS - kMinS + 1));
}

net::Response refused_packet(const net::Request& request, const wire::BitsError& error, const Refuse& refuse) {
  net::Response response = refuse("mp.upload", request, {}, {error.status, error.reason});
  response.body.clear();
  response.headers = wire::bits_error_ack(error, {});
  return response;
}

std::size_t body_bytes_max(const net::Request& head) {
  const access::Route* route = access::find_route(Role::mp, head.path);
  if (route && is_bits(head)) return limits::kBitsFragmentBytesMax;
  // A Windows client sends its whole message along with each step of a login, and a refused path still has to
  // be read.
  if (head.method == "CCM_POST") return limits::kMessageBodyBytesMax;
  return kOtherBodyBytesMax;
}

std::optional<net::Response> too_large_packet(const net::Request& head, const Refuse& refuse) {
  const access::Route* route = access::find_route(Role::mp, head.path);
  if (!route || !is_bits(head)) return std::nullopt;
  wire::BitsError error = wire::bits_fragment_too_large();
  error.reason = "a fragment over the limit";
  return refused_packet(head, error, refuse);
}

std::string_view component_of(RouteId id) {
  switch (id) {
    case RouteId::mp_policy:
      return "mp.policy";
    case RouteId::mp_authority:
      return "mp.location";
    case RouteId::mp_uploads:
      return "mp.upload";
    default:
      return "mp.message";
  }
}

Admission admit(net::Request& request, const access::Settings& settings, const Refuse& refuse, bool windows_login) {
  const access::Route* route = access::find_route(Role::mp, request.path);
  if (!route) {
    const int status = request.method == "CCM_POST" ? 400 : 404;
    return {nullptr, refuse("mp.message", request, {}, {status, "no such path"})};
  }
  if (is_bits(request)) request.method = "BITS_POST";
  access::Caller caller = access::caller_of(request.peer);
  caller.windows_login = windows_login;
  const access::Decision decision = access::decide(*route, access::to_verb(request.method), caller, settings);
  if (decision.allowed()) return {route, std::nullopt};
  if (decision.status == 405 && request.method == "CCM_POST")
    return {route, refuse(component_of(route->id), request, {}, {400, "messages go to /ccm_system/request"})};
  std::string reason = decision.reason;
  if (!request.peer.check.detail.empty()) reason += " (" + request.peer.check.detail + ")";
  const bool packet = request.method == "BITS_POST";
  if (packet) {
    auto error = bits_error_of(decision.status, reason);
    error.reason = reason;
    net::Response response = refused_packet(request, error, refuse);
    if (decision.status == 403)
      response.reason = request.peer.check.problem == CertificateProblem::missing ? "Client certificate required" : "";
    return {route, std::move(response)};
  }
  net::Response response = refuse(component_of(route->id), request, {}, {decision.status, reason});
  if (decision.status == 403)
    response.reason = request.peer.check.problem == CertificateProblem::missing ? "Client certificate required" : "";
  if (decision.status == 405) response.set("Allow", access::allow_header(route->verbs));
  return {route, std::move(response)};
}

}  // namespace fp::mp
