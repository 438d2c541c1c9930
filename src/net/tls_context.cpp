#include "net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/text.hpp"
#include "crypto/hash.hpp"

namespace fp::net {
namespace {

constexpr long kSessionLifetimeS = 4 * 3600;  // several polls of an agent; every resumption is verified again anyway
constexpr std::size_t kTicketChainBytesMax = 12U << 10;
constexpr long kClientChainBytesMax = 48 << 10;  // the leaf must fit into a ticket of 64 KiB
constexpr char kTicketWithChain = 'C';
constexpr char kTicketChainTooLong = 'X';

std::string der_of(X509* certificate) {
  unsigned char* raw = nullptr;
  const int size = i2d_X509(certificate, &raw);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<char*>(raw), static_cast<std::size_t>(size));
  OPENSSL_free(raw);
  return der;
}

std::vector<std::string> sent_chain(SSL* ssl) {
  std::vector<std::string> chain;
  const auto* sent = SSL_get_peer_cert_chain(ssl);
  for (int i = 0; sent != nullptr && i < sk_X509_num(sent); ++i) chain.push_back(der_of(sk_X509_value(sent, i)));
  return chain;
}

// A session ticket holds the client's leaf but not its intermediates; without them a resumed session could not be verified
// again. So they travel in the ticket's application data, each with its length before it.
int put_chain_into_ticket(SSL* ssl, void*) {
  std::string data(1, kTicketWithChain);
  for (const auto& der : shown_certificate(ssl).chain_der) {
    const auto size = static_cast<std::uint32_t>(der.size());
    for (int shift = 24; shift >= 0; shift -= 8) data.push_back(static_cast<char>(size >> shift));
    data += der;
  }
  if (data.size() > kTicketChainBytesMax) data.assign(1, kTicketChainTooLong);
  return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), data.data(), data.size());
}

SSL_TICKET_RETURN accept_ticket(SSL*, SSL_SESSION* session, const unsigned char*, std::size_t, SSL_TICKET_STATUS status, void*) {
  if (status == SSL_TICKET_EMPTY || status == SSL_TICKET_NO_DECRYPT) return SSL_TICKET_RETURN_IGNORE_RENEW;
  void* data = nullptr;
  std::size_t size = 0;
  if (SSL_SESSION_get0_ticket_appdata(session, &data, &size) != 1 || size == 0 ||
      *static_cast<const char*>(data) != kTicketWithChain)
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS_RENEW ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
}

std::vector<std::string> chain_from_ticket(SSL* ssl) {
  std::vector<std::string> chain;
  void* raw = nullptr;
  std::size_t size = 0;
  if (SSL_SESSION_get0_ticket_appdata(SSL_get_session(ssl), &raw, &size) != 1 || size == 0) return chain;
  std::string_view data(static_cast<const char*>(raw), size);
  data.remove_prefix(1);
  while (data.size() > 4) {
    std::size_t length = 0;
    for (int i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(data[static_cast<std::size_t>(i)]);
    data.remove_prefix(4);
    if (length > data.size()) break;
    chain.emplace_back(data.substr(0, length));
    data.remove_prefix(length);
  }
  return chain;
}

// We speak HTTP/1.1 only; a client that offers nothing we know goes on without ALPN.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered, unsigned size, void*) {
  static constexpr unsigned char http11[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, http11, 9, offered, size) != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Status load_files(SSL_CTX* context, const TlsSettings& settings) {
  if (SSL_CTX_use_certificate_chain_file(context, settings.certificate_file.c_str()) != 1)
    return fail(Code::invalid, "server certificate {}: {}", settings.certificate_file, tls_errors());
  for (const auto& file : settings.chain_files) {
    std::unique_ptr<BIO, int (*)(BIO*)> in(BIO_new_file(file.c_str(), "r"), &BIO_free);
    if (!in) return fail(Code::invalid, "certificate chain {}: {}", file, tls_errors());
    while (X509* intermediate = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr))
      if (SSL_CTX_add0_chain_cert(context, intermediate) != 1) X509_free(intermediate);
    ERR_clear_error();  // the end of the file is reported as an error
  }
  if (SSL_CTX_use_PrivateKey_file(context, settings.key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return fail(Code::invalid, "server key {}: {}", settings.key_file, tls_errors());
  if (SSL_CTX_check_private_key(context) != 1)
    return fail(Code::invalid, "server key {} does not belong to {}", settings.key_file, settings.certificate_file);
  if (settings.client_ca_files.empty()) return {};
  auto* names = sk_X509_NAME_new_null();
  for (const auto& file : settings.client_ca_files) {
    if (SSL_add_file_cert_subjects_to_stack(names, file.c_str()) == 1) continue;
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return fail(Code::invalid, "client issuers {}: {}", file, tls_errors());
  }
  SSL_CTX_set_client_CA_list(context, names);
  return {};
}

Status set_ciphers(SSL_CTX* context, const TlsSettings& settings) {
  const auto& wanted = settings.ciphers_tls12;
  if (SSL_CTX_set_cipher_list(context, wanted.empty() ? "ECDHE+AESGCM:ECDHE+CHACHA20" : wanted.c_str()) != 1)
    return fail(Code::invalid, "TLS 1.2 ciphers \"{}\": {}", wanted, tls_errors());
  if (!settings.ciphers_tls13.empty() && SSL_CTX_set_ciphersuites(context, settings.ciphers_tls13.c_str()) != 1)
    return fail(Code::invalid, "TLS 1.3 ciphers \"{}\": {}", settings.ciphers_tls13, tls_errors());
  return {};
}

}  // namespace

Result<std::shared_ptr<ssl_ctx_st>> make_tls_context(const TlsSettings& settings, std::string_view listener) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> shared(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  if (!shared) return fail(Code::internal, "TLS context: {}", tls_errors());
  SSL_CTX* context = shared.get();
  SSL_CTX_set_min_proto_version(context, settings.version_min == TlsVersion::tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);  // one read() for a record instead of two
  FP_CHECK(set_ciphers(context, settings));
  FP_CHECK(load_files(context, settings));
  // Asked for, never required. The verify callback of the whole chain replaces OpenSSL's own work, which the PeerVerifier does.
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(
      context,
      [](X509_STORE_CTX* store, void*) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
      },
      nullptr);
  const auto id = crypto::sha256(listener);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(id.data()), 16);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets only: no memory per session
  SSL_CTX_set_timeout(context, kSessionLifetimeS);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_max_cert_list(context, kClientChainBytesMax);
  SSL_CTX_set_session_ticket_cb(context, &put_chain_into_ticket, &accept_ticket, nullptr);
  SSL_CTX_set_alpn_select_cb(context, &choose_protocol, nullptr);
  return shared;
}

ShownCertificate shown_certificate(ssl_st* ssl) {
  ShownCertificate shown;
  std::unique_ptr<X509, void (*)(X509*)> leaf(SSL_get1_peer_certificate(ssl), &X509_free);
  if (!leaf) return shown;
  shown.leaf_der = der_of(leaf.get());
  shown.fingerprint = hex_lower(crypto::sha256(shown.leaf_der));
  shown.chain_der = SSL_session_reused(ssl) != 0 ? chain_from_ticket(ssl) : sent_chain(ssl);
  return shown;
}

std::string server_end_point(ssl_st* ssl) {
  X509* own = SSL_get_certificate(ssl);
  int digest = NID_undef;
  if (own == nullptr) return {};
  if (X509_get_signature_info(own, &digest, nullptr, nullptr, nullptr) != 1) digest = NID_undef;
  const EVP_MD* method = digest == NID_undef || digest == NID_md5 || digest == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(digest);
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (method == nullptr || X509_digest(own, method, hash, &size) != 1) return {};
  return {reinterpret_cast<const char*>(hash), size};
}

bool tls_session_resumed(ssl_st* ssl) { return SSL_session_reused(ssl) != 0; }

std::string tls_errors() {
  std::string text;
  while (const auto code = ERR_get_error()) {
    char line[256];
    ERR_error_string_n(code, line, sizeof line);
    if (!text.empty()) text += "; ";
    text += line;
  }
  return text.empty() ? "no detail" : text;
}

}  // namespace fp::net
