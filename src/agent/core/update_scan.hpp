// The scan for software updates (domain.md §12.2): when it is due, at which software update point, what it finds, and what is told of
// it. One thread; a scan costs the conversation with the point, an evaluation a look at dpkg's list. What is found stays in memory
// and is evaluated again without the point when the packages of this computer change. Never: an installation, an update reported
// that no rule says is required or installed, a point of another place than this client is at.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "agent/core/machine.hpp"
#include "agent/core/mp_client.hpp"
#include "agent/core/policy_cycle.hpp"
#include "agent/memory/memory.hpp"
#include "domain/deployment/applicability.hpp"
#include "wire/location.hpp"

namespace fp::agent {

inline constexpr std::string_view kUpdatesCycle = "updates";                          // its schedule, and its decisions
inline constexpr std::int64_t kFirstScanWithinMin = 120;                              // after policy for it came
inline constexpr std::int64_t kMetadataLifeMs = std::int64_t{24} * 3600 * 1000;       // TTL
inline constexpr std::int64_t kScanRetryS = 30 * 60, kNextPointS = 2 * 60;
inline constexpr int kScanTries = 4;                                                  // at one point, then the next

class UpdateScan {
 public:
  struct Reach {
    Transport* transport = nullptr;    // null: no network, only an evaluation is possible
    const Names* names = nullptr;
    bool internet = true;              // only points of the internet, by HTTPS only
    // Asks the management point for the software update points of this place; an error: none was reached.
    std::function<Result<std::vector<wire::WsusLocation>>(const std::string& source_id, std::int64_t version)> points;
  };
  UpdateScan(memory::Memory& memory, Machine& machine, const Clock& clock, Random& random, const EffectivePolicy& policy, Reach reach);

  // What is due now; `forced`: a whole scan, whatever is due. An error is one of memory; a scan that failed is remembered.
  [[nodiscard]] Status run(bool forced);

 private:
  [[nodiscard]] Status learn();                                  // what policy says
  [[nodiscard]] Status schedule(Instant next_at);
  [[nodiscard]] Status plan_within(std::int64_t minutes);        // draws a time; an earlier plan stays
  [[nodiscard]] Status online();
  [[nodiscard]] Status failed(const Error& error, const std::vector<wire::WsusLocation>& points);
  [[nodiscard]] Result<const wire::WsusLocation*> choose(const std::vector<wire::WsusLocation>& points);
  [[nodiscard]] Status evaluate(const PackagesOnDevice& device, const std::string& how);
  [[nodiscard]] Status find(const std::string& update_id, std::int64_t number, int state, std::map<std::string, memory::UpdateFinding>& before);
  [[nodiscard]] Status tell_update(const std::string& update_id, int state);
  [[nodiscard]] Status settle(int state, const std::string& reason);

  memory::Memory& memory_;
  Machine& machine_;
  const Clock& clock_;
  Random& random_;
  const EffectivePolicy& policy_;
  Reach reach_;
  memory::UpdateScanRecord record_;
  bool unreadable_ = false;
};

}  // namespace fp::agent
