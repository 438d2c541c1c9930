#include "roles/dp/trust_courier.hpp"

#include <algorithm>
#include <set>

#include "base/log.hpp"
#include "crypto/hash.hpp"
#include "roles/dp/link_client.hpp"
#include "wire/capability.hpp"

namespace fp::dp {
namespace {

constexpr int kPage = 1000;
constexpr int kCallS = 20;

struct Blocked {
  std::vector<std::string> clients, fingerprints;
};

Result<Blocked> blocked_devices(store::Store& store) {
  std::set<std::string> clients, fingerprints;
  DeviceFilter filter;
  filter.blocked = true;
  filter.limit = kPage;
  while (true) {
    FP_TRY(page, store.read([&](store::Repositories& r) { return r.devices.list(filter); }));
    for (const auto& device : page) {
      clients.insert(device.client_id);
      for (const auto& mark : {device.tls_fingerprint, device.key_fingerprint})
        if (!mark.empty()) fingerprints.insert(mark);
    }
    if (page.size() < kPage) break;
    filter.after = page.back().client_id;
  }
  return Blocked{{clients.begin(), clients.end()}, {fingerprints.begin(), fingerprints.end()}};
}

}  // namespace

bool TrustCourier::due(const Told& told, const std::string& digest) const {
  const Instant now = clock_.now();
  if (now < told.not_before) return false;
  return told.digest != digest || now.since_ms(told.at) >= options_.again_every_ms;
}

Result<int> TrustCourier::run_once() {
  FP_TRY(dps, store_.read([](store::Repositories& r) { return r.contents.list_dps(); }));
  std::erase_if(dps, [](const fp::DistributionPoint& dp) { return dp.local; });
  std::erase_if(told_, [&](const auto& entry) {
    return std::ranges::find(dps, entry.first, &fp::DistributionPoint::name) == dps.end();
  });
  if (dps.empty()) return 0;
  FP_TRY(blocked, blocked_devices(store_));
  int served = 0;
  for (const auto& dp : dps) {
    const wire::DpTrust trust{wire::capability_key_of(options_.capability_secret, dp.name), blocked.clients, blocked.fingerprints};
    const std::string digest = crypto::sha256(wire::encode_dp_trust(trust));
    Told& told = told_[dp.name];
    if (!due(told, digest)) continue;
    LinkClient link = dp.over_link && options_.over_link ? LinkClient(dp.name, options_.over_link)
                                                         : LinkClient(push_url_of(dp), options_.identity, kCallS);
    if (const Status done = link.put_trust(trust); !done) {
      told.not_before = clock_.now().plus_ms(options_.retry.delay_ms(told.failures++, random_));
      log::warning("dp.trust", "{} does not know yet who is blocked: {}", dp.name, done.error().message);
      continue;
    }
    told = {digest, clock_.now(), {}, 0};
    ++served;
  }
  return served;
}

}  // namespace fp::dp
