// What every server of this room does with the configuration's listeners: from a line of the file to a listener of `net`, and
// which door a role is offered at. Any thread; pure but for the file names it passes on.
#pragma once
#include "apps/config.hpp"
#include "net/server.hpp"

namespace fp::apps {

[[nodiscard]] net::ListenerOptions listener_of(const ListenerConfig& config);

// A role that the door has no connections for is not there at all.
[[nodiscard]] inline bool offered(Connections connections, Door door) {
  return connections == Connections::both || (connections == Connections::internet) == (door == Door::internet_https);
}

}  // namespace fp::apps
