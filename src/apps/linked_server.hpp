// A host that speaks to its site over the site link: a management point of its own (in the perimeter, as a rule), a secondary site
// (management point and distribution point for the intranet of one location), a gateway (the same on the internet, for the internet),
// an enrollment proxy point, a fallback status point, which a gateway may be besides. No database, no key of the site, no administrator's API.
// start() and stop() from one thread; everything inside has its own threads. Composition only: no rule is decided here.
// Never: anything that a theft of this host would turn against the site beyond what passes through it.
#pragma once
#include <memory>

#include "apps/config.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"

namespace fp::apps {

class LinkedServer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<LinkedServer>> start(const SiteConfig& config, const Clock& clock, Random& random);
  ~LinkedServer();  // stop()
  void stop();
  [[nodiscard]] Status reload();  // listener certificates, revocation lists

 private:
  struct Parts;
  explicit LinkedServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace fp::apps
