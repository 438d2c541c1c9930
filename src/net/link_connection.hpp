// One connection of the site link, from the finished TCP connection to its end. Inside src/net only. run() is the connection's
// thread: it alone touches the socket and TLS. ask() and the answers of the handler come from other threads, under one lock.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/link.hpp"
#include "net/worker_pool.hpp"
#include "wire/link_frame.hpp"

struct ssl_st;
struct ssl_ctx_st;

namespace fp::net {

// What a connection needs of the link that it belongs to.
struct LinkSide {
  LinkOptions options;
  const Clock& clock;
  WorkerPool workers;
  std::function<std::optional<LinkPeer>(const std::string& fingerprint)> peer_of;

  explicit LinkSide(LinkOptions given);
};

class LinkConnection : public std::enable_shared_from_this<LinkConnection> {
 public:
  LinkConnection(std::shared_ptr<LinkSide> side, Fd socket, bool opened_here);
  ~LinkConnection();
  LinkConnection(const LinkConnection&) = delete;
  LinkConnection& operator=(const LinkConnection&) = delete;

  // TLS, proof, greeting, then frames until something ends it; the reason. `on_open` is called once both ends are proved.
  [[nodiscard]] Error run(const std::function<void(const LinkPeer&)>& on_open);
  [[nodiscard]] Result<Response> ask(Request& request, std::int64_t within_ms, std::int64_t body_bytes_max);
  void close(std::string why);  // any thread; run() returns soon

 private:
  // Bytes of a body on their way out, as far as the receiver has granted.
  struct Sending {
    std::deque<Segment> segments;
    std::int64_t offset = 0;  // in the first
    std::int64_t left = 0;
    std::int64_t credit = 0;
  };
  struct Asking {
    std::condition_variable changed;
    std::optional<wire::LinkReply> reply;
    std::string arrived;  // of the body, not taken by the asker yet
    std::int64_t received = 0;
    std::optional<Error> failed;
  };
  struct Answering {
    Request request;
    std::int64_t body_bytes = 0;
    std::int64_t granted = 0;
    std::int64_t reserved = 0;  // of limits::kLinkBodiesBytesMax
  };

  // The connection's thread
  [[nodiscard]] Status open_tls();
  [[nodiscard]] Status shake_hands();
  [[nodiscard]] Status prove();
  [[nodiscard]] Status exchange(const std::function<void(const LinkPeer&)>& on_open);
  [[nodiscard]] Result<bool> write_some();
  [[nodiscard]] Result<bool> read_some();
  [[nodiscard]] Status take_frames(const std::function<void(const LinkPeer&)>& on_open);
  [[nodiscard]] Status take(const wire::LinkFrameHead& head, std::string_view payload);
  [[nodiscard]] Status greet(const wire::LinkFrameHead& head, std::string_view payload);
  [[nodiscard]] Status take_request(std::uint32_t stream, std::string_view payload);
  [[nodiscard]] Status take_reply(std::uint32_t stream, std::string_view payload);
  [[nodiscard]] Status take_data(std::uint32_t stream, std::string_view payload);
  [[nodiscard]] Status keep_alive();
  void wait(int timeout_ms);
  void fail_everything(const Error& why);
  void hang_up();

  // With the lock
  void put(wire::LinkFrameKind kind, std::uint32_t stream, std::string_view payload);
  void fill_output();
  [[nodiscard]] bool send_data(std::uint32_t stream, Sending& sending);
  void refuse(std::uint32_t stream, int status);
  void grant(std::uint32_t stream, Answering& answering);
  void release(std::uint32_t stream);
  void dispatch(std::uint32_t stream, Request request);
  void wake() const;

  void run_handler(std::uint32_t stream, Request& request);
  void answer(std::uint32_t stream, Response response);
  [[nodiscard]] bool own(std::uint32_t stream) const { return (stream % 2 == 1) == opened_here_; }

  const std::shared_ptr<LinkSide> side_;
  const Fd socket_;
  const Fd wake_;
  const bool opened_here_;
  std::shared_ptr<ssl_ctx_st> context_;
  ssl_st* tls_ = nullptr;
  LinkPeer peer_;
  std::shared_ptr<const Via> via_;
  std::string in_, out_;
  std::size_t out_done_ = 0;
  std::int64_t started_ms_ = 0, heard_ms_ = 0, pinged_ms_ = 0;
  bool greeted_ = false;
  std::uint32_t last_seen_ = 0;  // stream of the other end

  std::mutex mutex_;
  bool open_ = false;
  std::optional<std::string> closing_;
  std::uint32_t next_stream_;
  std::uint32_t turn_ = 0;  // the stream that sent last
  std::deque<std::string> control_;
  std::size_t control_bytes_ = 0;
  std::map<std::uint32_t, Sending> sending_;
  std::map<std::uint32_t, std::shared_ptr<Asking>> asking_;
  std::map<std::uint32_t, Answering> answering_;
  std::deque<std::uint32_t> waiting_;  // bodies for which there is no room yet
  std::int64_t reserved_ = 0;
};

}  // namespace fp::net
