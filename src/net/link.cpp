#include "net/link.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <list>
#include <map>
#include <thread>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/subnet.hpp"
#include "net/link_connection.hpp"

namespace fp::net {
namespace {

constexpr std::size_t kUnprovedMax = 16;  // connections whose other end has not proved itself yet
constexpr int kTickMs = 200;

Status set_up(int fd) {
  const int on = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return fail_errno("preparing a socket");
  return {};
}

struct AddressesFree {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

Result<Fd> connect_one(const addrinfo& to, std::int64_t until_ms, const Clock& clock, const std::function<bool()>& stopping) {
  Fd fd(::socket(to.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.ok()) return fail_errno("making a socket");
  FP_CHECK(set_up(fd.get()));
  if (::connect(fd.get(), to.ai_addr, to.ai_addrlen) == 0) return fd;
  if (errno != EINPROGRESS) return fail(Code::unavailable, "{}", std::strerror(errno));
  while (clock.steady_ms() < until_ms && !stopping()) {
    pollfd ready{fd.get(), POLLOUT, 0};
    if (::poll(&ready, 1, kTickMs) <= 0) continue;
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return fail_errno("connecting");
    if (error != 0) return fail(Code::unavailable, "{}", std::strerror(error));
    return fd;
  }
  return fail(Code::timed_out, "no connection in time");
}

Result<Fd> connect_to(const std::string& address, int timeout_s, const Clock& clock, const std::function<bool()>& stopping) {
  FP_TRY(place, parse_host_port(address));
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(place.host.c_str(), std::to_string(place.port).c_str(), &hints, &found); error != 0)
    return fail(Code::unavailable, "{}: {}", place.host, ::gai_strerror(error));
  const std::unique_ptr<addrinfo, AddressesFree> list(found);
  const auto until_ms = clock.steady_ms() + timeout_s * 1000LL;
  Error last{Code::unavailable, "no address"};
  for (const auto* to = found; to != nullptr; to = to->ai_next) {
    auto fd = connect_one(*to, until_ms, clock, stopping);
    if (fd) return fd;
    last = fd.error();
  }
  return std::unexpected(last.with_context(address));
}

Result<Fd> listen_on(const std::string& address, std::uint16_t port) {
  sockaddr_in6 v6{};
  sockaddr_in v4{};
  const bool is_v6 = address.find(':') != std::string::npos;
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  if (::inet_pton(is_v6 ? AF_INET6 : AF_INET, address.c_str(), is_v6 ? static_cast<void*>(&v6.sin6_addr) : &v4.sin_addr) != 1)
    return fail(Code::invalid, "link.address: \"{}\" is not an IP address", address);
  Fd fd(::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  const auto* to = is_v6 ? reinterpret_cast<const sockaddr*>(&v6) : reinterpret_cast<const sockaddr*>(&v4);
  if (!fd.ok() || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(fd.get(), to, is_v6 ? sizeof v6 : sizeof v4) != 0 || ::listen(fd.get(), 64) != 0)
    return fail(Code::io, "site link: listening on {} port {}: {}", address, port, std::strerror(errno));
  return fd;
}

std::string name_of(const sockaddr_storage& from, socklen_t size) {
  std::array<char, 64> host{};
  return ::getnameinfo(reinterpret_cast<const sockaddr*>(&from), size, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) == 0
             ? std::string(host.data())
             : "?";
}

}  // namespace

struct Link::Impl {
  struct Known {
    LinkPeer peer;
    std::shared_ptr<LinkConnection> connection;  // proved and open
    LinkState state;
  };
  struct Dial {
    LinkPeer peer;
    std::atomic<bool> stop{false};
    std::thread thread;
  };
  struct Accepted {
    std::shared_ptr<LinkConnection> connection;
    std::atomic<bool> proved{false}, ended{false};
    std::thread thread;
  };

  std::shared_ptr<LinkSide> side;
  std::mutex random_mutex;
  Fd listener;
  std::uint16_t port = 0;
  std::thread acceptor;
  std::atomic<bool> stopping{false};
  mutable std::mutex mutex;
  std::condition_variable stopped;
  std::map<std::string, Known> known;          // by name
  std::list<Dial> dials;                       // touched by start, set_peers and stop only
  std::list<std::shared_ptr<Accepted>> accepted;  // of the acceptor's thread, and of stop() after it
  std::vector<std::weak_ptr<LinkConnection>> running;

  void keep(const LinkPeer& peer);
  void dial(Dial& self);
  void accept_all();
  void reap();
  Error run(const std::shared_ptr<LinkConnection>& connection, const std::function<void()>& proved);
  void opened(const LinkPeer& peer, const std::shared_ptr<LinkConnection>& connection);
  void ended(const std::string& name, const std::shared_ptr<LinkConnection>& connection, const std::string& why);
  void tell(const LinkState& state) const {
    if (side->options.on_change) side->options.on_change(state);
  }
  [[nodiscard]] std::int64_t pause_ms(int attempt) {
    const std::lock_guard lock(random_mutex);
    Random& random = side->options.random != nullptr ? *side->options.random : system_random();
    return side->options.retry.delay_ms(attempt, random);
  }
};

void Link::Impl::keep(const LinkPeer& peer) {
  const std::lock_guard lock(mutex);
  auto& k = known[peer.name];
  k.peer = peer;
  if (k.state.peer.empty()) k.state = {peer.name, false, side->clock.now(), "it was not opened yet"};
}

Error Link::Impl::run(const std::shared_ptr<LinkConnection>& connection, const std::function<void()>& proved) {
  std::string name;
  {
    const std::lock_guard lock(mutex);
    std::erase_if(running, [](const auto& c) { return c.expired(); });
    running.push_back(connection);
  }
  if (stopping) connection->close("the program ends");
  Error why = connection->run([&](const LinkPeer& peer) {
    name = peer.name;
    proved();
    opened(peer, connection);
  });
  if (!name.empty()) ended(name, connection, why.message);
  return why;
}

void Link::Impl::opened(const LinkPeer& peer, const std::shared_ptr<LinkConnection>& connection) {
  std::shared_ptr<LinkConnection> old;
  LinkState now{peer.name, true, side->clock.now(), {}};
  {
    const std::lock_guard lock(mutex);
    const auto it = known.find(peer.name);
    if (it == known.end() || !(it->second.peer == peer)) return connection->close("it is not known here any more");
    old = std::exchange(it->second.connection, connection);
    it->second.state = now;
  }
  if (old) old->close("the other end opened it anew");
  log::info("link", "the site link to {} is open", peer.name);
  tell(now);
}

void Link::Impl::ended(const std::string& name, const std::shared_ptr<LinkConnection>& connection, const std::string& why) {
  LinkState now{name, false, side->clock.now(), why};
  {
    const std::lock_guard lock(mutex);
    const auto it = known.find(name);
    if (it == known.end() || it->second.connection != connection) return;
    it->second.connection = nullptr;
    it->second.state = now;
  }
  log::warning("link", "the site link to {} is down: {}", name, why);
  tell(now);
}

void Link::Impl::dial(Dial& self) {
  const auto over = [&] { return stopping || self.stop; };
  const auto& o = side->options;
  std::string told;
  for (int attempt = 0; !over(); ++attempt) {
    auto socket = connect_to(self.peer.address, o.handshake_timeout_s, side->clock, over);
    Error why = socket ? Error() : socket.error();
    if (socket) {
      const auto connection = std::make_shared<LinkConnection>(side, std::move(*socket), true);
      why = run(connection, [&] { attempt = -1; });
    }
    if (over()) return;
    if (attempt >= 0) {
      const std::lock_guard lock(mutex);
      if (const auto it = known.find(self.peer.name); it != known.end() && !it->second.connection) it->second.state.problem = why.message;
    }
    if (attempt >= 0 && why.message != told) log::warning("link", "the site link to {} cannot be opened: {}", self.peer.name, why.message);
    told = why.message;
    std::unique_lock lock(mutex);
    stopped.wait_for(lock, std::chrono::milliseconds(pause_ms(std::max(attempt, 0))), over);
  }
}

void Link::Impl::reap() {
  std::erase_if(accepted, [](const auto& a) {
    if (!a->ended) return false;
    a->thread.join();
    return true;
  });
}

void Link::Impl::accept_all() {
  while (!stopping) {
    pollfd ready{listener.get(), POLLIN, 0};
    const bool some = ::poll(&ready, 1, kTickMs) > 0;
    reap();
    if (!some) continue;
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    Fd socket(::accept4(listener.get(), reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC));
    if (!socket.ok() || !set_up(socket.get())) continue;
    const auto unproved = std::ranges::count_if(accepted, [](const auto& a) { return !a->proved; });
    if (static_cast<std::size_t>(unproved) >= kUnprovedMax) continue;  // closed at once
    auto a = std::make_shared<Accepted>();
    a->connection = std::make_shared<LinkConnection>(side, std::move(socket), false);
    a->thread = std::thread([this, a, address = name_of(from, size)] {
      const Error why = run(a->connection, [&] { a->proved = true; });
      if (!a->proved) log::warning("link", "a site link from {} was refused: {}", address, why.message);
      a->ended = true;
    });
    accepted.push_back(std::move(a));
  }
}

Result<std::unique_ptr<Link>> Link::start(LinkOptions options) {
  auto impl = std::make_unique<Impl>();
  for (const auto& file : {options.certificate_file, options.key_file})
    if (!file_exists(file)) return fail(Code::invalid, "site link: there is no file {}", file);
  const auto peers = options.peers;
  impl->side = std::make_shared<LinkSide>(std::move(options));
  impl->side->peer_of = [i = impl.get()](const std::string& fingerprint) -> std::optional<LinkPeer> {
    const std::lock_guard lock(i->mutex);
    for (const auto& [name, k] : i->known)
      if (k.peer.fingerprint == fingerprint) return k.peer;
    return std::nullopt;
  };
  const auto& o = impl->side->options;
  if (!o.listen_address.empty()) {
    FP_TRY(fd, listen_on(o.listen_address, o.listen_port));
    impl->listener = std::move(fd);
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    if (::getsockname(impl->listener.get(), reinterpret_cast<sockaddr*>(&own), &size) != 0) return fail_errno("getsockname");
    impl->port = ntohs(own.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(own).sin6_port : reinterpret_cast<sockaddr_in&>(own).sin_port);
  }
  std::unique_ptr<Link> link(new Link(std::move(impl)));
  link->set_peers(peers);
  if (link->impl_->listener.ok()) link->impl_->acceptor = std::thread([i = link->impl_.get()] { i->accept_all(); });
  return link;
}

void Link::set_peers(const std::vector<LinkPeer>& peers) {
  Impl& i = *impl_;
  std::vector<std::shared_ptr<LinkConnection>> closing;
  {
    const std::lock_guard lock(i.mutex);
    std::erase_if(i.known, [&](auto& item) {
      if (std::ranges::find(peers, item.second.peer) != peers.end()) return false;
      if (item.second.connection) closing.push_back(item.second.connection);
      return true;
    });
  }
  for (auto& d : i.dials)
    if (std::ranges::find(peers, d.peer) == peers.end()) d.stop = true;
  for (const auto& c : closing) c->close("it is not known here any more");
  {
    const std::lock_guard lock(i.mutex);
    i.stopped.notify_all();
  }
  std::erase_if(i.dials, [](Impl::Dial& d) {
    if (d.stop) d.thread.join();
    return d.stop.load();
  });
  for (const auto& peer : peers) {
    i.keep(peer);
    const bool dialled = std::ranges::any_of(i.dials, [&](const Impl::Dial& d) { return d.peer == peer; });
    if (peer.address.empty() || dialled || i.stopping) continue;
    auto& dial = i.dials.emplace_back();
    dial.peer = peer;
    dial.thread = std::thread([&i, &dial] { i.dial(dial); });
  }
}

Result<Response> Link::ask(const std::string& peer, Request& request, std::int64_t within_ms, std::int64_t body_bytes_max) {
  std::shared_ptr<LinkConnection> connection;
  std::string problem = "nobody of that name is known";
  {
    const std::lock_guard lock(impl_->mutex);
    if (const auto it = impl_->known.find(peer); it != impl_->known.end()) {
      connection = it->second.connection;
      problem = it->second.state.problem;
    }
  }
  if (!connection) return fail(Code::unavailable, "the site link to {} is down: {}", peer, problem);
  return connection->ask(request, within_ms, body_bytes_max > 0 ? body_bytes_max : limits::kLinkReplyBytesMax);
}

std::vector<LinkState> Link::states() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<LinkState> out;
  for (const auto& [name, k] : impl_->known) out.push_back(k.state);
  return out;
}

std::uint16_t Link::port() const { return impl_->port; }

void Link::stop() {
  Impl& i = *impl_;
  if (i.stopping.exchange(true)) return;
  std::vector<std::shared_ptr<LinkConnection>> all;
  {
    const std::lock_guard lock(i.mutex);
    for (const auto& c : i.running)
      if (auto connection = c.lock()) all.push_back(std::move(connection));
    i.stopped.notify_all();
  }
  for (const auto& c : all) c->close("the program ends");
  if (i.acceptor.joinable()) i.acceptor.join();
  for (auto& a : i.accepted)
    if (a->thread.joinable()) a->thread.join();
  for (auto& d : i.dials)
    if (d.thread.joinable()) d.thread.join();
  i.side->workers.stop();
}

Link::Link(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Link::~Link() { stop(); }

}  // namespace fp::net
