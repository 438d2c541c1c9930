#include "agent/core/fallback.hpp"

#include <algorithm>
#include <set>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "crypto/cms.hpp"
#include "crypto/hash.hpp"
#include "wire/fallback.hpp"
#include "wire/state_names.hpp"

namespace fp::agent {
namespace {

constexpr int kDeployment = 800, kCommunication = 1000, kCertificate = 1001;
constexpr int kGood = 1, kBad = 2;
constexpr int kAssignmentStarted = 500, kUnknownFailure = 601, kWrongSite = 602, kNoMp = 603, kNoMpKnown = 604, kAssigned = 700;
constexpr Backoff kRetry{60'000, 60LL * 60 * 1000};
constexpr std::int64_t kLeastMs = 15'000, kRetryAfterMaxS = 24 * 3600;
constexpr std::size_t kNotesAtOnce = 8, kPointsTold = 5;
constexpr std::size_t kDetailsBytesMax = 2000;
constexpr std::string_view kAttempts = "fallback.attempts", kNextAt = "fallback.next_at", kProblem = "fallback.problem";

bool is_assignment_failure(int state) { return state >= kUnknownFailure && state < kAssigned; }

// A sentence of whole characters.
std::string cut(std::string text) {
  if (text.size() <= kDetailsBytesMax) return text;
  text.resize(kDetailsBytesMax);
  while (!text.empty() && !is_utf8(text)) text.pop_back();
  return text;
}

struct Words {
  std::string_view part, check;
};
constexpr Words kTlsChecks[] = {{"expired", "TLS expired"},      {"not yet valid", "TLS not yet valid"}, {"revoked", "TLS revoked"},
                                {"name mismatch", "TLS name"}, {"untrusted", "TLS chain"}};

}  // namespace

std::string_view failed_check(const Error& e) {
  const std::string_view text = e.message;
  if (text.find("CRL") != std::string_view::npos) return "CRL";
  if (e.code == Code::unauthenticated) {
    for (const auto& [part, check] : kTlsChecks)
      if (text.find(part) != std::string_view::npos) return check;
    return "TLS";
  }
  if (text.find("DNS: ") != std::string_view::npos) return "DNS";
  if (text.find("the proxy ") != std::string_view::npos) return "proxy";
  if (text.find(" answered 403") != std::string_view::npos) return "403";
  if (e.code == Code::forbidden) return "refused";
  if (e.code == Code::timed_out) return "timeout";
  for (const std::string_view part : {"refused the connection", "no route to", "no connection to"})
    if (text.find(part) != std::string_view::npos) return "connect";
  return "other";
}

Status send_fallback(Transport& transport, std::string_view point, const FallbackSender& sender, const memory::FallbackNote& note, Instant at,
                     std::int64_t& retry_after_s) {
  FallbackMessage m;
  m.site_code = sender.site_code;
  m.client_id = sender.client_id;
  m.name = sender.name;
  m.topic_type = note.topic_type;
  m.state_id = note.state_id;
  m.criticality = wire::is_failure(note.topic_type, note.state_id) ? 1 : 0;
  m.parameters = note.parameters;
  m.details = note.details;
  m.sent_at = at;
  Call call;
  call.method = "POST";
  const bool has_port = point.ends_with(']') ? false : point.rfind(':') != std::string_view::npos;
  call.url = fmt::format("http://{}{}/SMS_FSP/.sms_fsp", point, has_port ? "" : ":80");
  call.body = wire::encode_fallback(m);
  call.reply_bytes_max = 4096;
  const bool sealed = !sender.sealing_certificate_der.empty();
  if (sealed) {
    FP_TRY(der, crypto::seal(call.body, sender.sealing_certificate_der));
    call.body = std::move(der);
  }
  call.headers = {{"Content-Type", std::string(sealed ? wire::kSealedFallbackType : wire::kFallbackType)}};
  FP_TRY(reply, transport.send(call));
  if (reply.status == 200 && iequals(reply.header(wire::kFallbackReceiptHeader), hex_lower(crypto::sha256(call.body)))) return {};
  if (reply.status == 200) return fail(Code::forbidden, "{} answers 200 without the receipt of a fallback status point", point);
  retry_after_s = std::clamp<std::int64_t>(parse_int(reply.header("Retry-After")).value_or(0), 0, kRetryAfterMaxS);
  const bool unwanted = reply.status == 400 || reply.status == 413;
  return fail(unwanted ? Code::invalid : Code::unavailable, "{} answered {}", point, reply.status);
}

FallbackReporter::FallbackReporter(memory::Memory& memory, const Clock& clock, Random& random, std::string point)
    : memory_(memory), clock_(clock), random_(random), point_(std::move(point)) {}

Status FallbackReporter::note(int topic, int state, std::string key, std::vector<std::string> parameters, std::string details) {
  memory::FallbackNote n;
  n.topic_type = topic;
  n.state_id = state;
  n.key = std::move(key);
  for (auto& p : parameters) n.parameters.push_back(cut(std::move(p)));
  n.details = cut(std::move(details));
  n.at = clock_.now();
  FP_TRY(fresh, memory_.note_fallback(n));
  if (fresh)
    FP_CHECK(memory_.record(n.at, "fallback-status-point", wire::state_name(topic, state), n.details));
  return {};
}

Status FallbackReporter::account(const FallbackOutcome& o) {
  FP_TRY(communication, memory_.last_fallback(kCommunication));
  FP_TRY(certificate, memory_.last_fallback(kCertificate));
  FP_TRY(deployment, memory_.last_fallback(kDeployment));
  if (!o.certificate_found) return note(kCertificate, kBad, o.certificate_reason, {}, o.certificate_reason);
  if (certificate && certificate->state_id == kBad) FP_CHECK(note(kCertificate, kGood, "", {}, o.certificate_reason));
  if (!o.registered && (!deployment || deployment->state_id < kAssignmentStarted))
    FP_CHECK(note(kDeployment, kAssignmentStarted, "", {}, ""));
  if (o.trouble) {
    std::set<std::string> checks;
    std::vector<std::string> parameters;
    std::string sentence;
    const auto add = [&](const std::string& url, const Error& error) {
      checks.insert(fmt::format("{}={}", url, failed_check(error)));
      if (parameters.size() >= 3 * kPointsTold) return;
      for (const auto& p : {url, std::string(failed_check(error)), error.message}) parameters.push_back(p);
      sentence += fmt::format("{}{}{}{}: {}", sentence.empty() ? "" : "; ", url, url.empty() ? "" : ": ", failed_check(error), error.message);
    };
    for (const auto& [url, error] : o.unreached) add(url, error);
    if (o.unreached.empty()) add("", *o.trouble);
    std::string key;
    for (const auto& check : checks) key += check + "\n";
    if (o.assignment_failure != kWrongSite) FP_CHECK(note(kCommunication, kBad, key, parameters, sentence));
    const bool none_known = o.unreached.empty() && o.trouble->message.find("management point is known") != std::string::npos;
    const int failure = o.assignment_failure != 0 ? o.assignment_failure : none_known ? kNoMpKnown : kNoMp;
    if (!o.registered || o.assignment_failure != 0) FP_CHECK(note(kDeployment, failure, key, {}, o.trouble->message));
    return {};
  }
  if (communication && communication->state_id == kBad) FP_CHECK(note(kCommunication, kGood, "", {}, ""));
  if (o.registered && deployment && is_assignment_failure(deployment->state_id)) FP_CHECK(note(kDeployment, kAssigned, "", {}, ""));
  return settle_what_others_know();
}

// A management point was reached: it has the states of deployment and certificate from the outbox. What the status point was told of a
// failure it is also told to be over.
Status FallbackReporter::settle_what_others_know() {
  FP_TRY(waiting, memory_.untold_fallback(memory::kFallbackNotesMax));
  for (const auto& n : waiting) {
    FP_TRY(last_told, memory_.last_told_fallback(n.topic_type));
    FP_TRY(newest, memory_.last_fallback(n.topic_type));
    const bool told_failure = last_told && wire::is_failure(last_told->topic_type, last_told->state_id);
    const bool is_newest = newest && newest->id == n.id;
    if (told_failure && is_newest && !wire::is_failure(n.topic_type, n.state_id)) continue;
    FP_CHECK(memory_.settle_fallback(n.id, false, clock_.now()));
  }
  return {};
}

Result<Instant> FallbackReporter::put_off(const Error& error, std::int64_t retry_after_s) {
  FP_TRY(text, memory_.property(kAttempts));
  const auto attempts = static_cast<int>(parse_int(text).value_or(0));
  const auto delay = std::max({kLeastMs, kRetry.delay_ms(attempts, random_), retry_after_s * 1000});
  const Instant next = clock_.now().plus_ms(delay);
  log::warning("fallback-status-point", "{}", error.message);
  const Status kept = memory_.together([&]() -> Status {
    FP_CHECK(memory_.set_property(kProblem, error.message));
    FP_CHECK(memory_.set_property(kAttempts, std::to_string(attempts + 1)));
    return memory_.set_property(kNextAt, std::to_string(next.ms));
  });
  FP_CHECK(kept);
  return next;
}

Result<Instant> FallbackReporter::deliver(Transport& transport, const FallbackSender& sender, bool at_once) {
  FP_TRY(waiting, memory_.untold_fallback(kNotesAtOnce));
  if (waiting.empty()) return Instant{};
  FP_TRY(text, memory_.property(kNextAt));
  const Instant not_before{parse_int(text).value_or(0)};
  // A clock that was set back must not silence a client for years.
  const bool soon = not_before > clock_.now() && not_before < clock_.now().plus_s(kRetryAfterMaxS);
  if (soon && !at_once) return not_before;
  for (const auto& n : waiting) {
    std::int64_t retry_after_s = 0;
    const Status sent = send_fallback(transport, point_, sender, n, n.at, retry_after_s);
    if (!sent && sent.error().code != Code::invalid) return put_off(sent.error(), retry_after_s);
    if (!sent) log::warning("fallback-status-point", "{}: not told again: {}", wire::state_name(n.topic_type, n.state_id), sent.error().message);
    else log::info("fallback-status-point", "{} was told: {}", point_, wire::state_name(n.topic_type, n.state_id));
    FP_CHECK(memory_.settle_fallback(n.id, sent.has_value(), clock_.now()));
  }
  const Status kept = memory_.together([&]() -> Status {
    FP_CHECK(memory_.set_property(kProblem, ""));
    FP_CHECK(memory_.set_property(kAttempts, "0"));
    return memory_.set_property(kNextAt, "0");
  });
  FP_CHECK(kept);
  FP_TRY(more, memory_.untold_fallback(1));
  return more.empty() ? Instant{} : clock_.now().plus_ms(kLeastMs);
}

}  // namespace fp::agent
