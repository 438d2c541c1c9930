#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "net/io.hpp"
#include "net/tls_context.hpp"

namespace fp::net {
namespace {

constexpr std::size_t kTurnBytes = 1U << 20;  // after so many bytes without a wait other connections get their turn
constexpr std::size_t kDrainBytesMax = 1U << 20;
constexpr int kDrainS = 2;

}  // namespace

Stream::Stream(tcp::socket socket, Core& core, Deadline& deadline)
    : socket_(std::move(socket)), core_(core), deadline_(deadline) {}

Stream::~Stream() {
  if (tls_ != nullptr) SSL_free(tls_);
}

int Stream::fd() { return socket_.native_handle(); }

bool Stream::pending() const { return tls_ != nullptr && SSL_has_pending(tls_) != 0; }

void Stream::abort() {
  // Not close(): the descriptor's number could be given to another connection while TLS still writes to it.
  ::shutdown(fd(), SHUT_RDWR);
}

Stream::Wait Stream::tls_wait(int result) {
  switch (SSL_get_error(tls_, result)) {
    case SSL_ERROR_WANT_READ: return Wait::readable;
    case SSL_ERROR_WANT_WRITE: return Wait::writable;
    default: return Wait::failed;
  }
}

Task<bool> Stream::wait_for(Wait what) {
  if (what == Wait::failed) co_return false;
  boost::system::error_code ec;
  const auto direction = what == Wait::writable ? tcp::socket::wait_write : tcp::socket::wait_read;
  co_await socket_.async_wait(direction, asio::redirect_error(asio::use_awaitable, ec));
  co_return !ec;
}

Task<bool> Stream::wait_readable() { return wait_for(Wait::readable); }

Task<Status> Stream::handshake(std::shared_ptr<ssl_ctx_st> context) {
  context_ = std::move(context);
  tls_ = SSL_new(context_.get());
  if (tls_ == nullptr || SSL_set_fd(tls_, fd()) != 1) co_return fail(Code::internal, "TLS: {}", tls_errors());
  while (true) {
    ERR_clear_error();
    const int result = SSL_accept(tls_);
    if (result == 1) co_return Status{};
    const auto wait = tls_wait(result);
    if (wait == Wait::failed) co_return fail(Code::invalid, "TLS handshake failed: {}", tls_errors());
    if (!co_await wait_for(wait)) co_return fail(Code::invalid, "TLS handshake broken off");
  }
}

Task<std::size_t> Stream::read_some(char* into, std::size_t room) {
  while (true) {
    Wait wait = Wait::readable;
    if (tls_ != nullptr) {
      ERR_clear_error();
      std::size_t got = 0;
      const int result = SSL_read_ex(tls_, into, room, &got);
      if (result == 1) co_return got;
      wait = tls_wait(result);
    } else {
      const auto got = ::recv(fd(), into, room, 0);
      if (got >= 0) co_return static_cast<std::size_t>(got);
      if (errno == EINTR) continue;
      if (errno != EAGAIN) co_return 0;
    }
    if (!co_await wait_for(wait)) co_return 0;
  }
}

Task<bool> Stream::blocked_write(Wait what) {
  deadline_.in_s(core_.clock, core_.options.write_timeout_s);
  return wait_for(what);
}

Task<bool> Stream::write_all(std::string_view bytes, bool more) {
  std::size_t turn = 0;
  while (!bytes.empty()) {
    std::size_t sent = 0;
    Wait wait = Wait::none;
    if (tls_ != nullptr) {
      ERR_clear_error();
      // A record at a time leaves this call (partial writes), so that progress is seen on a slow line.
      const int result = SSL_write_ex(tls_, bytes.data(), std::min(bytes.size(), kTurnBytes), &sent);
      if (result != 1) wait = tls_wait(result);
    } else {
      const auto result = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | (more ? MSG_MORE : 0));
      if (result >= 0)
        sent = static_cast<std::size_t>(result);
      else if (errno != EINTR)
        wait = errno == EAGAIN ? Wait::writable : Wait::failed;
    }
    if (wait != Wait::none) {
      if (!co_await blocked_write(wait)) co_return false;
      turn = 0;
      continue;
    }
    bytes.remove_prefix(sent);
    core_.counters.bytes_out.fetch_add(sent, std::memory_order_relaxed);
    turn += sent;
    if (turn >= kTurnBytes) {
      turn = 0;
      co_await asio::post(asio::use_awaitable);
    }
  }
  co_return true;
}

Task<bool> Stream::send_file(int file, std::int64_t offset, std::size_t length) {
  off_t at = offset;
  while (length > 0) {
    const auto sent = ::sendfile(fd(), file, &at, std::min(length, kTurnBytes));
    if (sent > 0) {
      length -= static_cast<std::size_t>(sent);
      core_.counters.bytes_out.fetch_add(static_cast<std::uint64_t>(sent), std::memory_order_relaxed);
      if (static_cast<std::size_t>(sent) == kTurnBytes) co_await asio::post(asio::use_awaitable);
    } else if (sent < 0 && errno == EAGAIN) {
      if (!co_await blocked_write(Wait::writable)) co_return false;
    } else if (sent == 0 || errno != EINTR) {
      co_return false;  // the file is shorter than it was, or the peer is gone
    }
  }
  co_return true;
}

Task<void> Stream::close_politely() {
  if (tls_ != nullptr && SSL_is_init_finished(tls_) != 0) {
    ERR_clear_error();
    SSL_shutdown(tls_);
  }
  if (::shutdown(fd(), SHUT_WR) != 0) co_return;
  deadline_.in_s(core_.clock, kDrainS);
  std::array<char, 16384> scratch;
  for (std::size_t drained = 0; drained < kDrainBytesMax;) {
    const auto got = ::recv(fd(), scratch.data(), scratch.size(), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) co_return;
    if (got > 0) drained += static_cast<std::size_t>(got);
    if (got < 0) {
      if (!co_await wait_for(Wait::readable)) co_return;
    }
  }
}

}  // namespace fp::net
