// A fallback status point as a part of a program: a spool, the role, and a server of its own for its clients, with limits of the size of
// the task: it stands open to everybody. One thread opens and ends it; everything inside has its own threads. Composition only.
// Never: a connection that it opens.
#pragma once
#include <memory>

#include "apps/background.hpp"
#include "apps/config.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "net/server.hpp"
#include "roles/fsp/fallback_status_point.hpp"

namespace fp::apps {

class FallbackRole {
 public:
  // `site_fingerprint`: of the certificate whose holder may fetch, over the site link.
  [[nodiscard]] static Result<std::unique_ptr<FallbackRole>> open(const SiteConfig& config, const std::string& site_fingerprint,
                                                                  const Clock& clock, Random& random);
  ~FallbackRole();  // stop()
  void stop();
  [[nodiscard]] net::Response asked_by_site(net::Request& request) { return fsp_->handle(request); }

 private:
  explicit FallbackRole(const Clock& clock) : chores_(clock) {}
  std::unique_ptr<fsp::Spool> spool_;
  std::unique_ptr<fsp::FallbackStatusPoint> fsp_;
  std::unique_ptr<net::Server> clients_;
  Background chores_;
};

}  // namespace fp::apps
