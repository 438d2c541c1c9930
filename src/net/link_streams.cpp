// The requests and answers that share one connection of the site link.
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "net/link_connection.hpp"
#include "net/link_spool.hpp"
#include "net/request_parser.hpp"

namespace fp::net {
namespace {

using wire::LinkFrameKind;

constexpr std::size_t kOutputBytes = 128U << 10;  // what is prepared for TLS at once
constexpr std::size_t kDataBytes = 32U << 10;     // of one data frame
constexpr std::int64_t kStallMs = 60'000;         // an answer that began must go on
constexpr auto kWindow = static_cast<std::int64_t>(limits::kLinkWindowBytes);

// Of one connection each, or said anew at the other end.
bool travels(std::string_view header) {
  constexpr std::string_view kept_back[] = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length",
                                            "expect", "proxy-connection", "proxy-authorization", "proxy-authenticate", "date"};
  return std::ranges::none_of(kept_back, [&](std::string_view name) { return iequals(name, header); });
}

wire::LinkHeaders travelling(const Headers& headers) {
  wire::LinkHeaders out;
  for (const auto& header : headers)
    if (travels(header.first)) out.push_back(header);
  return out;
}

std::int64_t bytes_of(const std::vector<Segment>& body) {
  std::int64_t sum = 0;
  for (const auto& segment : body)
    sum += std::holds_alternative<std::string>(segment) ? static_cast<std::int64_t>(std::get<std::string>(segment).size())
                                                        : std::get<FileSlice>(segment).length;
  return sum;
}

// By the parser of every request, so that nothing passes here that a listener would refuse.
std::expected<Request, HttpFault> request_of(const wire::LinkRequest& r) {
  std::string head = r.method + " " + r.target + " HTTP/1.1\r\n";
  for (const auto& [name, value] : r.headers)
    if (travels(name)) head += name + ": " + value + "\r\n";
  // As the body came here; senders of packets are asked for it (wire.md §10).
  if (r.body_bytes > 0 || (r.method != "GET" && r.method != "HEAD")) head += fmt::format("Content-Length: {}\r\n", r.body_bytes);
  head += "\r\n";
  HeadScan scan;
  const auto length = scan.advance(head);
  if (!length) return std::unexpected(length.error());
  if (*length != head.size()) return std::unexpected(HttpFault{400, "a head that does not end where it should"});
  auto parsed = parse_request_head(head);
  if (!parsed) return std::unexpected(parsed.error());
  Request out = std::move(parsed->request);
  out.peer.door = r.door;
  out.peer.address = r.address;
  out.peer.port = r.port;
  out.peer.certificate_der = r.certificate_der;
  if (r.certificate_der.empty()) {
    out.peer.check = {CertificateProblem::missing, "the client showed no certificate"};
  } else {
    out.peer.fingerprint = hex_lower(crypto::sha256(r.certificate_der));
    out.peer.check = {CertificateProblem::untrusted, "the certificate was not looked at yet"};
  }
  if (!r.chain_der.empty()) out.peer.chain_der = std::make_shared<const std::vector<std::string>>(r.chain_der);
  return out;
}

std::string head_of(const Request& request) {
  wire::LinkRequest r{.method = request.method, .target = request.target, .headers = travelling(request.headers)};
  r.body_bytes = static_cast<std::int64_t>(request.body.size());
  r.door = request.peer.door;
  r.address = request.peer.address;
  r.port = request.peer.port;
  r.certificate_der = request.peer.certificate_der;
  if (request.peer.chain_der) r.chain_der = *request.peer.chain_der;
  return wire::encode_link_request(r);
}

Response guarded(const Handler& handler, Request& request) {
  try {
    return handler ? handler(request) : Response::empty(404);
  } catch (const std::exception& e) {
    log::error("link", "{} {}: {}", request.method, request.path, e.what());
    return Response::empty(500);
  }
}

}  // namespace

void LinkConnection::put(LinkFrameKind kind, std::uint32_t stream, std::string_view payload) {
  control_.push_back(wire::encode_link_frame(kind, stream, payload));
  control_bytes_ += control_.back().size();
}

// Heads, credits and pongs first; then each body that may send, in turns.
void LinkConnection::fill_output() {
  while (out_.size() < kOutputBytes && !control_.empty()) {
    control_bytes_ -= control_.front().size();
    out_ += control_.front();
    control_.pop_front();
  }
  while (out_.size() < kOutputBytes) {
    const auto ready = [](const auto& item) { return item.second.credit > 0; };
    auto next = std::find_if(sending_.upper_bound(turn_), sending_.end(), ready);
    if (next == sending_.end()) next = std::find_if(sending_.begin(), sending_.end(), ready);
    if (next == sending_.end()) return;
    turn_ = next->first;
    const bool good = send_data(next->first, next->second);
    if (good && next->second.left > 0) continue;
    if (!good) put(LinkFrameKind::cancel, next->first, {});
    const auto stream = next->first;
    sending_.erase(next);
    if (!own(stream)) release(stream);
  }
}

bool LinkConnection::send_data(std::uint32_t stream, Sending& s) {
  const auto room = static_cast<std::size_t>(std::min<std::int64_t>({s.credit, s.left, static_cast<std::int64_t>(kDataBytes)}));
  std::string bytes;
  while (bytes.size() < room && !s.segments.empty()) {
    const auto wanted = room - bytes.size();
    std::size_t got = 0, whole = 0;
    if (const auto* text = std::get_if<std::string>(&s.segments.front())) {
      whole = text->size();
      got = std::min(wanted, whole - static_cast<std::size_t>(s.offset));
      bytes.append(*text, static_cast<std::size_t>(s.offset), got);
    } else {
      const auto& slice = std::get<FileSlice>(s.segments.front());
      whole = static_cast<std::size_t>(slice.length);
      got = std::min(wanted, whole - static_cast<std::size_t>(s.offset));
      const auto before = bytes.size();
      bytes.resize(before + got);
      const auto n = got == 0 ? 0 : ::pread(slice.file->get(), bytes.data() + before, got, slice.offset + s.offset);
      if (n <= 0 && got > 0) return false;
      bytes.resize(before + static_cast<std::size_t>(n));
      got = static_cast<std::size_t>(n);
    }
    s.offset += static_cast<std::int64_t>(got);
    if (s.offset < static_cast<std::int64_t>(whole)) continue;
    s.segments.pop_front();
    s.offset = 0;
  }
  s.credit -= static_cast<std::int64_t>(bytes.size());
  s.left -= static_cast<std::int64_t>(bytes.size());
  out_ += wire::encode_link_frame(LinkFrameKind::data, stream, bytes);
  return !bytes.empty();
}

Result<Response> LinkConnection::ask(Request& request, std::int64_t within_ms, std::int64_t body_bytes_max) {
  const auto asking = std::make_shared<Asking>();
  LinkSpool spool(side_->options.spool);
  std::string head = head_of(request);
  std::unique_lock lock(mutex_);
  if (!open_) return fail(Code::unavailable, "the site link to {} is down", peer_.name);
  if (asking_.size() >= limits::kLinkStreamsMax) return fail(Code::unavailable, "the site link to {} is busy", peer_.name);
  const auto stream = next_stream_;
  next_stream_ += 2;
  asking_.emplace(stream, asking);
  put(LinkFrameKind::request, stream, head);
  if (const auto size = static_cast<std::int64_t>(request.body.size()); size > 0) {
    Sending& body = sending_[stream];
    body.segments.emplace_back(std::move(request.body));
    body.left = size;
    body.credit = std::min(size, kWindow);
  }
  wake();
  Status done;
  std::int64_t until_ms = side_->clock.steady_ms() + within_ms;
  while (done) {
    if (asking->failed) {
      done = std::unexpected(*asking->failed);
    } else if (asking->reply && asking->reply->body_bytes > body_bytes_max) {
      done = fail(Code::too_large, "an answer of {} bytes from {}; at most {} are taken here", asking->reply->body_bytes, peer_.name, body_bytes_max);
    } else if (!asking->arrived.empty()) {
      const std::string bytes = std::move(asking->arrived);
      asking->arrived.clear();
      lock.unlock();
      done = spool.append(bytes);
      lock.lock();
      if (open_) put(LinkFrameKind::credit, stream, wire::encode_link_credit(static_cast<std::uint32_t>(bytes.size())));
      wake();
      until_ms = side_->clock.steady_ms() + kStallMs;
    } else if (asking->reply && asking->received == asking->reply->body_bytes) {
      break;
    } else {
      const auto left_ms = until_ms - side_->clock.steady_ms();
      if (left_ms <= 0) done = fail(Code::timed_out, "{} did not answer over the site link in time", peer_.name);
      else asking->changed.wait_for(lock, std::chrono::milliseconds(left_ms));
    }
  }
  asking_.erase(stream);
  sending_.erase(stream);
  if (!done) {
    if (open_) put(LinkFrameKind::cancel, stream, {});
    wake();
    return std::unexpected(done.error());
  }
  Response response;
  response.status = asking->reply->status;
  response.reason = std::move(asking->reply->reason);
  response.headers = std::move(asking->reply->headers);
  response.body = spool.finish();
  if (asking->reply->head_length >= 0) response.head_length = asking->reply->head_length;
  return response;
}

Status LinkConnection::take_reply(std::uint32_t stream, std::string_view payload) {
  FP_TRY(reply, wire::decode_link_reply(payload));
  const std::lock_guard lock(mutex_);
  const auto it = asking_.find(stream);
  if (it == asking_.end()) return {};  // given up meanwhile
  if (it->second->reply) return fail(Code::invalid, "two answers to one request");
  it->second->reply = std::move(reply);
  sending_.erase(stream);  // an answer before the body was sent: nobody wants the rest
  it->second->changed.notify_all();
  return {};
}

Status LinkConnection::take_data(std::uint32_t stream, std::string_view payload) {
  const auto size = static_cast<std::int64_t>(payload.size());
  const std::lock_guard lock(mutex_);
  if (own(stream)) {
    const auto it = asking_.find(stream);
    if (it == asking_.end()) return {};
    Asking& asking = *it->second;
    asking.received += size;
    if (!asking.reply || asking.received > asking.reply->body_bytes) return fail(Code::invalid, "more of an answer than was announced");
    if (static_cast<std::int64_t>(asking.arrived.size()) + size > kWindow) return fail(Code::invalid, "more of an answer than was granted");
    asking.arrived += payload;
    asking.changed.notify_all();
    return {};
  }
  const auto it = answering_.find(stream);
  if (it == answering_.end()) return {};
  Answering& answering = it->second;
  const auto have = static_cast<std::int64_t>(answering.request.body.size()) + size;
  if (have > answering.granted) return fail(Code::invalid, "more of a request than was granted");
  answering.request.body += payload;
  if (have == answering.body_bytes) dispatch(stream, std::move(answering.request));
  return {};
}

Status LinkConnection::take_request(std::uint32_t stream, std::string_view payload) {
  if (own(stream) || stream <= last_seen_) return fail(Code::invalid, "stream {} is not one of the other end's next", stream);
  last_seen_ = stream;
  FP_TRY(head, wire::decode_link_request(payload));
  auto request = request_of(head);
  const std::lock_guard lock(mutex_);
  if (!request) {
    log::warning("link", "{}: a request that was refused: {}", peer_.name, request.error().why);
    refuse(stream, request.error().status);
    return {};
  }
  request->via = via_;
  request->received_at = side_->clock.now();
  const auto limit = side_->options.body_limit ? side_->options.body_limit(*request) : std::size_t{0};
  if (head.body_bytes > static_cast<std::int64_t>(limit)) {
    refuse(stream, 413);
    return {};
  }
  if (answering_.size() >= limits::kLinkStreamsMax) {
    refuse(stream, 503);
    return {};
  }
  Answering& answering = answering_[stream];
  if (head.body_bytes == 0) {
    dispatch(stream, std::move(*request));
    return {};
  }
  answering.request = std::move(*request);
  answering.body_bytes = head.body_bytes;
  answering.granted = std::min(head.body_bytes, kWindow);
  if (answering.granted == answering.body_bytes) return {};
  waiting_.push_back(stream);
  grant(stream, answering);
  return {};
}

// Room for the rest of a body, where there is some; else it waits for those before it.
void LinkConnection::grant(std::uint32_t stream, Answering& answering) {
  if (waiting_.empty() || waiting_.front() != stream) return;
  const auto rest = answering.body_bytes - answering.granted;
  if (reserved_ + rest > static_cast<std::int64_t>(limits::kLinkBodiesBytesMax)) return;
  waiting_.pop_front();
  reserved_ += rest;
  answering.reserved = rest;
  answering.granted = answering.body_bytes;
  put(LinkFrameKind::credit, stream, wire::encode_link_credit(static_cast<std::uint32_t>(rest)));
}

void LinkConnection::release(std::uint32_t stream) {
  const auto it = answering_.find(stream);
  if (it == answering_.end()) return;
  reserved_ -= it->second.reserved;
  answering_.erase(it);
  std::erase(waiting_, stream);
  while (!waiting_.empty()) {
    const auto next = waiting_.front();
    grant(next, answering_.at(next));
    if (!waiting_.empty() && waiting_.front() == next) return;
  }
}

void LinkConnection::refuse(std::uint32_t stream, int status) {
  wire::LinkReply reply{.status = status};
  if (status == 503) reply.headers.emplace_back("Retry-After", std::to_string(5 + stream % 56));
  put(LinkFrameKind::reply, stream, wire::encode_link_reply(reply));
  release(stream);
}

void LinkConnection::dispatch(std::uint32_t stream, Request request) {
  auto job = [self = shared_from_this(), stream, r = std::move(request)]() mutable { self->run_handler(stream, r); };
  if (!side_->workers.post(std::move(job))) refuse(stream, 503);
}

void LinkConnection::run_handler(std::uint32_t stream, Request& request) {
  auto response = std::make_shared<Response>(guarded(side_->options.handler, request));
  // As a listener does: the answer waits until what was written is durable.
  const Ticket ticket = response->ticket;
  ticket.then([self = shared_from_this(), stream, response](const Status& durable) {
    if (durable) return self->answer(stream, std::move(*response));
    log::error("link", "what was asked by {} could not be kept: {}", self->peer_.name, durable.error().message);
    self->answer(stream, std::move(Response::empty(503).set("Retry-After", std::to_string(5 + stream % 56))));
  });
}

void LinkConnection::answer(std::uint32_t stream, Response response) {
  wire::LinkReply reply{.status = response.status, .reason = std::move(response.reason), .headers = travelling(response.headers)};
  reply.body_bytes = bytes_of(response.body);
  if (response.head_length) reply.head_length = *response.head_length;
  const std::lock_guard lock(mutex_);
  if (!open_ || !answering_.contains(stream)) return;  // cut, or given up
  put(LinkFrameKind::reply, stream, wire::encode_link_reply(reply));
  if (reply.body_bytes == 0) {
    release(stream);
  } else {
    Sending& body = sending_[stream];
    std::ranges::move(response.body, std::back_inserter(body.segments));
    body.left = reply.body_bytes;
    body.credit = std::min(body.left, kWindow);
  }
  wake();
}

}  // namespace fp::net
