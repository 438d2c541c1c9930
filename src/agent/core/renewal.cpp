// The agent's certificate before it ends: renewed with itself at the enrollment proxy point, in the office and on the internet. The next
// pass finds the new one, and registers with it as the same client.
#include "agent/core/agent.hpp"
#include "agent/core/enrollment.hpp"
#include "agent/core/session.hpp"
#include "base/log.hpp"

namespace fp::agent {
namespace {

constexpr std::string_view kCycle = "certificate";
constexpr std::int64_t kTryAgainMin = 24 * 60;  // at the latest

}  // namespace

Status Agent::renew_certificate(const PassOptions& options, PassResult& result) {
  const auto& s = world_.settings;
  const auto now = world_.clock.now();
  FP_TRY(held, world_.memory.schedule(kCycle));
  if (s.enrollment_proxy_point.empty() || !s.use_pki || !session_) {
    if (held && held->next_at.ms > 0) FP_CHECK(world_.memory.save(memory::Schedule{std::string(kCycle), held->last_at, {}, 0}));
    return {};
  }
  const ClientCertificate& current = session_->certificate;
  FP_TRY(identity, world_.memory.identity());
  if (identity.registration != "registered" || identity.certificate_fingerprint != current.certificate.fingerprint()) return {};
  const bool wanted = options.now.contains(std::string(kCycle));
  const Instant at = renewal_time(current.certificate);
  if (now < at && !wanted) {
    if (!held || held->next_at != at) FP_CHECK(world_.memory.save(memory::Schedule{std::string(kCycle), held ? held->last_at : Instant{}, at, 0}));
    return world_.memory.record(now, kRenewal, "not yet", fmt::format("{} ends {}; it is renewed from {} on, at {}", current.certificate.label(),
                                                                      to_iso(current.certificate.not_after()), to_iso(at), s.enrollment_proxy_point));
  }
  const bool waits = held && held->failures > 0 && held->next_at > now;
  if (waits && !wanted) return {};
  EnrollmentRequest request;
  request.proxy_point = s.enrollment_proxy_point;
  request.name = current.certificate.dns_names().empty() ? current.certificate.common_name() : current.certificate.dns_names().front();
  request.file = current.certificate_file;
  request.pending_key = world_.paths.data / "renewing.key";
  const auto renewed = enroll(*session_->transport, request);
  FP_CHECK(ran(std::string(kCycle), kTryAgainMin, 0, renewed.has_value()));
  if (!renewed) {
    note(result, renewed.error(), "renewing the certificate");
    return world_.memory.record(now, kRenewal, "failed", fmt::format("{} ends {}: {}", current.certificate.label(),
                                                                     to_iso(current.certificate.not_after()), renewed.error().message));
  }
  log::info("client-auth", "certificate renewed: {} until {}", renewed->label(), to_iso(renewed->not_after()));
  renewed_ = true;  // the pass after this one registers with it
  return world_.memory.record(now, kRenewal, "renewed", fmt::format("{} until {}, in place of {}", renewed->label(), to_iso(renewed->not_after()),
                                                                    current.certificate.serial()));
}

}  // namespace fp::agent
