// One connection from accept to close: PROXY header, handshake, then one request after another. Lives on one event loop;
// inside src/net only. Roles run elsewhere (the pool), and see a Request by reference for as long as they run.
#pragma once
#include "net/io.hpp"
#include "net/request_parser.hpp"
#include "net/response_writer.hpp"

namespace fp::net {

class Connection {
 public:
  Connection(tcp::socket socket, const tcp::endpoint& from, std::shared_ptr<Listener> listener, IoThread& loop);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] Task<void> run();
  [[nodiscard]] bool idle() const { return idle_; }
  [[nodiscard]] const Deadline& deadline() const { return deadline_; }
  // Ends whatever it waits for. A role that is running is not interrupted.
  void abort();

 private:
  enum class Next { request, close, drop };  // drop: without a polite end

  [[nodiscard]] Task<bool> read_proxy_header();
  [[nodiscard]] Task<bool> open_tls();
  [[nodiscard]] Task<bool> read_more();
  [[nodiscard]] Task<Next> serve_one();
  [[nodiscard]] Task<std::optional<std::size_t>> read_head();  // its length; empty: connection over, or fault_ is set
  [[nodiscard]] Task<bool> read_body(RequestHead& head);       // false: connection over, or fault_ is set
  [[nodiscard]] Task<bool> read_sized_body(RequestHead& head);
  [[nodiscard]] Task<bool> read_chunked_body(RequestHead& head);
  [[nodiscard]] Task<bool> ensure_verified();
  [[nodiscard]] Task<Response> answer(Request& request);
  [[nodiscard]] Task<Next> respond(const RequestHead& head, const Response& response);
  [[nodiscard]] Task<Next> refuse(const HttpFault& fault, const Request* head = nullptr);
  [[nodiscard]] std::size_t body_limit(const Request& head) const;
  [[nodiscard]] Response busy();
  void consume(std::size_t bytes);
  void extend_for_body(std::size_t before, std::size_t now);

  IoThread& loop_;
  std::shared_ptr<Core> core_;
  std::shared_ptr<Listener> listener_;
  Deadline deadline_;
  Stream stream_;
  Peer peer_;
  ConnectionState state_;
  std::string in_;  // received and not used yet
  std::string head_bytes_;
  std::optional<HttpFault> fault_;
  bool idle_ = false;
  bool verified_ = false;
  std::uint64_t verified_round_ = 0;
  std::int64_t verified_at_ms_ = 0;
  std::size_t body_mark_ = 0;
  unsigned at_once_ = 0;
};

}  // namespace fp::net
