// Management points on other hosts: what they may offer whom, and how the site link to them is pinned (docs/protocol/site-link.md).
// The site's own is what its configuration says; here it is shown only.
#include <algorithm>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "roles/admin/context.hpp"

namespace fp::admin {
namespace {

using namespace access;

bool is_own(const Context& c, const ManagementPoint& point) { return point.name == c.settings.own_point; }
bool is_here(const ManagementPoint& point) { return point.fingerprint.empty(); }  // also under a further name

Result<Answer> list(Context& c) {
  FP_TRY(all, c.store.read([](Repositories& r) { return r.site.management_points(); }));
  const auto states = c.hooks.link_states ? c.hooks.link_states() : std::map<std::string, std::string>();
  json::array items;
  for (const auto& point : all) {
    json::object item = wire::to_value(point).as_object();
    const auto state = states.find(point.name);
    item["link_state"] = is_here(point) ? "runs in the site server" : state == states.end() ? "not known yet" : state->second;
    items.push_back(std::move(item));
  }
  return Answer{200, json::object{{"items", std::move(items)}}, {}};
}

Status check(const Context& c, const ManagementPoint& p, const std::vector<ManagementPoint>& all, bool this_server) {
  for (const auto& other : all)
    if (other.name == p.name && is_own(c, other))
      return fail(Code::conflict, "{} is this server's own: change it in the configuration", p.name);
  if (p.gateway || std::ranges::any_of(all, [&](const auto& other) { return other.name == p.name && other.gateway; }))
    return fail(Code::invalid, "{} is a gateway: it is changed with PUT /gateways/{} (farpoint gateway add)", p.name, p.name);
  FP_CHECK(check_plan(c.settings, p));
  if (this_server && (!p.fingerprint.empty() || !p.link.empty() || !p.site_code.empty()))
    return fail(Code::invalid, "this_server: a further name of this server has no site link, and is of no other site");
  if (this_server) return {};
  if (p.fingerprint.empty())
    return fail(Code::invalid, "fingerprint: is required: the SHA-256 of the certificate that the host shows on the site link");
  if (p.site_code == c.settings.site_code) return fail(Code::invalid, "site_code: {} is this site; it names a secondary one", p.site_code);
  if (!p.subnets.empty() && p.site_code.empty())
    return fail(Code::invalid, "subnets: belong to the management point of a secondary site, which is a proxy there; name its site_code");
  return {};
}

Result<Answer> put(Context& c) {
  FP_TRY(body, c.body());
  bool this_server = false;  // a further name under which clients reach it, such as a second public address
  if (body.is_object()) {
    auto& members = body.as_object();
    members.erase("link_state");  // as it was shown
    if (const auto* said = members.if_contains("this_server")) this_server = said->is_bool() && said->get_bool();
    members.erase("this_server");
  }
  FP_TRY(point, wire::from_value<ManagementPoint>(body));
  FP_TRY(name, parse_host(c.params[0]));
  if (point.name != name) return fail(Code::invalid, "name: is {} here and {} in the path", point.name, name);
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(all, r.site.management_points());
    FP_CHECK(check(c, point, all, this_server));
    if (!this_server) FP_CHECK(need_free_link(r, LinkOf::management_point, name, point.fingerprint));
    FP_CHECK(r.site.put_management_point(point));
    return c.audit(r, "change", "management point", name);
  });
  FP_CHECK(done);
  if (c.hooks.links_changed) c.hooks.links_changed();
  return Answer{200, wire::to_value(point), {}};
}

Result<Answer> remove(Context& c) {
  FP_TRY(name, parse_host(c.params[0]));
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(all, r.site.management_points());
    for (const auto& point : all) {
      if (point.name != name) continue;
      if (is_own(c, point)) return fail(Code::invalid, "{} is this server's own: switch it off in the configuration", name);
      if (point.gateway) return fail(Code::invalid, "{} is a gateway: remove it as one (farpoint gateway remove)", name);
    }
    FP_CHECK(r.site.remove_management_point(name));
    return c.audit(r, "delete", "management point", name);
  });
  FP_CHECK(done);
  if (c.hooks.links_changed) c.hooks.links_changed();
  return Answer{};
}

constexpr Route kRoutes[] = {
    {"GET", "/management-points", ObjectClass::site, kReadObject, list},
    {"PUT", "/management-points/{name}", ObjectClass::site, kModifyObject, put},
    {"DELETE", "/management-points/{name}", ObjectClass::site, kDeleteObject, remove},
};

}  // namespace

Status check_plan(const Settings& settings, const ManagementPoint& p) {
  const bool internet = p.connections != Connections::intranet, intranet = p.connections != Connections::internet;
  if (!p.site_code.empty() && (internet || !p.internet_url.empty()))
    return fail(Code::invalid, "connections: must be intranet at the secondary site {}: \"Secondary sites don't support client connections "
                               "from untrusted locations.\"", p.site_code);
  if (internet && p.internet_url.empty())
    return fail(Code::invalid, "internet_url: is required for client connections from the internet: \"Register public DNS host entries for "
                               "the internet fully qualified domain names (FQDN) of site systems that support IBCM.\"");
  if (internet && !settings.use_pki_client_certificate)
    return fail(Code::invalid, "connections: the site has site.use_pki_client_certificate = false: \"Enable the option to Use PKI client "
                               "certificate (client authentication capability) when available ... This option is required.\"");
  if (intranet && p.intranet_url.empty())
    return fail(Code::invalid, "intranet_url: is required for client connections from the intranet");
  if (!intranet && !p.intranet_url.empty()) return fail(Code::invalid, "intranet_url: connections is internet");
  if (!internet && !p.internet_url.empty()) return fail(Code::invalid, "internet_url: connections is intranet");
  return {};
}

Status need_free_link(Repositories& r, LinkOf of, const std::string& name, const std::string& fingerprint) {
  FP_TRY(points, r.site.management_points());
  FP_TRY(fallback, r.fallback.points());
  std::vector<std::pair<std::string, std::string>> others;  // name, certificate
  for (const auto& p : points)
    if (of != LinkOf::management_point || p.name != name) others.emplace_back(p.name, p.fingerprint);
  for (const auto& p : fallback)
    if (of != LinkOf::fallback_status_point || p.name != name) others.emplace_back(p.name, p.fingerprint);
  for (const auto& [other, certificate] : others) {
    if (certificate.empty()) continue;
    if (other == name) return fail(Code::conflict, "{} has a site link already, as another role", name);
    if (certificate == fingerprint) return fail(Code::conflict, "fingerprint: {} has that certificate already", other);
  }
  return {};
}

std::span<const Route> management_point_routes() { return kRoutes; }

}  // namespace fp::admin
