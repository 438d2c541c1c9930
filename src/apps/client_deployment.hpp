// How a running site makes clients and wakes them: bundles from its configuration as it is now, client push and wake-up packets
// on a thread of their own, because both wait on the network. start() and stop() from one thread, hooks() for the admin API.
// Composition only: what is allowed is decided in domain/internet, what is in a bundle in site.
#pragma once
#include <atomic>
#include <memory>

#include "apps/background.hpp"
#include "apps/config.hpp"
#include "packages/runner.hpp"
#include "roles/admin/api.hpp"
#include "roles/intranet/client_pusher.hpp"
#include "site/wake_up.hpp"

namespace fp::apps {

class ClientDeployment {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ClientDeployment>> open(const SiteConfig& config, store::Store& store, const Clock& clock,
                                                                      Random& random);
  ~ClientDeployment() { stop(); }
  void start();
  void stop();  // a push that is under way is ended and tried again at the next start

  [[nodiscard]] admin::ClientHooks hooks();
  [[nodiscard]] internet::WakeSend wake_send() const;

 private:
  ClientDeployment(const SiteConfig& config, store::Store& store, const Clock& clock, Random& random);
  [[nodiscard]] Result<site::BundleSource> source() const;
  [[nodiscard]] Result<site::ClientBundle> bundle(const site::BundleOrder& order) const;

  const SiteConfig config_;
  const Clock& clock_;
  Random& random_;
  packages::ProcessRunner runner_;
  site::WakeUps wake_ups_;
  std::unique_ptr<intranet::ClientPusher> pusher_;
  std::atomic<bool> stopping_{false};
  Background pushes_, wakes_;
};

}  // namespace fp::apps
