#include "roles/mp/service.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"
#include "roles/mp/context.hpp"
#include "wire/bits.hpp"

namespace fp::mp {

using access::Role;
using access::RouteId;

namespace {

// What may stand behind a request that is refused for its verb or its path: read, so that the refusal is the true one.
constexpr std::size_t kOtherBodyBytesMax = std::size_t{64} << 10;

bool is_bits(const net::Request& request) {
  return request.method == "BITS_POST" ||
         (request.method == "POST" && iequals(request.header("X-Http-Method-Override"), "BITS_POST"));
}

// Senders of packets read the refusal from headers, and any answer of another shape is none to them (wire.md §10).
net::Response refused_packet(Context& context, const net::Request& request, int status, const std::string& reason) {
  const wire::BitsError error = status == 405   ? wire::bits_switched_off()
                                : status == 413 ? wire::bits_fragment_too_large()
                                                : wire::BitsError{status, 0x80070005, 0x5, reason};
  net::Response response = context.refuse("mp.upload", request, {}, {error.status, reason});
  response.body.clear();
  response.headers = wire::bits_error_ack(error, {});
  return response;
}

}  // namespace

struct Service::Parts {
  Context context;
};

Service::Service(store::Store& store, const Clock& clock, Random& random, Settings settings,
                 CertificateVerifier verifier)
    : parts_(
          new Parts{Context{.store = store,
                            .clock = clock,
                            .random = random,
                            .settings = settings,
                            .verify = std::move(verifier),
                            .hook = {},
                            .uploads = Uploads(settings.uploads, settings.uploads_bytes_max, clock, random),
                            .keys = {},
                            .senders = {},
                            .id_proofs = {},
                            .tokens = {}}}) {}
Service::~Service() = default;

void Service::on_refusal(RefusalHook hook) { parts_->context.hook = std::move(hook); }

bool Service::owns(std::string_view decoded_path) {
  return access::find_route(Role::mp, decoded_path) != nullptr;
}

std::size_t Service::body_limit(const net::Request& head) {
  const access::Route* route = access::find_route(Role::mp, head.path);
  if (route && is_bits(head)) return limits::kBitsFragmentBytesMax;
  // A Windows client sends its whole message along with each step of a login, and a refused path still has to
  // be read.
  if (head.method == "CCM_POST") return limits::kMessageBodyBytesMax;
  return kOtherBodyBytesMax;
}

namespace {

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

net::Response dispatch(Context& context, const access::Route& route, net::Request& request,
                       const std::optional<directory::LoggedIn>& login) {
  switch (route.id) {
    case RouteId::mp_messages:
      return answer_message(context, request);
    case RouteId::mp_authority:
      return answer_authority(context, request);
    case RouteId::mp_policy:
      return serve_policy(context, request);
    case RouteId::mp_uploads:
      return take_packet(context, request);
    case RouteId::mp_client_files:
      return serve_client_file(context, request);
    case RouteId::mp_messages_windows:
      if (request.method == "CCM_POST") return answer_message(context, request, login);
      return std::move(context.refuse("mp.windows", request, {}, {405, "logged in; messages come by CCM_POST"}).set("Allow", "CCM_POST"));
    case RouteId::mp_policy_windows:
      if (iequals(request.path, "/SMS_MP_WindowsAuth/.sms_pol")) return serve_policy(context, request);
      return context.refuse("mp.windows", request, {}, {404, "only policies are behind this door"});
    // decide() never lets anybody through to these: absent everywhere.
    default:
      return context.refuse(component_of(route.id), request, {}, {404, "nothing answers here"});
  }
}

}  // namespace

net::Response Service::handle(net::Request& request) {
  Context& context = parts_->context;
  const access::Route* route = access::find_route(Role::mp, request.path);
  if (!route) {
    const int status = request.method == "CCM_POST" ? 400 : 404;
    return context.refuse("mp.message", request, {}, {status, "no such path"});
  }
  if (is_bits(request)) request.method = "BITS_POST";  // also the tunnel of clients behind proxies that know no other verbs
  const bool windows = is_windows_door(*route, request.peer.door);
  const access::Settings settings{.windows_auth = windows && windows_door_is_open(context, request.peer.door)};
  access::Caller caller = access::caller_of(request.peer);
  access::Decision decision = access::decide(*route, access::to_verb(request.method), caller, settings);
  WindowsEntry entry;
  if (windows && decision.status == 401) {
    entry = enter_windows_door(context, request);
    if (entry.answer) return std::move(*entry.answer);
    caller.windows_login = entry.login.has_value();
    decision = access::decide(*route, access::to_verb(request.method), caller, settings);
  }
  if (decision.allowed()) {
    net::Response response = dispatch(context, *route, request, entry.login);
    if (!entry.reply.empty()) response.set("WWW-Authenticate", entry.reply);
    return response;
  }
  if (decision.status == 405 && request.method == "CCM_POST")
    return context.refuse(component_of(route->id), request, {}, {400, "messages go to /ccm_system/request"});
  std::string reason = decision.reason;
  if (!request.peer.check.detail.empty()) reason += " (" + request.peer.check.detail + ")";
  const bool packet = request.method == "BITS_POST";
  net::Response response = packet ? refused_packet(context, request, decision.status, reason)
                                  : context.refuse(component_of(route->id), request, {}, {decision.status, reason});
  if (decision.status == 403)
    response.reason =
        request.peer.check.problem == CertificateProblem::missing ? "Client certificate required" : "";
  if (decision.status == 405 && !packet) response.set("Allow", access::allow_header(route->verbs));
  return response;
}

std::optional<net::Response> Service::handle_at_once(net::Request& request) {
  if (request.method != "CCM_POST") return std::nullopt;
  Context& context = parts_->context;
  const access::Route* route = access::find_route(Role::mp, request.path);
  if (!route || route->id != RouteId::mp_messages) return std::nullopt;
  const access::Decision decision = access::decide(*route, access::Verb::kCcmPost, access::caller_of(request.peer), {});
  return decision.allowed() ? answer_message_at_once(context, request) : std::nullopt;
}

std::optional<net::Response> Service::too_large(const net::Request& head) {
  const access::Route* route = access::find_route(Role::mp, head.path);
  if (!route || !is_bits(head)) return std::nullopt;
  return refused_packet(parts_->context, head, 413, "a fragment over the limit");
}

Status Service::tidy() {
  Context& context = parts_->context;
  FP_CHECK(context.uploads.expire());
  return context.store.write(
      [&](store::Repositories& r) -> Status { return r.site.forget_before(context.clock.now()); });
}

}  // namespace fp::mp
