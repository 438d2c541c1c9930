// What a gateway does besides its two roles, a management point that passes on and a distribution point: it takes the prefix off its
// clients' paths, counts what it does, and tells the site under /farpoint/gateway/v1/ (docs/protocol/gateway.md). Any thread; a look
// at the path and a few counters for each request. Never: an answer to a client, an identity that is kept.
#pragma once
#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/http.hpp"
#include "wire/gateway.hpp"

namespace fp::gateway {

struct Settings {
  std::string host;                 // public name; the number in the prefix follows from it
  std::string site_fingerprint;     // who may ask: SHA-256, lower-case hex
  bool verifies_revocation = true;  // of clients' certificates, at this end
};

class Gateway {
 public:
  Gateway(Settings settings, const Clock& clock);

  // net::HeadEditor: "/CCM_Proxy_MutualAuth/<own number>/X" becomes X, once; every other path stays, and those of other numbers are
  // answered 404 by the table.
  void take_off_prefix(net::Request& head) const;

  // What a client was answered; `from_store`: by the distribution point here.
  void count(const net::Request& request, const net::Response& response, bool from_store);
  void passed(const Status& answered);  // a request was taken to the site; the error is why it did not answer
  void certificate_until(Instant end);  // of what clients see

  [[nodiscard]] net::Response answer_site(const net::Request& request) const;
  [[nodiscard]] static bool owns(std::string_view path);
  [[nodiscard]] wire::GatewayStatus status() const;

 private:
  void note(std::string why);
  const Settings settings_;
  const std::string id_;
  const Clock& clock_;
  const Instant started_at_;
  std::atomic<std::int64_t> requests_{0}, refused_{0}, passed_{0}, unanswered_{0}, content_requests_{0}, content_bytes_{0};
  mutable std::mutex mutex_;
  Instant until_, failed_at_;
  std::string why_;
};

// The site's end: asks the gateway of that name. `ask`: over the site link. Code::unavailable: the link is down, with the reason;
// Code::invalid: it said what no gateway says.
using Ask = std::function<Result<net::Response>(const std::string& name, net::Request& request)>;
[[nodiscard]] Result<wire::GatewayStatus> status_of(const std::string& name, const Ask& ask);

}  // namespace fp::gateway
