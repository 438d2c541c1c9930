// What an address proves: whether it is one of the site's own, and whether it bears out what a client says of itself (domain.md §10).
// Pure; any thread; a pass over the boundaries at most. Never: a look-up; more than what decides which site systems are offered
// first, and where the site server itself opens connections to.
#pragma once
#include <string>
#include <string_view>

#include "domain/boundary/boundary.hpp"

namespace fp::boundary {

// Where a client is that says `said` over a connection from `came_from`, an IP literal, with no proxy of ours in between: its own
// addresses count if that one is among them, else that one alone counts. A loopback address tells nothing. What no connection
// shows, the AD site and the names of tunnels, is taken as it is said.
struct Checked {
  Place place;
  std::string doubt;  // why what the client says of its addresses does not count; empty: it does
};
[[nodiscard]] Checked checked_place(Place said, std::string_view came_from);

// Whether an address is in one of the site's own networks: in a boundary of a group that is assigned to the site. Where the site
// server opens connections to computers, this is what it means by the intranet.
struct Belonging {
  bool inside = false;
  std::string because;  // "10.77.1.50 is in 10.77.1.0/24 (boundary Office, boundary group HQ)"
};
[[nodiscard]] Belonging belongs_to_site(const Map& map, std::string_view address);

}  // namespace fp::boundary
