// User policy (domain.md §1.3, §8): what is aimed at the account that a Windows login proved, on a device that signed the request.
// Client settings aimed at users, and nothing else: software for users is not deployed by a site like this one (seed).
#include <algorithm>

#include "base/log.hpp"
#include "base/text.hpp"
#include "model/policy_document.hpp"
#include "roles/mp/context.hpp"
#include "site/settings.hpp"
#include "wire/policy.hpp"

namespace fp::mp {
namespace {

struct ForUser {
  std::string refusal;  // empty: allowed
  std::vector<PolicyAssignment> assignments;
  Instant latest;
};

Result<ForUser> read_for(store::Repositories& r, const Device& device, const Account& account, Door door, std::string_view site_code) {
  ForUser out;
  FP_TRY(all, r.administration.settings());
  FP_TRY(collections, r.collections.of_device(device.client_id));
  if (site::effective_setting(all, collections, site_code, site::kUserPolicy) != "true")
    out.refusal = fmt::format("the device's client settings say {} = false", site::kUserPolicy);
  else if (door == Door::internet_https && site::effective_setting(all, collections, site_code, site::kUserPolicyOnInternet) != "true")
    out.refusal = fmt::format("the device's client settings say {} = false: users get nothing until the device is back on the intranet",
                              site::kUserPolicyOnInternet);
  if (!out.refusal.empty()) return out;
  for (const ClientSettings& settings : all) {
    if (!site::is_aimed_at(settings, account)) continue;
    FP_TRY(policies, r.policies.list_by_source(settings.id));
    for (Policy& policy : policies) {
      if (policy.category != policy_category::kClientSettings) continue;
      out.latest.ms = std::max(out.latest.ms, policy.changed_at.ms);
      policy.body.clear();
      out.assignments.push_back({.policy = std::move(policy), .collection_id = {}});
    }
  }
  return out;
}

}  // namespace

Outcome<Answer> request_user_assignments(Context& context, const Message& message, const wire::AssignmentRequest& request) {
  if (!message.login) return refused(200, "user policy needs a Windows login of the user, at the Windows-authentication door");
  const Account& account = message.login->account;
  if (account.computer) return refused(200, fmt::format("user policy was asked for by the computer account {}", account.full_name()));
  const Device& device = *message.device;
  auto read = context.store.read([&](store::Repositories& r) {
    return read_for(r, device, account, message.request.peer.door, context.settings.site_code);
  });
  if (!read) return refused(503, read.error().message);
  if (!read->refusal.empty()) return refused(200, fmt::format("user policy for {}: {}", account.full_name(), read->refusal));
  // Always whole: it is small, and what is no longer in it is no longer the user's.
  const wire::AssignmentReply reply{.delta = false,
                                    .client_id = device.client_id,
                                    .fqdn = request.fqdn,
                                    .netbios_name = request.netbios_name,
                                    .site_code = context.settings.site_code,
                                    .user = true,
                                    .cookie = read->latest,
                                    .assignments = std::move(read->assignments),
                                    .resync = {}};
  log::debug("mp.policy", "{} on {}: {} assignments", account.full_name(), device.client_id, reply.assignments.size());
  return Answer{wire::encode_assignment_reply(reply), {}};
}

}  // namespace fp::mp
