// The site server's end of the site link: which hosts may be at the other end (the management points in the store that have a
// fingerprint, and the enrollment proxy points), what they pass on from their clients, and what is asked of them. refresh() from one thread at a time, everything
// else from any. Composition only. Never: belief in what a perimeter host says about a certificate: it is verified here again.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "apps/config.hpp"
#include "apps/trust.hpp"
#include "net/link.hpp"
#include "roles/enrollment/point.hpp"
#include "roles/mp/service.hpp"
#include "store/store.hpp"

namespace fp::apps {

// Under this name a site server greets.
inline constexpr const char* kSiteName = "site";

class SiteLinks {
 public:
  // Null where the site has no certificate for the link; then there is none, and refresh() of nobody would say so.
  [[nodiscard]] static Result<std::unique_ptr<SiteLinks>> start(const SiteConfig& config, store::Store& store, const Trust& trust,
                                                                mp::Service& service, enrollment::EnrollmentPoint* enrollment,
                                                                const Clock& clock, Random& random);
  ~SiteLinks();
  void stop();
  [[nodiscard]] Status refresh();  // after a change of the management points or the enrollment proxy points
  [[nodiscard]] std::vector<net::LinkState> states() const { return link_->states(); }
  [[nodiscard]] Result<net::Response> ask(const std::string& name, net::Request& request) const;

 private:
  SiteLinks(std::string site_code, store::Store& store, const Trust& trust, mp::Service& service, enrollment::EnrollmentPoint* enrollment,
            const Clock& clock)
      : site_code_(std::move(site_code)), store_(store), trust_(trust), service_(service), enrollment_(enrollment), clock_(clock) {}
  [[nodiscard]] bool may_pass_on(const net::Request& request) const;
  [[nodiscard]] net::Response forwarded(net::Request& request);
  void note(const net::LinkState& state);

  const std::string site_code_;
  store::Store& store_;
  const Trust& trust_;
  mp::Service& service_;
  enrollment::EnrollmentPoint* enrollment_;  // null: this site has none
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, ManagementPoint> points_;  // with a link, by name
  std::map<std::string, Connections> proxies_;     // enrollment proxy points, by name
  std::unique_ptr<net::Link> link_;
};

}  // namespace fp::apps
