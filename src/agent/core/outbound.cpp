#include "agent/core/outbound.hpp"

#include <sys/stat.h>

#include <cstdlib>

#include "base/text.hpp"
#include "pki/issue.hpp"

namespace fp::agent {

namespace {

constexpr std::size_t kCredentialsBytesMax = 4096;

std::string value_of(const std::map<std::string, std::string>& policy, const char* name) {
  const auto found = policy.find(name);
  return found == policy.end() ? std::string() : found->second;
}

// curl's habit: the small letters first, then the large ones.
std::string either(const Environment& environment, const std::string& name) {
  auto small = environment(lower(name).c_str());
  return small.empty() ? environment(name.c_str()) : small;
}

// Takes "user:password@" out of an address, percent-decoded.
void take_credentials(ProxyWay& way) {
  const auto scheme = way.url.find("://");
  const auto begin = scheme == std::string::npos ? 0 : scheme + 3;
  const auto at = way.url.rfind('@');
  if (at == std::string::npos || at < begin) return;
  const auto both = way.url.substr(begin, at - begin);
  const auto colon = both.find(':');
  way.user = percent_decode(both.substr(0, colon)).value_or("");
  if (colon != std::string::npos) way.password = percent_decode(both.substr(colon + 1)).value_or("");
  way.url.erase(begin, at + 1 - begin);
}

// What was named is told without what logs in there.
Outbound direct_only(const std::vector<ProxyWay>& named) {
  Outbound out;
  for (const auto& way : named) out.ignored += fmt::format("{}{} (from the {})", out.ignored.empty() ? "" : ", ", way.url, way.source);
  if (!named.empty()) out.ignored = fmt::format("a mobile device must have a direct internet connection: not used is {}", out.ignored);
  return out;
}

}  // namespace

Result<Credentials> read_credentials(const Path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return fail_errno("credentials of the web proxy", file.string());
  if ((info.st_mode & 077U) != 0)
    return fail(Code::forbidden, "credentials of the web proxy: {} may be read by others than its owner; give it mode 0600",
                file.string());
  FP_TRY(text, read_file(file, kCredentialsBytesMax));
  const auto line = trim(std::string_view(text).substr(0, text.find('\n')));
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0)
    return fail(Code::invalid, "credentials of the web proxy: {} does not begin with a line user:password", file.string());
  return Credentials{std::string(line.substr(0, colon)), std::string(line.substr(colon + 1))};
}

Result<Outbound> ways_out(const InstallSettings& settings, const std::map<std::string, std::string>& policy,
                          const Environment& environment, DeviceKind kind) {
  Outbound out;
  Credentials login;
  const bool mobile = kind == DeviceKind::mobile;
  if (!mobile && !settings.proxy_credentials.empty()) {
    FP_TRY(held, read_credentials(Path(settings.proxy_credentials)));
    login = std::move(held);
  }
  const auto add = [&](ProxyWay way) {
    if (way.url.empty()) return;
    if (way.url.find("://") == std::string::npos) way.url.insert(0, "http://");
    out.proxies.push_back(std::move(way));
  };
  add({value_of(policy, "client_policy.proxy"), "client settings", value_of(policy, "client_policy.no_proxy"), login.user,
       login.password});
  add({settings.proxy, "installation", settings.no_proxy, login.user, login.password});
  ProxyWay surrounding{either(environment, "HTTPS_PROXY"), "environment", either(environment, "NO_PROXY"), "", ""};
  if (surrounding.url.empty()) surrounding.url = either(environment, "ALL_PROXY");
  take_credentials(surrounding);
  add(std::move(surrounding));
  if (mobile) return direct_only(out.proxies);
  out.direct = !settings.proxy_only || out.proxies.empty();
  out.on_intranet = settings.proxy_intranet || value_of(policy, "client_policy.proxy_on_intranet") == "true";
  return out;
}

DeviceKind kind_of(const pki::Certificate& certificate) { return pki::is_mobile(certificate) ? DeviceKind::mobile : DeviceKind::computer; }

void use_keytab(const Path& file) {
  if (file.empty() || !file_exists(file)) return;
  ::setenv("KRB5_CLIENT_KTNAME", ("FILE:" + file.string()).c_str(), 0);
  ::setenv("KRB5CCNAME", "MEMORY:farpoint-agent", 0);
}

std::string environment_of_process(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): read before there is a second thread
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace fp::agent
