// What a computer is made a client with: the agent's package, roots, site signing certificate, properties, one command, a script
// that runs it, and on request a certificate of the site's own authority (domain.md §7, seed "Plan for internet-based
// clients"). Checked before it is handed out: every refusal says why and what to do. Any thread; costs two name look-ups, a chain
// check for each door, and a key where one is issued. Never: a secret in the properties, the command or the README.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/result.hpp"
#include "model/client_push.hpp"
#include "pki/certificate.hpp"
#include "pki/issue.hpp"
#include "site/archive.hpp"

namespace fp::site {

struct BundleOrder {
  BundleKind kind = BundleKind::dual;
  std::string site_code;                       // empty: the site's own; AUTO on the intranet only
  std::vector<std::string> management_points;  // of the intranet, instead of the site's own
  std::string fsp, dns_suffix, domain;
  std::string name;                            // host that it is for
  bool issue = false;                          // a certificate for that host
  bool check_crl = true;                       // false: /NoCRLCheck
  bool package = true;                         // false: somebody else adds it
};

// A door of the site as clients will see it.
struct BundleDoor {
  std::string host;
  int port = 443;
  bool https = true;
  std::vector<pki::Certificate> chain;  // what it shows, the leaf first
};

struct BundleSource {
  std::string site_code;
  std::optional<BundleDoor> internet, intranet;  // with a management point behind it
  std::vector<pki::Certificate> roots;           // that clients shall trust
  std::optional<pki::Certificate> signing;
  bool signing_fits = true;                      // it is of the key that signs policy
  std::vector<Path> package_folders;             // where the agent's package may lie; the newest of the first that has one
  std::function<Result<std::vector<std::string>>(const std::string& host)> resolve;
  std::function<Result<std::vector<ArchiveFile>>(const std::string& name)> issue;  // NAME.pem, NAME.key; unset: no authority here
};

struct ClientBundle {
  BundleKind kind = BundleKind::dual;
  std::string command;             // what is run on the computer, in the folder of the bundle
  std::vector<std::string> notes;  // one sentence each
  std::vector<ArchiveFile> files;
};

// Code::invalid: all that is wrong with the order or with the site, one sentence each.
[[nodiscard]] Result<ClientBundle> make_client_bundle(const BundleSource& source, const BundleOrder& order, Instant now);

// The newest farpoint-agent_*.deb. Code::not_found says where it was looked for.
[[nodiscard]] Result<Path> find_client_package(const std::vector<Path>& folders);
// It is a Debian package by its first bytes.
[[nodiscard]] Status check_client_package(std::string_view name, std::string_view bytes);

[[nodiscard]] std::string_view to_string(BundleKind kind);  // "internet-only"
[[nodiscard]] Result<BundleKind> parse_bundle_kind(std::string_view text);

}  // namespace fp::site
