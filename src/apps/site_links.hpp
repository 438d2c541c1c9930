// The site server's end of the site link: which hosts may be at the other end (management points, gateways, enrollment proxy
// points and fallback status points in the store that have a fingerprint), what they pass on from their clients, and what is asked of them. refresh() from one thread at a time, everything
// else from any. Composition only. Never: belief in what a perimeter host says about a certificate: it is verified here again.
#pragma once
#include <functional>
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
  // `on_open`: called on a thread of the link whenever one opens. Null where the site has no certificate for the link; then there is none, and refresh() of nobody would say so.
  [[nodiscard]] static Result<std::unique_ptr<SiteLinks>> start(const SiteConfig& config, store::Store& store, const Trust& trust,
                                                                mp::Service& service, enrollment::EnrollmentPoint* enrollment,
                                                                const Clock& clock, Random& random, std::function<void()> on_open = {});
  ~SiteLinks();
  void stop();
  [[nodiscard]] Status refresh();  // after a change of the management points or the enrollment proxy points
  [[nodiscard]] std::vector<net::LinkState> states() const { return link_->states(); }
  // What a distribution point is asked: for commit and validation as long as those may take.
  [[nodiscard]] Result<net::Response> ask(const std::string& name, net::Request& request) const;
  // What is answered from memory or with one look at the disk; no answer larger than that.
  [[nodiscard]] Result<net::Response> ask_briefly(const std::string& name, net::Request& request, std::int64_t body_bytes_max) const;

 private:
  enum class Passage { open, not_its_door, no_gateway_traffic };
  SiteLinks(const SiteConfig& config, store::Store& store, const Trust& trust, mp::Service& service, enrollment::EnrollmentPoint* enrollment,
            const Clock& clock)
      : site_code_(config.site_code), gateway_traffic_(config.allow_gateway_traffic), store_(store), trust_(trust), service_(service),
        enrollment_(enrollment), clock_(clock) {}
  [[nodiscard]] Passage passage(const net::Request& request) const;
  [[nodiscard]] net::Response forwarded(net::Request& request);
  void note(const net::LinkState& state);

  const std::string site_code_;
  const bool gateway_traffic_;
  store::Store& store_;
  const Trust& trust_;
  mp::Service& service_;
  enrollment::EnrollmentPoint* enrollment_;  // null: this site has none
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, ManagementPoint> points_;  // with a link, by name
  std::map<std::string, Connections> proxies_;     // enrollment proxy points, by name
  std::function<void()> on_open_;
  std::unique_ptr<net::Link> link_;
};

}  // namespace fp::apps
