// MP_PolicyManager and .sms_pol (wire.md §6): what a device should hold, in full or since its cookie, and the
// bodies.
#include "wire/policy.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "crypto/cms.hpp"
#include "roles/mp/context.hpp"
#include "wire/policy_body.hpp"

namespace fp::mp {
namespace {

constexpr std::int64_t kSeenEveryMs = 10 * 60 * 1000;

struct Held {
  bool delta = false;
  Instant latest;
  std::vector<PolicyAssignment> assignments;
};

Result<Held> read_assignments(store::Repositories& r, const wire::AssignmentRequest& request) {
  FP_TRY(latest, r.policies.latest_change(request.client_id));
  Held held{.latest = latest};
  // A cookie that we cannot have given means nothing to us: everything is sent.
  held.delta = request.since && request.wanted != wire::AssignmentsWanted::full && *request.since <= latest;
  if (held.delta && *request.since == latest) return held;
  if (held.delta) {
    FP_TRY(complete, r.policies.complete_since());
    held.delta = *request.since >= complete;
  }
  FP_TRY(list, held.delta ? r.policies.for_device_since(request.client_id, *request.since)
                          : r.policies.for_device(request.client_id));
  held.assignments = std::move(list);
  if (!held.delta) std::erase_if(held.assignments, [](const PolicyAssignment& a) { return a.tombstone; });
  return held;
}

bool is_unchanged(const wire::AssignmentRequest& request, const std::optional<Instant>& latest) {
  return latest && request.since && request.wanted != wire::AssignmentsWanted::full && *request.since == *latest;
}

// `latest`: read together with the device. A cookie of that very change needs no second look.
Result<Held> held_by(Context& context, const wire::AssignmentRequest& request, const std::optional<Instant>& latest) {
  if (is_unchanged(request, latest)) return Held{.delta = true, .latest = *latest, .assignments = {}};
  return context.store.read([&](store::Repositories& r) { return read_assignments(r, request); });
}

ConnectionType connection_of(const net::Request& request) {
  return request.peer.door == Door::internet_https ? ConnectionType::currently_internet : ConnectionType::currently_intranet;
}

// Whether our record of the last contact is too old, or says another place.
bool contact_is_due(const Context& context, const Device& device, const net::Request& request) {
  const bool moved =
      device.last_address != request.peer.address || device.last_management_point != context.host(request) ||
      (device.connection != connection_of(request) && device.connection != ConnectionType::always_internet);
  return moved || context.clock.now().since_ms(device.last_policy_at) >= kSeenEveryMs;
}

// When the device was last here. Not worth waiting for, nor a write at every poll; but what it was given is what `why` reads.
void note_seen(Context& context, const Device& device, const net::Request& request, bool delivered) {
  if (!delivered && !contact_is_due(context, device, request)) return;
  const Instant now = context.clock.now();
  const ConnectionType connection = connection_of(request);
  const auto noted = context.store.write_async([&](store::Repositories& r) -> Status {
    FP_TRY(current, r.devices.find(device.client_id));
    current.last_policy_at = now;
    current.last_address = request.peer.address;
    current.last_management_point = context.host(request);
    if (current.connection != ConnectionType::always_internet) current.connection = connection;
    return r.devices.put(current);
  });
  if (!noted.value)
    log::warning("mp.policy", "{}: last contact was not noted: {}", device.client_id,
                 noted.value.error().message);
}

}  // namespace

Outcome<Answer> request_assignments(Context& context, Message& message) {
  const auto request = wire::decode_assignment_request(message.documents.body());
  if (!request) return refused(request.error());
  const Device& device = *message.device;
  if (request->client_id != device.client_id)
    return refused(200, fmt::format("the body asks for {}, the signature is of {}", request->client_id,
                                    device.client_id));
  if (request->user) return request_user_assignments(context, message, *request);
  if (message.at_once && (!is_unchanged(*request, message.latest_change) || contact_is_due(context, device, message.request)))
    return refused(503, "not from memory alone");
  auto held = held_by(context, *request, message.latest_change);
  if (!held) return refused(503, held.error().message);
  wire::AssignmentReply reply{.delta = held->delta,
                              .client_id = device.client_id,
                              .fqdn = request->fqdn,
                              .netbios_name = request->netbios_name,
                              .site_code = context.settings.site_code,
                              .cookie = held->latest,
                              .assignments = std::move(held->assignments),
                              .resync = {}};
  if (device.hardware_resync) reply.resync.emplace_back("hardware");
  if (device.software_resync) reply.resync.emplace_back("software");
  if (device.state_resync) reply.resync.emplace_back("state");
  note_seen(context, device, message.request, !reply.assignments.empty());
  log::debug("mp.policy", "{}: {} with {} assignments", device.client_id, reply.delta ? "delta" : "full",
             reply.assignments.size());
  return Answer{wire::encode_assignment_reply(reply), {}};
}

namespace {

net::Response body_response(const net::Request& request, std::string bytes, const std::string& etag) {
  net::Response response;
  response.set("Content-Type", "text/xml");
  if (!etag.empty()) {
    response.set("ETag", etag);
    if (icontains(request.header("If-None-Match"), etag)) {
      response.status = 304;
      return response;
    }
  }
  if (request.method == "HEAD")
    response.head_length = static_cast<std::int64_t>(bytes.size());
  else
    response.body.emplace_back(std::move(bytes));
  return response;
}

Outcome<net::Response> secret_body(Context& context, const net::Request& request, const Policy& policy) {
  const auto device = prove_headers(context, request);
  if (!device) return std::unexpected(device.error());
  const auto mine = context.store.read(
      [&](store::Repositories& r) { return r.policies.is_for_device(policy.id, device->client_id); });
  if (!mine) return refused(503, mine.error().message);
  if (!*mine) return refused(403, fmt::format("policy {} is not for {}", policy.id, device->client_id));
  if ((policy.flags & policy_flag::kSecret) == 0)
    return body_response(request, wire::policy_body_bytes(policy.body), {});
  const auto sealed =
      crypto::seal(wire::sealed_plain_text(policy.body), device->encryption_certificate_der,
                   context.settings.legacy_cms ? crypto::SealProfile::legacy : crypto::SealProfile::modern);
  if (!sealed) return refused(403, "cannot seal to the registered certificate: " + sealed.error().message);
  return body_response(request, *sealed, {});
}

Outcome<net::Response> any_body(Context& context, const net::Request& request) {
  const auto query = wire::parse_policy_query(request.query);
  if (!query) return refused(query.error().code == Code::too_large ? 413 : 400, query.error().message);
  const auto policy =
      context.store.read([&](store::Repositories& r) { return r.policies.find(query->id, query->version); });
  if (!policy && policy.error().code == Code::not_found) return refused(404, "no such policy");
  if (!policy) return refused(503, policy.error().message);
  if (!query->sha256.empty() && !iequals(query->sha256, policy->hash))
    return refused(404, "no policy with that hash");
  if ((policy->flags & (policy_flag::kSecret | policy_flag::kRequiresAuth)) != 0)
    return secret_body(context, request, *policy);
  return body_response(request, wire::policy_body_bytes(policy->body), "\"" + policy->hash + "\"");
}

}  // namespace

net::Response serve_policy(Context& context, const net::Request& request) {
  auto response = any_body(context, request);
  return response ? std::move(*response) : context.refuse("mp.policy", request, {}, response.error());
}

}  // namespace fp::mp
