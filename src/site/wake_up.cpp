#include "site/wake_up.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "base/text.hpp"

namespace fp::site {

using internet::WakeTarget;

Result<WakePlan> plan_wake(store::Repositories& r, const Device& device, internet::WakeSend send, Instant now) {
  WakePlan plan;
  plan.verdict = internet::verdict(internet::Feature::wake_on_lan, internet::place_of(device, now));
  if (!plan.verdict.offered) return plan;
  FP_TRY(instances, r.inventory.instances(device.client_id, ""));
  auto targets = internet::wake_targets(instances, send);
  if (targets) plan.targets = std::move(*targets);
  else plan.problem = fmt::format("{} cannot be woken: {}", device.name, targets.error().message);
  return plan;
}

std::string describe(const WakePlan& plan) {
  if (!plan.verdict.offered) return plan.verdict.reason;
  if (!plan.problem.empty()) return plan.problem;
  std::string out;
  for (const auto& t : plan.targets)
    out += fmt::format("{}{} by {}", out.empty() ? "" : ", ", internet::to_string(t.mac), t.address);
  return out;
}

Status WakeUps::send(const WakePlan& plan) const {
  for (const auto& target : plan.targets) FP_CHECK(send_(target, internet::magic_packet(target.mac)));
  return {};
}

// `after`: the last client that was looked at for this deadline.
struct WakeUps::Due {
  Deployment deployment;
  std::string after;
};

namespace {

std::string name_of(const Deployment& d) { return "wake_up." + d.id; }

// "<deadline> <last client>", or "<deadline> done".
std::string value_of(const Deployment& d, std::string_view progress) { return fmt::format("{} {}", d.deadline->ms, progress); }

constexpr std::string_view kDone = "done";

}  // namespace

Result<std::vector<WakeUps::Due>> WakeUps::due(Instant now) {
  return store_.read([&](store::Repositories& r) -> Result<std::vector<Due>> {
    std::vector<Due> out;
    FP_TRY(all, r.deployments.list());
    for (auto& d : all) {
      if (!d.enabled || !d.send_wake_up || d.purpose != Purpose::required || !d.deadline) continue;
      if (now < d.deadline->plus_ms(-kAheadMs) || now.since_ms(*d.deadline) > kAheadMs) continue;
      std::string after;
      if (const auto known = r.site.value(name_of(d))) {
        const auto space = known->find(' ');
        if (known->substr(0, space) == std::to_string(d.deadline->ms) && space != std::string::npos) after = known->substr(space + 1);
      }
      if (after != kDone) out.push_back({std::move(d), std::move(after)});
    }
    return out;
  });
}

Result<bool> WakeUps::wake_one(const Deployment& deployment, const std::string& client_id, Instant now) {
  std::string name;
  FP_TRY(plan, store_.read([&](store::Repositories& r) -> Result<WakePlan> {
    const auto state = r.deployments.state(deployment.id, client_id);
    if (state && state->state >= 1000 && state->state < 2000) return WakePlan{};  // it has it: let it sleep
    FP_TRY(device, r.devices.find(client_id));
    name = device.name;
    return plan_wake(r, device, how_, now);
  }));
  if (name.empty()) return false;
  const Status sent = send(plan);
  const bool good = sent && !plan.targets.empty();
  StatusEvent event;
  event.at = now;
  event.severity = good || !plan.verdict.offered ? 0 : 1;
  event.component = "wake-on-lan";
  event.client_id = client_id;
  event.text = good ? fmt::format("wake-up packets before the deadline of {}: {}", deployment.id, describe(plan))
                    : fmt::format("no wake-up packet before the deadline of {}: {}", deployment.id, sent ? describe(plan) : sent.error().message);
  log::info("wake-on-lan", "{}: {}", name, event.text);
  FP_CHECK(store_.write([&](store::Repositories& r) { return r.states.add_event(event); }));
  return good;
}

Result<int> WakeUps::run_once(Instant now, const std::function<bool()>& stop) {
  FP_TRY(all, due(now));
  int woken = 0, left = kDevicesPerPass;
  for (auto& job : all) {
    FP_TRY(members, store_.read([&](store::Repositories& r) { return r.collections.members(job.deployment.collection_id); }));
    std::ranges::sort(members, {}, &CollectionMember::client_id);
    std::string progress(kDone);
    for (const auto& member : members) {
      if (member.client_id <= job.after) continue;
      if (left == 0 || stop()) {
        progress = job.after;
        break;
      }
      --left;
      auto done = wake_one(job.deployment, member.client_id, now);
      if (!done) log::warning("wake-on-lan", "{}: {}", member.client_id, done.error().message);
      woken += done && *done ? 1 : 0;
      job.after = member.client_id;
    }
    FP_CHECK(store_.write([&](store::Repositories& r) { return r.site.set_value(name_of(job.deployment), value_of(job.deployment, progress)); }));
  }
  return woken;
}

}  // namespace fp::site
