// The site's side of DeliveredTrust: tells every distribution point on another host its capability key and which devices are
// blocked; at once when that changes, after a failure with back-off, and now and then anew, so that one that was set up again
// hears of it. One thread; blocks on the network, a few seconds per distribution point at most. Never sends the site's own secret.
#pragma once
#include <map>
#include <string>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "net/client.hpp"
#include "roles/dp/link_client.hpp"
#include "store/store.hpp"

namespace fp::dp {

struct CourierOptions {
  net::ClientOptions identity;      // the site server's certificate, pinned by every distribution point
  std::string capability_secret;    // the site's
  OverLink over_link;               // as in DistributorOptions
  std::int64_t again_every_ms = 10 * 60'000;
  Backoff retry{5'000, 5 * 60'000};
};

class TrustCourier {
 public:
  TrustCourier(store::Store& store, const Clock& clock, Random& random, CourierOptions options)
      : store_(store), clock_(clock), random_(random), options_(std::move(options)) {}

  // How many distribution points were told something. Cheap where nothing changed: one read of the store.
  [[nodiscard]] Result<int> run_once();

 private:
  struct Told {
    std::string digest;          // of what it was told last; empty: nothing yet
    Instant at, not_before;
    int failures = 0;
  };
  [[nodiscard]] bool due(const Told& told, const std::string& digest) const;

  store::Store& store_;
  const Clock& clock_;
  Random& random_;
  CourierOptions options_;
  std::map<std::string, Told> told_;  // by name
};

}  // namespace fp::dp
