// For this room's tests: throw-away certificates, a server on 127.0.0.1, and a client that sends exactly the bytes it is told.
// One thread per RawClient. Costs a few RSA keys once per test program. Never used outside *_test.cpp.
#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/file.hpp"
#include "base/test_folder.hpp"
#include "net/server.hpp"

struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;

namespace fp::net::testing {

// PEM files: root, issuing authority below it, and leaves. Chains: leaf and issuing authority.
struct TestPki {
  TestFolder dir;
  std::string ca_file;  // the root
  std::string server_chain, server_key;    // localhost, 127.0.0.1
  std::string other_chain, other_key;      // elsewhere.example
  std::string expired_chain, expired_key;  // localhost, two days ago
  std::string client_chain, client_key;
  std::string client_fingerprint, server_fingerprint;
  std::string client_der, issuing_der;
  std::string stranger_ca_file;  // a root that issued nothing here
  std::string crl_file;          // of root and issuing authority; nothing revoked
  std::string crl_revoked_file;  // the same, the server's certificate revoked
};
[[nodiscard]] const TestPki& test_pki();

[[nodiscard]] TlsSettings server_tls();
[[nodiscard]] ListenerOptions plain_listener();
[[nodiscard]] ListenerOptions tls_listener();

// Waits a minute at most for `condition`; false when it did not come.
template <class Condition>
[[nodiscard]] bool eventually(Condition condition) {
  for (int i = 0; i < 6000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

struct RawResponse {
  int status = 0;
  std::string head;  // with its empty line
  std::string body;
  [[nodiscard]] std::string header(std::string_view name) const;
};

class RawClient {
 public:
  struct Tls {
    bool certificate = false;  // show the client certificate and its chain
    ssl_session_st* session = nullptr;
  };
  explicit RawClient(std::uint16_t port);
  RawClient(std::uint16_t port, Tls tls);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  [[nodiscard]] bool connected() const { return ok_; }
  [[nodiscard]] bool resumed() const;
  // After a response was read: tickets come with it in TLS 1.3. Owned by the caller.
  [[nodiscard]] std::shared_ptr<ssl_session_st> session() const;
  void send(std::string_view bytes);
  void half_close();
  // Status 0: the connection ended instead. `head_only`: no body follows, whatever Content-Length says.
  [[nodiscard]] RawResponse read(bool head_only = false);
  [[nodiscard]] bool at_end();  // the server closes without another byte
  [[nodiscard]] RawResponse ask(std::string_view bytes) { send(bytes); return read(); }

 private:
  [[nodiscard]] bool fill();
  int fd_ = -1;
  bool ok_ = false;
  std::string buffer_;
  std::shared_ptr<ssl_ctx_st> context_;
  std::shared_ptr<ssl_session_st> given_;
  ssl_st* tls_ = nullptr;
};

// "GET /path HTTP/1.1\r\nHost: x\r\n<more>\r\n"
[[nodiscard]] std::string get_request(std::string_view path, std::string_view more = {});
// Bytes that differ everywhere.
[[nodiscard]] std::string pattern_bytes(std::size_t size);
[[nodiscard]] std::shared_ptr<Fd> open_file(const std::string& path);

}  // namespace fp::net::testing
