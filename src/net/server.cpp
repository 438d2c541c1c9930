#include "net/server.hpp"

#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>

#include "base/log.hpp"
#include "net/connection.hpp"
#include "net/io.hpp"
#include "net/tls_context.hpp"

namespace fp::net {
namespace {

constexpr int kTickMs = 100;
constexpr int kAcceptPauseMs = 50;
constexpr int kHurryIdleMs = 5000;
constexpr int kAfterGraceS = 2;

Task<void> pause_ms(int ms) {
  asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(ms));
  boost::system::error_code ec;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
}

Task<void> run_connection(std::unique_ptr<Connection> connection) {
  try {
    co_await connection->run();
  } catch (const std::exception& e) {
    log::error("http", "connection ended: {}", e.what());
  }
}

// A loop's own coroutine never ends with an exception; if it did, the log says so instead of silence.
void report(const std::exception_ptr& failure) {
  if (!failure) return;
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    log::error("http", "an event loop's task ended: {}", e.what());
  }
}

Result<tcp::acceptor> bind_acceptor(IoThread& loop, const Listener& listener) {
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(listener.options.address, ec);
  if (ec) return fail(Code::invalid, "listener address \"{}\" is not an IP address", listener.options.address);
  const tcp::endpoint endpoint(address, listener.port);
  tcp::acceptor acceptor(loop.io);
  // What these return is what they leave in `ec`.
  (void)acceptor.open(endpoint.protocol(), ec);
  if (!ec) (void)acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  const int on = 1;
  if (!ec && ::setsockopt(acceptor.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)
    return fail_errno("SO_REUSEPORT");
  if (!ec) (void)acceptor.bind(endpoint, ec);
  if (!ec) (void)acceptor.listen(4096, ec);
  if (ec) return fail(Code::io, "listening on {} port {}: {}", listener.options.address, listener.port, ec.message());
  return acceptor;
}

Status check_listener(const ListenerOptions& listener) {
  const bool plain = listener.door == Door::intranet_http;
  if (plain && listener.tls) return fail(Code::invalid, "an intranet-http listener has no TLS settings");
  if (!plain && !listener.tls)
    return fail(Code::invalid, "an {} listener needs a certificate and a key", to_string(listener.door));
  return {};
}

// Whether nobody else listens there: SO_REUSEPORT would let two servers of one user share a port unnoticed.
Status check_free(const ListenerOptions& listener) {
  if (listener.port == 0) return {};
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(listener.address, ec);
  if (ec) return fail(Code::invalid, "listener address \"{}\" is not an IP address", listener.address);
  asio::io_context io(1);
  tcp::acceptor probe(io);
  const tcp::endpoint endpoint(address, listener.port);
  (void)probe.open(endpoint.protocol(), ec);
  if (!ec) (void)probe.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) (void)probe.bind(endpoint, ec);
  if (ec) return fail(Code::io, "listening on {} port {}: {}", listener.address, listener.port, ec.message());
  return {};
}

}  // namespace

Core::Core(ServerOptions given)
    : options(std::move(given)),
      clock(options.clock != nullptr ? *options.clock : system_clock()),
      workers(std::max(options.worker_threads, 1U), std::max<std::size_t>(options.worker_queue_max, 1)),
      readers(kReaderThreads, options.connections_max) {}

int Core::retry_after_s() {
  std::lock_guard lock(mutex_);
  auto& random = options.random != nullptr ? *options.random : system_random();
  const auto span = std::max(options.retry_after_s_max - options.retry_after_s_min, 0);
  return options.retry_after_s_min + static_cast<int>(random.below(static_cast<std::uint64_t>(span) + 1));
}

void Core::opened() {
  counters.connections.fetch_add(1, std::memory_order_relaxed);
  counters.connections_open.fetch_add(1);
}

void Core::closed() {
  if (counters.connections_open.fetch_sub(1) != 1) return;
  std::lock_guard lock(mutex_);
  none_open_.notify_all();
}

bool Core::wait_until_closed(int wait_s) {
  std::unique_lock lock(mutex_);
  return none_open_.wait_for(lock, std::chrono::seconds(wait_s), [this] { return counters.connections_open.load() == 0; });
}

std::shared_ptr<ssl_ctx_st> Listener::tls() const {
  std::lock_guard lock(mutex_);
  return tls_;
}

void Listener::set_tls(std::shared_ptr<ssl_ctx_st> context) {
  std::lock_guard lock(mutex_);
  tls_ = std::move(context);
}

IoThread::IoThread(std::shared_ptr<Core> shared) : core(std::move(shared)) {}

std::span<char> IoThread::file_room() {
  if (!file_room_) file_room_ = std::make_unique_for_overwrite<char[]>(kFileRoomBytes);
  return {file_room_.get(), kFileRoomBytes};
}

const std::string& IoThread::http_date() {
  const auto now = core->clock.now();
  if (now.ms / 1000 != date_s_) {
    date_s_ = now.ms / 1000;
    date_ = to_http_date(now);
  }
  return date_;
}

void IoThread::close_idle(bool now) {
  boost::system::error_code ignored;
  for (auto& acceptor : acceptors) (void)acceptor.close(ignored);
  for (auto* connection : connections)
    if (now || connection->idle()) connection->abort();
}

Task<void> IoThread::accept(std::shared_ptr<Listener> listener, tcp::acceptor& acceptor) {
  while (acceptor.is_open()) {
    if (core->counters.connections_open.load(std::memory_order_relaxed) >= core->options.connections_max) {
      co_await pause_ms(kAcceptPauseMs);  // they wait in the kernel's queue
      continue;
    }
    boost::system::error_code ec;
    tcp::endpoint from;
    auto socket = co_await acceptor.async_accept(from, asio::redirect_error(asio::use_awaitable, ec));
    if (ec == asio::error::operation_aborted || !acceptor.is_open()) co_return;
    if (ec) {
      log::warning("http", "accept on port {}: {}", listener->port, ec.message());
      co_await pause_ms(kAcceptPauseMs);
      continue;
    }
    (void)socket.non_blocking(true, ec);
    (void)socket.set_option(tcp::no_delay(true), ec);
    auto connection = std::make_unique<Connection>(std::move(socket), from, listener, *this);
    asio::co_spawn(io, run_connection(std::move(connection)), asio::detached);
  }
}

Task<void> IoThread::watch_deadlines() {
  while (true) {
    co_await pause_ms(kTickMs);
    auto now = core->clock.steady_ms();
    const auto open = core->counters.connections_open.load(std::memory_order_relaxed);
    const bool crowded = open * 10 >= core->options.connections_max * 9;
    // When room runs out, a connection that waits for its next request is closed after seconds, not minutes.
    const auto idle_ms = core->options.idle_timeout_s * 1000LL;
    const auto early_ms = crowded && idle_ms > kHurryIdleMs ? idle_ms - kHurryIdleMs : 0;
    for (auto* connection : connections) {
      if (now < connection->deadline().at_ms - (connection->idle() ? early_ms : 0)) continue;
      if (!connection->idle()) core->counters.timeouts.fetch_add(1, std::memory_order_relaxed);
      connection->abort();
    }
  }
}

struct Server::Impl {
  std::shared_ptr<Core> core;
  std::vector<std::shared_ptr<Listener>> listeners;
  std::vector<std::shared_ptr<IoThread>> loops;
  bool running = false;

  Status open();
  void stop();
  void finish();
};

Status Server::Impl::open() {
  for (auto& listener : listeners) {
    FP_CHECK(check_listener(listener->options));
    FP_CHECK(check_free(listener->options));
    if (listener->options.tls) {
      FP_TRY(context, make_tls_context(*listener->options.tls, std::to_string(&listener - listeners.data())));
      listener->set_tls(std::move(context));
    }
  }
  for (auto& loop : loops) {
    loop->acceptors.reserve(listeners.size());
    for (auto& listener : listeners) {
      FP_TRY(acceptor, bind_acceptor(*loop, *listener));
      if (listener->port == 0) listener->port = acceptor.local_endpoint().port();
      loop->acceptors.push_back(std::move(acceptor));
      asio::co_spawn(loop->io, loop->accept(listener, loop->acceptors.back()), &report);
    }
    asio::co_spawn(loop->io, loop->watch_deadlines(), &report);
  }
  for (auto& loop : loops) loop->thread = std::thread([io = &loop->io] { io->run(); });
  running = true;
  return {};
}

void Server::Impl::stop() {
  if (!running) return;
  running = false;
  core->stopping.store(true);
  for (auto& loop : loops) asio::post(loop->io, [loop] { loop->close_idle(false); });
  if (!core->wait_until_closed(core->options.stop_grace_s)) {
    for (auto& loop : loops) asio::post(loop->io, [loop] { loop->close_idle(true); });
    if (!core->wait_until_closed(kAfterGraceS))
      log::warning("http", "{} connections did not end in time", core->counters.connections_open.load());
  }
  core->workers.stop();
  core->readers.stop();
  for (auto& loop : loops) loop->io.stop();
  for (auto& loop : loops)
    if (loop->thread.joinable()) loop->thread.join();
  finish();
}

// What was ready when the loops were stopped: a connection that has not come to its end holds its loop, and the loop it.
void Server::Impl::finish() {
  for (auto& loop : loops) {
    loop->io.restart();
    loop->io.poll();
  }
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() {
  stop();
  impl_->finish();  // answers whose tickets settled after stop()
}

Result<std::unique_ptr<Server>> Server::start(ServerOptions options) {
  if (!options.handler) return fail(Code::invalid, "the server has no handler");
  if (options.listeners.empty()) return fail(Code::invalid, "the server has no listener");
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets without MSG_NOSIGNAL
  try {
    auto impl = std::make_unique<Impl>();
    for (const auto& listener : options.listeners) {
      impl->listeners.push_back(std::make_shared<Listener>());
      impl->listeners.back()->options = listener;
      impl->listeners.back()->port = listener.port;
    }
    auto count = options.io_threads != 0 ? options.io_threads : std::max(std::thread::hardware_concurrency(), 1U);
    impl->core = std::make_shared<Core>(std::move(options));
    for (; count > 0; --count) impl->loops.push_back(std::make_shared<IoThread>(impl->core));
    FP_CHECK(impl->open());
    return std::unique_ptr<Server>(new Server(std::move(impl)));
  } catch (const std::exception& e) {
    return fail(Code::io, "starting the server: {}", e.what());
  }
}

void Server::stop() { impl_->stop(); }

std::uint16_t Server::port(std::size_t index) const { return impl_->listeners.at(index)->port; }

Status Server::reload_tls() {
  std::vector<std::shared_ptr<ssl_ctx_st>> contexts(impl_->listeners.size());
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    if (!impl_->listeners[i]->options.tls) continue;
    FP_TRY(context, make_tls_context(*impl_->listeners[i]->options.tls, std::to_string(i)));
    contexts[i] = std::move(context);
  }
  for (std::size_t i = 0; i < contexts.size(); ++i)
    if (contexts[i]) impl_->listeners[i]->set_tls(std::move(contexts[i]));
  return {};
}

void Server::recheck_peers() { impl_->core->recheck_round.fetch_add(1); }

const Counters& Server::counters() const { return impl_->core->counters; }

}  // namespace fp::net
