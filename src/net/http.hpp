// A request with what TLS proved about its sender, and a response. Roles are plain functions from one to the other and
// run on a bounded worker pool (design §3). Values; no Asio, no OpenSSL here.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/ticket.hpp"
#include "model/peer.hpp"

namespace fp::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

// The management point on another host that took the request from the client and passed it on over the site link.
struct Via {
  std::string name;             // its host name
  std::string certificate_der;  // that its clients see
};

// What a role keeps with a connection from one request to the next: a login that takes several steps, and what came of it.
struct Kept {
  virtual ~Kept() = default;
};
// Touched by one request at a time, on whatever thread that runs; gone with the connection.
struct ConnectionState {
  std::string server_end_point;  // hash of our own certificate, which clients bind a login to (RFC 5929); empty without TLS
  std::unique_ptr<Kept> kept;
};

struct Request {
  std::string method;        // as sent: GET, CCM_POST, BITS_POST, PROPFIND, ...
  std::string target;        // raw: "/SMS_MP/.sms_aut?MPLIST"; absolute form is cut to its path and query
  std::string path;          // percent-decoded, without query
  std::string query;         // raw, without '?'
  Headers headers;           // as sent
  int http_minor = 1;        // HTTP/1.0 or 1.1
  std::string body;
  Peer peer;
  Instant received_at;
  std::shared_ptr<const Via> via;  // null: the client spoke to this process
  ConnectionState* connection = nullptr;  // null: it came by no connection of this server's own
  // First header of that name, case-insensitive; empty view if absent.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  [[nodiscard]] bool has_header(std::string_view name) const;
};

// A stretch of an immutable file, never held in memory as a whole. The descriptor stays open as long as a response refers to it.
struct FileSlice {
  std::shared_ptr<Fd> file;
  std::int64_t offset = 0;
  std::int64_t length = 0;
};
using Segment = std::variant<std::string, FileSlice>;
[[nodiscard]] Result<std::string> bytes_of(const Segment& segment);  // read into memory as a whole

struct Response {
  int status = 200;
  std::string reason;             // empty: the standard phrase
  Headers headers;                // Content-Length, Date, Connection are added by the server
  std::vector<Segment> body;
  // For HEAD: what Content-Length would be; no body is sent.
  std::optional<std::int64_t> head_length;
  Ticket ticket;                  // the response waits until this is durable; if it fails: 503
  bool close = false;

  Response& set(std::string name, std::string value) {
    headers.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  [[nodiscard]] static Response text(int status, std::string content_type, std::string body);
  [[nodiscard]] static Response empty(int status) { Response r; r.status = status; return r; }
};

[[nodiscard]] Result<std::string> body_of(const Response& response);  // read into memory as a whole

using Handler = std::function<Response(Request&)>;

// How large a body this request may have; decided from method and path before the body is read. 0: none.
using BodyLimit = std::function<std::size_t(const Request& head)>;

}  // namespace fp::net
