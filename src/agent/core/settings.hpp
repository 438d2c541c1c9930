// How this agent was installed: the properties of domain.md §7 as one value, and the file they are kept in
// (NAME=value lines in the administrators' spelling). Any thread; reading and writing the file is all it does.
// Never: secrets in it (keys stay in the certificate folder), defaults that weaken a check.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"

namespace fp::agent {

inline constexpr std::string_view kAssignedSite = "site.assigned";  // in memory: what AUTO found

struct InstallSettings {
  std::string site_code;                        // SMSSITECODE; AUTO: the intranet management point is asked
  std::string internet_mp;                      // CCMHOSTNAME: host[:port], of a gateway host[:port]/CCM_Proxy_MutualAuth/<id>
  bool always_internet = false;                 // CCMALWAYSINF
  std::vector<std::string> management_points;   // SMSMP, SMSMPLIST, /mp: host[:port], with https:// or http:// in front if given
  std::string fallback_status_point;            // FSP: host[:port]
  std::string fallback_certificate;             // FSPCERT: path of the site's sealing certificate, copied into the data folder
  std::string certificate_selection;            // CCMCERTSEL
  std::string certificate_issuers;              // CCMCERTISSUERS
  std::string certificate_store = "MY";         // CCMCERTSTORE
  bool first_certificate = true;                // CCMFIRSTCERT=0: several that fit are an error
  bool check_name = true;                       // CCMCERTNAMECHECK=0: the subject need not name this computer
  bool use_pki = false;                         // /UsePKICert
  bool check_crl = true;                        // /NoCRLCheck
  std::string enrollment_proxy_point;           // ENROLLMENTPROXYPOINT: host[:port] that gives this client its certificate and renews it
  int http_port = 80, https_port = 443;         // CCMHTTPPORT, CCMHTTPSPORT
  std::string dns_suffix;                       // DNSSUFFIX
  std::string domain;                           // DOMAIN: of the directory that this computer belongs to; empty: workgroup
  std::string signing_certificate;              // SMSSIGNCERT: path, copied into the data folder
  std::string root_key;                         // SMSPUBLICROOTKEY or the content of SMSROOTKEYPATH: hex
  std::int64_t cache_mb = 5120;                 // SMSCACHESIZE
  std::string cache_dir;                        // SMSCACHEDIR; empty: <data>/cache
  int log_level = 1;                            // CCMLOGLEVEL: 0 verbose .. 3 errors
  std::int64_t log_bytes_max = 250'000;         // CCMLOGMAXSIZE
  int log_history = 1;                          // CCMLOGMAXHISTORY
  bool log_enabled = true;                      // CCMENABLELOGGING
  bool log_debug = false;                       // CCMDEBUGLOGGING: verbose, whatever the level
  std::string certificate_dir;                  // --certificate-dir: folder of PEM pairs; empty: /etc/farpoint/certificates
  std::string ca_file;                          // --ca-file: trusted roots of site systems
  std::string crl_file;                         // --crl-file: PEM revocation lists for check_crl
  std::string proxy, no_proxy;                  // PROXY, NOPROXY
  std::string proxy_credentials;                // PROXYCREDENTIALS: file of one line user:password, mode 0600
  std::string proxy_keytab = "/etc/krb5.keytab";  // PROXYKEYTAB: for a proxy that asks for Negotiate
  bool proxy_only = false;                      // PROXYONLY: never without it
  bool proxy_intranet = false;                  // PROXYINTRANET: intranet servers too
  std::string computer_name;                    // --computer-name; empty: the host name
  std::string package_root = "/";               // --package-root: where packages are installed
  std::string unprivileged_user = "nobody";     // --unprivileged-user: runs programs that do not want root
  std::string resolve;                          // --resolve host:port:address
};

inline constexpr std::string_view kMachineKeytab = "/etc/krb5.keytab";  // the keys of this computer in its domain

// Where everything lies. --data DIR puts all of it below one folder; --root DIR is a prefix for the standard places.
struct Paths {
  Path config = "/etc/farpoint/agent.conf";
  Path certificates = "/etc/farpoint/certificates";
  Path data = "/var/lib/farpoint-agent";
  Path run = "/run/farpoint";
  Path log = "/var/log/farpoint/agent.log";
  [[nodiscard]] Path database() const { return data / "agent.db"; }
  [[nodiscard]] Path cache() const { return data / "cache"; }
  [[nodiscard]] Path socket() const { return run / "agent.sock"; }
  [[nodiscard]] Path signing_certificate() const { return data / "site-signing.pem"; }
  [[nodiscard]] Path sealing_certificate() const { return data / "site-sealing.pem"; }
  [[nodiscard]] Path next_file() const { return run / "agent.next"; }  // when the resident process starts a worker again
  [[nodiscard]] static Paths below(const Path& data_dir);
  [[nodiscard]] static Paths prefixed(const Path& root);
};

// The address of a web proxy: [http://, https:// or socks5h://]host:port, without user and password.
[[nodiscard]] Status check_proxy(std::string_view address);

// One property by its name ("CCMHOSTNAME", case-insensitive). Code::not_found: no such property; Code::invalid: a bad value.
// What only matters to one installation (SMSCONFIGSOURCE, /source, ...) is read in install_order.hpp.
[[nodiscard]] Status apply_property(InstallSettings& settings, std::string_view name, std::string_view value);

// Every combination that cannot work, each naming the two properties and why. Empty: good.
[[nodiscard]] std::vector<std::string> check_settings(const InstallSettings& settings);

// Every name that apply_property knows.
[[nodiscard]] std::vector<std::string> property_names();

[[nodiscard]] std::string to_text(const InstallSettings& settings);
[[nodiscard]] Result<InstallSettings> parse_settings(std::string_view text);
[[nodiscard]] Result<InstallSettings> load_settings(const Path& file);
[[nodiscard]] Status save_settings(const Path& file, const InstallSettings& settings);

}  // namespace fp::agent
