// How the agent reaches the network: one request and one reply, or a stretch of a file streamed to a sink. One thread. A seam:
// HttpTransport (http_transport.hpp) speaks through net's client, tests answer by themselves. Never: retries, trust in a reply.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace fp::agent {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct Call {
  std::string method = "GET";
  std::string url;             // absolute
  HeaderList headers;
  std::string body;
  std::size_t reply_bytes_max = 64U << 20;
  bool stranger = false;       // to a server that is none of the site's: without our certificate, under the machine's own authorities
};

struct Reply {
  int status = 0;
  HeaderList headers;
  std::string body;
  [[nodiscard]] std::string_view header(std::string_view name) const;  // case-insensitive; empty if absent
};

// Takes bytes as they come; false: stop (the call ends with what was taken so far).
using Sink = std::function<bool(std::string_view bytes)>;

class Transport {
 public:
  virtual ~Transport() = default;
  // Any status is a reply. An error means that no complete reply came: Code::unavailable (connection), timed_out,
  // forbidden (the server's certificate did not hold).
  [[nodiscard]] virtual Result<Reply> send(const Call& call) = 0;
  // Whether the last call failed at the web proxy: no server was spoken to, and none is to blame.
  [[nodiscard]] virtual bool proxy_failed() const { return false; }
  // GET with Range: bytes=offset-(offset+length-1). The sink sees only bytes of a 206 whose Content-Range is the one asked
  // for (or of a 200, when offset is 0 and the size is length). The reply's body is empty.
  [[nodiscard]] virtual Result<Reply> fetch(const Call& call, std::int64_t offset, std::int64_t length, const Sink& sink) = 0;
};

}  // namespace fp::agent
