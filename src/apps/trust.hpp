// What a site knows about certificates: the issuers list, revocation lists, pinned proxies and blocked devices, as the one
// verifier that every listener uses. Any thread. A check costs a few RSA verifications; a CRL fetch where one is due.
#pragma once
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "apps/config.hpp"
#include "base/clock.hpp"
#include "net/server.hpp"
#include "pki/crl_store.hpp"
#include "pki/verifier.hpp"
#include "store/store.hpp"

namespace fp::apps {

class Trust {
 public:
  // `store`: where blocked devices stand; null on a host that has none. Code::not_found, Code::invalid: an issuer file (named)
  // that cannot be used.
  [[nodiscard]] static Result<std::unique_ptr<Trust>> open(const SiteConfig& config, store::Store* store, const Clock& clock);

  [[nodiscard]] net::CertificateVerdict check_peer(std::string_view leaf_der, const std::vector<std::string>& chain_der) const;
  [[nodiscard]] CertificateCheck check_certificate(std::string_view der, Instant now) const;
  // In place of the store's, on a host that has none: fingerprints of certificates and keys.
  void replace_blocked(std::set<std::string> fingerprints);
  [[nodiscard]] std::vector<pki::Crl> current_lists() const { return crls_->current(clock_.now()); }
  [[nodiscard]] const pki::TrustPolicy& policy() const { return verifier_->policy(); }
  // Reads the blocked devices again; call it after a block or unblock, then recheck open connections.
  [[nodiscard]] Status reload_blocked();
  // Whether a list changed; then recheck open connections. `all`: also lists that are current.
  bool refresh_lists(bool all = false);
  [[nodiscard]] std::vector<pki::CrlStatus> lists() const { return crls_->status(clock_.now()); }

 private:
  Trust(store::Store* store, const Clock& clock) : store_(store), clock_(clock) {}
  store::Store* store_;
  const Clock& clock_;
  std::shared_ptr<pki::CrlStore> crls_;
  std::unique_ptr<pki::Verifier> verifier_;
  std::set<std::string> pinned_;
  std::string published_name_;  // of this host on the internet: a proxy web server's certificate names it too
  mutable std::mutex mutex_;
  std::set<std::string> blocked_;  // fingerprints of certificates and of keys
};

// Whether a certificate is one of a proxy web server (domain.md §5.1): it serves under the name that is published here.
[[nodiscard]] bool is_proxy_certificate(const pki::Certificate& leaf, std::string_view published_name);

// All issuers in one file below the data folder, anew at each start: what servers of other hosts of the site must chain to.
// Its path; empty where no issuer is named. Code::not_found: an issuer file that cannot be read.
[[nodiscard]] Result<std::string> write_authorities(const SiteConfig& config);

}  // namespace fp::apps
