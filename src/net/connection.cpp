// A rule of this room's coroutines: co_await stands alone, as an initialiser, after co_return or in a plain if. GCC 12 runs
// both sides of ?:, && and || around it.
#include "net/connection.hpp"

#include <sys/socket.h>

#include <algorithm>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "net/proxy_protocol.hpp"
#include "net/tls_context.hpp"

namespace fp::net {
namespace {

constexpr std::size_t kReadBytes = 8U << 10;
constexpr std::size_t kBodyReadBytes = 64U << 10;
constexpr std::size_t kBodyProgressBytes = 8U << 10;
constexpr unsigned char kTlsHandshakeRecord = 0x16;
constexpr unsigned kAtOnceTurn = 16;

void append_uninitialised(std::string& text, std::size_t room, std::size_t& old_size) {
  old_size = text.size();
  text.resize_and_overwrite(old_size + room, [](char*, std::size_t size) { return size; });
}

std::int64_t ms_of(const Clock& clock) { return clock.steady_ms(); }

Response plain_fault(const HttpFault& fault) {
  auto response = Response::text(fault.status, "text/plain; charset=utf-8", fault.why + "\n");
  response.close = true;
  return response;
}

Response failed_role(std::string_view what) {
  log::error("http", "a role failed: {}", what);
  return Response::text(500, "text/plain; charset=utf-8", "internal error\n");
}

template <class Ask>
Response guarded(Ask ask) {
  try {
    return ask();
  } catch (const std::exception& e) {
    return failed_role(e.what());
  } catch (...) {
    return failed_role("unknown exception");
  }
}

// A login by NTLM or Negotiate is of its connection, and clients go on with it on this one whatever they announced (wire.md §2).
bool asks_for_login(const Response& response) {
  return response.status == 401 && std::ranges::any_of(response.headers, [](const auto& header) {
    return iequals(header.first, "WWW-Authenticate") && (istarts_with(header.second, "NTLM") || istarts_with(header.second, "Negotiate"));
  });
}

Response fault_response(const TooLarge& too_large, const HttpFault& fault, const Request* head) {
  if (fault.status != 413 || head == nullptr || !too_large) return plain_fault(fault);
  return guarded([&] { return too_large(*head).value_or(plain_fault(fault)); });
}

CertificateVerdict verify_guarded(const PeerVerifier& verifier, std::string_view leaf, const std::vector<std::string>& chain) {
  if (!verifier) return {{CertificateProblem::untrusted, "no verifier is configured"}, false};
  try {
    return verifier(leaf, chain);
  } catch (const std::exception& e) {
    return {{CertificateProblem::untrusted, fmt::format("verification failed: {}", e.what())}, false};
  }
}

}  // namespace

Connection::Connection(tcp::socket socket, const tcp::endpoint& from, std::shared_ptr<Listener> listener, IoThread& loop)
    : loop_(loop), core_(loop.core), listener_(std::move(listener)), stream_(std::move(socket), *core_, deadline_) {
  peer_.door = listener_->options.door;
  const auto address = from.address();
  const bool mapped = address.is_v6() && address.to_v6().is_v4_mapped();
  peer_.address = mapped ? asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string() : address.to_string();
  peer_.port = from.port();
  loop_.connections.insert(this);
  core_->opened();
}

Connection::~Connection() {
  loop_.connections.erase(this);
  core_->closed();
}

void Connection::abort() {
  deadline_.never();
  stream_.abort();
}

Task<void> Connection::run() {
  deadline_.in_s(core_->clock, core_->options.header_timeout_s);
  if (listener_->options.proxy_protocol) {
    if (!co_await read_proxy_header()) co_return;
  }
  if (listener_->options.tls) {
    if (!co_await open_tls()) co_return;
  }
  if (!co_await ensure_verified()) log::debug("http", "{}: certificate check waits for a free worker", peer_.address);
  Next next = Next::request;
  while (next == Next::request) {
    next = co_await serve_one();
  }
  if (next == Next::close) co_await stream_.close_politely();
}

Task<bool> Connection::read_proxy_header() {
  std::array<char, kProxyHeaderBytesMax> seen;
  ssize_t before = 0;
  while (true) {
    if (!co_await stream_.wait_readable()) co_return false;
    const auto got = ::recv(stream_.fd(), seen.data(), seen.size(), MSG_PEEK);
    if (got < 0 && errno == EAGAIN) continue;
    if (got <= 0 || got == before) co_return false;  // the rest of so short a header does not come in a second packet
    before = got;
    auto header = parse_proxy_header({seen.data(), static_cast<std::size_t>(got)});
    if (!header) {
      log::warning("http", "{}: {}: connection closed", peer_.address, header.error().message);
      co_return false;
    }
    if (!*header) continue;
    if (::recv(stream_.fd(), seen.data(), (*header)->bytes, 0) != static_cast<ssize_t>((*header)->bytes)) co_return false;
    if (!(*header)->address.empty()) {
      peer_.address = (*header)->address;
      peer_.port = (*header)->port;
    }
    co_return true;
  }
}

Task<bool> Connection::open_tls() {
  unsigned char first = 0;
  if (!co_await stream_.wait_readable()) co_return false;
  if (::recv(stream_.fd(), &first, 1, MSG_PEEK) != 1) co_return false;
  if (first >= 'A' && first <= 'Z') {
    log::warning("tls", "{}: plain HTTP on HTTPS port {}", peer_.address, listener_->port);
    const HttpFault plain{400, "This is an HTTPS listener; the request came without TLS. A proxy that ends TLS must open it anew: bridging "
                               "from HTTPS to HTTP, or from HTTP to HTTPS, is not supported."};
    (void)co_await refuse(plain);
    co_await stream_.close_politely();
    co_return false;
  }
  auto shaken = co_await stream_.handshake(listener_->tls());
  if (!shaken) {
    core_->counters.handshakes_failed.fetch_add(1, std::memory_order_relaxed);
    log::info("tls", "{}: {}", peer_.address, shaken.error().message);
    co_return false;
  }
  core_->counters.handshakes.fetch_add(1, std::memory_order_relaxed);
  auto shown = shown_certificate(stream_.tls());
  if (tls_session_resumed(stream_.tls())) core_->counters.handshakes_resumed.fetch_add(1, std::memory_order_relaxed);
  peer_.certificate_der = std::move(shown.leaf_der);
  peer_.fingerprint = std::move(shown.fingerprint);
  if (!shown.chain_der.empty()) peer_.chain_der = std::make_shared<const std::vector<std::string>>(std::move(shown.chain_der));
  state_.server_end_point = server_end_point(stream_.tls());
  co_return true;
}

// True: peer_ says what is known now. False: the pool is full, ask again before the next request.
Task<bool> Connection::ensure_verified() {
  if (peer_.certificate_der.empty()) {
    peer_.check = {CertificateProblem::missing, "the client showed no certificate"};
    co_return true;
  }
  const auto round = core_->recheck_round.load();
  const auto now = ms_of(core_->clock);
  if (verified_ && round == verified_round_ && now - verified_at_ms_ < core_->options.recheck_interval_s * 1000LL)
    co_return true;
  deadline_.never();
  auto verdict = co_await run_on<CertificateVerdict>(core_->workers, loop_.shared_from_this(), [this](auto settle) {
    static const std::vector<std::string> nothing;
    settle(verify_guarded(core_->options.verifier, peer_.certificate_der, peer_.chain_der ? *peer_.chain_der : nothing));
  });
  if (!verdict) {
    verified_ = false;
    co_return false;
  }
  peer_.check = std::move(verdict->check);
  peer_.pinned_proxy = verdict->pinned_proxy;
  verified_ = true;
  verified_round_ = round;
  verified_at_ms_ = now;
  if (!peer_.check.ok())
    log::info("tls", "{}: client certificate {}: {}: {}", peer_.address, peer_.fingerprint, to_string(peer_.check.problem),
              peer_.check.detail);
  co_return true;
}

Task<bool> Connection::read_more() {
  std::size_t before = 0;
  append_uninitialised(in_, kReadBytes, before);
  const auto got = co_await stream_.read_some(in_.data() + before, kReadBytes);
  in_.resize(before + got);
  core_->counters.bytes_in.fetch_add(got, std::memory_order_relaxed);
  co_return got > 0;
}

void Connection::consume(std::size_t bytes) {
  if (bytes == in_.size())
    in_.clear();
  else
    in_.erase(0, bytes);
}

Task<std::optional<std::size_t>> Connection::read_head() {
  HeadScan scan;
  deadline_.in_s(core_->clock, core_->options.header_timeout_s);
  while (true) {
    while (in_.starts_with("\r\n")) {  // some clients end a body with a line of their own (RFC 9112 §2.2)
      in_.erase(0, 2);
      scan.reset();
    }
    if (!in_.empty() && in_ != "\r") {
      if (!stream_.tls() && static_cast<unsigned char>(in_[0]) == kTlsHandshakeRecord) {
        log::warning("http", "{}: TLS on plain HTTP port {}", peer_.address, listener_->port);
        fault_ = HttpFault{400, "This is an HTTP listener without TLS; the request came with TLS."};
        co_return std::nullopt;
      }
      auto length = scan.advance(in_);
      if (!length) {
        fault_ = std::move(length.error());
        co_return std::nullopt;
      }
      if (*length > 0) co_return *length;
    }
    if (in_.empty() && !stream_.pending()) {
      if (core_->stopping.load(std::memory_order_relaxed)) co_return std::nullopt;
      if (in_.capacity() > kReadBytes) in_ = {};
      idle_ = true;
      deadline_.in_s(core_->clock, core_->options.idle_timeout_s);
      const bool readable = co_await stream_.wait_readable();
      idle_ = false;
      if (!readable) co_return std::nullopt;
      deadline_.in_s(core_->clock, core_->options.header_timeout_s);
    }
    if (!co_await read_more()) co_return std::nullopt;
  }
}

std::size_t Connection::body_limit(const Request& head) const {
  try {
    return core_->options.body_limit ? core_->options.body_limit(head) : 0;
  } catch (const std::exception& e) {
    log::error("http", "body limit: {}", e.what());
    return 0;
  }
}

Task<Connection::Next> Connection::serve_one() {
  const auto head_bytes = co_await read_head();
  if (!head_bytes) {
    if (!fault_) co_return Next::close;
    co_return co_await refuse(*fault_);
  }
  auto parsed = parse_request_head(std::string_view(in_).substr(0, *head_bytes));
  if (!parsed) co_return co_await refuse(parsed.error());
  auto& head = *parsed;
  if (core_->options.on_head) core_->options.on_head(head.request);
  if (head.chunked) head_bytes_ = in_.substr(0, *head_bytes);
  consume(*head_bytes);
  core_->counters.requests.fetch_add(1, std::memory_order_relaxed);
  const bool verified = co_await ensure_verified();
  head.request.peer = peer_;
  head.request.connection = &state_;
  head.request.received_at = core_->clock.now();
  if (head.chunked || head.content_length > 0) {
    const bool complete = co_await read_body(head);
    if (!complete && !fault_) co_return Next::drop;
    if (!complete) co_return co_await refuse(*fault_, &head.request);
  }
  deadline_.never();  // the role takes the time it needs
  Response response;
  if (verified)
    response = co_await answer(head.request);
  else
    response = busy();
  co_return co_await respond(head, response);
}

Task<bool> Connection::read_body(RequestHead& head) {
  const auto limit = body_limit(head.request);
  if (head.content_length > limit) {
    fault_ = HttpFault{413, fmt::format("a request body of {} bytes; at most {} are taken here", head.content_length, limit)};
    co_return false;
  }
  body_mark_ = 0;
  deadline_.in_s(core_->clock, core_->options.body_timeout_s);
  if (head.expect_continue && in_.empty()) {
    if (!co_await stream_.write_all("HTTP/1.1 100 Continue\r\n\r\n")) co_return false;
  }
  if (head.chunked) co_return co_await read_chunked_body(head);
  co_return co_await read_sized_body(head);
}

// A body must grow: each further 8 KiB has body_timeout_s of time.
void Connection::extend_for_body(std::size_t before, std::size_t now) {
  body_mark_ += now - before;
  if (body_mark_ < kBodyProgressBytes) return;
  body_mark_ = 0;
  deadline_.in_s(core_->clock, core_->options.body_timeout_s);
}

Task<bool> Connection::read_sized_body(RequestHead& head) {
  auto& body = head.request.body;
  const auto wanted = static_cast<std::size_t>(head.content_length);
  const auto ready = std::min(in_.size(), wanted);
  body.assign(in_, 0, ready);
  consume(ready);
  while (body.size() < wanted) {
    // Memory follows what has come, not what was announced.
    std::size_t before = 0;
    const auto room = std::min(wanted - body.size(), std::max(kBodyReadBytes, body.size()));
    append_uninitialised(body, room, before);
    const auto got = co_await stream_.read_some(body.data() + before, room);
    body.resize(before + got);
    core_->counters.bytes_in.fetch_add(got, std::memory_order_relaxed);
    if (got == 0) co_return false;
    extend_for_body(before, body.size());
  }
  co_return true;
}

Task<bool> Connection::read_chunked_body(RequestHead& head) {
  ChunkedBody decoder(head_bytes_);
  const auto limit = body_limit(head.request);
  auto& body = head.request.body;
  while (true) {
    const auto before = body.size();
    auto used = decoder.feed(in_, body, limit);
    if (!used) {
      fault_ = std::move(used.error());
      co_return false;
    }
    consume(*used);
    extend_for_body(before, body.size());
    if (decoder.done()) co_return true;
    if (!co_await read_more()) co_return false;
  }
}

Response Connection::busy() {
  core_->counters.refused_busy.fetch_add(1, std::memory_order_relaxed);
  auto response = Response::text(503, "text/plain; charset=utf-8", "busy; try again later\n");
  response.set("Retry-After", std::to_string(core_->retry_after_s()));
  return response;
}

Task<Response> Connection::answer(Request& request) {
  if (core_->options.quick) {
    std::optional<Response> quick;
    try {
      quick = core_->options.quick(request);
    } catch (const std::exception& e) {
      quick = failed_role(e.what());
    }
    // One that sends its requests faster than they are answered lets others have their turn.
    if (quick && ++at_once_ % kAtOnceTurn == 0) co_await asio::post(asio::use_awaitable);
    if (quick) co_return std::move(*quick);
  }
  // Answers when the role's writes are durable, so that many requests share one commit and hold no thread meanwhile.
  auto response = co_await run_on<Response>(core_->workers, loop_.shared_from_this(), [this, &request](auto settle) {
    auto made = std::make_shared<Response>(guarded([&] { return core_->options.handler(request); }));
    const auto ticket = made->ticket;
    ticket.then([this_core = core_, made, settle](const Status& durable) {
      if (durable) return settle(std::move(*made));
      log::error("http", "a write did not become durable: {}", durable.error().message);
      auto failed = Response::text(503, "text/plain; charset=utf-8", "not stored; try again later\n");
      failed.set("Retry-After", std::to_string(this_core->retry_after_s()));
      settle(std::move(failed));
    });
  });
  co_return response ? std::move(*response) : busy();
}

Task<Connection::Next> Connection::respond(const RequestHead& head, const Response& response) {
  WriteOptions how;
  how.head_only = head.request.method == "HEAD";
  how.http11 = head.http11;
  const bool keep = head.keep_alive || (head.http11 && asks_for_login(response));
  how.keep_alive = keep && !response.close && !core_->stopping.load(std::memory_order_relaxed);
  deadline_.in_s(core_->clock, core_->options.write_timeout_s);
  const bool sent = co_await write_response(stream_, loop_, response, how);
  const auto status_class = sent && response.status >= 100 && response.status < 600 ? response.status / 100 : 0;
  core_->counters.by_class[status_class].fetch_add(1, std::memory_order_relaxed);
  if (log::wanted(log::Level::debug)) {
    const auto took_ms = core_->clock.now().since_ms(head.request.received_at);
    log::debug("http", "{} {} {} {} {} {} ms", peer_.address, peer_.fingerprint.empty() ? "-" : peer_.fingerprint.substr(0, 16),
               head.request.method, head.request.path.substr(0, 200), response.status, took_ms);
  }
  if (!sent) co_return Next::drop;
  co_return how.keep_alive ? Next::request : Next::close;
}

Task<Connection::Next> Connection::refuse(const HttpFault& fault, const Request* head) {
  core_->counters.rejected_malformed.fetch_add(1, std::memory_order_relaxed);
  core_->counters.by_class[fault.status / 100].fetch_add(1, std::memory_order_relaxed);
  log::info("http", "{}: {} {}", peer_.address, fault.status, fault.why);
  WriteOptions how;
  how.keep_alive = false;
  deadline_.in_s(core_->clock, core_->options.write_timeout_s);
  const auto response = fault_response(core_->options.too_large, fault, head);
  const bool sent = co_await write_response(stream_, loop_, response, how);
  co_return sent ? Next::close : Next::drop;
}

}  // namespace fp::net
