// Wake-up packets: to one device, and to those of required deployments before their deadline (domain.md §24). Called by the admin
// API and by one background thread. Costs a read of the device's inventory and one datagram for each adapter and subnet.
// Never: a packet for a device that is not known to be on the intranet.
#pragma once
#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "domain/internet/features.hpp"
#include "domain/internet/wake.hpp"
#include "store/store.hpp"

namespace fp::site {

struct WakePlan {
  internet::Verdict verdict;                   // not offered: nothing is sent
  std::vector<internet::WakeTarget> targets;
  std::string problem;                         // offered, and yet there is nothing to send to
};
[[nodiscard]] Result<WakePlan> plan_wake(store::Repositories& r, const Device& device, internet::WakeSend send, Instant now);

// "02:00:00:00:00:01 by 10.77.1.255": for the audit, events and whoever asked.
[[nodiscard]] std::string describe(const WakePlan& plan);

class WakeUps {
 public:
  using Send = std::function<Status(const internet::WakeTarget& target, std::string_view packet)>;
  WakeUps(store::Store& store, internet::WakeSend how, Send send) : store_(store), how_(how), send_(std::move(send)) {}

  [[nodiscard]] internet::WakeSend how() const { return how_; }
  // Sends what was planned; the error is that of the first packet that could not leave.
  [[nodiscard]] Status send(const WakePlan& plan) const;

  // Deployments that want it, from kAheadMs before their deadline: each device once, kDevicesPerPass in a pass, those of a long
  // list in the next ones. Returns how many devices were sent packets. Refusals become events of their devices.
  static constexpr std::int64_t kAheadMs = 15 * 60'000;
  static constexpr int kDevicesPerPass = 500;
  [[nodiscard]] Result<int> run_once(Instant now, const std::function<bool()>& stop);

 private:
  struct Due;
  [[nodiscard]] Result<std::vector<Due>> due(Instant now);
  [[nodiscard]] Result<bool> wake_one(const Deployment& deployment, const std::string& client_id, Instant now);
  store::Store& store_;
  internet::WakeSend how_;
  Send send_;
};

}  // namespace fp::site
