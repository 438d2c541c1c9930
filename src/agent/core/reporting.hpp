// What this client tells its site: state messages with serial numbers, heartbeat discovery, hardware and software inventory in
// full and as deltas (domain.md §20, §21). One thread. A report is remembered before it is sent and sent again, the same, until
// the site has it. Never: a delta against something that the site did not get.
#pragma once
#include <string>
#include <string_view>

#include "agent/core/machine.hpp"
#include "agent/core/mp_client.hpp"
#include "agent/core/service_location.hpp"
#include "agent/memory/memory.hpp"

namespace fp::agent {

class Reporting {
 public:
  Reporting(memory::Memory& memory, MpClient& mp, ServiceLocation& location, Machine& machine, const Clock& clock);

  // Everything unsent, in portions; a resync ordered by the site first makes all of it unsent again.
  [[nodiscard]] Status send_states();
  [[nodiscard]] Status send_heartbeat();
  // "hardware" or "software": full the first time and after a resync was ordered, else what changed.
  [[nodiscard]] Status send_inventory(const std::string& kind, bool full);

 private:
  [[nodiscard]] Status send(std::string_view endpoint, const std::string& document);
  [[nodiscard]] Status make_inventory(const std::string& kind, bool full);

  memory::Memory& memory_;
  MpClient& mp_;
  ServiceLocation& location_;
  Machine& machine_;
  const Clock& clock_;
};

}  // namespace fp::agent
