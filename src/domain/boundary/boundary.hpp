// Which boundaries a client is in, which groups that makes, and what is near there: distribution points, management points, the
// site to be assigned to (domain.md §10, §3.3, §3.7, §11.3). Pure decisions with their reasons. Any thread; cost: a pass over the
// boundaries, then over the groups. Never: applied to a client on the internet, which has no locality; trust: where a client
// says it is decides what is offered first and nothing else.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"
#include "model/boundary.hpp"

namespace fp::boundary {

// The one spelling of a boundary's value, or Code::invalid saying what is expected. A subnet or prefix with host bits is refused.
[[nodiscard]] Result<std::string> check_value(BoundaryType type, std::string_view value);

// Everything that an administrator said about the site's networks.
struct Map {
  std::string site_code;
  std::vector<Boundary> boundaries;
  std::vector<BoundaryGroup> groups;  // the default one is made up where it is missing
  BoundarySettings settings;
};

[[nodiscard]] std::string default_group_id(std::string_view site_code);
// As stored, else an empty one: site systems that are in no group at all belong to it either way.
[[nodiscard]] BoundaryGroup default_group(const Map& map);

struct Place {
  struct Address {
    std::string subnet, address;  // IP literals; the subnet may be missing
  };
  struct Tunnel {
    std::string name, description;
  };
  std::vector<Address> addresses;
  std::string ad_site;
  std::vector<Tunnel> tunnels;  // interfaces that lead through a VPN
};

struct Found {
  struct Match {
    std::string boundary_id, name, because;  // "10.77.1.50 is in 10.77.1.0/24"
  };
  std::vector<Match> boundaries;
  std::vector<std::string> groups;  // ids; the default group alone where no boundary of a group matches
  bool by_default = false;          // that is so
};
[[nodiscard]] Found find_groups(const Map& map, const Place& place);

enum class SystemRole { distribution_point, management_point };

// domain.md §3.3: 3 current group, 2 neighbour, 1 default group of the site, 0 not near at all.
inline constexpr int kCurrent = 3, kNeighbour = 2, kDefault = 1, kNowhere = 0;

struct Ranked {
  std::string name;
  int locality = kNowhere;
  std::int64_t opens_min = 0;  // offered from so many waited minutes on; below 0: never
  std::string because;         // one sentence
  [[nodiscard]] bool offered(std::int64_t waited_min) const { return opens_min >= 0 && waited_min >= opens_min; }
};
// Every one of `names`: what opens first at the head, then the nearer. Only direct neighbours count; several groups are a
// union; the shortest way to a site system counts. Equal ones keep the order they came in.
[[nodiscard]] std::vector<Ranked> rank(const Map& map, const Found& found, SystemRole role, const std::vector<std::string>& names);

struct RankedPoint {
  std::string name;
  int category = 2;   // 0 proxy (secondary sites), 1 local, 2 assigned (domain.md §3.3)
  int locality = kCurrent;
  std::string because;
};
// Management points of the intranet, best first. While preferred ones are not wanted they are all alike: assigned, locality 3.
// None is ever left out: a client must not end up with an empty list.
[[nodiscard]] std::vector<RankedPoint> rank_points(const Map& map, const Found& found, const std::vector<std::string>& names);

struct Assignment {
  std::string site_code;  // empty: none
  std::string because;
};
// Groups that overlap: random. While neither a group nor the fallback
// names a site, this one is everybody's.
[[nodiscard]] Assignment assign_site(const Map& map, const Found& found, Random& random);

}  // namespace fp::boundary
