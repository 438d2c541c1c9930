// What the boundary groups say about a client (domain.md §10), and the list of management points that follows from it.
#include <algorithm>

#include "base/log.hpp"
#include "base/subnet.hpp"
#include "base/text.hpp"
#include "domain/boundary/belonging.hpp"
#include "roles/mp/context.hpp"
#include "site/boundaries.hpp"

namespace fp::mp {

Result<std::shared_ptr<const boundary::Map>> BoundaryMemory::read(store::Repositories& r, std::string_view site_code) {
  FP_TRY(revision, r.boundaries.revision());
  {
    const std::lock_guard guard(lock_);
    if (map_ && revision_ == revision) return map_;
  }
  FP_TRY(map, site::boundary_map(r, site_code));
  auto kept = std::make_shared<const boundary::Map>(std::move(map));
  const std::lock_guard guard(lock_);
  revision_ = revision;
  map_ = kept;
  return kept;
}

boundary::Place place_of(const net::Request& request, const wire::ClientLocation* said) {
  boundary::Place place;
  if (said != nullptr) {
    for (const auto& a : said->addresses) place.addresses.push_back({a.subnet, a.address});
    place.ad_site = said->ad_site;
    for (const auto& a : said->adapters)
      if (a.if_type == wire::ClientLocation::kTunnelAdapter || a.if_type == wire::ClientLocation::kPppAdapter)
        place.tunnels.push_back({a.name, a.description});
  }
  const Peer& peer = request.peer;
  // Behind a bridge the connection is the proxy's, and on the internet nothing is near.
  if (peer.pinned_proxy || peer.door == Door::internet_https) {
    if (place.addresses.empty()) place.addresses.push_back({{}, peer.address});
    return place;
  }
  auto checked = boundary::checked_place(std::move(place), peer.address);
  if (!checked.doubt.empty()) log::info("mp.location", "{}: {}", peer.address, checked.doubt);
  return std::move(checked.place);
}

namespace {

constexpr int kProxyCategory = 0;

struct Points {
  std::vector<ManagementPoint> all;
  std::vector<boundary::RankedPoint> ranked;  // of the intranet
};

// The proxy management point of a location is for who is there (domain.md §3.3); a secondary site serves nobody elsewhere.
bool is_near(const ManagementPoint& mp, const boundary::Place& place) {
  return std::ranges::any_of(mp.subnets, [&](const std::string& subnet) {
    return std::ranges::any_of(place.addresses, [&](const auto& a) { return subnet_holds(subnet, a.address); });
  });
}

Result<Points> points_for(Context& context, Door door, const boundary::Place& place) {
  const bool internet = door == Door::internet_https;
  return context.store.read([&](store::Repositories& r) -> Result<Points> {
    Points out;
    FP_TRY(all, r.site.management_points());
    std::vector<std::string> names;
    for (ManagementPoint& mp : all) {
      const bool wanted = internet ? mp.connections != Connections::intranet && !mp.internet_url.empty()
                                   : mp.connections != Connections::internet && !mp.intranet_url.empty();
      if (!wanted || (mp.gateway && !context.settings.gateway_traffic)) continue;
      if (!mp.site_code.empty() && (internet || !is_near(mp, place))) continue;
      // Nobody learns at one door what stands behind the other.
      (internet ? mp.intranet_url : mp.internet_url).clear();
      names.push_back(mp.name);
      out.all.push_back(std::move(mp));
    }
    if (internet) return out;
    FP_TRY(map, context.boundaries.read(r, context.settings.site_code));
    out.ranked = boundary::rank_points(*map, boundary::find_groups(*map, place), names);
    return out;
  });
}

}  // namespace

Result<std::vector<wire::MpEntry>> mp_entries(Context& context, Door door, const boundary::Place& place) {
  FP_TRY(points, points_for(context, door, place));
  const auto entry = [&](const ManagementPoint& mp, int category, int locality) {
    wire::MpEntry e;
    e.name = upper(mp.name);
    e.fqdn = mp.name;
    e.version = static_cast<int>(parse_int(context.settings.build).value_or(e.version));
    e.ssl_state = door == Door::intranet_http ? wire::ssl_state::kHttp : wire::ssl_state::kHttps;
    e.intranet_url = mp.intranet_url;
    e.internet_url = mp.internet_url;
    e.category = mp.site_code.empty() ? category : kProxyCategory;
    e.locality = locality;
    return e;
  };
  std::vector<wire::MpEntry> out;
  const wire::MpEntry usual;
  if (points.ranked.empty())
    for (const auto& mp : points.all) out.push_back(entry(mp, usual.category, usual.locality));
  for (const auto& p : points.ranked) {
    const auto mp = std::ranges::find(points.all, p.name, &ManagementPoint::name);
    if (mp != points.all.end()) out.push_back(entry(*mp, p.category, p.locality));
  }
  std::ranges::stable_sort(out, {}, [](const wire::MpEntry& e) { return e.category == kProxyCategory ? 0 : 1; });
  // Nobody is left without one who asks where this one answers; of the internet it is none unless it stands there.
  const std::string& own = door == Door::internet_https ? context.settings.internet_host : context.settings.host;
  if (out.empty() && !own.empty()) out.push_back(entry({.name = own}, usual.category, usual.locality));
  return out;
}

}  // namespace fp::mp
