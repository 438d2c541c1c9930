// Enrolment (domain.md §26): tokens, certificates that were issued for them, and the proxy points on other hosts.
#include "base/ids.hpp"
#include "roles/admin/context.hpp"
#include "site/enrollment_token.hpp"

namespace fp::admin {
namespace {

using namespace access;

constexpr std::int64_t kValidDefaultS = 7LL * 24 * 3600, kValidMaxS = 366LL * 24 * 3600;

json::value shown(const EnrollmentToken& token, Instant now) {
  auto out = wire::to_value(token);
  out.as_object()["state"] = site::to_string(site::state_of(token, now));
  return out;
}

Result<Answer> list_tokens(Context& c) {
  FP_TRY(all, c.store.read([](Repositories& r) { return r.enrollments.tokens(); }));
  json::array items;
  for (const auto& token : all) items.push_back(shown(token, c.clock.now()));
  return Answer{200, json::object{{"items", std::move(items)}}, {}};
}

Result<std::int64_t> take_validity(json::value& body) {
  if (!body.is_object()) return fail(Code::invalid, "the body must be an object");
  auto& o = body.as_object();
  for (const auto* given : {"id", "used", "created_at", "created_by", "expires_at", "last_used_at", "last_used_by", "revoked_at", "state"})
    if (o.contains(given)) return fail(Code::invalid, "{}: is given by the site; leave it out", given);
  std::int64_t valid_s = kValidDefaultS;
  if (const auto* said = o.if_contains("valid_s")) {
    if (!said->is_int64() || said->as_int64() < 60 || said->as_int64() > kValidMaxS)
      return fail(Code::invalid, "valid_s: must be from 60 to {} seconds", kValidMaxS);
    valid_s = said->as_int64();
  }
  o.erase("valid_s");
  return valid_s;
}

Result<Answer> create_token(Context& c) {
  FP_TRY(body, c.body());
  FP_TRY(valid_s, take_validity(body));
  FP_TRY(token, wire::from_value<EnrollmentToken>(body));
  const std::string secret = site::new_enrollment_token(c.random);
  token.hash = site::hash_of_token(secret);
  token.created_at = c.clock.now();
  token.expires_at = token.created_at.plus_s(valid_s);
  token.created_by = c.who.name;
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(id, r.site.next_object_id(c.settings.site_code));
    token.id = id;
    FP_CHECK(r.enrollments.put_token(token));
    return c.audit(r, "create", "enrollment token", token.id,
                   fmt::format("{}, {} uses, until {}{}{}", to_string(token.kind), token.uses, to_iso(token.expires_at),
                               token.names.empty() ? "" : ", for ", token.names));
  });
  FP_CHECK(done);
  auto answer = shown(token, c.clock.now());
  answer.as_object()["token"] = secret;  // the only time it is shown
  return Answer{201, answer, {}};
}

Result<Answer> revoke_token(Context& c) {
  FP_TRY(id, parse_object_id(c.params[0]));
  FP_TRY(token, c.store.write([&](Repositories& r) -> Result<EnrollmentToken> {
    FP_TRY(found, r.enrollments.find_token(id));
    if (found.revoked_at.ms != 0) return found;
    found.revoked_at = c.clock.now();
    FP_CHECK(r.enrollments.put_token(found));
    FP_CHECK(c.audit(r, "revoke", "enrollment token", id));
    return found;
  }));
  return Answer{200, shown(token, c.clock.now()), {}};
}

Result<Answer> list_certificates(Context& c) {
  FP_TRY(limit, c.limit());
  FP_TRY(all, c.store.read([&](Repositories& r) { return r.enrollments.list(limit); }));
  return Answer{200, all_of(all), {}};
}

Result<Answer> list_proxies(Context& c) {
  FP_TRY(all, c.store.read([](Repositories& r) { return r.enrollments.proxies(); }));
  const auto states = c.hooks.link_states ? c.hooks.link_states() : std::map<std::string, std::string>();
  json::array items;
  for (const auto& point : all) {
    auto item = wire::to_value(point).as_object();
    const auto state = states.find(point.name);
    item["link_state"] = state == states.end() ? "not known yet" : state->second;
    items.push_back(std::move(item));
  }
  return Answer{200, json::object{{"items", std::move(items)}}, {}};
}

// The link is that of the management point on the same host, where there is one.
Status check_proxy(const Context& c, Repositories& r, const EnrollmentProxyPoint& point) {
  FP_TRY(points, r.site.management_points());
  for (const auto& mp : points) {
    if (mp.name != point.name) {
      if (!point.fingerprint.empty() && mp.fingerprint == point.fingerprint)
        return fail(Code::conflict, "fingerprint: the management point {} has that certificate already", mp.name);
      continue;
    }
    if (mp.fingerprint.empty()) return fail(Code::conflict, "{} is this server's own: its door is enrollment_proxy_point.connections in the configuration", mp.name);
    if (!mp.site_code.empty() && point.connections != Connections::intranet)
      return fail(Code::invalid, "connections: must be intranet at the secondary site {}: \"Secondary sites don't support client connections "
                                 "from untrusted locations.\"", mp.site_code);
    if (!point.fingerprint.empty() || !point.link.empty())
      return fail(Code::invalid, "fingerprint, link: {} is a management point too, and has its site link there: leave them out", mp.name);
    return {};
  }
  if (point.name == c.settings.own_point) return fail(Code::conflict, "{} is this server's own", point.name);
  if (point.fingerprint.empty())
    return fail(Code::invalid, "fingerprint: is required: the SHA-256 of the certificate that the host shows on the site link");
  return {};
}

Result<Answer> put_proxy(Context& c) {
  FP_TRY(body, c.body());
  if (body.is_object()) body.as_object().erase("link_state");  // as it was shown
  FP_TRY(point, wire::from_value<EnrollmentProxyPoint>(body));
  FP_TRY(name, parse_host(c.params[0]));
  if (point.name != name) return fail(Code::invalid, "name: is {} here and {} in the path", point.name, name);
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_CHECK(check_proxy(c, r, point));
    FP_CHECK(r.enrollments.put_proxy(point));
    return c.audit(r, "change", "enrollment proxy point", name);
  });
  FP_CHECK(done);
  if (c.hooks.links_changed) c.hooks.links_changed();
  return Answer{200, wire::to_value(point), {}};
}

Result<Answer> remove_proxy(Context& c) {
  FP_TRY(name, parse_host(c.params[0]));
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_CHECK(r.enrollments.remove_proxy(name));
    return c.audit(r, "delete", "enrollment proxy point", name);
  });
  FP_CHECK(done);
  if (c.hooks.links_changed) c.hooks.links_changed();
  return Answer{};
}

constexpr Route kRoutes[] = {
    {"GET", "/enrollment/tokens", ObjectClass::device, kReadObject, list_tokens},
    {"POST", "/enrollment/tokens", ObjectClass::device, kCreateObject, create_token},
    {"POST", "/enrollment/tokens/{id}/revoke", ObjectClass::device, kModifyObject, revoke_token},
    {"GET", "/enrollment/certificates", ObjectClass::device, kReadObject, list_certificates},
    {"GET", "/enrollment/proxy-points", ObjectClass::site, kReadObject, list_proxies},
    {"PUT", "/enrollment/proxy-points/{name}", ObjectClass::site, kModifyObject, put_proxy},
    {"DELETE", "/enrollment/proxy-points/{name}", ObjectClass::site, kDeleteObject, remove_proxy},
};

}  // namespace

std::span<const Route> enrollment_routes() { return kRoutes; }

}  // namespace fp::admin
