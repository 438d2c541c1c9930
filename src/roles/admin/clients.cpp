// How computers become clients: installation bundles and client push.
#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "domain/internet/client_push.hpp"
#include "roles/admin/context.hpp"
#include "roles/admin/lookup.hpp"
#include "site/hosts.hpp"

namespace fp::admin {
namespace {

using namespace access;
using internet::Feature;

// The fields of an order of a bundle; one that is not known is refused by its name.
class Fields {
 public:
  explicit Fields(const json::object& object) : object_(object) {}
  Result<std::string> text(std::string_view name) {
    const auto* v = take(name);
    if (!v) return std::string();
    if (!v->is_string() || v->as_string().size() > 1000) return fail(Code::invalid, "{}: must be a text of at most 1000 bytes", name);
    return std::string(v->as_string());
  }
  Result<bool> flag(std::string_view name, bool otherwise) {
    const auto* v = take(name);
    if (v && !v->is_bool()) return fail(Code::invalid, "{}: must be true or false", name);
    return v ? v->as_bool() : otherwise;
  }
  Result<std::vector<std::string>> texts(std::string_view name) {
    std::vector<std::string> out;
    const auto* v = take(name);
    if (v && (!v->is_array() || v->as_array().size() > 20)) return fail(Code::invalid, "{}: must be a list of at most 20 texts", name);
    if (v)
      for (const auto& item : v->as_array()) {
        if (!item.is_string()) return fail(Code::invalid, "{}: must be a list of texts", name);
        out.emplace_back(item.as_string());
      }
    return out;
  }
  [[nodiscard]] Status nothing_else() const {
    for (const auto& [key, value] : object_)
      if (std::ranges::find(taken_, std::string_view(key)) == taken_.end()) return fail(Code::invalid, "{}: there is no such field", std::string_view(key));
    return {};
  }

 private:
  const json::value* take(std::string_view name) {
    taken_.push_back(name);
    return object_.if_contains(name);
  }
  const json::object& object_;
  std::vector<std::string_view> taken_;
};

Result<site::BundleOrder> order_of(Context& c) {
  FP_TRY(body, c.body());
  if (!body.is_object()) return fail(Code::invalid, "the body must be an object");
  Fields f(body.as_object());
  site::BundleOrder order;
  FP_TRY(kind, f.text("kind"));
  FP_TRY(parsed, site::parse_bundle_kind(kind));
  order.kind = parsed;
  for (auto [name, target] : {std::pair{"site_code", &order.site_code}, {"fsp", &order.fsp}, {"dns_suffix", &order.dns_suffix},
                              {"domain", &order.domain}, {"name", &order.name}}) {
    FP_TRY(text, f.text(name));
    *target = text;
  }
  FP_TRY(points, f.texts("management_points"));
  order.management_points = std::move(points);
  FP_TRY(issue, f.flag("issue", false));
  FP_TRY(check, f.flag("check_crl", true));
  FP_TRY(package, f.flag("package", true));
  order.issue = issue;
  order.check_crl = check;
  order.package = package;
  // These become words of a command line on the computer.
  for (const auto* word : {&order.site_code, &order.fsp, &order.dns_suffix, &order.domain, &order.name})
    if (word->find_first_of(" \t\r\n\"'`$\\;&|<>()") != std::string::npos) return fail(Code::invalid, "\"{}\": is no name", *word);
  for (const auto& point : order.management_points)
    if (point.find_first_of(" \t\r\n\"'`$\\;&|<>()") != std::string::npos) return fail(Code::invalid, "management_points: \"{}\" is no name", point);
  FP_CHECK(f.nothing_else());
  return order;
}

Result<Answer> make_bundle(Context& c) {
  FP_TRY(order, order_of(c));
  FP_TRY(bundle, c.hooks.clients.bundle(order));
  const Status audited = c.store.write([&](Repositories& r) {
    return c.audit(r, "create", "client bundle", c.settings.site_code,
                   fmt::format("{}{}", site::to_string(bundle.kind), order.issue ? ", with a certificate issued for " + order.name : ""));
  });
  FP_CHECK(audited);
  json::array files;
  for (const auto& file : bundle.files)
    files.push_back(json::object{{"name", file.name}, {"mode", file.mode}, {"base64", base64(file.bytes)}});
  return Answer{200,
                json::object{{"kind", site::to_string(bundle.kind)},
                             {"command", bundle.command},
                             {"notes", json::array(bundle.notes.begin(), bundle.notes.end())},
                             {"files", std::move(files)}},
                {}};
}

Result<Answer> publish(Context& c) {
  const auto verdict = internet::verdict(Feature::update_based_installation, {ConnectionType::currently_intranet, {}});
  log::info("features", "asked by {}", c.who.name);
  return refusal(Feature::update_based_installation, verdict);
}

// A computer that the site knows is as far out of reach as its device; one that nobody knows needs all devices.
Status need_host(const Context& c, Repositories& r, const std::string& host) {
  const auto known = site::device_of_host(r, host);
  if (known) return c.need_device(r, *known);
  if (known.error().code != Code::not_found) return std::unexpected(known.error());
  if (c.sees_every_device()) return {};
  return fail(Code::forbidden, "{} is no device yet: pushing to it needs the collection All Systems", host);
}

Result<ClientPush> own_push(const Context& c, Repositories& r) {
  FP_TRY(id, parse_object_id(c.params[0]));
  FP_TRY(push, r.client_pushes.find(id));
  FP_CHECK(need_host(c, r, push.host));
  return push;
}

struct PushOrder {
  ClientPush push;
  std::string key;
  bool now = false;
};

Result<PushOrder> push_of(Context& c) {
  FP_TRY(body, c.body());
  if (!body.is_object()) return fail(Code::invalid, "the body must be an object");
  auto& o = body.as_object();
  PushOrder out;
  if (const auto* key = o.if_contains("key"); key && key->is_string()) out.key = std::string(key->as_string());
  if (const auto* now = o.if_contains("now"); now && now->is_bool()) out.now = now->as_bool();
  o.erase("key");
  o.erase("now");
  if (!o.contains("kind")) o["kind"] = c.settings.dual_clients ? "dual" : "intranet";
  for (const auto* given : {"id", "state", "created_at", "created_by", "next_at", "give_up_at", "finished_at", "attempts"})
    if (o.contains(given)) return fail(Code::invalid, "{}: is given by the site; leave it out", given);
  FP_TRY(push, wire::from_value<ClientPush>(body));
  if (push.host.find('.') == std::string::npos || push.host.find(':') != std::string::npos || push.host.starts_with('-'))
    return fail(Code::invalid, "host: must be the fully qualified name of a computer");
  out.push = std::move(push);
  return out;
}

Result<Answer> again(Context& c, const std::string& id) {
  FP_TRY(push, c.store.write([&](Repositories& r) -> Result<ClientPush> {
    FP_TRY(found, r.client_pushes.find(id));
    FP_CHECK(need_host(c, r, found.host));
    if (!is_open(found.state)) return fail(Code::conflict, "{} is at its end: order a new push", found.id);
    if (found.state == PushState::waiting) found.next_at = c.clock.now();
    FP_CHECK(r.client_pushes.put(found));
    FP_CHECK(c.audit(r, "retry", "client push", found.id, found.host));
    return found;
  }));
  c.hooks.clients.push_wanted();
  return Answer{200, wire::to_value(push), {}};
}

// `now`: an order that waits for its hour is tried at once, instead of a second one being refused.
Result<Answer> push_client(Context& c) {
  FP_TRY(order, push_of(c));
  auto& push = order.push;
  const auto open = c.store.read([&](Repositories& r) -> Result<ClientPush> {
    FP_CHECK(need_host(c, r, push.host));
    return r.client_pushes.find_open(push.host);
  });
  if (!open && open.error().code != Code::not_found) return std::unexpected(open.error());
  FP_TRY(verdict, c.hooks.clients.may_push(push.host));
  if (!verdict.offered) return refusal(Feature::client_push, verdict);
  if (open && order.now && order.key.empty()) return again(c, open->id);
  if (open) return fail(Code::conflict, "{} is being pushed to already: {} (--now tries it at once, push-cancel ends it)", push.host, open->id);
  FP_CHECK(c.hooks.clients.check_logon(push, !order.key.empty()));
  FP_TRY(id, c.store.write([&](Repositories& r) { return r.site.next_object_id(c.settings.site_code); }));
  push.id = id;
  push.created_by = c.who.name;
  push = internet::ordered(std::move(push), c.clock.now());
  if (!order.key.empty()) FP_CHECK(c.hooks.clients.keep_key(push.id, order.key));
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_CHECK(r.client_pushes.put(push));
    return c.audit(r, "create", "client push", push.id,
                   fmt::format("{} as {} by {}, {}", push.host, push.user, push.logon == PushLogon::key ? "key" : "Kerberos", site::to_string(push.kind)));
  });
  if (!done) c.hooks.clients.forget_secrets(push.id);
  FP_CHECK(done);
  c.hooks.clients.push_wanted();
  return Answer{201, wire::to_value(push), {}};
}

Result<Answer> list_pushes(Context& c) {
  FP_TRY(all, c.store.read([&](Repositories& r) -> Result<std::vector<ClientPush>> {
    FP_TRY(found, r.client_pushes.list());
    std::erase_if(found, [&](const ClientPush& p) { return !need_host(c, r, p.host); });
    return found;
  }));
  return Answer{200, all_of(all), {}};
}

Result<Answer> show_push(Context& c) {
  FP_TRY(push, c.store.read([&](Repositories& r) { return own_push(c, r); }));
  return Answer{200, wire::to_value(push), {}};
}

Result<Answer> retry_push(Context& c) {
  FP_TRY(id, parse_object_id(c.params[0]));
  return again(c, id);
}

Result<Answer> cancel_push(Context& c) {
  FP_TRY(push, c.store.write([&](Repositories& r) -> Result<ClientPush> {
    FP_TRY(found, own_push(c, r));
    if (!is_open(found.state)) return fail(Code::conflict, "{} is at its end already", found.id);
    auto gone = internet::cancelled(std::move(found), c.clock.now(), c.who.name);
    FP_CHECK(r.client_pushes.put(gone));
    FP_CHECK(c.audit(r, "cancel", "client push", gone.id, gone.host));
    return gone;
  }));
  c.hooks.clients.forget_secrets(push.id);
  return Answer{200, wire::to_value(push), {}};
}

constexpr Route kRoutes[] = {
    {"POST", "/clients/bundle", ObjectClass::device, kCreateObject, make_bundle},
    {"POST", "/clients/update-based-installation", ObjectClass::device, kCreateObject, publish},
    {"GET", "/clients/pushes", ObjectClass::device, kReadObject, list_pushes},
    {"POST", "/clients/pushes", ObjectClass::device, kCreateObject, push_client},
    {"GET", "/clients/pushes/{id}", ObjectClass::device, kReadObject, show_push},
    {"POST", "/clients/pushes/{id}/retry", ObjectClass::device, kCreateObject, retry_push},
    {"POST", "/clients/pushes/{id}/cancel", ObjectClass::device, kCreateObject, cancel_push},
};

}  // namespace

std::span<const Route> client_routes() { return kRoutes; }

}  // namespace fp::admin
