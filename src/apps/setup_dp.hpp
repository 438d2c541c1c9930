// Making a host that holds a distribution point and nothing else (`farpointd init-dp`): a data folder with copies of the
// certificates it was given, an empty content library, and a configuration that pins the site server. One thread, once.
// Never overwrites anything, makes no key, and asks no server.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "apps/ownership.hpp"
#include "apps/setup.hpp"

namespace fp::apps {

struct ContentHostOptions {
  std::string site_code, fqdn;                // fqdn: the name that clients and the site call it by
  Path data = "/var/lib/farpoint";
  Path config = "/etc/farpoint/farpoint.toml";
  std::optional<Endpoint> internet, intranet, intranet_http;
  std::vector<Path> issuers;                  // authorities of clients' and of the site server's certificates
  std::vector<Path> crl_files;                // read where they lie, as they are renewed there
  Path certificate, key;                      // the host's own, for servers
  Path site_certificate;                      // what the site server shows (its link.pem): the only one that may push
  Path client_certificate, client_key;        // what this host shows to distribution points it pulls from; may be empty
  bool anonymous = false;
  std::string user;                           // as in SetupOptions
};

// Code::invalid: an option that is missing or a file that is not what it should be; Code::conflict: something is there already.
[[nodiscard]] Result<SetupResult> set_up_content_host(const ContentHostOptions& options);

// Shared by the hosts that are made with certificates they are given.
// A certificate with its chain, and its key, checked and copied to <stem>.pem and <stem>.key.
[[nodiscard]] Status copy_pair(const Path& certificate, const Path& key, const Path& stem);
struct HostToWrite {
  Path data, config;
  std::string text;                   // of the configuration
  Path folder;                        // what the role keeps, below data
  std::string_view folder_name;       // "content library"
  std::string permit;                 // a line that says who may what
  std::optional<ServiceUser> user;
};
// Checks the configuration, writes it, makes the folder and gives everything to the user of the service.
[[nodiscard]] Result<SetupResult> write_host(const HostToWrite& host);
[[nodiscard]] std::string listener_text(const Endpoint& at, std::string_view door, const Path& certificate, const Path& key);

}  // namespace fp::apps
