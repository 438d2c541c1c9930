// The distribution point as a role: wire.md §11 under /SMS_DP_SMSPKG$/ and /SMS_DP_SMSSIG$/, and what the site asks of it under
// /farpoint/dp/v1/ (docs/protocol/distribution.md). Who may have content stands in design §7, row "DP content".
// Threads: any; keeps nothing of a request. Cost: a map lookup per GET; bodies are slices of immutable files, never copied.
// Never: content for a peer that did not pass authorize(), a byte of a quarantined file, a write but through the library.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "content/library.hpp"
#include "domain/access/routes.hpp"
#include "net/http.hpp"
#include "roles/dp/delivered_trust.hpp"
#include "roles/dp/pull_orders.hpp"

namespace fp::dp {

struct Settings {
  std::string host;                   // for absolute URLs where a request has no Host
  std::string internet_host = {};     // the same on the internet; empty: host
  bool anonymous_intranet = false;    // an administrator's switch; never opens the internet door
  std::string capability_key;         // of wire/capability.hpp; empty: a pinned proxy gets nothing
  std::vector<std::string> site_fingerprints;  // SHA-256, lower-case hex: who may push; empty: nobody
  std::function<bool(const std::string& client_id)> blocked;  // asked for clients named by a capability; may be empty
  // On a host away from the site, in place of the two above: what the site delivers. Null: the site's own.
  std::shared_ptr<DeliveredTrust> delivered;
};

class DistributionPoint {
 public:
  // `pulls` may be null: pull orders are refused then.
  DistributionPoint(content::Library& library, const Clock& clock, Settings settings, PullOrders* pulls = nullptr);

  [[nodiscard]] net::Response handle(net::Request& request);

  // net::QuickHandler: a file whose descriptor is open, for a peer that may have it; empty for everything else.
  [[nodiscard]] std::optional<net::Response> handle_at_once(const net::Request& request) const;

  // True for every path of this role; the application mounts by it.
  [[nodiscard]] static bool owns(std::string_view path);
  [[nodiscard]] static std::size_t body_bytes_max(const net::Request& head);

 private:
  struct Target;
  [[nodiscard]] static Target target_of(const net::Request& request);
  [[nodiscard]] access::Caller caller_of(const net::Request& request) const;
  [[nodiscard]] access::Decision decide(const net::Request& request, const Target& target, const access::Caller& caller) const;
  // Whether the capability of a bridged request holds, and if not, why.
  [[nodiscard]] Status check_capability(const Target& target) const;
  [[nodiscard]] access::Decision authorize(const net::Request& request, const Target& target) const;
  [[nodiscard]] std::string name_at(Door door) const;
  [[nodiscard]] net::Response content(const net::Request& request, const Target& target);

  content::Library& library_;
  const Clock& clock_;
  Settings settings_;
  PullOrders* pulls_;
};

}  // namespace fp::dp
