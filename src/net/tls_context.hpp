// OpenSSL's settings of one listener, and what a finished handshake proved. OpenSSL types by forward declaration only.
// make_tls_context on any thread; a context is immutable afterwards and shared by connections. It never verifies a client
// certificate: it asks for one and hands on what was shown (design §7).
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "net/server.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace fp::net {

// `listener` keeps sessions of one listener from being resumed at another.
[[nodiscard]] Result<std::shared_ptr<ssl_ctx_st>> make_tls_context(const TlsSettings& settings, std::string_view listener);

struct ShownCertificate {
  std::string leaf_der;                // empty: none was shown
  std::vector<std::string> chain_der;  // what came with it, without the leaf; for a resumed session: from its ticket
  std::string fingerprint;             // SHA-256 of the leaf, lower-case hex
};
[[nodiscard]] ShownCertificate shown_certificate(ssl_st* ssl);
// Of our own certificate of this connection: its hash by the algorithm of its signature, SHA-256 at least (RFC 5929 §4.1).
[[nodiscard]] std::string server_end_point(ssl_st* ssl);
[[nodiscard]] bool tls_session_resumed(ssl_st* ssl);

// OpenSSL's queued errors of this thread as one text; clears them.
[[nodiscard]] std::string tls_errors();

}  // namespace fp::net
