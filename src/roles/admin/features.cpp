// What the internet lacks, device by device, and the doors of what is refused: every refusal comes out of one table
// (domain/internet), with a code of its own.
#include "base/log.hpp"
#include "roles/admin/context.hpp"
#include "roles/admin/lookup.hpp"

namespace fp::admin {

using namespace access;
using internet::Feature;

Answer refusal(Feature feature, const internet::Verdict& verdict) {
  const auto& rule = internet::rule_of(feature);
  log::info("features", "{}", verdict.reason);
  return {409,
          json::object{{"error", json::object{{"code", verdict.code}, {"message", verdict.reason}, {"feature", rule.id}, {"seed", rule.seed}}}},
          {}};
}

namespace {

Result<Device> own_device(const Context& c, Repositories& r) {
  FP_TRY(device, find_device(r, c.params[0]));
  FP_CHECK(c.need_device(r, device));
  return device;
}

Result<Answer> catalogue(Context&) {
  json::array items;
  for (const auto& rule : internet::features())
    items.push_back(json::object{{"feature", rule.id},
                                 {"name", rule.name},
                                 {"asked_by", rule.asked_by},
                                 {"on_internet", false},
                                 {"on_intranet", rule.missing.empty()},
                                 {"internet_reason", rule.internet},
                                 {"intranet_reason", rule.missing},
                                 {"seed", rule.seed}});
  return Answer{200, json::object{{"items", std::move(items)}}, {}};
}

Result<Answer> of_device(Context& c) {
  FP_TRY(device, c.store.read([&](Repositories& r) { return own_device(c, r); }));
  const auto place = internet::place_of(device, c.clock.now());
  json::array items;
  for (const auto& rule : internet::features()) {
    const auto verdict = internet::verdict(rule.feature, place);
    items.push_back(json::object{{"feature", rule.id},
                                 {"name", rule.name},
                                 {"offered", verdict.offered},
                                 {"code", verdict.code},
                                 {"reason", verdict.reason},
                                 {"seed", rule.seed}});
  }
  return Answer{200, json::object{{"device", device.name}, {"place", place.because}, {"items", std::move(items)}}, {}};
}

// What was asked for and refused is seen with the device's events.
Status note(Context& c, const Device& device, std::string_view text) {
  return c.store.write([&](Repositories& r) {
    StatusEvent event;
    event.at = c.clock.now();
    event.component = "features";
    event.client_id = device.client_id;
    event.text = fmt::format("{} (asked by {})", text, c.who.name);
    return r.states.add_event(event);
  });
}

// A feature that Farpoint does not offer at any place yet: the reason follows from where the device is.
Result<Answer> refuse(Context& c, Feature feature) {
  FP_TRY(device, c.store.read([&](Repositories& r) { return own_device(c, r); }));
  const auto verdict = internet::verdict(feature, internet::place_of(device, c.clock.now()));
  FP_CHECK(note(c, device, verdict.reason));
  return refusal(feature, verdict);
}
Result<Answer> remote_control(Context& c) { return refuse(c, Feature::remote_control); }
Result<Answer> os_deployment(Context& c) { return refuse(c, Feature::os_deployment); }

Result<Answer> wake(Context& c) {
  Device device;
  FP_TRY(plan, c.store.read([&](Repositories& r) -> Result<site::WakePlan> {
    FP_TRY(found, own_device(c, r));
    device = std::move(found);
    return site::plan_wake(r, device, c.settings.wake, c.clock.now());
  }));
  if (!plan.verdict.offered) {
    FP_CHECK(note(c, device, plan.verdict.reason));
    return refusal(Feature::wake_on_lan, plan.verdict);
  }
  if (plan.targets.empty()) return fail(Code::conflict, "{}", plan.problem);
  FP_CHECK(c.hooks.clients.wake(plan));
  json::array packets;
  for (const auto& t : plan.targets)
    packets.push_back(json::object{{"mac", internet::to_string(t.mac)}, {"address", t.address}, {"broadcast", t.broadcast}});
  const Status noted = c.store.write([&](Repositories& r) -> Status {
    StatusEvent event;
    event.at = c.clock.now();
    event.component = "wake-on-lan";
    event.client_id = device.client_id;
    event.text = fmt::format("wake-up packets for {}: {}", c.who.name, site::describe(plan));
    FP_CHECK(r.states.add_event(event));
    return c.audit(r, "wake", "device", device.client_id, fmt::format("{}: {}", device.name, site::describe(plan)));
  });
  FP_CHECK(noted);
  return Answer{200, json::object{{"device", device.name}, {"packets", std::move(packets)}}, {}};
}

constexpr Route kRoutes[] = {
    {"GET", "/features", ObjectClass::site, kReadObject, catalogue},
    {"GET", "/devices/{id}/features", ObjectClass::device, kReadObject, of_device},
    {"POST", "/devices/{id}/wake", ObjectClass::device, kModifyObject, wake},
    {"POST", "/devices/{id}/remote-control", ObjectClass::device, kModifyObject, remote_control},
    {"POST", "/devices/{id}/os-deployment", ObjectClass::device, kModifyObject, os_deployment},
};

}  // namespace

std::span<const Route> feature_routes() { return kRoutes; }

}  // namespace fp::admin
