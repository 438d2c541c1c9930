#include "roles/mp/service.hpp"

#include "base/text.hpp"
#include "net/diagnosis.hpp"
#include "roles/mp/admission.hpp"
#include "roles/mp/context.hpp"

namespace fp::mp {

using access::Role;
using access::RouteId;

struct Service::Parts {
  Context context;
};

Service::Service(store::Store& store, const Clock& clock, Random& random, const Settings& settings,
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

std::size_t Service::body_limit(const net::Request& head) { return body_bytes_max(head); }

namespace {

Refuse refuse_with(const Context& context) {
  return [&context](std::string_view component, const net::Request& request, std::string_view client_id, const Refused& refused) {
    return context.refuse(component, request, client_id, refused);
  };
}

// The name by which the site publishes this server at that door.
std::string name_at(const Settings& settings, const net::Request& request) {
  if (request.via) return request.via->name;
  const bool public_name = request.peer.door == Door::internet_https && !settings.internet_host.empty();
  return public_name ? settings.internet_host : settings.host;
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
    case RouteId::mp_diagnosis:
    case RouteId::mp_diagnosis_messages:
    case RouteId::mp_diagnosis_uploads:
      return net::answer_diagnosis(request, "management point", name_at(context.settings, request), context.clock.now());
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
  const bool windows = route && is_windows_door(*route, request.peer.door);
  const access::Settings settings{.windows_auth = windows && windows_door_is_open(context, request.peer.door)};
  WindowsEntry entry;
  // A door behind TLS asks for the certificate first.
  if (settings.windows_auth &&
      access::decide(*route, access::to_verb(request.method), access::caller_of(request.peer), settings).status == 401) {
    entry = enter_windows_door(context, request);
    if (entry.answer) return std::move(*entry.answer);
  }
  Admission admission = admit(request, settings, refuse_with(context), entry.login.has_value());
  if (admission.refusal) return std::move(*admission.refusal);
  net::Response response = dispatch(context, *admission.route, request, entry.login);
  if (!entry.reply.empty()) response.set("WWW-Authenticate", entry.reply);
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
  return too_large_packet(head, refuse_with(parts_->context));
}

Status Service::tidy() {
  Context& context = parts_->context;
  FP_CHECK(context.uploads.expire());
  return context.store.write(
      [&](store::Repositories& r) -> Status { return r.site.forget_before(context.clock.now()); });
}

}  // namespace fp::mp
