#include "apps/content_role.hpp"

#include "apps/setup.hpp"
#include "base/log.hpp"

namespace fp::apps {

Result<ContentRole> ContentRole::open(const SiteConfig& config, const std::string& site_fingerprint, const Path& certificate,
                                      const Path& key, const Clock& clock) {
  ContentRole role;
  content::LibraryOptions options;
  options.folder = library_of(config.data);
  FP_TRY(contents, content::Library::open(options));
  role.library = std::move(contents);
  FP_TRY(orders, dp::PullOrders::open(config.data / "pulls"));
  role.pulls = std::move(orders);
  dp::Settings settings;
  settings.host = config.dp_name;
  settings.anonymous_intranet = config.dp_anonymous;
  settings.site_fingerprints = {site_fingerprint};
  FP_TRY(told, dp::DeliveredTrust::open(delivered_trust_of(config.data)));
  role.delivered = std::move(told);
  settings.delivered = role.delivered;
  role.dp = std::make_unique<dp::DistributionPoint>(*role.library, clock, settings, role.pulls.get());
  net::ClientOptions identity;
  identity.tls.certificate_file = certificate.native();
  identity.tls.key_file = key.native();
  FP_TRY(authorities, write_authorities(config));
  identity.tls.ca_file = authorities;
  role.puller = std::make_unique<dp::PullWorker>(*role.library, identity);
  return role;
}

void ContentRole::follow(Trust& trust, std::function<void()> changed) {
  trust.replace_blocked(delivered->fingerprints());
  delivered->on_change([told = delivered.get(), &trust, changed = std::move(changed)] {
    trust.replace_blocked(told->fingerprints());
    changed();
  });
}

void ContentRole::pull(const Clock& clock, const std::function<bool()>& stop) {
  const int fetched = puller->run_once(*pulls, clock, stop);
  if (fetched > 0) log::info("pull", "{} contents fetched from other distribution points", fetched);
}

}  // namespace fp::apps
