// The HTTP/1.1 client, over libcurl: proxies, TLS with a client certificate, ranges, any method token. A Client belongs to
// one thread and keeps its connections open between calls; each call blocks. It never follows a redirect by itself, never
// speaks less than TLS 1.2, and says in one sentence which check failed.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "net/http.hpp"

namespace fp::net {

struct ClientTls {
  std::string certificate_file;  // PEM, with its chain; empty: no client certificate
  std::string key_file;          // PEM
  std::string ca_file;           // PEM bundle of trusted roots; empty: the machine's
  std::string crl_file;          // PEM CRLs; set: each certificate of the chain needs a CRL, a missing one counts as revoked
  // SHA-256 of the server's leaf, hex: no other certificate will do. Without ca_file the chain and the name are not looked
  // at then; with it both must hold as well.
  std::string pinned_fingerprint;
};

struct ClientOptions {
  ClientTls tls;
  std::string proxy;           // "http://host:port", "socks5h://..."; empty: none; the environment is not read
  // Shown as Digest or Basic, whichever the proxy takes. Empty: Negotiate with this process's Kerberos credentials where the
  // proxy asks for it.
  std::string proxy_user;
  std::string proxy_password;
  std::string no_proxy;        // servers that are reached without it (proxy_rules.hpp)
  std::string user_agent = "Farpoint/1.0";
  std::string local_address;   // source address or interface; empty: any
  std::string resolve;         // "host:port:address": answered without DNS; for tests and self-tests
  int connect_timeout_s = 20;
  int low_speed_bytes_s = 1;   // slower than this ...
  int low_speed_s = 60;        // ... for so long: timed_out. 0: never
  int total_timeout_s = 0;     // 0: none
  std::size_t body_bytes_max = 64U << 20;  // of a body that is returned in memory
  // Asked at least once a second during a call, also while nothing comes; true ends the call with Code::io. Unset: never.
  std::function<bool()> stop;
};

struct ByteRange {
  std::int64_t first = 0;
  std::int64_t last = -1;  // inclusive; -1: to the end
};

// What a server showed at the handshake, believed or not.
struct TlsSeen {
  std::string version, cipher;         // "TLSv1.3"
  std::vector<std::string> chain_der;  // the leaf first
};

struct ClientRequest {
  std::string method = "GET";
  std::string url;
  Headers headers;
  std::string body;             // sent with Content-Length when not empty, or when the method is POST-like (see send_body)
  bool send_body = false;       // send "Content-Length: 0" even though the body is empty
  // Streamed instead of `body`: fills at most `room` bytes, returns how many; 0: the end. upload_bytes: -1: chunked.
  std::function<std::size_t(char* into, std::size_t room)> upload;
  std::int64_t upload_bytes = -1;
  std::optional<ByteRange> range;
  // Set: only the handshake is made, through the proxy where there is one. Nothing is verified, no certificate is shown, nothing sent.
  TlsSeen* tls_seen = nullptr;
  // Called once, before the body; false ends the call with Code::conflict.
  std::function<bool(int status, const Headers&)> on_headers;
  // Receives the body instead of ClientResponse::body; false ends the call with Code::io.
  std::function<bool(std::string_view bytes)> sink;
};

struct ClientResponse {
  int status = 0;
  std::string version;       // "1.1": of HTTP, as the answer said it
  Headers headers;
  std::string body;          // empty if there was a sink
  std::string effective_ip;  // of the server or proxy that was connected to
  bool connection_reused = false;
  [[nodiscard]] std::string_view header(std::string_view name) const;  // first of that name; empty if absent
};

// An answer of any status is a success. Errors: unavailable (name not resolved, refused, unreachable, broken off), timed_out,
// unauthenticated (TLS: the message names the check: name mismatch, expired, untrusted, revoked, pin), invalid (the URL, a
// file of ours), too_large (body over body_bytes_max), conflict and io (a callback of the caller said stop). What the web proxy
// refuses is unavailable and begins with "the web proxy".
class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  [[nodiscard]] Result<ClientResponse> perform(const ClientRequest& request);
  [[nodiscard]] Result<ClientResponse> get(const std::string& url, Headers headers = {});
  // Closes kept connections: after a change of network they lead nowhere.
  void drop_connections();
  // Whether the last call failed at the web proxy, before a server was spoken to: not resolved, not there, no answer, a login
  // wanted or refused, CONNECT refused. A proxy that says it does not reach the server (502 to 504) has done its part.
  [[nodiscard]] bool proxy_failed() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct RangeRequest {
  std::string url;
  Headers headers;
  ByteRange range;
  std::string etag;              // expected; empty: whatever the server says
  std::int64_t total_bytes = -1;  // expected size of the whole file; -1: unknown
};

struct RangeReply {
  std::string etag;               // as the server sent it
  std::int64_t total_bytes = -1;  // of the whole file; -1: the server did not say
  std::int64_t received_bytes = 0;
};

// Fetches a stretch of a file into `sink`. No byte reaches the sink before status, Content-Range and ETag were checked, because
// a proxy may strip If-Range or Range (design §7). 200 is good only for a range that begins at 0. Errors beside those of
// perform(): conflict (another ETag or size, a 200 where 206 was due: begin again), corrupt (Content-Range or length wrong),
// not_found (404, 410), forbidden (401, 403), unavailable (5xx, 429), invalid (416). What the sink took before an error stays good.
[[nodiscard]] Result<RangeReply> fetch_range(Client& client, const RangeRequest& request,
                                             const std::function<bool(std::string_view)>& sink);

}  // namespace fp::net
