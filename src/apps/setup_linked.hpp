// Making a host that speaks to its site over the site link: a management point of its own (`farpointd init-mp`), a secondary site
// (`init-secondary`), a gateway (`init-gateway`), an enrollment proxy point (`init-epp`) or a fallback status point (`init-fsp`): a data folder with copies of
// the certificates it was given, and a configuration that pins the site. One thread, once. Never overwrites anything, makes no key, and asks no server.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "apps/setup.hpp"

namespace fp::apps {

struct LinkedHostOptions {
  HostRole role = HostRole::management_point;  // or secondary_site, gateway, fallback_status_point, enrollment_proxy_point
  bool enrollment = false;                    // an enrollment proxy point besides
  std::string site_code;                      // of the site; of a secondary one its own
  std::string parent;                         // secondary: site code of the primary
  std::string intranet_fqdn, internet_fqdn;   // names by which clients call it
  Path data = "/var/lib/farpoint";
  Path config = "/etc/farpoint/farpoint.toml";
  std::optional<Endpoint> internet, intranet, intranet_http;
  std::optional<Endpoint> link;               // where the site opens the site link
  std::string site;                           // or HOST:PORT where this host opens it (management point, secondary site)
  std::vector<Path> issuers;                  // authorities of clients' certificates
  std::vector<Path> crl_files;                // read where they lie, as they are renewed there
  Path certificate, key;                      // the host's own, for servers; also shown on the site link unless the next are named
  Path link_certificate, link_key;
  Path site_certificate;                      // what the site shows on the link (its link.pem)
  bool content = true;                        // gateway: content-enabled
  bool verify_revocation = true;              // gateway: of clients' certificates, at its own end
  std::optional<Endpoint> clients;            // fallback status point, or gateway with one: plain HTTP
  int messages = 10'000;                      // of it, in an hour; 0: no limit
  std::string user;                           // as in SetupOptions
};

// Code::invalid: an option that is missing or a file that is not what it should be; Code::conflict: something is there already.
[[nodiscard]] Result<SetupResult> set_up_linked_host(const LinkedHostOptions& options);

}  // namespace fp::apps
