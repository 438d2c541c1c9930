#include "site/maintenance.hpp"

#include <algorithm>

namespace fp::site {
namespace {

constexpr std::int64_t kRowsOfABatch = 5000;
constexpr int kDevicesOfABatch = 500;

Instant days_before(Instant now, int days) { return days > 0 ? now.plus_s(-86400LL * days) : Instant{}; }

Instant last_heard(const Device& d) {
  return std::max({d.registered_at, d.last_policy_at, d.last_heartbeat_at, d.last_hardware_at,
                   d.last_software_at, d.last_state_at});
}

Result<std::int64_t> remove_devices(store::Store& store, const std::vector<Device>& devices, Instant than) {
  return store.write([&](store::Repositories& r) -> Result<std::int64_t> {
    std::int64_t count = 0;
    for (const auto& seen : devices) {
      const auto now = r.devices.find(seen.client_id);  // it may have come back meanwhile
      if (!now || now->blocked || last_heard(*now) >= than) continue;
      FP_CHECK(r.inventory.remove_device(now->client_id));
      FP_CHECK(r.devices.remove(now->client_id));
      StatusEvent event;
      event.severity = 1;
      event.component = "maintenance";
      event.text = now->name + " was not heard of for a long time; its record is deleted";
      FP_CHECK(r.states.add_event(event));
      ++count;
    }
    return count;
  });
}

Result<std::int64_t> forget_devices(store::Store& store, Instant than, const std::function<bool()>& stop) {
  std::int64_t count = 0;
  DeviceFilter filter;
  filter.blocked = false;
  filter.limit = kDevicesOfABatch;
  while (!stop()) {
    FP_TRY(page, store.read([&](store::Repositories& r) { return r.devices.list(filter); }));
    if (page.empty()) break;
    filter.after = page.back().client_id;
    std::erase_if(page, [&](const Device& d) { return last_heard(d) >= than; });
    if (page.empty()) continue;
    FP_TRY(removed, remove_devices(store, page, than));
    count += removed;
  }
  return count;
}

}  // namespace

Result<Maintained> maintain(store::Store& store, const MaintenanceDays& days, Instant now, const std::function<bool()>& stop) {
  Maintained all;
  const store::Retention than{days_before(now, days.states), days_before(now, days.events), days_before(now, days.audit),
                              days_before(now, days.tombstones), days_before(now, days.fallback)};
  while (!stop()) {
    FP_TRY(some, store.write([&](store::Repositories& r) { return r.site.forget_older(than, kRowsOfABatch); }));
    all.forgotten.states += some.states;
    all.forgotten.events += some.events;
    all.forgotten.audit += some.audit;
    all.forgotten.tombstones += some.tombstones;
    all.forgotten.fallback += some.fallback;
    if (some.states + some.events + some.audit + some.tombstones + some.fallback == 0) break;
  }
  if (days.devices > 0) {
    FP_TRY(devices, forget_devices(store, days_before(now, days.devices), stop));
    all.devices = devices;
  }
  return all;
}

}  // namespace fp::site
