// Making a site: folder, keys, database with its first objects, on request a certificate authority, and a configuration
// file that says it all (`farpointd init`). One thread, once. Never overwrites anything: a second init is refused.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "apps/config.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "store/store.hpp"

namespace fp::apps {

struct Endpoint {
  std::string address;
  int port = 0;
};
[[nodiscard]] Result<Endpoint> parse_endpoint(std::string_view text);  // "0.0.0.0:443", "[::1]:443"

struct SetupOptions {
  std::string site_code;
  Path data = "/var/lib/farpoint";
  Path config = "/etc/farpoint/farpoint.toml";
  bool own_ca = false;
  std::string organisation = "Farpoint";
  std::string intranet_fqdn, internet_fqdn;
  std::optional<Endpoint> internet, intranet, intranet_http, crl, link;
  Endpoint admin{"127.0.0.1", 9443};
  std::vector<Path> issuers;          // other CAs whose client certificates are accepted
  Path certificate, key;              // the server's own, where no CA is made here
  Path link_certificate, link_key;    // what the site shows to distribution points on other hosts; empty: the own CA makes it
  std::string user;                   // who shall own what root makes; empty: the user `farpoint` where there is one
  ApprovalMode approval = ApprovalMode::trusted;
  bool dp_anonymous = false;
  bool legacy_cms = false;
  int key_bits = 3072;                // of the CA
};

struct SetupResult {
  std::string admin_token;            // shown once
  Path config, admin_cli;             // admin_cli: what the `farpoint` command reads, 0600
  std::vector<std::string> made;      // one line for each thing, for the person who watches
};

[[nodiscard]] Result<SetupResult> set_up_site(const SetupOptions& options, const Clock& clock, Random& random);

// The first objects of a site: root collection, default client settings, the first administrator.
[[nodiscard]] Status put_first_objects(store::Store& store, const SiteConfig& config, std::string_view admin_token, Instant now);

// The site's own management and distribution point, as the configuration says: at every start, because it may have changed.
[[nodiscard]] Status put_own_points(store::Store& store, const SiteConfig& config);

[[nodiscard]] std::string http_url_of(const SiteConfig& config);  // of the plain intranet listener; empty: none

// Where the pieces lie below the data folder.
[[nodiscard]] inline Path database_of(const Path& data) { return data / "site.db"; }
[[nodiscard]] inline Path keys_of(const Path& data) { return data / "keys"; }
[[nodiscard]] inline Path library_of(const Path& data) { return data / "content"; }
[[nodiscard]] inline Path authority_of(const Path& data) { return data / "ca"; }
[[nodiscard]] inline Path uploads_of(const Path& data) { return data / "uploads"; }
[[nodiscard]] inline Path spool_of(const Path& data) { return data / "spool"; }
[[nodiscard]] inline Path delivered_trust_of(const Path& data) { return data / "trust.json"; }
[[nodiscard]] inline Path client_files_of(const Path& data) { return data / "client"; }

}  // namespace fp::apps
