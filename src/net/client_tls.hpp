// The client's side of TLS: options for libcurl, the pin, and the sentence that says which check failed. Inside src/net only.
// Same thread as its Client.
#pragma once
#include <optional>
#include <string>

#include "net/client.hpp"

namespace fp::net {

class ClientTlsState {
 public:
  // `curl` is a CURL*, `code` a CURLcode: libcurl stays out of headers.
  [[nodiscard]] Status apply(void* curl, const ClientTls& options);
  // Empty: the failure was not one of TLS.
  [[nodiscard]] std::optional<Error> explain(void* curl, int code, const std::string& place, const char* detail) const;

  TlsSeen* seen = nullptr;  // set before apply(): the chain goes there and nothing is verified

  // For the callback that compares the leaf.
  std::string pin;  // lower-case hex
  bool chain_too = false;
  bool pin_failed = false;
  std::string seen_fingerprint;
  int verify_error = 0;  // X509_V_ERR_*, of the first failed check
};

}  // namespace fp::net
