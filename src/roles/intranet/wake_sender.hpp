// Puts a wake-up packet on the wire: one UDP datagram. Any thread; never blocks: a datagram that does not fit into the socket's
// buffer is an error. Never: IPv6, which has no subnet broadcast, or an answer waited for.
#pragma once
#include <string_view>

#include "domain/internet/wake.hpp"

namespace fp::intranet {

[[nodiscard]] Status send_wake_up(const internet::WakeTarget& target, int port, std::string_view packet);

}  // namespace fp::intranet
