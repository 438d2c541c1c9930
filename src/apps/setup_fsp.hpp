// Making a host that holds a fallback status point and nothing else (`farpointd init-fsp`): a data folder with a spool, a copy of
// the certificate it is given for the site's door, and a configuration that pins the site server. One thread, once.
// Never overwrites anything, makes no key, and asks no server.
#pragma once
#include <optional>
#include <string>

#include "apps/setup.hpp"

namespace fp::apps {

struct FallbackHostOptions {
  std::string site_code, fqdn;        // fqdn: the name that clients and the site call it by
  Path data = "/var/lib/farpoint";
  Path config = "/etc/farpoint/farpoint.toml";
  std::optional<Endpoint> clients;    // plain HTTP
  std::optional<Endpoint> site;       // HTTPS: where the site fetches
  Path certificate, key;              // the host's own, for the site's door
  Path site_certificate;              // what the site server shows (its link.pem): the only one that may fetch
  int messages = 10'000;              // in an hour; 0: no limit
  std::string user;                   // as in SetupOptions
};

// Code::invalid: an option that is missing or a file that is not what it should be; Code::conflict: something is there already.
[[nodiscard]] Result<SetupResult> set_up_fallback_host(const FallbackHostOptions& options);

}  // namespace fp::apps
