#include "apps/trust.hpp"

#include "net/client.hpp"
#include "site/enrolled_keys.hpp"

namespace fp::apps {
namespace {

constexpr std::size_t kCrlBytesMax = 16U << 20;
constexpr int kPage = 1000;

Result<std::string> fetch_list(const std::string& url) {
  net::ClientOptions options;
  options.connect_timeout_s = 5;
  options.total_timeout_s = 15;
  options.body_bytes_max = kCrlBytesMax;
  net::Client client(options);
  FP_TRY(response, client.get(url));
  if (response.status != 200) return fail(Code::unavailable, "{} answered {}", url, response.status);
  return std::move(response.body);
}

}  // namespace

Result<std::unique_ptr<Trust>> Trust::open(const SiteConfig& config, store::Store* store, const Clock& clock) {
  std::unique_ptr<Trust> trust(new Trust(store, clock));
  pki::TrustPolicy policy;
  policy.check_crl = config.check_crl;
  for (const auto& file : config.issuers) {
    FP_TRY(pem, read_file(file, 4U << 20));
    if (Status added = pki::add_issuers(policy, pem); !added) return std::unexpected(added.error().with_context(file.native()));
  }
  trust->crls_ = std::make_shared<pki::CrlStore>(fetch_list);
  for (const auto& file : config.crl_files)
    if (Status loaded = trust->crls_->load_file(file); !loaded) log::warning("pki", "{}", loaded.error().message);
  trust->verifier_ = std::make_unique<pki::Verifier>(std::move(policy), trust->crls_);
  trust->published_name_ = config.internet_fqdn;
  trust->pinned_.insert(config.pinned_proxies.begin(), config.pinned_proxies.end());
  FP_CHECK(trust->reload_blocked());
  return trust;
}

Result<std::string> write_authorities(const SiteConfig& config) {
  if (config.issuers.empty()) return std::string();
  std::string all;
  for (const auto& file : config.issuers) {
    FP_TRY(pem, read_file(file, 4U << 20));
    all += pem + "\n";
  }
  const Path bundle = config.data / "authorities.pem";
  FP_CHECK(write_file(bundle, all));
  return bundle.native();
}

net::CertificateVerdict Trust::check_peer(std::string_view leaf_der, const std::vector<std::string>& chain_der) const {
  net::CertificateVerdict verdict;
  verdict.check = verifier_->check_client_der(leaf_der, chain_der, clock_.now());
  const auto leaf = pki::Certificate::from_der(leaf_der);
  if (!leaf) return verdict;
  std::lock_guard lock(mutex_);
  if (blocked_.contains(leaf->fingerprint()) || blocked_.contains(leaf->public_key().fingerprint()))
    verdict.check = {CertificateProblem::blocked, leaf->label() + " belongs to a blocked device"};
  verdict.pinned_proxy = pinned_.contains(leaf->fingerprint());
  if (!verdict.pinned_proxy && verdict.check.ok() && is_proxy_certificate(*leaf, published_name_))
    verdict.check = {CertificateProblem::unpinned_proxy,
                     fmt::format("{} names {} and may serve: a proxy web server's certificate. Pin {} in pki.pinned_proxies if it is yours",
                                 leaf->label(), published_name_, leaf->fingerprint())};
  return verdict;
}

CertificateCheck Trust::check_certificate(std::string_view der, Instant now) const {
  return verifier_->check_client_der(der, {}, now);
}

bool is_proxy_certificate(const pki::Certificate& leaf, std::string_view published_name) {
  return !published_name.empty() && leaf.has_eku(pki::kEkuServerAuth) && pki::names_host(leaf, published_name);
}

void Trust::replace_blocked(std::set<std::string> fingerprints) {
  std::lock_guard lock(mutex_);
  blocked_ = std::move(fingerprints);
}

Status Trust::reload_blocked() {
  if (!store_) return {};
  std::set<std::string> blocked;
  DeviceFilter filter;
  filter.blocked = true;
  filter.limit = kPage;
  while (true) {
    FP_TRY(page, store_->read([&](store::Repositories& r) { return r.devices.list(filter); }));
    for (const auto& device : page) {
      if (!device.tls_fingerprint.empty()) blocked.insert(device.tls_fingerprint);
      if (device.key_fingerprint.empty()) continue;
      // With certificates that it had before a renewal, and with one that it has not registered yet.
      FP_TRY(keys, store_->read([&](store::Repositories& r) { return site::lineage_of(r, device.key_fingerprint); }));
      blocked.merge(keys);
    }
    if (page.size() < kPage) break;
    filter.after = page.back().client_id;
  }
  std::lock_guard lock(mutex_);
  blocked_ = std::move(blocked);
  return {};
}

bool Trust::refresh_lists(bool all) {
  const auto renewed = crls_->refresh(clock_.now(), all);
  if (renewed > 0) log::info("pki", "{} revocation lists renewed", renewed);
  return renewed > 0;
}

}  // namespace fp::apps
