// The HTTP/1.1 server: listeners with and without TLS, one event loop per core, a bounded worker pool that runs the roles.
// start() and stop() from one thread; handler, verifier and body limit are called from many threads at once and must be
// thread-safe. An idle TLS connection costs about 20 KiB. It never refuses a handshake because of a client certificate,
// never closes because of a 401 or 403, and believes no header that a proxy adds (design §3, §7).
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "model/peer.hpp"
#include "net/http.hpp"

namespace fp::net {

enum class TlsVersion { tls12, tls13 };

struct TlsSettings {
  std::string certificate_file;          // PEM: the leaf, then intermediates if they are in the same file
  std::vector<std::string> chain_files;  // PEM: further intermediates
  std::string key_file;                  // PEM, not encrypted
  TlsVersion version_min = TlsVersion::tls12;
  std::vector<std::string> client_ca_files;  // PEM: subjects sent as acceptable issuers; empty: any (the usual setting)
  std::string ciphers_tls12;                 // OpenSSL names; empty: forward-secret AEAD suites
  std::string ciphers_tls13;                 // OpenSSL names; empty: OpenSSL's
};

struct ListenerOptions {
  std::string address = "0.0.0.0";  // IP literal
  std::uint16_t port = 0;           // 0: any free one, see Server::port()
  Door door = Door::internet_https;
  std::optional<TlsSettings> tls;  // required unless door is intranet_http, forbidden if it is
  bool proxy_protocol = false;     // each connection must open with a PROXY v1 or v2 line from a tunnelling proxy
};

// What the verifier found out about a client certificate.
struct CertificateVerdict {
  CertificateCheck check;
  bool pinned_proxy = false;
};

// Called on the worker pool (it may fetch a CRL): after each handshake with a client certificate, a resumed one too, and
// again on a connection that lives on (recheck_interval_s, recheck_peers()). `chain_der`: what the client sent besides the leaf.
using PeerVerifier =
    std::function<CertificateVerdict(std::string_view leaf_der, const std::vector<std::string>& chain_der)>;

// The last word on a request's target, path and query, on the event loop, before anything is decided by them.
using HeadEditor = std::function<void(Request& head)>;

// Asked first, on the event loop: an answer that needs no disk, no lock held for long and some ten microseconds at most may be
// given at once (a file that is open already, a poll that memory can answer). Empty: run the handler on the pool. The body is complete.
using QuickHandler = std::function<std::optional<Response>(Request& request)>;

// The 413 of a protocol that wants more than a status, asked on the event loop. Empty: a plain one. The connection ends.
using TooLarge = std::function<std::optional<Response>(const Request& head)>;

struct ServerOptions {
  std::vector<ListenerOptions> listeners;
  Handler handler;
  HeadEditor on_head;       // may be unset
  BodyLimit body_limit;     // unset: no request may have a body
  TooLarge too_large;       // may be unset
  PeerVerifier verifier;    // unset: every shown certificate is recorded as `untrusted`
  QuickHandler quick;       // may be unset
  unsigned io_threads = 0;  // 0: one per core
  unsigned worker_threads = 8;
  std::size_t worker_queue_max = 4096;  // jobs that wait; more are answered 503 with Retry-After
  std::size_t connections_max = 50'000;
  int header_timeout_s = 20;  // for a handshake, and from a request's first byte to the end of its header
  int body_timeout_s = 30;    // for each next 8 KiB of a request body
  int idle_timeout_s = 120;   // between requests
  int write_timeout_s = 60;   // without the peer taking a byte
  int recheck_interval_s = 60;
  int stop_grace_s = 10;        // for running requests, when stopping
  int retry_after_s_min = 5;    // window of the random Retry-After of a 503
  int retry_after_s_max = 60;
  std::string server_name = "Farpoint";  // Server header
  const Clock* clock = nullptr;          // unset: system_clock()
  Random* random = nullptr;              // unset: system_random()
};

// Running totals since start; read without a lock.
struct Counters {
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> by_class[6]{};  // [2]: 2xx ...; [0]: no answer could be sent
  std::atomic<std::uint64_t> bytes_in{0};    // HTTP bytes, without TLS's own
  std::atomic<std::uint64_t> bytes_out{0};
  std::atomic<std::uint64_t> handshakes{0};  // completed, resumed ones too
  std::atomic<std::uint64_t> handshakes_resumed{0};
  std::atomic<std::uint64_t> handshakes_failed{0};
  std::atomic<std::uint64_t> connections{0};       // accepted
  std::atomic<std::uint64_t> connections_open{0};  // now
  std::atomic<std::uint64_t> refused_busy{0};      // 503 because the queue was full
  std::atomic<std::uint64_t> rejected_malformed{0};  // 400 before any role saw the request
  std::atomic<std::uint64_t> timeouts{0};
};

class Server {
 public:
  // Binds every listener and starts the threads. Code::invalid: a setting (named); Code::io: address in use and the like.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(ServerOptions options);
  ~Server();  // stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // No new connections; running requests finish within stop_grace_s; then everything is closed. Idempotent, blocks.
  void stop();
  // The port that listener `index` is bound to.
  [[nodiscard]] std::uint16_t port(std::size_t index = 0) const;
  // Reads certificates and keys again; new connections use them. On an error the old ones stay in use.
  [[nodiscard]] Status reload_tls();
  // Every open connection has its peer verified again before its next request (after a block, a new CRL).
  void recheck_peers();
  [[nodiscard]] const Counters& counters() const;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The standard phrase of a status: 404 -> "Not Found"; "Status" if it has none.
[[nodiscard]] std::string_view reason_phrase(int status);

}  // namespace fp::net
