// What a web proxy in front of the site is configured from (docs/publishing.md): the published names and what is behind them,
// issuers, revocation lists, and the certificates of blocked devices.
#include <algorithm>
#include <set>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "roles/admin/context.hpp"

namespace fp::admin {
namespace {

using namespace access;

constexpr int kPage = 1000;
constexpr int kHttpsPort = 443;

struct Place {
  std::string host;
  int port = kHttpsPort;
};

// "https://mp.example.org:8443"; an empty host where it is no such URL.
Place place_of(std::string_view url) {
  if (!istarts_with(url, "https://")) return {};
  url.remove_prefix(8);
  url = url.substr(0, url.find('/'));
  const auto colon = url.rfind(':');
  const bool has_port = colon != std::string_view::npos && url.find(']', colon) == std::string_view::npos;
  const auto port = has_port ? parse_int(url.substr(colon + 1)) : Result<std::int64_t>(kHttpsPort);
  if (!port || *port < 1 || *port > 65535) return {};
  return {std::string(url.substr(0, has_port ? colon : url.size())), static_cast<int>(*port)};
}

json::object point(std::string_view role, const Place& at, const std::string& backend, const std::string& with_proxy_protocol) {
  return json::object{{"role", role},
                      {"name", at.host},
                      {"port", at.port},
                      {"backend", backend},
                      {"backend_with_proxy_protocol", with_proxy_protocol}};
}

std::string join(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& text : texts) out += text;
  return out;
}

Result<json::array> points_of(Repositories& r, const Publishing& site) {
  json::array out;
  const std::string here = site.port != 0 ? fmt::format("{}:{}", site.host, site.port) : std::string();
  const std::string tunnelled = site.proxy_protocol_port != 0 ? fmt::format("{}:{}", site.host, site.proxy_protocol_port) : std::string();
  FP_TRY(mps, r.site.management_points());
  for (const auto& mp : mps) {
    const Place at = place_of(mp.internet_url);
    if (mp.gateway) continue;  // it is on the internet itself
    if (!at.host.empty() && mp.connections != Connections::intranet) out.push_back(point("mp", at, here, tunnelled));
  }
  FP_TRY(sups, r.updates.points());
  for (const auto& sup : sups) {
    const Place at = place_of(sup.internet_url);
    if (!at.host.empty() && sup.connections != Connections::intranet) out.push_back(point("sup", at, here, tunnelled));
  }
  FP_TRY(dps, r.contents.list_dps());
  for (const auto& dp : dps) {
    const Place at = place_of(dp.internet_url);
    if (dp.over_link && std::ranges::any_of(mps, [&](const ManagementPoint& mp) { return mp.gateway && mp.name == dp.name; })) continue;
    if (at.host.empty() || dp.connections == Connections::intranet || dp.maintenance) continue;
    if (dp.local) {
      out.push_back(point("dp", at, here, tunnelled));
      continue;
    }
    // The name by which the site itself reaches that host; its internet door has the port that the public URL names.
    Place inside = place_of(!dp.push_url.empty() ? dp.push_url : dp.intranet_url);
    if (inside.host.empty()) inside = at;
    out.push_back(point("dp", at, fmt::format("{}:{}", inside.host, at.port), {}));
  }
  return out;
}

json::object denied(const Device& device, const std::string& der) {
  return json::object{{"client_id", device.client_id},
                      {"name", device.name},
                      {"sha1", hex_lower(crypto::sha1(der))},
                      {"sha256", hex_lower(crypto::sha256(der))}};
}

Result<json::array> denied_certificates(Repositories& r) {
  json::array out;
  DeviceFilter filter;
  filter.blocked = true;
  filter.limit = kPage;
  while (true) {
    FP_TRY(page, r.devices.list(filter));
    for (const auto& device : page) {
      if (!device.signing_certificate_der.empty()) out.push_back(denied(device, device.signing_certificate_der));
      const std::string own = hex_lower(crypto::sha256(device.signing_certificate_der));
      if (!device.tls_fingerprint.empty() && device.tls_fingerprint != own)  // of that one only its SHA-256 is on record
        out.push_back(json::object{{"client_id", device.client_id}, {"name", device.name}, {"sha1", ""}, {"sha256", device.tls_fingerprint}});
    }
    if (page.size() < kPage) return out;
    filter.after = page.back().client_id;
  }
}

Result<Answer> publishing(Context& c) {
  if (!c.sees_every_device())
    return fail(Code::forbidden, "a proxy is told of every blocked device: needs all systems among the administrator's collections");
  const Publishing site = c.hooks.publishing();
  return c.store.read([&](Repositories& r) -> Result<Answer> {
    FP_TRY(points, points_of(r, site));
    FP_TRY(blocked, denied_certificates(r));
    json::array without;
    for (const auto& name : site.issuers_without_list) without.emplace_back(name);
    return Answer{200,
                  json::object{{"site_code", c.settings.site_code},
                               {"points", std::move(points)},
                               {"issuers", join(site.issuers)},
                               {"lists", join(site.lists)},
                               {"issuers_without_list", std::move(without)},
                               {"denied", std::move(blocked)}},
                  {}};
  });
}

constexpr Route kRoutes[] = {
    {"GET", "/publishing", ObjectClass::site, kReadObject, publishing},
};

}  // namespace

std::span<const Route> publishing_routes() { return kRoutes; }

}  // namespace fp::admin
