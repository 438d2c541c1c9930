// The real Transport, over net's client (libcurl): mutual TLS with the chosen certificate, a web proxy where one is set.
// One thread; keeps connections open between calls. Never: another certificate than the one it was made with.
#pragma once
#include <functional>
#include <memory>

#include "agent/core/transport.hpp"
#include "base/file.hpp"

namespace fp::agent {

struct HttpTransportOptions {
  Path certificate, key;  // PEM; empty: none (an intranet with HTTP only)
  Path ca_file;           // trusted roots of site systems; empty: the machine's
  Path crl_file;          // empty: revocation of site systems is not checked (/NoCRLCheck)
  std::string proxy, no_proxy;
  std::string resolve;    // "host:port:address", for tests
  std::function<bool()> stop;  // ends a call that is under way, within a second
};

class HttpTransport final : public Transport {
 public:
  explicit HttpTransport(const HttpTransportOptions& options);
  ~HttpTransport() override;
  Result<Reply> send(const Call& call) override;
  Result<Reply> fetch(const Call& call, std::int64_t offset, std::int64_t length, const Sink& sink) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fp::agent
