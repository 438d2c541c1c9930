#include "net/client_tls.hpp"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"

namespace fp::net {
namespace {

std::string der_of(X509* certificate) {
  unsigned char* raw = nullptr;
  const int size = i2d_X509(certificate, &raw);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<char*>(raw), static_cast<std::size_t>(size));
  OPENSSL_free(raw);
  return der;
}

std::string fingerprint_of(X509* certificate) {
  return hex_lower(crypto::sha256(der_of(certificate)));
}

void note_handshake(X509_STORE_CTX* store, TlsSeen& seen) {
  seen.chain_der.clear();
  const auto* sent = X509_STORE_CTX_get0_untrusted(store);  // the leaf among them
  for (int n = 0; n < sk_X509_num(sent); ++n) seen.chain_der.push_back(der_of(sk_X509_value(sent, n)));
  if (seen.chain_der.empty() && X509_STORE_CTX_get0_cert(store) != nullptr) seen.chain_der.push_back(der_of(X509_STORE_CTX_get0_cert(store)));
  const auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  if (ssl == nullptr) return;
  seen.version = SSL_get_version(ssl);
  if (const auto* cipher = SSL_get_current_cipher(ssl)) seen.cipher = SSL_CIPHER_get_name(cipher);
}

// Stands in for OpenSSL's own verification, which it calls where the chain is to be checked too.
int verify_chain(X509_STORE_CTX* store, void* user) {
  auto& state = *static_cast<ClientTlsState*>(user);
  X509* leaf = X509_STORE_CTX_get0_cert(store);
  if (state.seen != nullptr) {
    note_handshake(store, *state.seen);
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
  }
  if (!state.pin.empty()) {
    state.seen_fingerprint = leaf != nullptr ? fingerprint_of(leaf) : std::string();
    if (state.seen_fingerprint != state.pin) {
      state.pin_failed = true;
      X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
      return 0;
    }
  }
  if (!state.chain_too) {
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
  }
  const int result = X509_verify_cert(store);
  if (result != 1) state.verify_error = X509_STORE_CTX_get_error(store);
  return result;
}

CURLcode set_verification(CURL*, void* context, void* user) {
  SSL_CTX_set_cert_verify_callback(static_cast<SSL_CTX*>(context), &verify_chain, user);
  return CURLE_OK;
}

// The other end may be right.
std::string clock_here() { return fmt::format(" (the clock of this computer says {})", to_iso(system_clock().now())); }

std::string why(int verify_error) {
  switch (verify_error) {
    case X509_V_ERR_CERT_HAS_EXPIRED: return "its certificate, or one above it, is expired" + clock_here();
    case X509_V_ERR_CERT_NOT_YET_VALID: return "its certificate, or one above it, is not yet valid" + clock_here();
    case X509_V_ERR_CRL_NOT_YET_VALID: return "the CRL of its issuer is not yet valid" + clock_here();
    case X509_V_ERR_CERT_REVOKED: return "its certificate is revoked";
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER: return "no CRL of its issuer is at hand, which counts as revoked";
    case X509_V_ERR_CRL_HAS_EXPIRED: return "the CRL of its issuer is expired, which counts as revoked" + clock_here();
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return "its certificate is untrusted: it does not chain to a trusted root";
    case X509_V_ERR_INVALID_PURPOSE: return "its certificate is not for server authentication";
    default: return fmt::format("its certificate is untrusted: {}", X509_verify_cert_error_string(verify_error));
  }
}

// A file of ours that cannot be used is our mistake, not the server's.
std::optional<Error> local_fault(int code, const char* detail) {
  switch (code) {
    case CURLE_SSL_CERTPROBLEM: return Error{Code::invalid, fmt::format("the client certificate or key cannot be used: {}", detail)};
    case CURLE_SSL_CACERT_BADFILE: return Error{Code::invalid, fmt::format("the file of trusted roots cannot be used: {}", detail)};
    case CURLE_SSL_CRL_BADFILE: return Error{Code::invalid, fmt::format("the CRL file cannot be used: {}", detail)};
    default: return std::nullopt;
  }
}

}  // namespace

Status ClientTlsState::apply(void* curl, const ClientTls& options) {
  pin = lower(options.pinned_fingerprint);
  std::erase(pin, ':');
  chain_too = seen == nullptr && (pin.empty() || !options.ca_file.empty());
  pin_failed = false;
  verify_error = 0;
  for (const auto& file : {options.certificate_file, options.key_file, options.ca_file, options.crl_file})
    if (!file.empty() && !file_exists(file)) return fail(Code::invalid, "TLS file {} does not exist", file);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, chain_too ? 2L : 0L);
  if (!options.ca_file.empty()) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, options.ca_file.c_str());
    curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
  }
  if (!options.crl_file.empty()) curl_easy_setopt(curl, CURLOPT_CRLFILE, options.crl_file.c_str());
  if (!options.certificate_file.empty()) {
    curl_easy_setopt(curl, CURLOPT_SSLCERT, options.certificate_file.c_str());
    curl_easy_setopt(curl, CURLOPT_SSLKEY, options.key_file.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, &set_verification);
  curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, this);
  return {};
}

std::optional<Error> ClientTlsState::explain(void*, int code, const std::string& place, const char* detail) const {
  if (auto local = local_fault(code, detail)) return local;
  const bool tls = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR || code == CURLE_SSL_ISSUER_ERROR ||
                   code == CURLE_SSL_PINNEDPUBKEYNOTMATCH;
  if (!tls) return std::nullopt;
  if (pin_failed)
    return Error{Code::unauthenticated,
                 fmt::format("TLS: {} shows another certificate than the pinned one: {}", place, seen_fingerprint)};
  if (verify_error != 0) return Error{Code::unauthenticated, fmt::format("TLS: {}: {}", place, why(verify_error))};
  const std::string_view text(detail);
  if (icontains(text, "subject name") || icontains(text, "alternative certificate"))
    return Error{Code::unauthenticated, fmt::format("TLS: the certificate of {} is for another name (name mismatch)", place)};
  if (icontains(text, "wrong version number") || icontains(text, "unknown protocol"))
    return Error{Code::unauthenticated, fmt::format("TLS: {} does not speak TLS on this port", place)};
  return Error{Code::unauthenticated, fmt::format("TLS: no agreement with {}: {}", place, text)};
}

}  // namespace fp::net
