// What the server's parts share: the core (options, counters, pools), one event loop per thread, and a stream over a socket
// with or without TLS. Inside src/net only: this header includes Asio. A Stream and a Deadline belong to one event loop.
#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <condition_variable>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>

#include "net/server.hpp"
#include "net/worker_pool.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace fp::net {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
template <class T>
using Task = asio::awaitable<T>;

inline constexpr unsigned kReaderThreads = 4;
inline constexpr std::size_t kFileRoomBytes = 64U << 10;  // measured: a send of twice as much costs the kernel five times as much
inline constexpr std::size_t kTurnBytes = 1U << 20;  // after so many bytes without a wait other connections get their turn

// Shared by all threads of one server.
struct Core {
  explicit Core(ServerOptions given);

  ServerOptions options;
  const Clock& clock;
  Counters counters;
  WorkerPool workers;  // roles and certificate checks
  WorkerPool readers;  // file pages that are not in memory
  std::atomic<std::uint64_t> recheck_round{0};
  std::atomic<bool> stopping{false};

  [[nodiscard]] int retry_after_s();
  void opened();
  void closed();
  // Returns once no connection is open, or false when `wait_s` real seconds have passed.
  [[nodiscard]] bool wait_until_closed(int wait_s);

 private:
  std::mutex mutex_;
  std::condition_variable none_open_;
};

struct Listener {
  ListenerOptions options;
  std::uint16_t port = 0;
  [[nodiscard]] std::shared_ptr<ssl_ctx_st> tls() const;
  void set_tls(std::shared_ptr<ssl_ctx_st> context);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<ssl_ctx_st> tls_;
};

class Connection;

// One event loop and its thread. Members are touched on that thread only.
class IoThread : public std::enable_shared_from_this<IoThread> {
 public:
  explicit IoThread(std::shared_ptr<Core> core);
  // In this order: what still runs inside `io` when it ends takes itself out of `connections`.
  std::shared_ptr<Core> core;
  std::unordered_set<Connection*> connections;
  asio::io_context io{1};
  std::vector<tcp::acceptor> acceptors;
  std::thread thread;

  // Room for a stretch of a file on its way into TLS: reused at once, so it stays in the processor's cache. Valid until the next
  // co_await only.
  [[nodiscard]] std::span<char> file_room();
  [[nodiscard]] const std::string& http_date();  // cached for its second
  // Closes acceptors, and connections that wait for a request (all of them if `now`).
  void close_idle(bool now);
  [[nodiscard]] Task<void> accept(std::shared_ptr<Listener> listener, tcp::acceptor& acceptor);
  [[nodiscard]] Task<void> watch_deadlines();

 private:
  std::int64_t date_s_ = -1;
  std::string date_;
  std::unique_ptr<char[]> file_room_;
};

// When a connection has waited long enough. The loop's ticker looks at it several times a second.
struct Deadline {
  std::int64_t at_ms = std::numeric_limits<std::int64_t>::max();
  void in_s(const Clock& clock, int s) { at_ms = clock.steady_ms() + std::int64_t{s} * 1000; }
  void never() { at_ms = std::numeric_limits<std::int64_t>::max(); }
};

// Where TLS writes to.
struct TlsOutput {
  int fd = -1;
  bool gather = false;  // records are collected, and sent together
  std::string unsent;   // of those, what the socket has not taken: less than kFileRoomBytes and a few records
};

class Stream {
 public:
  Stream(tcp::socket socket, Core& core, Deadline& deadline);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  [[nodiscard]] Task<Status> handshake(std::shared_ptr<ssl_ctx_st> context);
  [[nodiscard]] Task<bool> wait_readable();
  // Waits for bytes; 0: the end, or an error.
  [[nodiscard]] Task<std::size_t> read_some(char* into, std::size_t room);
  enum class Wait { none, readable, writable, failed };
  // What the peer's side takes without waiting; `wait`: what to wait for when it is not all, or when has_unsent().
  [[nodiscard]] std::size_t write_now(std::string_view bytes, bool more, Wait& wait);
  [[nodiscard]] bool has_unsent() const { return !output_.unsent.empty(); }  // encrypted already: write_now("") goes on with it
  // Waits, with a new write deadline; false: the connection is over.
  [[nodiscard]] Task<bool> blocked_write(Wait what);
  // All of it. `more`: a further write follows at once. The write deadline is set anew whenever the peer takes something.
  [[nodiscard]] Task<bool> write_all(std::string_view bytes, bool more = false);
  [[nodiscard]] Task<bool> send_file(int file, std::int64_t offset, std::size_t length);  // without TLS only
  [[nodiscard]] bool pending() const;  // decrypted bytes wait inside TLS
  [[nodiscard]] ssl_st* tls() const { return tls_; }
  [[nodiscard]] int fd();
  [[nodiscard]] tcp::socket& socket() { return socket_; }
  // Tells the peer that nothing follows, then reads what it still sends, so that it can read our last answer.
  [[nodiscard]] Task<void> close_politely();
  void abort();  // any pending wait ends; the descriptor stays ours until destruction

 private:
  [[nodiscard]] std::size_t write_tls(std::string_view bytes, bool more, Wait& wait);
  [[nodiscard]] bool send_gathered(std::string_view bytes, bool more, Wait& wait);
  [[nodiscard]] Wait tls_wait(int result);
  [[nodiscard]] Task<bool> wait_for(Wait what);

  tcp::socket socket_;
  Core& core_;
  Deadline& deadline_;
  std::shared_ptr<ssl_ctx_st> context_;
  ssl_st* tls_ = nullptr;
  TlsOutput output_;
};

// Runs `job` on a pool thread and resumes on this loop with its result; empty: the pool is full. `keep` lives until then.
// `job` gets a function to call once, from any thread, with the result.
template <class R, class Job>
Task<std::optional<R>> run_on(WorkerPool& pool, std::shared_ptr<IoThread> keep, Job job) {
  auto start = [&pool, keep = std::move(keep), job = std::move(job)](auto handler) mutable {
    struct State {
      decltype(handler) resume;
      std::shared_ptr<IoThread> loop;
    };
    auto state = std::make_shared<State>(State{std::move(handler), keep});
    auto settle = [state](std::optional<R> result) {
      auto loop = state->loop;
      asio::post(loop->io, [resume = std::move(state->resume), result = std::move(result)]() mutable {
        std::move(resume)(std::move(result));
      });
    };
    if (!pool.post([job = std::move(job), settle]() mutable { job(settle); })) settle(std::nullopt);
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::optional<R>)>(std::move(start),
                                                                                                  asio::use_awaitable);
}

}  // namespace fp::net
