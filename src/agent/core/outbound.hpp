// The ways out of this computer's network: which web proxies there are, who named each, and in which order they are tried
// (domain.md §1.2, §36). Any thread; pure but for the file of credentials. Never: a password in a sentence, a file or a log.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/core/settings.hpp"
#include "pki/certificate.hpp"

namespace fp::agent {

// One web proxy. `source`: "client settings", "installation" or "environment".
struct ProxyWay {
  std::string url, source, no_proxy;
  std::string user, password;
  bool operator==(const ProxyWay&) const = default;
};

struct Outbound {
  std::vector<ProxyWay> proxies;  // the first that works is used
  bool direct = true;             // where none of them works, the server is tried without one
  bool on_intranet = false;       // intranet servers too; else they are always reached directly
  std::string ignored;            // why no proxy is used although one was named; "" where nothing is ignored
};

// "Mobile devices must have a direct internet connection" (the seed, prerequisites): the certificate says which kind this computer is.
enum class DeviceKind { computer, mobile };
[[nodiscard]] DeviceKind kind_of(const pki::Certificate& certificate);

using Environment = std::function<std::string(const char* name)>;  // "" where it is not set

// Client settings (client_policy.proxy, .no_proxy, .proxy_on_intranet) come before the properties of the installation, and those
// before HTTPS_PROXY, ALL_PROXY and NO_PROXY. Each proxy has the exceptions of its source. The file of credentials belongs to
// the proxies that an administrator named; one of the environment may bring its own in its address. A file that cannot be used
// is an error: going on without it would be another login than the one that was ordered. A mobile device has the direct way alone.
[[nodiscard]] Result<Outbound> ways_out(const InstallSettings& settings, const std::map<std::string, std::string>& policy,
                                        const Environment& environment, DeviceKind kind = DeviceKind::computer);

struct Credentials {
  std::string user, password;
};
// The first line, "user:password". Code::forbidden: others than its owner may read the file.
[[nodiscard]] Result<Credentials> read_credentials(const Path& file);

// Kerberos credentials of this process, for Negotiate, come from the machine's keytab and stay in memory. Before any thread.
void use_keytab(const Path& file);

[[nodiscard]] std::string environment_of_process(const char* name);

}  // namespace fp::agent
