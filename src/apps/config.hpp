// The site's configuration: one TOML file, checked whole, every mistake named with its line (docs/configuration.md).
// One thread, at start. Reads files only to see that they are there. Never: defaults that open a door.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "directory/publication.hpp"
#include "directory/windows_login.hpp"
#include "model/content.hpp"
#include "model/peer.hpp"
#include "site/maintenance.hpp"
#include "roles/sup/synchronizer.hpp"

namespace fp::apps {

struct ListenerConfig {
  std::string address = "0.0.0.0";
  int port = 0;
  Door door = Door::internet_https;
  Path certificate, key;        // PEM; empty on intranet-http
  bool proxy_protocol = false;
};

enum class ApprovalMode { manual, trusted, all };

// What a host is: a primary site with any of its roles; one role of a site that runs elsewhere; or a secondary site, which is a
// management point and a distribution point for the intranet of one location, fed from its primary.
// A gateway is a management point and, content-enabled, a distribution point on the internet, for the internet.
enum class HostRole { site, distribution_point, management_point, secondary_site, fallback_status_point, gateway, enrollment_proxy_point };

// The site link (docs/protocol/site-link.md). On a site server: where roles that open it find it. On the host of a role: either where
// the site opens it, or where the site is.
struct LinkConfig {
  std::string address;          // IP literal; empty: nobody opens it to this host
  int port = 0;
  std::string site;             // "host:port" of the site, where this host opens the link
  Path certificate, key;        // what this host shows on it
  std::string site_fingerprint; // SHA-256 of what the site shows
};

// The site in the directory of a domain. Switched off with a domain named: what was published is taken out.
struct DirectoryPublishing {
  bool enabled = false;
  directory::DomainLogin account;  // empty domain: there is no such section
};

// The enrollment point, which runs in the site server alone, and the enrollment proxy point: the door for it, here or on another host.
struct EnrollmentConfig {
  bool point = false;
  bool domain_accounts = false;   // besides tokens: user and password of an account of windows_auth.domains
  int certificate_days = 365;
  std::optional<Connections> proxy;  // nothing: no door on this host
};

struct SiteConfig {
  Path file;                    // where it was read
  HostRole role = HostRole::site;
  std::string site_code;
  std::string parent_code;      // of a secondary site: its primary
  Path data;                    // database, content library, keys
  ApprovalMode approval = ApprovalMode::trusted;
  bool use_pki_client_certificate = true;
  bool legacy_cms = false;      // old profile for secret policy; only for old third-party clients

  std::vector<Path> issuers;    // PEM files: who may issue client certificates
  std::vector<Path> crl_files;  // beside the distribution points named in certificates
  bool check_crl = true;
  std::vector<std::string> pinned_proxies;  // SHA-256 of bridging proxies' certificates

  std::vector<ListenerConfig> listeners;
  std::string intranet_fqdn, internet_fqdn;

  bool mp_enabled = true;
  Connections mp_connections = Connections::both;
  directory::LoginOptions windows_auth;  // nothing to log in with: no Windows door anywhere
  bool allow_gateway_traffic = false;  // gateways may pass clients' requests on to this site
  std::set<Door> windows_doors;
  Path client_files;            // served under /CCM_Client; empty: data/client

  bool dp_enabled = true;
  std::string dp_name;          // default: the intranet FQDN, else the internet one
  Connections dp_connections = Connections::both;
  bool dp_anonymous = false;    // intranet listeners only
  int dp_validate_every_h = 168;
  std::string dp_site_fingerprint;  // a DP on another host: the site server's pinned certificate

  bool sup_enabled = false;     // a section [software_update_point] that does not say enabled = false
  Connections sup_connections = Connections::both;
  int sup_sync_every_h = 24;
  std::string sup_proxy;        // to the repositories: "http://host:port"; empty: none
  std::vector<sup::RepositorySource> sup_sources;

  // Limits of a fallback status point.
  int fsp_messages = 10'000, fsp_messages_of_address = 1000, fsp_interval_s = 3600;  // 0 messages: no limit
  int fsp_spool_messages = 100'000, fsp_spool_mb = 256;

  std::string admin_address = "127.0.0.1";
  int admin_port = 9443;        // 0: no admin API
  Path admin_certificate, admin_key;
  Path link_certificate, link_key;  // client certificate towards distribution points on other hosts

  LinkConfig link;
  EnrollmentConfig enrollment;

  std::string crl_address;      // publishes data/ca/*.crl over plain HTTP; empty: not
  int crl_port = 0;

  site::MaintenanceDays maintenance;

  Path push_key, push_keytab;   // what the site logs on with; empty: none
  bool wake_unicast = false;    // instead of subnet-directed broadcasts
  int wake_port = 9;

  DirectoryPublishing directory_publishing;

  int worker_threads = 8;
  log::Options log;
};

// All mistakes, not the first: each "farpoint.toml:12: listener.port: ...". Empty: `out` is good.
[[nodiscard]] std::vector<std::string> read_config(const Path& file, SiteConfig& out);
[[nodiscard]] std::vector<std::string> parse_config(std::string_view text, const std::string& name, SiteConfig& out,
                                                    bool files_must_exist);

// As it stands in `site.role`, or in words: "management-point", "secondary site".
[[nodiscard]] std::string_view name_of(HostRole role);
// A fallback status point is there: the host is one, or it is a gateway with a door for its clients.
[[nodiscard]] bool has_fallback(const SiteConfig& config);
// Code::invalid: the first certificate of the PEM file does not name `host`; the message says what it names.
[[nodiscard]] Status check_name(const Path& certificate, const std::string& host);

// What is no mistake, and yet an administrator should know of a good configuration. One sentence each.
[[nodiscard]] std::vector<std::string> config_notes(const SiteConfig& config);

// Code::invalid: the first certificate of the one PEM file is not of the key in the other, or one of them is neither.
[[nodiscard]] Status check_pair(const Path& certificate, const Path& key);

}  // namespace fp::apps
