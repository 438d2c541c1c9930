#include "domain/boundary/boundary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/ids.hpp"
#include "base/subnet.hpp"
#include "base/text.hpp"

namespace fp::boundary {
namespace {

std::optional<IpAddress> parse_ip(std::string_view text) {
  const auto ip = parse_address(trim(text));
  return ip ? std::optional(*ip) : std::nullopt;
}

std::optional<IpNetwork> network_of(std::string_view text) {
  if (text.find('/') == std::string_view::npos) return std::nullopt;  // an address alone is a subnet ID
  const auto network = parse_network(text);
  return network ? std::optional(*network) : std::nullopt;
}

std::optional<std::pair<IpAddress, IpAddress>> parse_range(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = parse_ip(text.substr(0, dash)), last = parse_ip(text.substr(dash + 1));
  if (!first || !last || first->bits != last->bits) return std::nullopt;
  return std::pair(*first, *last);
}

Result<std::string> check_network(std::string_view value, int bits, const char* expected) {
  const auto network = network_of(value);
  if (!network || network->address.bits != bits) return fail(Code::invalid, "must be {}", expected);
  const IpAddress base = masked(network->address, network->prefix);
  if (base != network->address)
    return fail(Code::invalid, "{} has bits of a host: {}/{} is the network", value, to_text(base), network->prefix);
  return fmt::format("{}/{}", to_text(base), network->prefix);
}

// "10.77.1.50 is in 10.77.1.0/24"; empty: it does not match.
std::string match_address(const Boundary& b, const Place& place) {
  const auto network = network_of(b.value);
  const auto range = network ? std::nullopt : parse_range(b.value);
  const auto subnet_id = network || range ? std::nullopt : parse_ip(b.value);
  for (const auto& a : place.addresses) {
    const auto ip = parse_ip(a.address);
    if (!ip) continue;
    if (network && contains(*network, *ip)) return fmt::format("{} is in {}", a.address, b.value);
    if (range && ip->bits == range->first.bits && *ip >= range->first && *ip <= range->second)
      return fmt::format("{} is in {}", a.address, b.value);
    if (subnet_id && parse_ip(a.subnet) == subnet_id) return fmt::format("{} has the subnet ID {}", a.address, b.value);
  }
  return {};
}

std::string match(const Boundary& b, const Place& place) {
  switch (b.type) {
    case BoundaryType::ip_subnet:
    case BoundaryType::ip_range:
    case BoundaryType::ipv6_prefix:
      return match_address(b, place);
    case BoundaryType::ad_site:
      if (!place.ad_site.empty() && iequals(b.value, place.ad_site)) return fmt::format("the AD site is {}", place.ad_site);
      return {};
    case BoundaryType::vpn:
      for (const auto& t : place.tunnels)
        if (istarts_with(t.name, b.value) || istarts_with(t.description, b.value)) return fmt::format("{} is a VPN", t.name);
      return {};
  }
  return {};
}

const std::vector<std::string>& systems(const BoundaryGroup& group, SystemRole role) {
  return role == SystemRole::distribution_point ? group.distribution_points : group.management_points;
}

bool has(const BoundaryGroup& group, SystemRole role, std::string_view name) {
  return std::ranges::any_of(systems(group, role), [&](const std::string& n) { return iequals(n, name); });
}

int fallback(const BoundaryNeighbour& link, SystemRole role) {
  return role == SystemRole::distribution_point ? link.content_fallback_min : link.management_point_fallback_min;
}

const BoundaryGroup* group_of(const Map& map, std::string_view id) {
  const auto found = std::ranges::find(map.groups, id, &BoundaryGroup::id);
  return found == map.groups.end() ? nullptr : &*found;
}

// How a client of the groups that were found reaches another group: the shortest of its links.
struct Reach {
  int locality = kNowhere;
  int opens_min = kNoFallback;
  std::string from;  // name of the group that has the link
};

void keep_better(Reach& held, const Reach& other) {
  const auto order = [](const Reach& r) { return std::pair(r.opens_min < 0 ? INT32_MAX : r.opens_min, -r.locality); };
  if (held.locality == kNowhere || order(other) < order(held)) held = other;
}

std::map<std::string, Reach> reaches(const Map& map, const Found& found, SystemRole role) {
  std::map<std::string, Reach> out;
  const std::string standard = default_group_id(map.site_code);
  for (const auto& id : found.groups) out[id] = {id == standard ? kDefault : kCurrent, 0, {}};
  for (const auto& id : found.groups) {
    const auto* group = group_of(map, id);
    bool own_link = false;  // an explicit link to the default group overrides the default behaviour
    for (const auto& link : group ? group->neighbours : std::vector<BoundaryNeighbour>()) {
      own_link = own_link || link.group_id == standard;
      if (!out.contains(link.group_id) || out[link.group_id].opens_min != 0)
        keep_better(out[link.group_id], {link.group_id == standard ? kDefault : kNeighbour, fallback(link, role), group->name});
    }
    if (own_link || id == standard) continue;
    const BoundaryNeighbour usual{standard, map.settings.content_fallback_min, map.settings.management_point_fallback_min};
    if (!out.contains(standard) || out[standard].opens_min != 0)
      keep_better(out[standard], {kDefault, fallback(usual, role), group ? group->name : id});
  }
  return out;
}

std::string sentence(const Reach& reach, const BoundaryGroup& group, bool by_default) {
  if (by_default && reach.from.empty()) return fmt::format("the client is in no boundary of a group: {} serves it", group.name);
  if (reach.from.empty()) return fmt::format("in the client's boundary group {}", group.name);
  const char* kind = reach.locality == kDefault ? "default group of the site" : "neighbour";
  if (reach.opens_min < 0) return fmt::format("in {}, {} of {}: never used from there", group.name, kind, reach.from);
  return fmt::format("in {}, {} of {}, after {} min", group.name, kind, reach.from, reach.opens_min);
}

}  // namespace

Result<std::string> check_value(BoundaryType type, std::string_view value) {
  value = trim(value);
  switch (type) {
    case BoundaryType::ip_subnet: {
      if (value.find('/') != std::string_view::npos) return check_network(value, 32, "a subnet such as 10.1.2.0/24");
      const auto ip = parse_ip(value);
      if (!ip || ip->bits != 32) return fail(Code::invalid, "must be a subnet such as 10.1.2.0/24, or a subnet ID");
      return to_text(*ip);
    }
    case BoundaryType::ip_range: {
      const auto range = parse_range(value);
      if (!range) return fail(Code::invalid, "must be a range such as 10.1.2.10-10.1.2.90");
      if (range->second < range->first) return fail(Code::invalid, "the range ends before it begins");
      return to_text(range->first) + "-" + to_text(range->second);
    }
    case BoundaryType::ipv6_prefix:
      return check_network(value, 128, "an IPv6 prefix such as 2001:db8:1::/48");
    case BoundaryType::ad_site:
      return parse_name(value, 255);
    case BoundaryType::vpn:
      return value.empty() ? Result<std::string>("") : parse_name(value, 243);
  }
  return fail(Code::invalid, "is of an unknown type");
}

std::string default_group_id(std::string_view site_code) { return std::string(site_code) + "00000"; }

BoundaryGroup default_group(const Map& map) {
  const auto id = default_group_id(map.site_code);
  if (const auto* stored = group_of(map, id)) return *stored;
  BoundaryGroup made;
  made.id = id;
  made.name = "Default-Site-Boundary-Group<" + map.site_code + ">";
  return made;
}

Found find_groups(const Map& map, const Place& place) {
  Found out;
  for (const auto& b : map.boundaries)
    if (auto because = match(b, place); !because.empty()) out.boundaries.push_back({b.id, b.name, std::move(because)});
  for (const auto& group : map.groups) {
    const bool inside = std::ranges::any_of(group.boundaries, [&](const std::string& id) {
      return std::ranges::find(out.boundaries, id, &Found::Match::boundary_id) != out.boundaries.end();
    });
    if (inside) out.groups.push_back(group.id);
  }
  if (out.groups.empty()) {
    out.groups.push_back(default_group_id(map.site_code));
    out.by_default = true;
  }
  return out;
}

std::vector<Ranked> rank(const Map& map, const Found& found, SystemRole role, const std::vector<std::string>& names) {
  const auto standard = default_group(map);
  auto ways = reaches(map, found, role);
  std::vector<Ranked> out;
  for (const auto& name : names) {
    Ranked best{name, kNowhere, kNoFallback, "in no boundary group that is the client's, or a neighbour of it"};
    Reach reach;
    const bool homeless = std::ranges::none_of(map.groups, [&](const BoundaryGroup& g) { return has(g, role, name); });
    const auto consider = [&](const BoundaryGroup& group) {
      const auto way = ways.find(group.id);
      if (way == ways.end()) return;
      const Reach before = reach;
      keep_better(reach, way->second);
      if (before.locality != kNowhere && reach.opens_min == before.opens_min && reach.locality == before.locality) return;
      best = {name, reach.locality, reach.opens_min, sentence(reach, group, found.by_default)};
    };
    for (const auto& group : map.groups)
      if (group.id != standard.id && has(group, role, name)) consider(group);
    if (homeless || has(standard, role, name)) consider(standard);
    out.push_back(std::move(best));
  }
  std::ranges::stable_sort(out, {}, [](const Ranked& r) {
    return std::pair(r.opens_min < 0 ? INT64_MAX : r.opens_min, -r.locality);
  });
  return out;
}

std::vector<RankedPoint> rank_points(const Map& map, const Found& found, const std::vector<std::string>& names) {
  std::vector<RankedPoint> out;
  if (!map.settings.prefer_management_points) {
    for (const auto& name : names) out.push_back({name, 2, kCurrent, "every management point of the site is preferred alike"});
    return out;
  }
  for (auto& near : rank(map, found, SystemRole::management_point, names)) {
    const bool local = near.offered(0);
    out.push_back({std::move(near.name), local ? 1 : 2, local ? near.locality : kNowhere, std::move(near.because)});
  }
  std::ranges::stable_sort(out, {}, [](const RankedPoint& p) { return std::pair(p.category, -p.locality); });
  return out;
}

Assignment assign_site(const Map& map, const Found& found, Random& random) {
  const bool in_use = std::ranges::any_of(map.groups, [](const BoundaryGroup& g) { return !g.assigned_site.empty(); });
  if (!in_use && map.settings.fallback_site.empty())
    return {map.site_code, "no boundary group of the site is used for site assignment"};
  std::vector<const BoundaryGroup*> wanted;
  for (const auto& id : found.groups)
    if (const auto* group = group_of(map, id); group && !group->assigned_site.empty()) wanted.push_back(group);
  if (wanted.empty() && !map.settings.fallback_site.empty())
    return {map.settings.fallback_site, "it is in no boundary group with an assigned site: the fallback site"};
  if (wanted.empty()) return {{}, "it is in no boundary group with an assigned site, and there is no fallback site"};
  const auto* chosen = wanted[random.below(wanted.size())];
  return {chosen->assigned_site,
          wanted.size() == 1 ? fmt::format("boundary group {}", chosen->name)
                             : fmt::format("boundary group {}, at random among {} that overlap", chosen->name, wanted.size())};
}

}  // namespace fp::boundary
