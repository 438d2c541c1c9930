// What every server of this room does with the configuration's listeners: from a line of the file to a listener of `net`, and
// which door a role is offered at. Any thread; pure but for the file names it passes on.
#pragma once
#include <optional>
#include <string_view>

#include "apps/config.hpp"
#include "net/server.hpp"

namespace fp::apps {

[[nodiscard]] net::ListenerOptions listener_of(const ListenerConfig& config);

// A role that the door has no connections for is not there at all.
[[nodiscard]] inline bool offered(Connections connections, Door door) {
  return connections == Connections::both || (connections == Connections::internet) == (door == Door::internet_https);
}

// What a bridge that is no bridge from TLS to TLS gets (access::decide_bridging), and the log says so; empty: nothing of that kind.
// `internet_name`: the public name of this host, empty where the intranet uses it too.
[[nodiscard]] std::optional<net::Response> refuse_bridging(const net::Request& request, std::string_view internet_name);
[[nodiscard]] std::string_view internet_only_name(const SiteConfig& config);

}  // namespace fp::apps
