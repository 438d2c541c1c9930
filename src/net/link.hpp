// The site link: one lasting TLS connection between the site server and a role on another host, opened by either of them, over
// which both may ask and answer (docs/protocol/site-link.md, docs/adr/0009-site-link-frames.md). Each end knows the other by the
// fingerprint of its certificate and by nothing else. A connection that breaks is opened again after a back-off.
// Any thread may ask; ask() blocks. One thread for each connection, one for each peer that is opened from here, and a bounded pool
// that runs the handler. Bounded in requests, bytes and time (limits::kLink*). Never: trust in what the other end says about a
// client (the handler looks at the certificate again), a file or a folder in common, a request kept while the link is down.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace fp::net {

// Who may be at the other end.
struct LinkPeer {
  std::string name;         // host name that it says
  std::string fingerprint;  // SHA-256 of its certificate, lower-case hex
  std::string site_code;    // that it says
  std::string address;      // "host:port", where this end opens the link; empty: the other end opens it
  bool operator==(const LinkPeer&) const = default;
};

struct LinkState {
  std::string peer;
  bool open = false;
  Instant since;        // open or down
  std::string problem;  // why it is down, one sentence
};

struct LinkOptions {
  std::string site_code, name;            // what this end says of itself
  std::string clients_certificate_der;    // that the clients of this end see; empty: it has none
  std::string certificate_file, key_file;  // PEM, read anew for each connection
  std::string listen_address;             // IP literal; empty: nobody opens the link to this end
  std::uint16_t listen_port = 0;          // 0: any free one, see port()
  std::vector<LinkPeer> peers;
  // Answers what the other end asks, on the pool; request.via says who passed it on, request.peer.check nothing yet.
  Handler handler;
  BodyLimit body_limit;
  unsigned worker_threads = 8;
  std::size_t worker_queue_max = 1024;
  Path spool;                             // folder for answers that are large; empty: the system's for temporary files
  Backoff retry{500, 30'000};
  int handshake_timeout_s = 10;           // also for connecting
  int ping_after_s = 3;                   // without a byte
  int dead_after_s = 9;
  std::function<void(const LinkState&)> on_change;  // on a thread of the link; may be unset
  const Clock* clock = nullptr;           // unset: system_clock()
  Random* random = nullptr;               // unset: system_random()
};

class Link {
 public:
  // Code::invalid: a setting or a certificate file (named); Code::io: the address is in use.
  [[nodiscard]] static Result<std::unique_ptr<Link>> start(LinkOptions options);
  ~Link();  // stop()
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // The body of `request` is moved out of it. `within_ms`: until the answer begins; after that it must go on.
  // Code::unavailable: the link is down, was cut meanwhile, or too much is asked at once; Code::timed_out. After an error the other
  // end may have done what was asked all the same. Code::too_large: an answer of more than `body_bytes_max` (0: what the link lets through).
  [[nodiscard]] Result<Response> ask(const std::string& peer, Request& request, std::int64_t within_ms, std::int64_t body_bytes_max = 0);
  // Connections of peers that are gone or changed are closed. Blocks for as long as a connection takes to end. One thread at a time.
  void set_peers(const std::vector<LinkPeer>& peers);
  [[nodiscard]] std::vector<LinkState> states() const;
  [[nodiscard]] std::uint16_t port() const;
  void stop();  // idempotent; what is being asked fails

 private:
  struct Impl;
  explicit Link(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fp::net
