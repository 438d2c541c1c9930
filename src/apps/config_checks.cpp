// What setting up a host asks of certificates too, and what is no mistake and yet worth a sentence.
#include <algorithm>

#include "apps/config.hpp"
#include "crypto/key.hpp"
#include "pki/certificate.hpp"

namespace fp::apps {
namespace {

constexpr std::size_t kPemBytesMax = 4U << 20;

}  // namespace

std::string_view name_of(HostRole role) {
  switch (role) {
    case HostRole::site: return "site";
    case HostRole::distribution_point: return "distribution-point";
    case HostRole::management_point: return "management-point";
    case HostRole::secondary_site: return "secondary site";
    case HostRole::fallback_status_point: return "fallback-status-point";
    case HostRole::enrollment_proxy_point: return "enrollment-proxy-point";
    case HostRole::gateway: return "gateway";
  }
  return "?";
}

bool has_fallback(const SiteConfig& config) {
  if (config.role == HostRole::fallback_status_point) return true;
  return config.role == HostRole::gateway && std::ranges::any_of(config.listeners, [](const auto& l) { return l.door == Door::intranet_http; });
}

Status check_name(const Path& certificate, const std::string& host) {
  FP_TRY(pem, read_file(certificate, kPemBytesMax));
  FP_TRY(leaf, pki::Certificate::from_pem(pem));
  if (pki::names_host(leaf, host)) return {};
  std::string names;
  for (const auto& name : leaf.alternative_names()) names += (names.empty() ? "" : ", ") + name;
  return fail(Code::invalid, "the certificate {} is not for {} but for {}", certificate.native(), host, names.empty() ? leaf.subject() : names);
}

std::vector<std::string> config_notes(const SiteConfig& config) {
  std::vector<std::string> notes;
  if (config.role == HostRole::gateway && !config.check_crl)
    notes.emplace_back("pki.check_crl is false: this gateway hands content out to clients whose certificates were revoked; the site refuses "
                       "their messages all the same");
  if (config.windows_doors.contains(Door::internet_https))
    notes.emplace_back("windows_auth.doors names internet-https: that door opens only while client settings say "
                       "client_policy.enable_user_policy_on_internet = true (farpoint settings set ...)");
  if (config.windows_doors.contains(Door::intranet_http))
    notes.emplace_back("windows_auth.doors names intranet-http: nothing binds a login to plain HTTP, and whoever is between can relay it");
  if (!config.windows_doors.empty() && !config.windows_auth.require_binding)
    notes.emplace_back("windows_auth.channel_binding is when-offered: a login by a client that does not bind it to TLS can be relayed here");
  if (!config.windows_doors.empty() && !config.pinned_proxies.empty())
    notes.emplace_back("a Windows login does not pass a bridging proxy (pki.pinned_proxies): users behind it get device policy only, unless the proxy tunnels");
  return notes;
}

Status check_pair(const Path& certificate, const Path& key) {
  FP_TRY(pem, read_file(certificate, kPemBytesMax));
  FP_TRY(key_pem, read_file(key, kPemBytesMax));
  const auto leaf = pki::Certificate::from_pem(pem);
  if (!leaf) return fail(Code::invalid, "{} holds no certificate: {}", certificate.native(), leaf.error().message);
  const auto secret = crypto::PrivateKey::from_pem(key_pem);
  if (!secret) return fail(Code::invalid, "{} holds no key: {}", key.native(), secret.error().message);
  if (!(leaf->public_key() == secret->public_key()))
    return fail(Code::invalid, "{} is not the key of {}", key.native(), certificate.native());
  return {};
}

}  // namespace fp::apps
