#include "agent/core/registration.hpp"

#include "base/log.hpp"

namespace fp::agent {

namespace {

constexpr Backoff kConfirm{60'000, 300'000};
constexpr Backoff kRetry{60'000, 15 * 60'000};
constexpr std::int64_t kLeastMs = 30'000;

using Type = wire::RegistrationRequest::Type;
using Status3 = wire::RegistrationReply::Status;

// Topic 800, state 700: assigned to the site (domain.md §21.4).
Status tell_assigned(memory::Memory& memory, Instant now) {
  memory::OutboxMessage m;
  m.topic_type = 800;
  m.state_id = 700;
  m.at = now;
  FP_CHECK(memory.queue(std::move(m)));
  return {};
}

Status settle(memory::Memory& memory, memory::Identity& identity, const MpClient& mp, const wire::RegistrationReply& reply,
              Instant now, RegistrationOutcome& outcome) {
  switch (reply.status) {
    case Status3::registered:
      identity.registration = "registered";
      identity.certificate_fingerprint = mp.certificate().certificate.fingerprint();
      identity.registered_at = now;
      identity.attempts = 0;
      outcome.registered = true;
      if (auto told = tell_assigned(memory, now); !told) return told;
      outcome.reason = fmt::format("registered as {} with {}", reply.client_id, mp.certificate().certificate.label());
      break;
    case Status3::pending:
      identity.registration = "pending";
      outcome.reason = "the site has the request; an administrator has to approve this client, or the record is in conflict";
      break;
    case Status3::reset:
      identity.registration = "must-resend";
      identity.client_id.clear();
      outcome.reason = "the site wants this client to register again";
      break;
    case Status3::rejected:
      identity.registration = "rejected";
      outcome.reason = "the site rejected the registration";
      break;
  }
  if (!reply.client_id.empty() && reply.status != Status3::reset) identity.client_id = reply.client_id;
  return memory.save(identity);
}

}  // namespace

Result<RegistrationOutcome> ensure_registered(memory::Memory& memory, MpClient& mp, ServiceLocation& location, const Clock& clock,
                                              Random& random, bool forced) {
  FP_TRY(identity, memory.identity());
  const auto now = clock.now();
  const auto& fingerprint = mp.certificate().certificate.fingerprint();
  if (identity.registration == "registered" && identity.certificate_fingerprint == fingerprint)
    return RegistrationOutcome{true, {}, {}};
  const auto& backoff = identity.registration == "pending" ? kConfirm : kRetry;
  RegistrationOutcome outcome;
  if (!forced && identity.attempts > 0 && identity.asked_at <= now) {
    FP_TRY(due_text, memory.property("registration.retry_at"));
    outcome.retry_at.ms = std::strtoll(due_text.c_str(), nullptr, 10);
    if (outcome.retry_at > now) {
      outcome.reason = fmt::format("registration is {}", identity.registration);
      return outcome;
    }
  }
  const bool confirm = identity.registration == "pending" && !identity.client_id.empty();
  wire::RegistrationRequest request;
  request.type = confirm ? Type::confirmation : Type::registration;
  request.client_id = identity.client_id;
  request.agent_version = kAgentVersion;
  request.internet = location.where().internet();
  identity.asked_at = now;
  ++identity.attempts;
  outcome.retry_at = now.plus_ms(std::max(kLeastMs, backoff.delay_ms(identity.attempts, random)));
  FP_CHECK(memory.save(identity));
  FP_CHECK(memory.set_property("registration.retry_at", std::to_string(outcome.retry_at.ms)));
  wire::RegistrationReply reply;
  const auto asked = location.with_mp([&](const std::string& base) -> Status {
    FP_TRY(got, mp.register_client(base, request));
    reply = std::move(got);
    return {};
  });
  if (!asked) {
    FP_CHECK(memory.record(now, "registration", "no answer", asked.error().message));
    return std::unexpected(asked.error().with_context("registration"));
  }
  FP_CHECK(settle(memory, identity, mp, reply, now, outcome));
  if (outcome.registered) outcome.retry_at = {};
  log::info("client-id", "{}", outcome.reason);
  FP_CHECK(memory.record(now, "registration", identity.registration, outcome.reason));
  return outcome;
}

Status forget_registration(memory::Memory& memory) {
  FP_TRY(identity, memory.identity());
  identity.registration = "must-resend";
  identity.attempts = 0;
  return memory.save(identity);
}

}  // namespace fp::agent
