// The real Transport, over net's client (libcurl): mutual TLS with the chosen certificate, by the first way out that works.
// One thread; keeps connections open between calls. A proxy that failed is not asked again by the same transport (one pass);
// one that refuses a single server is not asked again for that. Never: another certificate than the one it was made with.
#pragma once
#include <functional>
#include <memory>

#include "agent/core/outbound.hpp"
#include "agent/core/transport.hpp"
#include "base/file.hpp"

namespace fp::agent {

// Which way the calls to the internet take, told when that changes. `problem`: why the ones before it do not serve.
struct WayTaken {
  std::string proxy, source;  // empty: directly
  std::string problem;
  bool none = false;          // no way is left
  bool operator==(const WayTaken&) const = default;
};

struct HttpTransportOptions {
  Path certificate, key;  // PEM; empty: none (an intranet with HTTP only)
  Path ca_file;           // trusted roots of site systems; empty: the machine's
  Path crl_file;          // empty: revocation of site systems is not checked (/NoCRLCheck)
  Outbound outbound;
  std::function<bool(const std::string& url)> intranet;  // unset: nothing is
  std::function<void(const WayTaken&)> on_way;
  std::string resolve;    // "host:port:address", for tests
  std::function<bool()> stop;  // ends a call that is under way, within a second
};

class HttpTransport final : public Transport {
 public:
  explicit HttpTransport(const HttpTransportOptions& options);
  ~HttpTransport() override;
  Result<Reply> send(const Call& call) override;
  Result<Reply> fetch(const Call& call, std::int64_t offset, std::int64_t length, const Sink& sink) override;
  [[nodiscard]] bool proxy_failed() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fp::agent
