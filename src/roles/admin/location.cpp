#include "roles/admin/location.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "domain/boundary/belonging.hpp"
#include "domain/location/location.hpp"
#include "site/boundaries.hpp"

namespace fp::admin {
namespace {

namespace json = boost::json;

std::string property(const InventoryInstance& instance, const std::string& name) {
  const auto found = instance.properties.find(name);
  return found == instance.properties.end() ? std::string() : found->second;
}

// On the internet there are none: boundaries are for clients of the intranet only. `doubt`: why its own word does not count.
Result<json::array> groups_of(store::Repositories& r, const Device& device, const std::string& ad_site, std::string_view site_code,
                              std::string& doubt) {
  json::array out;
  if (device.connection != ConnectionType::currently_intranet) return out;
  boundary::Place place;
  place.ad_site = ad_site;
  FP_TRY(adapters, r.inventory.instances(device.client_id, "CCM_ExtNetworkAdapterConfiguration"));
  for (const auto& a : adapters)
    if (const auto address = property(a, "IPAddress"); !address.empty()) place.addresses.push_back({{}, address});
  auto checked = boundary::checked_place(std::move(place), device.last_address);
  doubt = std::move(checked.doubt);
  FP_TRY(map, site::boundary_map(r, site_code));
  const auto found = boundary::find_groups(map, checked.place);
  const auto standard = boundary::default_group(map);
  for (const auto& id : found.groups) {
    const auto group = std::ranges::find(map.groups, id, &BoundaryGroup::id);
    out.emplace_back(group == map.groups.end() ? standard.name : group->name);
  }
  return out;
}

}  // namespace

Result<json::object> location_of(store::Repositories& r, const Device& device, std::string_view site_code) {
  json::object out{{"type", location::type_name(device.connection)}};
  FP_TRY(clients, r.inventory.instances(device.client_id, "CCM_Client"));
  const InventoryInstance said = clients.empty() ? InventoryInstance() : clients.front();
  out["reason"] = property(said, "ConnectionReason");
  out["management_point"] = property(said, "ManagementPoint");
  out["management_point_reason"] = property(said, "ManagementPointReason");
  const std::string ad_site = property(said, "ADSite");
  out["ad_site"] = ad_site;
  std::string doubt;
  FP_TRY(groups, groups_of(r, device, ad_site, site_code, doubt));
  out["boundary_groups"] = std::move(groups);
  out["boundary_doubt"] = doubt;
  json::array probes;
  FP_TRY(all, r.inventory.instances(device.client_id, "CCM_LocationProbe"));
  for (const auto& p : all)
    probes.push_back(json::object{{"asked", property(p, "asked")},
                                  {"name", property(p, "name")},
                                  {"answered", property(p, "answered") == "true"},
                                  {"said", property(p, "said")},
                                  {"at", property(p, "at")},
                                  {"took_ms", parse_int(property(p, "took_ms")).value_or(0)}});
  out["probes"] = std::move(probes);
  return out;
}

Result<std::string> location_sentence(store::Repositories& r, const Device& device) {
  FP_TRY(clients, r.inventory.instances(device.client_id, "CCM_Client"));
  if (clients.empty() || device.last_heartbeat_at.ms == 0) return std::string("it has not said yet where it is");
  const auto reason = property(clients.front(), "ConnectionReason");
  const auto mp = property(clients.front(), "ManagementPoint");
  return fmt::format("{} at {}{}{}", location::type_name(device.connection), to_iso(device.last_heartbeat_at),
                     reason.empty() ? "" : ": " + reason, mp.empty() ? "" : "; management point " + mp);
}

}  // namespace fp::admin
