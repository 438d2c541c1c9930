// Configurations for web proxies that publish a site: nginx and HAProxy, bridging (TLS ends at the proxy and is opened anew) or
// tunnelling (TLS passes through). docs/publishing.md says what to do with them. Any thread; pure: text from values.
// Never: a header of a client's proxy passed on, a verb or path beyond the seed's tables, a back end that is not verified.
#pragma once
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace CLI {
class App;
}

namespace fp::cli {

class Cli;
void add_publish_verb(CLI::App& app, Cli& cli);  // farpoint publish

// One public name and port, and HOST:PORT of what is behind it for each role; empty: not published there.
struct PublishedHost {
  std::string name;
  int port = 443;
  std::string mp, dp, sup;
};

struct PublishOptions {
  bool strict = false;            // only the headers of the seed's table, plain HTTP's own and those of BITS
  bool proxy_protocol = false;    // tunnel: say whose connection it is
  bool revocation = true;
  std::string listen = "0.0.0.0"; // address of the proxy that clients reach
  std::string folder;             // where the files will lie on the proxy
  std::string certificate, key;   // the proxy's own, on the proxy
  std::string command;            // for the comment: what made the file
};

// Names of the files beside the configuration.
inline constexpr std::string_view kIssuersFile = "issuers.pem", kBackendIssuersFile = "backend-issuers.pem",
                                  kListsFile = "revoked.pem", kNginxDenied = "denied.map", kHaproxyDenied = "denied.lst";

[[nodiscard]] std::string nginx_bridge(const std::vector<PublishedHost>& hosts, const PublishOptions& options);
[[nodiscard]] std::string nginx_tunnel(const std::vector<PublishedHost>& hosts, const PublishOptions& options);
[[nodiscard]] std::string haproxy_bridge(const std::vector<PublishedHost>& hosts, const PublishOptions& options);
[[nodiscard]] std::string haproxy_tunnel(const std::vector<PublishedHost>& hosts, const PublishOptions& options);

// Lower-case names of the request headers that a strict bridge lets through: the seed's, plain HTTP's and those of [MC-BUP].
[[nodiscard]] const std::vector<std::string_view>& strict_headers_mp();
[[nodiscard]] const std::vector<std::string_view>& strict_headers_dp();
[[nodiscard]] const std::vector<std::string_view>& strict_headers_sup();  // scans for updates: SOAP
// What is behind the name as a whole, for a tunnel.
[[nodiscard]] const std::string& only_backend(const PublishedHost& host);

// Replaces every @NAME@ of a template; a value is not looked at again.
[[nodiscard]] std::string filled(std::string_view text, const std::vector<std::pair<std::string_view, std::string>>& values);
// A name for an upstream or a back end: "mp_example_org_8443".
[[nodiscard]] std::string label_of(const PublishedHost& host);
[[nodiscard]] std::set<int> ports_of(const std::vector<PublishedHost>& hosts);

}  // namespace fp::cli
