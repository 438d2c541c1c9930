#include "domain/boundary/belonging.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/subnet.hpp"
#include "base/text.hpp"

namespace fp::boundary {

Checked checked_place(Place said, std::string_view came_from) {
  const auto source = parse_address(came_from);
  const bool loopback = source && (*source == *parse_address("::1") || contains(*parse_network("127.0.0.0/8"), *source));
  if (loopback || (!source && !said.addresses.empty())) return {std::move(said), {}};
  const auto is_source = [&](const Place::Address& a) {
    const auto own = parse_address(trim(a.address));
    return own && source && *own == *source;
  };
  if (std::ranges::any_of(said.addresses, is_source)) return {std::move(said), {}};
  std::string doubt;
  if (!said.addresses.empty())
    doubt = fmt::format("its connection comes from {}, which is none of the addresses that it names ({}): that one counts", came_from,
                        said.addresses.front().address);
  said.addresses = {{{}, std::string(came_from)}};
  return {std::move(said), std::move(doubt)};
}

Belonging belongs_to_site(const Map& map, std::string_view address) {
  Place place;
  place.addresses.push_back({{}, std::string(address)});
  const auto found = find_groups(map, place);
  bool any = false;
  for (const auto& group : map.groups) {
    if (!iequals(group.assigned_site, map.site_code)) continue;
    any = true;
    for (const auto& m : found.boundaries)
      if (std::ranges::find(group.boundaries, m.boundary_id) != group.boundaries.end())
        return {true, fmt::format("{} (boundary {}, boundary group {})", m.because, m.name, group.name)};
  }
  if (!any)
    return {false, fmt::format("{} cannot be told to be on the intranet: no boundary group is assigned to site {} (farpoint boundary-group "
                               "change NAME --assigned-site {})", address, map.site_code, map.site_code)};
  if (!found.boundaries.empty())
    return {false, fmt::format("{} is in boundary {}, which is in no boundary group that is assigned to site {}", address,
                               found.boundaries.front().name, map.site_code)};
  return {false, fmt::format("{} is in no boundary of a boundary group that is assigned to site {}", address, map.site_code)};
}

}  // namespace fp::boundary
