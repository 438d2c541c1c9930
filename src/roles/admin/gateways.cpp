// Gateways: hosts on the internet that the site opens the site link to. Each is a management point for the internet and, as it was
// made, a distribution point that is fed over the link and a fallback status point (docs/protocol/gateway.md). One verb makes and
// takes them together.
#include <algorithm>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "roles/admin/context.hpp"
#include "site/hosts.hpp"

namespace fp::admin {
namespace {

using namespace access;

constexpr std::int64_t kWarnBeforeS = 30LL * 86'400;  // as farpoint doctor does
constexpr std::string_view kSecondarySites = "\"Secondary sites don't support client connections from untrusted locations.\"";

json::value time_of(Instant at) { return at.ms == 0 ? json::value(nullptr) : json::value(to_iso_ms(at)); }

struct Parts {
  bool content = false, fallback = false;
};

Result<Parts> parts_of(Repositories& r, const std::string& name) {
  Parts out;
  const auto dp = r.contents.find_dp(name);
  if (!dp && dp.error().code != Code::not_found) return std::unexpected(dp.error());
  out.content = dp && dp->over_link;
  const auto fsp = r.fallback.find_point(name);
  if (!fsp && fsp.error().code != Code::not_found) return std::unexpected(fsp.error());
  out.fallback = fsp && fsp->fingerprint.empty();
  return out;
}

json::object describe(const Context& c, const ManagementPoint& point, const Parts& parts) {
  const auto states = c.hooks.link_states ? c.hooks.link_states() : std::map<std::string, std::string>();
  const auto state = states.find(point.name);
  return {{"name", point.name},
          {"id", wire::gateway_id(point.name)},
          {"address", wire::gateway_address(point.name, point.internet_url)},
          {"internet_url", point.internet_url},
          {"fingerprint", point.fingerprint},
          {"link", point.link},
          {"link_state", state == states.end() ? "not known yet" : state->second},
          {"content", parts.content},
          {"fallback", parts.fallback},
          {"traffic_allowed", c.settings.gateway_traffic}};
}

Result<Answer> list(Context& c) {
  return c.store.read([&](Repositories& r) -> Result<Answer> {
    FP_TRY(all, r.site.management_points());
    json::array items;
    for (const auto& point : all) {
      if (!point.gateway) continue;
      FP_TRY(parts, parts_of(r, point.name));
      items.push_back(describe(c, point, parts));
    }
    return Answer{200, json::object{{"items", std::move(items)}}, {}};
  });
}

json::object to_answer(const wire::GatewayStatus& s) {
  return {{"started_at", time_of(s.started_at)},
          {"requests", s.requests},
          {"refused", s.refused},
          {"passed", s.passed},
          {"unanswered", s.unanswered},
          {"content_requests", s.content_requests},
          {"content_bytes", s.content_bytes},
          {"verifies_revocation", s.verifies_revocation},
          {"certificate_until", time_of(s.certificate_until)},
          {"last_error", s.last_error},
          {"last_error_at", time_of(s.last_error_at)}};
}

// What an administrator should look at.
json::array warnings_of(const Context& c, const wire::GatewayStatus* status) {
  json::array out;
  if (!c.settings.gateway_traffic) out.emplace_back(site::kNoGatewayTraffic);
  if (!status) return out;
  const Instant now = c.clock.now(), until = status->certificate_until;
  if (until < now) out.emplace_back(fmt::format("the certificate that its clients see expired on {}: no client believes it", to_iso(until)));
  else if (until < now.plus_s(kWarnBeforeS)) out.emplace_back(fmt::format("the certificate that its clients see expires on {}", to_iso(until)));
  if (!status->verifies_revocation)
    out.emplace_back("it does not look whether clients' certificates were revoked before it hands content out (pki.check_crl)");
  return out;
}

Result<Answer> show(Context& c) {
  FP_TRY(name, parse_host(c.params[0]));
  FP_TRY(out, c.store.read([&](Repositories& r) -> Result<json::object> {
    FP_TRY(all, r.site.management_points());
    for (const auto& point : all) {
      if (!point.gateway || point.name != name) continue;
      FP_TRY(parts, parts_of(r, name));
      return describe(c, point, parts);
    }
    return fail(Code::not_found, "no such gateway: {}", name);
  }));
  const auto status = c.hooks.gateway_status ? c.hooks.gateway_status(name) : fail(Code::unavailable, "there is no site link here");
  out["status"] = status ? json::value(to_answer(*status)) : json::value(nullptr);
  out["problem"] = status ? std::string() : status.error().message;
  out["warnings"] = warnings_of(c, status ? &*status : nullptr);
  return Answer{200, std::move(out), {}};
}

Result<bool> flag_of(json::object& body, std::string_view name, bool otherwise) {
  const auto* said = body.if_contains(name);
  if (!said) return otherwise;
  if (!said->is_bool()) return fail(Code::invalid, "{}: must be true or false", name);
  const bool value = said->as_bool();
  body.erase(name);
  return value;
}

struct Wanted {
  ManagementPoint point;
  bool content = true, fallback = false;
};

// By the rules of a management point on another host, which it is; what does not fit a gateway is refused by name.
Result<Wanted> wanted_of(const Context& c, const std::string& name, const Parts& before, bool known) {
  FP_TRY(body, c.body());
  if (!body.is_object()) return fail(Code::invalid, "the body must be an object");
  auto members = body.as_object();
  if (members.contains("site_code") || members.contains("subnets"))
    return fail(Code::invalid, "site_code: a secondary site has no gateway: {}", kSecondarySites);
  Wanted out;
  FP_TRY(content, flag_of(members, "content", !known || before.content));
  FP_TRY(fallback, flag_of(members, "fallback", known && before.fallback));
  out.content = content;
  out.fallback = fallback;
  for (const auto& [key, value] : members)
    if (key != "internet_url" && key != "fingerprint" && key != "link") return fail(Code::invalid, "{}: is not known", std::string_view(key));
  members["name"] = name;
  members["connections"] = "internet";
  members["gateway"] = true;
  FP_TRY(point, wire::from_value<ManagementPoint>(members));
  out.point = std::move(point);
  FP_CHECK(check_plan(c.settings, out.point));
  if (out.point.fingerprint.empty())
    return fail(Code::invalid, "fingerprint: is required: the SHA-256 of the certificate that the host shows on the site link");
  if (out.point.link.empty()) return fail(Code::invalid, "link: is required: HOST:PORT, where the site opens the site link");
  return out;
}

Status put_parts(Repositories& r, const Wanted& wanted, const Parts& before) {
  const std::string& name = wanted.point.name;
  if (wanted.content) {
    DistributionPoint dp;
    if (const auto known = r.contents.find_dp(name)) {
      if (!known->over_link) return fail(Code::conflict, "{} is a distribution point already that the site reaches otherwise: remove it first", name);
      dp = *known;
    }
    dp.name = name;
    dp.internet_url = wanted.point.internet_url;
    dp.connections = Connections::internet;
    dp.over_link = true;
    FP_CHECK(r.contents.put_dp(dp));
  } else if (before.content) {
    FP_CHECK(take_off_distribution_point(r, name));
  }
  if (wanted.fallback && !before.fallback) {
    const auto known = r.fallback.find_point(name);
    if (known) return fail(Code::conflict, "{} is a fallback status point with a site link of its own: remove it first", name);
    FallbackPoint fsp;
    fsp.name = name;
    return r.fallback.put_point(fsp);
  }
  return !wanted.fallback && before.fallback ? r.fallback.remove_point(name) : Status();
}

Result<Answer> put(Context& c) {
  FP_TRY(name, parse_host(c.params[0]));
  if (!c.settings.gateway_traffic) return fail(Code::conflict, "{}", site::kNoGatewayTraffic);
  FP_TRY(made, c.store.write([&](Repositories& r) -> Result<json::object> {
    FP_TRY(all, r.site.management_points());
    const auto other = std::ranges::find(all, name, &ManagementPoint::name);
    if (other != all.end() && !other->site_code.empty())
      return fail(Code::invalid, "{} is the secondary site {}: {}", name, other->site_code, kSecondarySites);
    if (other != all.end() && !other->gateway) return fail(Code::conflict, "{} is a management point already that is no gateway", name);
    FP_TRY(before, parts_of(r, name));
    FP_TRY(wanted, wanted_of(c, name, before, other != all.end()));
    FP_CHECK(need_free_link(r, LinkOf::management_point, name, wanted.point.fingerprint));
    FP_CHECK(r.site.put_management_point(wanted.point));
    FP_CHECK(put_parts(r, wanted, before));
    FP_CHECK(c.audit(r, "change", "gateway", name));
    return describe(c, wanted.point, {wanted.content, wanted.fallback});
  }));
  if (c.hooks.links_changed) c.hooks.links_changed();
  return Answer{200, std::move(made), {}};
}

Result<Answer> remove(Context& c) {
  FP_TRY(name, parse_host(c.params[0]));
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(all, r.site.management_points());
    const auto point = std::ranges::find(all, name, &ManagementPoint::name);
    if (point == all.end() || !point->gateway) return fail(Code::not_found, "no such gateway: {}", name);
    FP_TRY(parts, parts_of(r, name));
    if (parts.content) FP_CHECK(take_off_distribution_point(r, name));
    if (parts.fallback) FP_CHECK(r.fallback.remove_point(name));
    FP_CHECK(r.site.remove_management_point(name));
    return c.audit(r, "delete", "gateway", name);
  });
  FP_CHECK(done);
  if (c.hooks.links_changed) c.hooks.links_changed();
  return Answer{};
}

constexpr Route kRoutes[] = {
    {"GET", "/gateways", ObjectClass::site, kReadObject, list},
    {"GET", "/gateways/{name}", ObjectClass::site, kReadObject, show},
    {"PUT", "/gateways/{name}", ObjectClass::site, kModifyObject, put},
    {"DELETE", "/gateways/{name}", ObjectClass::site, kDeleteObject, remove},
};

}  // namespace

std::span<const Route> gateway_routes() { return kRoutes; }

}  // namespace fp::admin
