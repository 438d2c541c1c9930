#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "net/test_support.hpp"
#include "pki/issue.hpp"

namespace fp::net::testing {
namespace {

constexpr int kReadLimitS = 60;

template <class T>
T need(Result<T> result) {
  if (result) return std::move(*result);
  fmt::print(stderr, "test certificates: {}\n", result.error().message);
  std::abort();
}

std::string fingerprint(const pki::Certificate& certificate) {
  std::string raw(32, '\0');
  unsigned size = 0;
  EVP_Digest(certificate.der().data(), certificate.der().size(), reinterpret_cast<unsigned char*>(raw.data()), &size,
             EVP_sha256(), nullptr);
  return hex_lower(raw);
}

std::string crl_pem(const std::string& der) {
  return "-----BEGIN X509 CRL-----\n" + base64(der) + "\n-----END X509 CRL-----\n";
}

struct Maker {
  TestPki& pki;
  Random& random = system_random();
  Instant now = system_clock().now();
  pki::Identity root = need(pki::make_root(authority("Test Root"), random));
  pki::Identity issuing = need(pki::make_issuing(root, authority("Test Issuing"), random));

  pki::AuthorityOrder authority(const std::string& name) const {
    pki::AuthorityOrder order;
    order.common_name = name;
    order.not_before = now.plus_s(-10 * 86400);
    order.not_after = now.plus_s(365 * 86400);
    order.key_bits = 2048;
    return order;
  }

  pki::Identity leaf(const std::string& file, pki::Profile profile, const std::string& dns, int days, std::string& chain,
                     std::string& key) {
    pki::Order order;
    order.profile = profile;
    order.common_name = dns;
    order.dns_names = {dns};
    if (dns == "localhost") order.ip_addresses = {"127.0.0.1"};
    order.not_before = now.plus_s(-5 * 86400);
    order.not_after = now.plus_s(days * 86400);
    auto made = need(pki::issue_with_new_key(issuing, order, random));
    chain = pki.dir.put(file + ".pem", made.certificate.pem() + issuing.certificate.pem());
    key = pki.dir.put(file + ".key", need(made.key.to_pem()));
    return made;
  }

  void make() {
    pki.ca_file = pki.dir.put("root.pem", root.certificate.pem());
    const auto server = leaf("server", pki::Profile::server, "localhost", 30, pki.server_chain, pki.server_key);
    (void)leaf("other", pki::Profile::server, "elsewhere.example", 30, pki.other_chain, pki.other_key);
    (void)leaf("expired", pki::Profile::server, "localhost", -2, pki.expired_chain, pki.expired_key);
    const auto client = leaf("client", pki::Profile::client, "laptop.example", 30, pki.client_chain, pki.client_key);
    pki.server_fingerprint = fingerprint(server.certificate);
    pki.client_fingerprint = fingerprint(client.certificate);
    pki.client_der = client.certificate.der();
    pki.issuing_der = issuing.certificate.der();
    const auto stranger = need(pki::make_root(authority("Stranger"), random));
    pki.stranger_ca_file = pki.dir.put("stranger.pem", stranger.certificate.pem());
    const auto begin = now.plus_s(-3600), end = now.plus_s(86400);
    const auto upper = crl_pem(need(pki::make_crl(root, {}, 1, begin, end)));
    const std::vector<pki::Revoked> revoked = {{server.certificate.serial(), begin, 0}};
    pki.crl_file = pki.dir.put("clean.crl", upper + crl_pem(need(pki::make_crl(issuing, {}, 1, begin, end))));
    pki.crl_revoked_file = pki.dir.put("revoked.crl", upper + crl_pem(need(pki::make_crl(issuing, revoked, 2, begin, end))));
  }
};

}  // namespace

const TestPki& test_pki() {
  static const auto made = [] {
    auto pki = std::make_unique<TestPki>();
    Maker{*pki}.make();
    return pki;
  }();
  return *made;
}

TlsSettings server_tls() {
  TlsSettings tls;
  tls.certificate_file = test_pki().server_chain;
  tls.key_file = test_pki().server_key;
  return tls;
}

ListenerOptions plain_listener() {
  ListenerOptions listener;
  listener.address = "127.0.0.1";
  listener.door = Door::intranet_http;
  return listener;
}

ListenerOptions tls_listener() {
  ListenerOptions listener;
  listener.address = "127.0.0.1";
  listener.tls = server_tls();
  return listener;
}

std::string RawResponse::header(std::string_view name) const {
  for (const auto line : split(head, '\n')) {
    const auto colon = line.find(':');
    if (colon != line.npos && iequals(line.substr(0, colon), name)) return std::string(trim(line.substr(colon + 1)));
  }
  return {};
}

RawClient::RawClient(std::uint16_t port) {
  std::signal(SIGPIPE, SIG_IGN);
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  timeval limit{kReadLimitS, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ok_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
}

RawClient::RawClient(std::uint16_t port, Tls tls) : RawClient(port) {
  context_.reset(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  if (tls.certificate) {
    SSL_CTX_use_certificate_chain_file(context_.get(), test_pki().client_chain.c_str());
    SSL_CTX_use_PrivateKey_file(context_.get(), test_pki().client_key.c_str(), SSL_FILETYPE_PEM);
  }
  tls_ = SSL_new(context_.get());
  SSL_set_fd(tls_, fd_);
  if (tls.session != nullptr) SSL_set_session(tls_, tls.session);
  ok_ = ok_ && SSL_connect(tls_) == 1;
}

RawClient::~RawClient() {
  if (tls_ != nullptr) {
    SSL_shutdown(tls_);  // OpenSSL does not resume a session that ended without
    SSL_free(tls_);
  }
  if (fd_ >= 0) ::close(fd_);
}

bool RawClient::resumed() const { return SSL_session_reused(tls_) != 0; }

std::shared_ptr<ssl_session_st> RawClient::session() const { return {SSL_get1_session(tls_), &SSL_SESSION_free}; }

void RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = tls_ != nullptr ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                                      : static_cast<int>(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void RawClient::half_close() { ::shutdown(fd_, SHUT_WR); }

bool RawClient::fill() {
  char room[16384];
  errno = 0;
  const auto got = tls_ != nullptr ? SSL_read(tls_, room, sizeof room) : static_cast<int>(::recv(fd_, room, sizeof room, 0));
  if (got > 0) buffer_.append(room, static_cast<std::size_t>(got));
  return got > 0;
}

RawResponse RawClient::read(bool head_only) {
  RawResponse response;
  std::size_t end;
  while ((end = buffer_.find("\r\n\r\n")) == buffer_.npos)
    if (!fill()) return response;
  response.head = buffer_.substr(0, end + 4);
  buffer_.erase(0, end + 4);
  response.status = static_cast<int>(parse_int(response.head.substr(9, 3)).value_or(0));
  const auto length = static_cast<std::size_t>(parse_int(response.header("Content-Length")).value_or(0));
  while (!head_only && buffer_.size() < length)
    if (!fill()) return {};
  if (!head_only) {
    response.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
  }
  return response;
}

bool RawClient::at_end() { return buffer_.empty() && !fill() && errno != EAGAIN; }

std::string get_request(std::string_view path, std::string_view more) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", path, more);
}

std::string pattern_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  SeededRandom random(size);
  const auto seed = random.bytes(4096);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(seed[i % 4096] + static_cast<char>(i / 4096 * 7 + i / 1048576));
  return bytes;
}

std::shared_ptr<Fd> open_file(const std::string& path) { return std::make_shared<Fd>(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); }

}  // namespace fp::net::testing
