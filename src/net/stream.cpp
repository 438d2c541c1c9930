#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <cstring>
#include <utility>

#include "net/io.hpp"
#include "net/tls_context.hpp"

namespace fp::net {
namespace {

constexpr std::size_t kDrainBytesMax = 1U << 20;
constexpr int kDrainS = 2;

// Records on their way to the socket: a large answer goes out several records at a time, because each send() by itself costs as
// much as encrypting what it carries. One for each loop, and empty whenever a coroutine waits.
class Gathering {
 public:
  [[nodiscard]] bool has_room() const { return filled_ + kRecordBytesMax <= kRoomBytes; }
  void append(std::string_view bytes) {
    if (!room_) room_ = std::make_unique_for_overwrite<char[]>(kRoomBytes);
    std::memcpy(room_.get() + filled_, bytes.data(), bytes.size());
    filled_ += bytes.size();
  }
  [[nodiscard]] std::string_view take() { return {room_.get(), std::exchange(filled_, 0)}; }

 private:
  static constexpr std::size_t kRecordBytesMax = SSL3_RT_MAX_PACKET_SIZE + 1024;
  static constexpr std::size_t kRoomBytes = kFileRoomBytes + 2 * kRecordBytesMax;
  std::unique_ptr<char[]> room_;
  std::size_t filled_ = 0;
};
thread_local Gathering gathering;

int socket_write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto& out = *static_cast<const TlsOutput*>(BIO_get_data(bio));
  const std::string_view bytes(data, static_cast<std::size_t>(size));
  if (out.gather) return gathering.append(bytes), size;
  // What was written before comes first.
  const auto sent = out.unsent.empty() ? ::send(out.fd, data, bytes.size(), MSG_NOSIGNAL) : ssize_t{-1};
  if (sent < 0 && (!out.unsent.empty() || errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int socket_read(BIO* bio, char* into, int room) {
  BIO_clear_retry_flags(bio);
  const auto got = ::recv(static_cast<const TlsOutput*>(BIO_get_data(bio))->fd, into, static_cast<std::size_t>(room), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

long socket_control(BIO*, int what, long, void*) { return what == BIO_CTRL_FLUSH ? 1 : 0; }

// Null: no memory. `output` outlives it.
BIO* make_socket_bio(TlsOutput& output) {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    if (made == nullptr) return made;
    BIO_meth_set_write(made, &socket_write);
    BIO_meth_set_read(made, &socket_read);
    BIO_meth_set_ctrl(made, &socket_control);
    return made;
  }();
  BIO* bio = method == nullptr ? nullptr : BIO_new(method);
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, &output);
  BIO_set_init(bio, 1);
  return bio;
}

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
  output_.fd = fd();
  BIO* socket = tls_ == nullptr ? nullptr : make_socket_bio(output_);
  if (socket == nullptr) co_return fail(Code::internal, "TLS: {}", tls_errors());
  SSL_set_bio(tls_, socket, socket);
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

// Records that the socket did not take at once; false: it still does not take them all.
bool Stream::send_gathered(std::string_view bytes, bool more, Wait& wait) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    if (sent >= 0 || errno == EINTR) continue;
    wait = errno == EAGAIN ? Wait::writable : Wait::failed;
    break;
  }
  std::string rest(bytes);
  output_.unsent = std::move(rest);
  return output_.unsent.empty();
}

std::size_t Stream::write_tls(std::string_view bytes, bool more, Wait& wait) {
  if (!output_.unsent.empty() && !send_gathered(output_.unsent, more || !bytes.empty(), wait)) return 0;
  std::size_t done = 0;
  while (done < bytes.size() && wait == Wait::none) {
    output_.gather = bytes.size() - done > SSL3_RT_MAX_PLAIN_LENGTH;
    while (done < bytes.size() && wait == Wait::none && gathering.has_room()) {
      ERR_clear_error();
      std::size_t sent = 0;
      // A record at a time leaves this call (partial writes).
      const int result = SSL_write_ex(tls_, bytes.data() + done, bytes.size() - done, &sent);
      if (result != 1) wait = tls_wait(result);
      done += sent;
    }
    if (output_.gather) (void)send_gathered(gathering.take(), more || done < bytes.size(), wait);
    output_.gather = false;
  }
  return done;
}

std::size_t Stream::write_now(std::string_view bytes, bool more, Wait& wait) {
  std::size_t done = 0;
  wait = Wait::none;
  if (tls_ != nullptr) {
    done = write_tls(bytes, more, wait);
  } else {
    const auto sent = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (sent >= 0)
      done = static_cast<std::size_t>(sent);
    else if (errno != EINTR)
      wait = errno == EAGAIN ? Wait::writable : Wait::failed;
  }
  core_.counters.bytes_out.fetch_add(done, std::memory_order_relaxed);
  return done;
}

Task<bool> Stream::write_all(std::string_view bytes, bool more) {
  std::size_t turn = 0;
  while (!bytes.empty() || has_unsent()) {
    Wait wait = Wait::none;
    const auto step = bytes.substr(0, kTurnBytes);
    const auto sent = write_now(step, more || step.size() < bytes.size(), wait);
    bytes.remove_prefix(sent);
    if (wait != Wait::none) {
      if (!co_await blocked_write(wait)) co_return false;
      turn = 0;
      continue;
    }
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
