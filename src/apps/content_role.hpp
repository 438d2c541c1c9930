// A distribution point away from the site's server, as a part of a program: library, orders to pull, the role, and who fetches. One
// thread opens it; the parts have the threads that their headers say.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "apps/config.hpp"
#include "apps/trust.hpp"
#include "base/clock.hpp"
#include "content/library.hpp"
#include "roles/dp/distribution_point.hpp"
#include "roles/dp/pull_worker.hpp"

namespace fp::apps {

struct ContentRole {
  std::unique_ptr<content::Library> library;
  std::shared_ptr<dp::DeliveredTrust> delivered;  // by the site: the key of capabilities, and who is blocked
  std::unique_ptr<dp::PullOrders> pulls;
  std::unique_ptr<dp::DistributionPoint> dp;
  std::unique_ptr<dp::PullWorker> puller;

  // `site_fingerprint`: of the certificate that alone may bring content; certificate and key: what is shown where it pulls from.
  [[nodiscard]] static Result<ContentRole> open(const SiteConfig& config, const std::string& site_fingerprint, const Path& certificate,
                                                const Path& key, const Clock& clock);
  // Makes `trust` know who the site blocked, now and whenever it says so again; `changed` is called then.
  void follow(Trust& trust, std::function<void()> changed);
  void pull(const Clock& clock, const std::function<bool()>& stop);  // what was ordered; blocks on the network
};

}  // namespace fp::apps
