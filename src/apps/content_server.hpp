// A host that holds the distribution point and nothing else of a site: no database, no site key, no administrator's API. It has a
// content library, the list of issuers whose certificates open it, and the fingerprint of the one certificate that may push.
// start() and stop() from one thread; everything inside has its own threads. Composition only: no rule is decided here.
// Never: anything that a theft of this host would turn against the site beyond the content that lies here.
#pragma once
#include <memory>

#include "apps/config.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"

namespace fp::apps {

class ContentServer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ContentServer>> start(const SiteConfig& config, const Clock& clock, Random& random);
  ~ContentServer();  // stop()
  void stop();
  [[nodiscard]] Status reload();  // listener certificates, revocation lists
  [[nodiscard]] int port(std::size_t listener) const;  // of config.listeners[listener]

 private:
  struct Parts;
  explicit ContentServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace fp::apps
