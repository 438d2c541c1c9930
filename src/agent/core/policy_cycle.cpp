#include "agent/core/policy_cycle.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "crypto/cms.hpp"
#include "crypto/hash.hpp"
#include "crypto/policy_secret.hpp"
#include "crypto/signature.hpp"
#include "wire/model_json.hpp"
#include "wire/policy_body.hpp"

namespace fp::agent {

namespace {
constexpr std::string_view kCookie = "policy.cookie", kFullAt = "policy.full_at";
// However complete the answers seem: a management point that left something out could not hide it for longer.
constexpr std::int64_t kFullEveryMs = 25LL * 3600 * 1000;

// The site counts a policy's versions up: "1.00", "2.00".
std::int64_t number_of(std::string_view version) { return parse_int(version.substr(0, version.find('.'))).value_or(0); }

}  // namespace

PolicyCycle::PolicyCycle(memory::Memory& memory, MpClient& mp, ServiceLocation& location, const Clock& clock,
                         pki::Certificate signing)
    : memory_(memory), mp_(mp), location_(location), clock_(clock), signing_(std::move(signing)) {}

Result<wire::ReceivedAssignments> PolicyCycle::ask(bool full) {
  FP_TRY(cookie, memory_.property(kCookie));
  wire::AssignmentRequest request;
  if (!full && !cookie.empty()) {
    if (auto since = parse_time(cookie)) request.since = *since;
  }
  request.wanted = request.since ? wire::AssignmentsWanted::delta : wire::AssignmentsWanted::full;
  wire::ReceivedAssignments reply;
  const auto asked = location_.with_mp([&](const std::string& base) -> Status {
    FP_TRY(got, mp_.assignments(base, request));
    reply = std::move(got);
    return {};
  });
  FP_CHECK(asked);
  return reply;
}

Result<bool> PolicyCycle::full_is_due() {
  FP_TRY(text, memory_.property(kFullAt));
  const auto age_ms = clock_.now().ms - parse_int(text).value_or(0);
  return age_ms < 0 || age_ms >= kFullEveryMs;
}

Result<PolicyCycle::Outcome> PolicyCycle::run(bool full) {
  FP_TRY(due, full_is_due());
  FP_TRY(reply, ask(full || due));
  FP_TRY(identity, memory_.identity());
  if (!reply.client_id.empty() && !iequals(reply.client_id, identity.client_id)) {
    return fail(Code::invalid, "the assignments are for {}", reply.client_id);
  }
  Outcome outcome;
  outcome.assigned = static_cast<int>(reply.assignments.size());
  const auto taken = memory_.together([&]() -> Status {
    for (const auto& a : reply.assignments) FP_CHECK(take(a, outcome));
    // After a refusal the next answer is to be whole. One with something that the site never signed takes nothing away either, and
    // its cookie is not believed: what was refused has to be offered again. An older version may also come from a site that was
    // restored, and the rest of its answer counts.
    if (outcome.refused > 0) FP_CHECK(memory_.set_property(kFullAt, "0"));
    if (outcome.refused > outcome.older) return {};
    for (const auto& id : reply.tombstones) FP_CHECK(drop(id, outcome));
    if (!reply.delta) {
      FP_TRY(held, memory_.policies());
      for (const auto& p : held) {
        const bool named = std::ranges::any_of(reply.assignments, [&](const auto& a) { return a.policy_id == p.id; });
        if (!named) FP_CHECK(drop(p.id, outcome));
      }
    }
    if (!reply.delta && outcome.refused == 0) FP_CHECK(memory_.set_property(kFullAt, std::to_string(clock_.now().ms)));
    for (const auto& kind : reply.resync) FP_CHECK(memory_.set_property("resync." + lower(kind), "1"));
    return memory_.set_property(kCookie, reply.cookie);
  });
  FP_CHECK(taken);
  FP_CHECK(fetch_bodies(outcome));
  log::info("policy-agent", "{} reply: {} assignments, {} activated, {} dropped, {} refused, {} waiting",
            reply.delta ? "delta" : "full", outcome.assigned, outcome.activated, outcome.dropped, outcome.refused,
            outcome.waiting);
  return outcome;
}

Status PolicyCycle::take(const wire::ReceivedAssignment& a, Outcome& outcome) {
  const auto refuse = [&](std::string_view why) -> Status {
    ++outcome.refused;
    log::error("policy-agent", "{} version {} is refused: {}", a.policy_id, a.version, why);
    return memory_.record(clock_.now(), a.policy_id, "policy refused", why);
  };
  if (a.hash.empty()) return refuse("it names no hash of its body");
  if (a.signature.empty()) return refuse("it is not signed");
  const auto text = wire::assignment_signing_text(a.policy_id, a.version, a.category, a.flags, a.hash);
  if (!crypto::verify_sha256(signing_.public_key(), text, a.signature)) {
    return refuse("its signature is not that of the site's signing certificate");
  }
  FP_TRY(held, memory_.policy(a.policy_id));
  // Signed once, and old: what a management point that is not itself any more could bring again.
  if (held && number_of(a.version) < number_of(held->version)) {
    ++outcome.older;
    return refuse(fmt::format("it is older than version {}, which is held: a replay", held->version));
  }
  memory::StoredPolicy p = held.value_or(memory::StoredPolicy{});
  if (held && p.version == a.version && p.hash == a.hash) {
    if (p.state == memory::PolicyState::active) return {};
  } else {
    p.attempts = 0;
  }
  p.id = a.policy_id;
  p.version = a.version;
  p.category = a.category;
  p.flags = a.flags;
  p.hash = a.hash;
  p.location = a.location;
  p.signature = a.signature;
  p.state = memory::PolicyState::requested;  // a body of the version before stays in force until the new one is whole
  p.changed_at = clock_.now();
  p.reason = "its body is to be fetched";
  return memory_.save(p);
}

Status PolicyCycle::drop(const std::string& id, Outcome& outcome) {
  FP_TRY(held, memory_.policy(id));
  if (!held) return {};
  ++outcome.dropped;
  FP_CHECK(memory_.record(clock_.now(), id, "policy dropped", "the site assigns it no longer"));
  return memory_.forget_policy(id);
}

Result<std::string> PolicyCycle::fetch_body(const memory::StoredPolicy& p) {
  const bool secret = (p.flags & policy_flag::kSecret) != 0;
  std::string bytes;
  const auto fetched = location_.with_mp([&](const std::string& base) -> Status {
    FP_TRY(url, wire::resolve_policy_location(p.location, base));
    FP_TRY(got, mp_.policy_body(url, secret || (p.flags & policy_flag::kRequiresAuth) != 0));
    bytes = std::move(got);
    return {};
  });
  FP_CHECK(fetched);
  const bool plain = bytes.starts_with("\xff\xfe") || bytes.starts_with("<");
  if (secret && !plain) {
    FP_TRY(opened, crypto::open(bytes, mp_.certificate().key, mp_.certificate().certificate.der()));
    bytes = std::string(wire::without_sealing_nul(opened));
  }
  if (hex(crypto::sha256(bytes)) != upper(p.hash))
    return fail(Code::corrupt, "the body does not match the hash of its assignment");
  FP_TRY(body, wire::decode_policy_body(bytes));
  return wire::encode_policy_body(body);
}

Status PolicyCycle::fetch_bodies(Outcome& outcome) {
  FP_TRY(all, memory_.policies());
  for (auto& p : all) {
    if (p.state != memory::PolicyState::requested) continue;
    // Not to be acted on out here. A task sequence's is fetched all the same, so that its refusal has a name (ADR 0014).
    const bool held_back = (p.flags & policy_flag::kIntranetOnly) != 0 && (p.flags & policy_flag::kTaskSequence) == 0;
    if (held_back && location_.where().internet()) {
      p.reason = "it is for the intranet only, and this client is on the internet";
      FP_CHECK(memory_.save(p));
      continue;
    }
    auto body = fetch_body(p);
    ++p.attempts;
    p.changed_at = clock_.now();
    if (body) {
      p.body = std::move(*body);
      p.state = memory::PolicyState::active;
      p.reason = "signature and hash hold";
      ++outcome.activated;
      FP_CHECK(memory_.record(clock_.now(), p.id, "policy active", fmt::format("{} version {}", p.category, p.version)));
    } else {
      p.reason = body.error().message;
      ++outcome.waiting;
      log::warning("policy-agent", "{} version {}: {}", p.id, p.version, p.reason);
      FP_CHECK(memory_.record(clock_.now(), p.id, "policy waiting", p.reason));
    }
    FP_CHECK(memory_.save(p));
    if (!body && is_unreachable(body.error())) return {};  // the next pass goes on
  }
  return {};
}

std::int64_t EffectivePolicy::number(const std::string& name, std::int64_t absent) const {
  const auto it = settings.find(name);
  return it == settings.end() ? absent : parse_int(it->second).value_or(absent);
}

bool EffectivePolicy::flag(const std::string& name, bool absent) const {
  const auto it = settings.find(name);
  return it == settings.end() ? absent : it->second == "1" || iequals(it->second, "true") || iequals(it->second, "yes");
}

Result<EffectivePolicy> effective_policy(memory::Memory& memory) {
  FP_TRY(all, memory.policies());
  EffectivePolicy out;
  std::vector<std::pair<std::int64_t, wire::PolicyInstance>> settings;
  const auto complain = [&](const memory::StoredPolicy& p, const Error& e) {
    log::warning("policy-evaluator", "{} version {} cannot be read: {}", p.id, p.version, e.message);
  };
  for (const auto& p : all) {
    if (p.body.empty()) continue;
    auto body = wire::decode_policy_body(p.body);
    if (!body) {
      complain(p, body.error());
      continue;
    }
    for (const auto& instance : body->instances) {
      if (instance.class_name == policy_class::kDeployment) {
        if (auto d = wire::deployment_document_from_json(instance.value("Document"))) out.deployments.push_back(std::move(*d));
        else complain(p, d.error());
      } else if (instance.class_name == policy_class::kServiceWindows) {
        if (auto w = wire::windows_from_json(instance.value("Document")))
          out.windows.insert(out.windows.end(), w->begin(), w->end());
        else complain(p, w.error());
      } else if (instance.class_name == policy_class::kCollectionVariable) {
        auto value = crypto::deobfuscate(instance.value("Value"));
        // What does not say that it may be shown is a secret.
        if (value) out.variables.push_back({std::string(instance.value("Name")), std::move(*value), instance.value("Masked") != "0"});
        else complain(p, value.error());
      } else if (instance.class_name == policy_class::kClientSettings) {
        settings.emplace_back(parse_int(instance.value("Priority")).value_or(10'000), instance);
      } else if (instance.class_name == policy_class::kUpdateSource) {
        if (auto id = parse_guid(instance.value("SourceID"))) out.update_source = std::move(*id);
        else complain(p, id.error());
        out.update_version = parse_int(instance.value("ContentVersion")).value_or(0);
      }
    }
  }
  std::ranges::stable_sort(settings, {}, [](const auto& s) { return -s.first; });
  for (const auto& [priority, instance] : settings) {
    for (const auto& property : instance.properties) {
      if (property.name != "Priority") out.settings[property.name] = property.value;
    }
  }
  std::ranges::sort(out.deployments, {}, [](const DeploymentDocument& d) { return d.deployment.id; });
  return out;
}

}  // namespace fp::agent
