#include "net/link_connection.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "net/tls_context.hpp"

namespace fp::net {
namespace {

using wire::LinkFrameKind;

constexpr std::size_t kReadBytes = 64U << 10;
constexpr std::size_t kControlBytesMax = 4U << 20;  // of frames that wait: an end that only sends is not read any more
constexpr int kTickMs = 1000;

// Either end asks the other for its certificate; what it is worth is decided by its fingerprint (prove()).
Result<std::shared_ptr<SSL_CTX>> make_context(const LinkOptions& options, bool opened_here) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(opened_here ? TLS_client_method() : TLS_server_method()), &SSL_CTX_free);
  if (!context) return fail(Code::internal, "site link: TLS context: {}", tls_errors());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  if (SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
    return fail(Code::internal, "site link: TLS ciphers: {}", tls_errors());
  if (SSL_CTX_use_certificate_chain_file(context.get(), options.certificate_file.c_str()) != 1)
    return fail(Code::invalid, "site link: certificate {}: {}", options.certificate_file, tls_errors());
  if (SSL_CTX_use_PrivateKey_file(context.get(), options.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1)
    return fail(Code::invalid, "site link: key {}: {}", options.key_file, tls_errors());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(
      context.get(),
      [](X509_STORE_CTX* store, void*) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
      },
      nullptr);
  return context;
}

}  // namespace

LinkSide::LinkSide(LinkOptions given)
    : options(std::move(given)),
      clock(options.clock != nullptr ? *options.clock : system_clock()),
      workers(std::max(options.worker_threads, 1U), std::max<std::size_t>(options.worker_queue_max, 1)) {}

LinkConnection::LinkConnection(std::shared_ptr<LinkSide> side, Fd socket, bool opened_here)
    : side_(std::move(side)),
      socket_(std::move(socket)),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      opened_here_(opened_here),
      started_ms_(side_->clock.steady_ms()),
      heard_ms_(started_ms_),
      next_stream_(opened_here ? 1 : 2) {}

LinkConnection::~LinkConnection() { SSL_free(tls_); }

Error LinkConnection::run(const std::function<void(const LinkPeer&)>& on_open) {
  Status done = open_tls();
  if (done) done = shake_hands();
  if (done) done = prove();
  if (done) done = exchange(on_open);
  const Error why = done ? Error{Code::unavailable, "it was closed"} : done.error();
  fail_everything(why);
  hang_up();
  return why;
}

// At once: what still runs for the other end may hold this object for a while.
void LinkConnection::hang_up() {
  ERR_clear_error();
  if (tls_ != nullptr && SSL_is_init_finished(tls_) != 0) (void)SSL_shutdown(tls_);
  (void)::shutdown(socket_.get(), SHUT_RDWR);
}

Status LinkConnection::open_tls() {
  FP_TRY(context, make_context(side_->options, opened_here_));
  context_ = std::move(context);
  tls_ = SSL_new(context_.get());
  if (tls_ == nullptr || SSL_set_fd(tls_, socket_.get()) != 1) return fail(Code::internal, "site link: {}", tls_errors());
  if (opened_here_) SSL_set_connect_state(tls_);
  else SSL_set_accept_state(tls_);
  return {};
}

Status LinkConnection::shake_hands() {
  const auto until_ms = started_ms_ + side_->options.handshake_timeout_s * 1000LL;
  while (true) {
    ERR_clear_error();
    const int result = SSL_do_handshake(tls_);
    if (result == 1) return {};
    const int need = SSL_get_error(tls_, result);
    if (need != SSL_ERROR_WANT_READ && need != SSL_ERROR_WANT_WRITE) return fail(Code::unauthenticated, "no TLS: {}", tls_errors());
    const auto left_ms = until_ms - side_->clock.steady_ms();
    if (left_ms <= 0) return fail(Code::timed_out, "no TLS handshake within {} seconds", side_->options.handshake_timeout_s);
    const bool writing = need == SSL_ERROR_WANT_WRITE;
    std::array<pollfd, 2> ready{{{socket_.get(), static_cast<short>(writing ? POLLOUT : POLLIN), 0}, {wake_.get(), POLLIN, 0}}};
    (void)::poll(ready.data(), ready.size(), static_cast<int>(std::min<std::int64_t>(left_ms, kTickMs)));
    const std::lock_guard lock(mutex_);
    if (closing_) return fail(Code::unavailable, "{}", *closing_);
  }
}

Status LinkConnection::prove() {
  const auto shown = shown_certificate(tls_);
  if (shown.leaf_der.empty()) return fail(Code::unauthenticated, "the other end showed no certificate");
  auto peer = side_->peer_of(shown.fingerprint);
  if (!peer) return fail(Code::unauthenticated, "the certificate with the fingerprint {} is not one that is known here", shown.fingerprint);
  peer_ = std::move(*peer);
  const auto& own = side_->options;
  const std::lock_guard lock(mutex_);
  put(LinkFrameKind::hello, 0,
      wire::encode_link_hello({.site_code = own.site_code, .name = own.name, .certificate_der = own.clients_certificate_der}));
  return {};
}

Status LinkConnection::exchange(const std::function<void(const LinkPeer&)>& on_open) {
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (closing_) return fail(Code::unavailable, "{}", *closing_);
      fill_output();
    }
    FP_TRY(wrote, write_some());
    FP_TRY(heard, read_some());
    if (heard) FP_CHECK(take_frames(on_open));
    FP_CHECK(keep_alive());
    if (!wrote && !heard) wait(kTickMs);
  }
}

Result<bool> LinkConnection::write_some() {
  bool wrote = false;
  while (out_done_ < out_.size()) {
    ERR_clear_error();
    const int n = SSL_write(tls_, out_.data() + out_done_, static_cast<int>(std::min(out_.size() - out_done_, kReadBytes)));
    if (n <= 0) {
      const int need = SSL_get_error(tls_, n);
      if (need == SSL_ERROR_WANT_READ || need == SSL_ERROR_WANT_WRITE) return wrote;
      return fail(Code::unavailable, "the connection broke while writing");
    }
    out_done_ += static_cast<std::size_t>(n);
    wrote = true;
  }
  out_.clear();
  out_done_ = 0;
  return wrote;
}

Result<bool> LinkConnection::read_some() {
  {
    const std::lock_guard lock(mutex_);
    if (control_bytes_ > kControlBytesMax) return false;
  }
  const auto before = in_.size();
  in_.resize(before + kReadBytes);
  ERR_clear_error();
  const int n = SSL_read(tls_, in_.data() + before, static_cast<int>(kReadBytes));
  in_.resize(before + static_cast<std::size_t>(std::max(n, 0)));
  if (n > 0) {
    heard_ms_ = side_->clock.steady_ms();
    return true;
  }
  const int need = SSL_get_error(tls_, n);
  if (need == SSL_ERROR_WANT_READ || need == SSL_ERROR_WANT_WRITE) return false;
  if (need == SSL_ERROR_ZERO_RETURN) return fail(Code::unavailable, "the other end closed it");
  const std::string detail = tls_errors();
  return fail(Code::unavailable, "the connection broke{}", detail == "no detail" ? "" : ": " + detail);
}

Status LinkConnection::take_frames(const std::function<void(const LinkPeer&)>& on_open) {
  std::size_t used = 0;
  while (true) {
    const std::string_view rest = std::string_view(in_).substr(used);
    FP_TRY(head, wire::decode_link_frame_head(rest));
    if (!head || rest.size() < wire::kLinkFrameHeadBytes + head->bytes) break;
    const std::string_view payload = rest.substr(wire::kLinkFrameHeadBytes, head->bytes);
    if (greeted_) {
      FP_CHECK(take(*head, payload));
    } else {
      FP_CHECK(greet(*head, payload));
      on_open(peer_);
    }
    used += wire::kLinkFrameHeadBytes + head->bytes;
  }
  in_.erase(0, used);
  return {};
}

Status LinkConnection::greet(const wire::LinkFrameHead& head, std::string_view payload) {
  if (head.kind != LinkFrameKind::hello) return fail(Code::invalid, "the other end did not greet");
  FP_TRY(hello, wire::decode_link_hello(payload));
  if (hello.name != peer_.name || hello.site_code != peer_.site_code)
    return fail(Code::invalid, "the other end says it is {} of site {}; its certificate is known as that of {} of site {}", hello.name,
                hello.site_code, peer_.name, peer_.site_code);
  via_ = std::make_shared<const Via>(Via{peer_.name, std::move(hello.certificate_der)});
  greeted_ = true;
  const std::lock_guard lock(mutex_);
  open_ = true;
  return {};
}

Status LinkConnection::take(const wire::LinkFrameHead& head, std::string_view payload) {
  switch (head.kind) {
    case LinkFrameKind::request: return take_request(head.stream, payload);
    case LinkFrameKind::reply: return take_reply(head.stream, payload);
    case LinkFrameKind::data: return take_data(head.stream, payload);
    case LinkFrameKind::credit: {
      FP_TRY(bytes, wire::decode_link_credit(payload));
      const std::lock_guard lock(mutex_);
      if (const auto it = sending_.find(head.stream); it != sending_.end())
        it->second.credit = std::min(it->second.left, it->second.credit + bytes);
      return {};
    }
    case LinkFrameKind::cancel: {
      const std::lock_guard lock(mutex_);
      sending_.erase(head.stream);
      if (!own(head.stream)) {
        release(head.stream);
      } else if (const auto it = asking_.find(head.stream); it != asking_.end()) {
        it->second->failed = Error{Code::unavailable, "the other end gave the answer up"};
        it->second->changed.notify_all();
      }
      return {};
    }
    case LinkFrameKind::ping: {
      const std::lock_guard lock(mutex_);
      put(LinkFrameKind::pong, 0, payload.substr(0, 8));
      return {};
    }
    case LinkFrameKind::pong: return {};
    case LinkFrameKind::hello: return fail(Code::invalid, "the other end greets twice");
  }
  return {};
}

Status LinkConnection::keep_alive() {
  const auto now_ms = side_->clock.steady_ms();
  const auto& o = side_->options;
  if (!greeted_ && now_ms - started_ms_ > o.handshake_timeout_s * 1000LL)
    return fail(Code::timed_out, "no greeting within {} seconds", o.handshake_timeout_s);
  const auto quiet_ms = now_ms - heard_ms_;
  if (quiet_ms > o.dead_after_s * 1000LL) return fail(Code::timed_out, "no sign of life for {} seconds", o.dead_after_s);
  if (quiet_ms < o.ping_after_s * 1000LL || now_ms - pinged_ms_ < o.ping_after_s * 1000LL) return {};
  pinged_ms_ = now_ms;
  const std::lock_guard lock(mutex_);
  put(LinkFrameKind::ping, 0, "farpoint");
  return {};
}

void LinkConnection::wait(int timeout_ms) {
  const short wanted = static_cast<short>(POLLIN | (out_.empty() ? 0 : POLLOUT));
  std::array<pollfd, 2> ready{{{socket_.get(), wanted, 0}, {wake_.get(), POLLIN, 0}}};
  (void)::poll(ready.data(), ready.size(), timeout_ms);
  std::uint64_t count = 0;
  if ((ready[1].revents & POLLIN) != 0 && ::read(wake_.get(), &count, sizeof count) < 0 && errno != EAGAIN)
    log::warning("link", "the wake-up of {} cannot be read", peer_.name);
}

void LinkConnection::wake() const {
  const std::uint64_t one = 1;
  if (::write(wake_.get(), &one, sizeof one) < 0 && errno != EAGAIN) log::warning("link", "the wake-up of {} cannot be written", peer_.name);
}

void LinkConnection::close(std::string why) {
  {
    const std::lock_guard lock(mutex_);
    if (!closing_) closing_ = std::move(why);
  }
  wake();
}

void LinkConnection::fail_everything(const Error& why) {
  const std::lock_guard lock(mutex_);
  open_ = false;
  for (auto& [stream, asking] : asking_) {
    if (!asking->failed) asking->failed = Error{Code::unavailable, fmt::format("the site link to {} was cut: {}", peer_.name, why.message)};
    asking->changed.notify_all();
  }
  sending_.clear();
  answering_.clear();
  waiting_.clear();
  control_.clear();
}

}  // namespace fp::net
