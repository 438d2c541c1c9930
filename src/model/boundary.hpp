// Where on the company's network a client is, and which site systems are near there (domain.md §10). Plain values.
#pragma once
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace fp {

enum class BoundaryType { ip_subnet, ip_range, ipv6_prefix, ad_site, vpn };

struct Boundary {
  std::string id;                // site code + 5
  std::string name;
  BoundaryType type = BoundaryType::ip_subnet;
  // "10.1.2.0/24" (or the subnet ID alone), "10.1.2.10-10.1.2.90", "2001:db8:1::/48", the name of the AD site, what the name or
  // description of the tunnel begins with (vpn; empty: any tunnel)
  std::string value;
  std::string comment;
  Instant changed_at;
};

inline constexpr int kNoFallback = -1;
inline constexpr int kContentFallbackMin = 120;

// One way: clients of the group that holds this may use what is near to that one.
struct BoundaryNeighbour {
  std::string group_id;
  int content_fallback_min = kContentFallbackMin;  // minutes a download has looked in vain; kNoFallback: never
  int management_point_fallback_min = 0;           // 0 or kNoFallback: never (domain.md §10)
};

struct BoundaryGroup {
  std::string id;                                // site code + 5; <site>00000: the default group of the site
  std::string name, comment;
  std::vector<std::string> boundaries;           // ids
  std::vector<std::string> distribution_points;  // host names
  std::vector<std::string> management_points;
  std::string assigned_site;                     // for automatic site assignment; empty: none
  std::vector<BoundaryNeighbour> neighbours;
  Instant changed_at;
};

// What holds for all groups of the site.
struct BoundarySettings {
  bool prefer_management_points = false;         // hierarchy setting: those of the boundary groups come first
  std::string fallback_site;                     // of clients outside every group that has an assigned site; empty: none
  int content_fallback_min = kContentFallbackMin;  // to the default group, where a group has no link of its own to it
  int management_point_fallback_min = 0;
};

}  // namespace fp
