#include "apps/config_enrollment.hpp"

#include "apps/doors.hpp"
#include "apps/setup.hpp"

namespace fp::apps {

void read_enrollment(Section point, Section proxy, SiteConfig& out) {
  EnrollmentConfig& e = out.enrollment;
  point.flag("enabled", e.point);
  point.flag("domain_accounts", e.domain_accounts);
  point.number("certificate_days", e.certificate_days, 1, 3650);
  point.refuse_unknown();
  Connections connections = Connections::internet;
  proxy.word("connections", connections,
             {{"intranet", Connections::intranet}, {"internet", Connections::internet}, {"both", Connections::both}});
  if (proxy.get("connections") || out.role == HostRole::enrollment_proxy_point) e.proxy = connections;
  proxy.refuse_unknown();
}

void check_enrollment(const std::function<void(const char*, const char*, std::string_view)>& say, const SiteConfig& config, bool files) {
  const EnrollmentConfig& e = config.enrollment;
  const bool site = config.role == HostRole::site;
  if (!site && (e.point || e.domain_accounts))
    say("enrollment", "enabled", "the enrollment point reaches the authority and runs in the site server alone: this host can have [enrollment_proxy_point]");
  if (site && e.point && files && !file_exists(authority_of(config.data) / "issuing.key"))
    say("enrollment", "enabled", "the enrollment point issues with the site's own authority, and there is none: farpointd init --own-ca makes one");
  if (e.domain_accounts && !e.point) say("enrollment", "domain_accounts", "there is no enrollment point: enabled = true switches it on");
  if (e.domain_accounts && (config.windows_auth.keytab.empty() || config.windows_auth.domains.empty()))
    say("enrollment", "domain_accounts", "passwords are verified by Kerberos: windows_auth.keytab and windows_auth.domains are needed");
  if (!e.proxy) return;
  if (config.role == HostRole::distribution_point)
    return say("enrollment_proxy_point", "connections", "a host of the role distribution-point has no site link: enrolment cannot be passed on from here");
  if (site && !e.point) say("enrollment_proxy_point", "connections", "there is no enrollment point behind it: enrollment.enabled = true switches it on");
  if (config.role == HostRole::secondary_site && *e.proxy != Connections::intranet)
    return say("enrollment_proxy_point", "connections",
               "must be intranet at a secondary site: \"Secondary sites don't support client connections from untrusted locations.\"");
  const auto behind = [&](Door door) {
    return std::ranges::any_of(config.listeners, [&](const ListenerConfig& l) { return l.door == door; });
  };
  if (*e.proxy != Connections::intranet && !behind(Door::internet_https))
    say("enrollment_proxy_point", "connections", "no listener has the door internet-https");
  if (*e.proxy != Connections::internet && !behind(Door::intranet_https))
    say("enrollment_proxy_point", "connections", "no listener has the door intranet-https: a secret does not travel over plain HTTP");
}

}  // namespace fp::apps
