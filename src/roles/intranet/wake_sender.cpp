#include "roles/intranet/wake_sender.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/file.hpp"

namespace fp::intranet {

Status send_wake_up(const internet::WakeTarget& target, int port, std::string_view packet) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::inet_pton(AF_INET, target.address.c_str(), &to.sin_addr) != 1)
    return fail(Code::invalid, "\"{}\" is no IPv4 address", target.address);
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.ok()) return fail_errno("opening a socket for", target.address);
  const int on = 1;
  if (target.broadcast && ::setsockopt(socket.get(), SOL_SOCKET, SO_BROADCAST, &on, sizeof on) != 0)
    return fail_errno("asking for broadcasts to", target.address);
  const auto sent = ::sendto(socket.get(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  if (sent < 0) return fail_errno("sending a wake-up packet to", target.address);
  if (static_cast<std::size_t>(sent) != packet.size()) return fail(Code::io, "the packet to {} was cut", target.address);
  return {};
}

}  // namespace fp::intranet
