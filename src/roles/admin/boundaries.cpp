// Boundaries and boundary groups: what is there, changes, and what a client at some address would get (domain.md §10).
#include <algorithm>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "domain/internet/features.hpp"
#include "roles/admin/context.hpp"
#include "roles/admin/lookup.hpp"
#include "site/boundaries.hpp"

namespace fp::admin {
namespace {

using namespace access;

// ---- boundaries

Result<Answer> list(Context& c) {
  FP_TRY(all, c.store.read([](Repositories& r) { return r.boundaries.list(); }));
  return Answer{200, all_of(all), {}};
}

Result<Answer> show(Context& c) {
  FP_TRY(found, c.store.read([&](Repositories& r) { return find_boundary(r, c.params[0]); }));
  return Answer{200, wire::to_value(found), {}};
}

// Two of one name could not be told apart, and two of one value would say the same thing.
Status check(Repositories& r, Boundary& wanted) {
  auto value = boundary::check_value(wanted.type, wanted.value);
  if (!value) return std::unexpected(value.error().with_context("value"));
  wanted.value = std::move(*value);
  FP_TRY(all, r.boundaries.list());
  for (const auto& other : all) {
    if (other.id == wanted.id) continue;
    if (iequals(other.name, wanted.name)) return fail(Code::conflict, "there is a boundary {} already", other.name);
    if (other.type == wanted.type && iequals(other.value, wanted.value))
      return fail(Code::conflict, "boundary {} is {} already", other.name, wanted.value);
  }
  return {};
}

Result<Answer> save(Context& c, bool fresh) {
  FP_TRY(wanted, c.body_as<Boundary>());
  FP_TRY(saved, c.store.write([&](Repositories& r) -> Result<Boundary> {
    if (fresh) {
      FP_TRY(id, r.site.next_object_id(c.settings.site_code));
      wanted.id = id;
    } else {
      FP_TRY(found, find_boundary(r, c.params[0]));
      wanted.id = found.id;
    }
    FP_CHECK(check(r, wanted));
    wanted.changed_at = r.change;
    FP_CHECK(r.boundaries.put(wanted));
    FP_CHECK(c.audit(r, fresh ? "create" : "change", "boundary", wanted.id, fmt::format("{}: {}", wanted.name, wanted.value)));
    return wanted;
  }));
  return Answer{fresh ? 201 : 200, wire::to_value(saved), {}};
}
Result<Answer> create(Context& c) { return save(c, true); }
Result<Answer> change(Context& c) { return save(c, false); }

Result<Answer> remove(Context& c) {
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(found, find_boundary(r, c.params[0]));
    FP_CHECK(r.boundaries.remove(found.id));
    return c.audit(r, "delete", "boundary", found.id, found.name);
  });
  FP_CHECK(done);
  return Answer{};
}

// ---- groups

// The default group of the site is always there, whether somebody changed it or not.
Result<std::vector<BoundaryGroup>> groups_of(const Context& c, Repositories& r) {
  FP_TRY(map, site::boundary_map(r, c.settings.site_code));
  auto standard = boundary::default_group(map);
  if (std::ranges::find(map.groups, standard.id, &BoundaryGroup::id) == map.groups.end())
    map.groups.insert(map.groups.begin(), std::move(standard));
  return std::move(map.groups);
}

Result<BoundaryGroup> find_group(const Context& c, Repositories& r, std::string_view id_or_name) {
  FP_TRY(all, groups_of(c, r));
  for (const auto& group : all)
    if (iequals(group.id, id_or_name) || iequals(group.name, id_or_name)) return group;
  if (iequals(id_or_name, "default")) return all.front();
  return fail(Code::not_found, "there is no boundary group {}", id_or_name);
}

Result<Answer> list_groups(Context& c) {
  FP_TRY(all, c.store.read([&](Repositories& r) { return groups_of(c, r); }));
  return Answer{200, all_of(all), {}};
}

Result<Answer> show_group(Context& c) {
  FP_TRY(found, c.store.read([&](Repositories& r) { return find_group(c, r, c.params[0]); }));
  return Answer{200, wire::to_value(found), {}};
}

// Boundaries and neighbours by name or id become ids, before the body is decoded.
Status resolve_names(const Context& c, Repositories& r, json::value& body) {
  FP_CHECK(resolve(body, "boundaries", [&](std::string_view text) { return find_boundary(r, text); }));
  auto* links = body.is_object() ? body.as_object().if_contains("neighbours") : nullptr;
  if (!links || !links->is_array()) return {};
  for (auto& link : links->as_array())
    FP_CHECK(resolve(link, "group_id", [&](std::string_view text) { return find_group(c, r, text); }));
  return {};
}

Status check_group(const Context& c, Repositories& r, const BoundaryGroup& wanted) {
  FP_TRY(all, groups_of(c, r));
  for (const auto& other : all)
    if (other.id != wanted.id && iequals(other.name, wanted.name))
      return fail(Code::conflict, "there is a boundary group {} already", other.name);
  if (wanted.id == boundary::default_group_id(c.settings.site_code) && !wanted.boundaries.empty())
    return fail(Code::invalid, "boundaries: the default group is for whoever is in no boundary; it has none of its own");
  for (const auto& name : wanted.distribution_points)
    if (const auto dp = r.contents.find_dp(name); !dp)
      return fail(Code::invalid, "distribution_points: {} is none of this site (farpoint dp list)", name);
  FP_TRY(points, r.site.management_points());
  for (const auto& name : wanted.management_points)
    if (std::ranges::find(points, name, &ManagementPoint::name) == points.end())
      return fail(Code::invalid, "management_points: {} is none of this site (farpoint mp list)", name);
  for (const auto& link : wanted.neighbours)
    if (link.group_id == wanted.id) return fail(Code::invalid, "neighbours: a group is no neighbour of itself");
  return {};
}

Result<Answer> save_group(Context& c, bool fresh) {
  FP_TRY(body, c.body());
  FP_TRY(saved, c.store.write([&](Repositories& r) -> Result<BoundaryGroup> {
    FP_CHECK(resolve_names(c, r, body));
    FP_TRY(wanted, wire::from_value<BoundaryGroup>(body));
    if (fresh) {
      FP_TRY(id, r.site.next_object_id(c.settings.site_code));
      wanted.id = id;
    } else {
      FP_TRY(found, find_group(c, r, c.params[0]));
      wanted.id = found.id;
    }
    FP_CHECK(check_group(c, r, wanted));
    wanted.changed_at = r.change;
    FP_CHECK(r.boundaries.put_group(wanted));
    FP_CHECK(c.audit(r, fresh ? "create" : "change", "boundary group", wanted.id,
                     fmt::format("{}: {} boundaries, distribution points {}, management points {}", wanted.name,
                                 wanted.boundaries.size(), fmt::join(wanted.distribution_points, ", "),
                                 fmt::join(wanted.management_points, ", "))));
    return wanted;
  }));
  return Answer{fresh ? 201 : 200, wire::to_value(saved), {}};
}
Result<Answer> create_group(Context& c) { return save_group(c, true); }
Result<Answer> change_group(Context& c) { return save_group(c, false); }

Result<Answer> remove_group(Context& c) {
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(found, find_group(c, r, c.params[0]));
    if (found.id == boundary::default_group_id(c.settings.site_code))
      return fail(Code::invalid, "the default group of the site stays: take its site systems out instead");
    FP_CHECK(r.boundaries.remove_group(found.id));
    return c.audit(r, "delete", "boundary group", found.id, found.name);
  });
  FP_CHECK(done);
  return Answer{};
}

// ---- settings

Result<Answer> show_settings(Context& c) {
  FP_TRY(settings, c.store.read([](Repositories& r) { return r.boundaries.settings(); }));
  return Answer{200, wire::to_value(settings), {}};
}

Result<Answer> put_settings(Context& c) {
  FP_TRY(wanted, c.body_as<BoundarySettings>());
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_CHECK(r.boundaries.put_settings(wanted));
    return c.audit(r, "change", "boundary settings", c.settings.site_code, wire::to_text(wanted));
  });
  FP_CHECK(done);
  return Answer{200, wire::to_value(wanted), {}};
}

// ---- what would a client get

struct Asked {
  boundary::Place place;
  std::string content_id;
  std::int64_t waited_min = 0;
  bool internet = false;
};

Result<Asked> asked_of(const Context& c) {
  Asked a;
  a.internet = c.argument("internet") == "true";
  a.place.ad_site = c.argument("ad_site");
  if (const auto address = c.argument("address"); !address.empty()) {
    FP_TRY(host, parse_host(address));
    a.place.addresses.push_back({c.argument("subnet"), host});
  }
  if (const auto tunnel = c.argument("tunnel"); !tunnel.empty()) a.place.tunnels.push_back({tunnel, {}});
  if (a.place.addresses.empty() && a.place.ad_site.empty() && a.place.tunnels.empty() && !a.internet)
    return fail(Code::invalid, "address: where is the client? Give an address, an AD site, a tunnel, or internet=true");
  if (const auto content = c.argument("content"); !content.empty()) {
    FP_TRY(id, parse_content_id(content));
    a.content_id = id;
  }
  const auto waited = parse_int(c.argument("waiting", "0"));
  if (!waited || *waited < 0) return fail(Code::invalid, "waiting: must be a number of minutes");
  a.waited_min = *waited;
  return a;
}

// Distribution points that serve this kind of client and, where a content was named, hold it; of the others why not.
Result<std::vector<std::string>> holders(Repositories& r, const Asked& a, json::array& refused) {
  FP_TRY(all, r.contents.list_dps());
  std::vector<std::string> names;
  FP_TRY(there, r.contents.distributions(a.content_id));
  for (const auto& dp : all) {
    const auto place = std::ranges::find(there, dp.name, &Distribution::dp);
    const bool serves = !(a.internet ? dp.internet_url : dp.intranet_url).empty() &&
                        dp.connections != (a.internet ? Connections::intranet : Connections::internet);
    std::string why;
    if (dp.maintenance) why = "it is in maintenance";
    else if (!serves) why = fmt::format("it serves no clients on the {}", a.internet ? "internet" : "intranet");
    else if (!a.content_id.empty() && place == there.end()) why = "it does not hold " + a.content_id;
    else if (!a.content_id.empty() && place->state != DistributionState::ok) why = a.content_id + " is not whole there yet";
    if (why.empty()) names.push_back(dp.name);
    else refused.push_back(json::object{{"name", dp.name}, {"locality", 0}, {"offered", false}, {"because", why}});
  }
  return names;
}

// Why a client on the internet does not get it.
std::string refusal(internet::Feature feature) {
  return internet::verdict(feature, {ConnectionType::currently_internet, "the client is on the internet"}).reason;
}

Result<json::array> explain_points(Repositories& r, const boundary::Map& map, const boundary::Found& found, bool internet) {
  FP_TRY(all, r.site.management_points());
  std::vector<std::string> names;
  for (const auto& mp : all)
    if (!(internet ? mp.internet_url : mp.intranet_url).empty() &&
        mp.connections != (internet ? Connections::intranet : Connections::internet))
      names.push_back(mp.name);
  json::array out;
  if (internet) {
    for (const auto& name : names)
      out.push_back(json::object{{"name", name}, {"category", 2}, {"locality", 0}, {"because", refusal(internet::Feature::roaming)}});
    return out;
  }
  for (const auto& p : boundary::rank_points(map, found, names))
    out.push_back(json::object{{"name", p.name}, {"category", p.category}, {"locality", p.locality}, {"because", p.because}});
  return out;
}

json::array explain_holders(const boundary::Map& map, const boundary::Found& found, const Asked& a,
                            const std::vector<std::string>& names) {
  json::array out;
  if (a.internet) {
    for (const auto& name : names)
      out.push_back(json::object{{"name", name}, {"locality", 0}, {"offered", true}, {"because", refusal(internet::Feature::roaming)}});
    return out;
  }
  for (const auto& p : boundary::rank(map, found, boundary::SystemRole::distribution_point, names))
    out.push_back(json::object{{"name", p.name},
                               {"locality", p.locality},
                               {"offered", p.offered(a.waited_min)},
                               {"because", p.because}});
  return out;
}

Result<Answer> explain(Context& c) {
  FP_TRY(a, asked_of(c));
  return c.store.read([&](Repositories& r) -> Result<Answer> {
    FP_TRY(map, site::boundary_map(r, c.settings.site_code));
    const auto found = a.internet ? boundary::Found{} : boundary::find_groups(map, a.place);
    json::array boundaries, groups, refused;
    for (const auto& m : found.boundaries) boundaries.push_back(json::object{{"name", m.name}, {"because", m.because}});
    FP_TRY(all_groups, groups_of(c, r));
    for (const auto& group : all_groups)
      if (std::ranges::find(found.groups, group.id) != found.groups.end()) groups.emplace_back(group.name);
    FP_TRY(points, explain_points(r, map, found, a.internet));
    FP_TRY(names, holders(r, a, refused));
    auto places = explain_holders(map, found, a, names);
    for (auto& no : refused) places.push_back(std::move(no));
    const auto site = a.internet ? boundary::Assignment{{}, refusal(internet::Feature::automatic_site_assignment)}
                                 : boundary::assign_site(map, found, c.random);
    return Answer{200,
                  json::object{{"boundaries", std::move(boundaries)},
                               {"groups", std::move(groups)},
                               {"management_points", std::move(points)},
                               {"distribution_points", std::move(places)},
                               {"assigned_site", site.site_code},
                               {"assigned_because", site.because}},
                  {}};
  });
}

constexpr Route kRoutes[] = {
    {"GET", "/boundaries", ObjectClass::site, kReadObject, list},
    {"POST", "/boundaries", ObjectClass::site, kCreateObject, create},
    {"GET", "/boundaries/{id}", ObjectClass::site, kReadObject, show},
    {"PUT", "/boundaries/{id}", ObjectClass::site, kModifyObject, change},
    {"DELETE", "/boundaries/{id}", ObjectClass::site, kDeleteObject, remove},
    {"GET", "/boundary-groups", ObjectClass::site, kReadObject, list_groups},
    {"POST", "/boundary-groups", ObjectClass::site, kCreateObject, create_group},
    {"GET", "/boundary-groups/{id}", ObjectClass::site, kReadObject, show_group},
    {"PUT", "/boundary-groups/{id}", ObjectClass::site, kModifyObject, change_group},
    {"DELETE", "/boundary-groups/{id}", ObjectClass::site, kDeleteObject, remove_group},
    {"GET", "/boundary-settings", ObjectClass::site, kReadObject, show_settings},
    {"PUT", "/boundary-settings", ObjectClass::site, kModifyObject, put_settings},
    {"GET", "/boundary-explanation", ObjectClass::site, kReadObject, explain},
};

}  // namespace

std::span<const Route> boundary_routes() { return kRoutes; }

}  // namespace fp::admin
