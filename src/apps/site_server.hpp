// A running site: store, keys, content library, roles and listeners, put together from the configuration, and the work that
// a site does by itself (evaluates collections, distributes and validates content, renews revocation lists).
// start() and stop() from one thread; everything inside has its own threads. Composition only: no rule is decided here.
#pragma once
#include <memory>
#include <string>

#include "apps/config.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "content/library.hpp"
#include "site/policy_maker.hpp"
#include "store/store.hpp"

namespace fp::apps {

class SiteServer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<SiteServer>> start(const SiteConfig& config, const Clock& clock, Random& random);
  ~SiteServer();  // stop()
  void stop();
  [[nodiscard]] Status reload();  // listener certificates, revocation lists, blocked devices

  [[nodiscard]] store::Store& store();
  [[nodiscard]] content::Library& library();
  [[nodiscard]] const site::PolicyMaker& policies() const;
  [[nodiscard]] int port(std::size_t listener) const;  // of config.listeners[listener]

 private:
  struct Parts;
  explicit SiteServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace fp::apps
