// A host that holds the fallback status point and nothing else of a site: no database, no key of the site, no certificate that
// opens anything. It has a spool, and the fingerprint of the one certificate that may fetch from it.
// start() and stop() from one thread; everything inside has its own threads. Composition only: no rule is decided here.
// Never: a connection that it opens.
#pragma once
#include <memory>

#include "apps/config.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"

namespace fp::apps {

class FallbackServer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<FallbackServer>> start(const SiteConfig& config, const Clock& clock, Random& random);
  ~FallbackServer();  // stop()
  void stop();
  [[nodiscard]] Status reload();  // the certificate of the site's door

 private:
  struct Parts;
  explicit FallbackServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace fp::apps
