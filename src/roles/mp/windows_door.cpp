// The _windowsauth doors (wire.md §1, §2, §15; docs/windows-auth.md): whether they are there, and who is logged in on a connection.
// A login is of its connection: several requests make it, and the ones behind it have it. Nothing here is believed elsewhere.
#include "base/log.hpp"
#include "roles/mp/context.hpp"
#include "roles/mp/windows_door.hpp"
#include "site/settings.hpp"

namespace fp::mp {
namespace {

struct Held final : net::Kept {
  std::unique_ptr<directory::WindowsLogin> running;
  std::optional<directory::LoggedIn> in;
};

Held* held_of(const net::Request& request) {
  if (request.connection == nullptr) return nullptr;
  if (!request.connection->kept) request.connection->kept = std::make_unique<Held>();
  return dynamic_cast<Held*>(request.connection->kept.get());
}

WindowsEntry ask(Context& context, const net::Request& request, std::string reason) {
  net::Response response = context.refuse("mp.windows", request, {}, {401, std::move(reason)});
  for (const wire::LoginScheme scheme : {wire::LoginScheme::negotiate, wire::LoginScheme::ntlm})
    if (context.settings.windows_logins->offers(scheme)) response.set("WWW-Authenticate", wire::encode_challenge(scheme, {}));
  return {.login = {}, .reply = {}, .answer = std::move(response)};
}

Result<directory::LoginStep> begin_anew(const directory::WindowsLogins& logins, Held& held, const net::Request& request,
                                        const wire::LoginToken& token) {
  held.running.reset();
  FP_TRY(begun, logins.begin(token.scheme, request.connection->server_end_point, request.peer.tls()));
  held.running = std::move(begun);
  return held.running->step(token.bytes);
}

// The next step of the login that runs, or the first of a new one: clients begin again on the same connection.
Result<directory::LoginStep> take_step(const directory::WindowsLogins& logins, Held& held, const net::Request& request,
                                       const wire::LoginToken& token) {
  if (!held.running || held.running->scheme() != token.scheme) return begin_anew(logins, held, request, token);
  auto step = held.running->step(token.bytes);
  if (step) return step;
  auto anew = begin_anew(logins, held, request, token);
  return anew ? std::move(anew) : std::move(step);
}

}  // namespace

bool is_windows_door(const access::Route& route, Door door) {
  const access::Auth auth = route.at(door);
  return auth == access::Auth::windows || auth == access::Auth::windows_behind_tls;
}

bool windows_door_is_open(Context& context, Door door) {
  if (context.settings.windows_logins == nullptr || !context.settings.windows_doors.contains(door)) return false;
  if (door != Door::internet_https) return true;
  const auto all = context.store.read([](store::Repositories& r) { return r.administration.settings(); });
  return all && site::is_true_for_some(*all, site::kUserPolicyOnInternet);
}

WindowsEntry enter_windows_door(Context& context, const net::Request& request) {
  Held* held = held_of(request);
  if (held == nullptr)
    return {.login = {}, .reply = {}, .answer = context.refuse("mp.windows", request, {}, {403, "a Windows login needs a connection of its own"})};
  const auto token = wire::decode_authorization(request.header("Authorization"));
  if (token && !*token) {
    if (held->in && context.clock.now().ms < held->in->until.ms) return {.login = held->in, .reply = {}, .answer = {}};
    const bool over = held->in.has_value();
    held->in.reset();
    return ask(context, request, over ? "the Windows login on this connection is over" : "a Windows login is required");
  }
  held->in.reset();
  if (!token) {
    held->running.reset();
    return ask(context, request, token.error().message);
  }
  auto step = take_step(*context.settings.windows_logins, *held, request, **token);
  if (!step) {
    held->running.reset();
    if (step.error().code == Code::unavailable)
      return {.login = {}, .reply = {}, .answer = context.refuse("mp.windows", request, {}, {503, step.error().message})};
    return ask(context, request, "Windows login: " + step.error().message);
  }
  const std::string challenge = wire::encode_challenge((*token)->scheme, step->reply);
  if (!step->account) {
    net::Response response = net::Response::empty(401);
    response.set("WWW-Authenticate", challenge);
    return {.login = {}, .reply = {}, .answer = std::move(response)};
  }
  held->running.reset();
  held->in = std::move(step->account);
  log::info("mp.windows", "{} from {} ({}) logged in by {}{}", held->in->account.full_name(), request.peer.address,
            to_string(request.peer.door), held->in->mechanism, held->in->bound ? ", bound to the channel" : "");
  return {.login = held->in, .reply = step->reply.empty() ? std::string() : challenge, .answer = {}};
}

}  // namespace fp::mp
