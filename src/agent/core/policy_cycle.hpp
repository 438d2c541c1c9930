// Policy: asks for assignments (delta by cookie), verifies the site's signature on each, fetches bodies, verifies their hash,
// opens sealed ones, and reads what is in force (domain.md §6.4, §8; wire.md §6). One thread. Never: applies what is unsigned or
// does not match its hash; the policy in force stays until its successor is whole.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "agent/core/mp_client.hpp"
#include "agent/core/service_location.hpp"
#include "agent/memory/memory.hpp"
#include "model/policy_document.hpp"

namespace fp::agent {

class PolicyCycle {
 public:
  // `signing`: the pinned site signing certificate.
  PolicyCycle(memory::Memory& memory, MpClient& mp, ServiceLocation& location, const Clock& clock, pki::Certificate signing);

  struct Outcome {
    int assigned = 0, activated = 0, dropped = 0, refused = 0;
    int waiting = 0;  // bodies that were to be had and did not come
    int older = 0;  // of those refused: signed by the site, and older than what is held
    [[nodiscard]] bool changed() const { return activated + dropped > 0; }
  };
  // `full`: forget the cookie and compare everything.
  [[nodiscard]] Result<Outcome> run(bool full);

 private:
  [[nodiscard]] Result<wire::ReceivedAssignments> ask(bool full);
  [[nodiscard]] Result<bool> full_is_due();
  [[nodiscard]] Status take(const wire::ReceivedAssignment& assignment, Outcome& outcome);
  [[nodiscard]] Status drop(const std::string& id, Outcome& outcome);
  [[nodiscard]] Status fetch_bodies(Outcome& outcome);
  [[nodiscard]] Result<std::string> fetch_body(const memory::StoredPolicy& policy);

  memory::Memory& memory_;
  MpClient& mp_;
  ServiceLocation& location_;
  const Clock& clock_;
  pki::Certificate signing_;
};

// What is in force, from the bodies that are active.
struct EffectivePolicy {
  std::vector<DeploymentDocument> deployments;
  std::vector<SequenceVariable> variables;      // of its collections; of one name the last collection's counts
  std::vector<MaintenanceWindow> windows;
  std::map<std::string, std::string> settings;  // client settings, merged: the lowest priority number wins each name
  std::string update_source;                    // GUID of the catalogue of updates; empty: the site has none
  std::int64_t update_version = 0;              // its content version
  [[nodiscard]] std::int64_t number(const std::string& name, std::int64_t absent) const;
  [[nodiscard]] bool flag(const std::string& name, bool absent) const;
};
[[nodiscard]] Result<EffectivePolicy> effective_policy(memory::Memory& memory);

}  // namespace fp::agent
