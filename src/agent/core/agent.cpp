#include "agent/core/agent.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "agent/core/certificate.hpp"
#include "agent/core/crl.hpp"
#include "agent/core/fallback.hpp"
#include "agent/core/registration.hpp"
#include "agent/core/reporting.hpp"
#include "agent/core/session.hpp"
#include "agent/core/transfer.hpp"
#include "agent/core/whereabouts.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "crypto/signature.hpp"
#include "domain/internet/features.hpp"

namespace fp::agent {

namespace {

constexpr Backoff kAfterFailure{60'000, kRetryWithinMs};
constexpr std::int64_t kLongestSleepS = 3600;
constexpr std::int64_t kFindSiteAgainS = 600;
constexpr std::string_view kPolicyProblem = "policy.problem";  // why the last poll got no policy; empty: it did
constexpr std::int64_t kRegisterAgainMs = 3600 * 1000;
constexpr int kWrongSite = 602, kNoSigningCertificate = 605, kNoSiteFound = 606;  // states of topic 800 (domain.md §21.4)

// Stands for the network where there is none.
class Nobody final : public Transport {
 public:
  Result<Reply> send(const Call&) override { return fail(Code::unavailable, "no connection"); }
  Result<Reply> fetch(const Call&, std::int64_t, std::int64_t, const Sink&) override {
    return fail(Code::unavailable, "no connection");
  }
};

// With a trusted root key (domain.md §5.5) a signing certificate is believed only if that key signed it.
Status check_against_root(const std::string& key_text, const pki::Certificate& certificate, const std::string& signature) {
  if (key_text.empty() || iequals(key_text, hex(certificate.public_key().spki_der()))) return {};
  auto key = crypto::from_public_key_blob(key_text);
  if (!key) {
    FP_TRY(der, unhex(key_text));
    key = crypto::PublicKey::from_spki_der(der);
  }
  if (!key) return std::unexpected(key.error().with_context("SMSPUBLICROOTKEY"));
  if (crypto::verify_sha256(*key, wire::site_sign_text(crypto::sha256(certificate.der())), signature)) return {};
  return fail(Code::forbidden, "the site signing certificate is not signed by the key of SMSPUBLICROOTKEY");
}

}  // namespace

Agent::Agent(World world) : world_(std::move(world)), outer_stop_(world_.stop), site_code_(world_.settings.site_code) {
  world_.stop = [this] { return stopped() || look_again_due(); };
}
Agent::~Agent() = default;

bool Agent::look_again_due() const { return session_ && session_->location.look_again_due(); }

void Agent::note(PassResult& result, const Error& error, std::string_view doing) {
  log::warning("agent", "{}: {}", doing, error.message);
  if (result.problem.empty()) result.problem = fmt::format("{}: {}", doing, error.message);
}

Result<PassResult> Agent::pass(const PassOptions& options) {
  PassResult result;
  polled_ = false;
  FP_TRY(policy, effective_policy(world_.memory));
  policy_ = std::move(policy);
  std::optional<Error> trouble;
  if (auto opened = open_session(); !opened) {
    note(result, opened.error(), "connecting");
    result.offline = true;
    trouble = opened.error();
    FP_CHECK(asked_for_policy("connecting: " + opened.error().message, false));
  } else {
    auto done = online(options, result);
    if (!done && is_unreachable(done.error()) && !options.network_changed && !options.started) {
      // Nobody answers where this client believes to be: it may have moved without a word from the kernel.
      PassOptions again = options;
      again.network_changed = true;
      again.now.insert("policy");
      done = online(again, result);
    }
    if (!done) {
      note(result, done.error(), "policy");
      trouble = done.error();
      if (polled_) FP_CHECK(asked_for_policy("policy: " + done.error().message, false));
    }
    result.offline = !done && is_unreachable(done.error());
  }
  if (auto done = enforce(options); !done) note(result, done.error(), "enforcement");
  if (auto done = scan_updates(options, result.offline); !done) note(result, done.error(), "updates");
  if (session_ && !result.offline) {
    if (auto done = report(options, result); !done) note(result, done.error(), "reports");
  }
  if (auto done = renew_certificate(options, result); !done) note(result, done.error(), "certificate");
  if (auto told = tell_fallback(options, result, std::move(trouble)); !told) note(result, told.error(), "fallback status point");
  // A pass in which no poll was due says nothing about the last one.
  FP_TRY(problem, world_.memory.property(kPolicyProblem));
  if (result.problem.empty()) result.problem = problem;
  FP_TRY(schedules, world_.memory.schedules());
  const auto now = world_.clock.now();
  result.next = now.plus_s(kLongestSleepS);
  for (const auto& s : schedules) {
    if (s.next_at.ms > 0) result.next = std::min(result.next, s.next_at);
  }
  for (const auto at : {enforcement_next_, registration_next_, fallback_next_}) {
    if (at.ms > 0) result.next = std::min(result.next, at);
  }
  if (session_ && session_->location.look_again().ms > 0) result.next = std::min(result.next, session_->location.look_again());
  if (renewed_) result.next = now;
  result.next = std::max(result.next, now.plus_s(5));
  result.look_again = look_again_due() && !stopped();
  return result;
}

Status Agent::open_session() {
  const auto& s = world_.settings;
  const auto discovery = world_.machine.discover();
  Names names{discovery.netbios_name, discovery.fqdn};
  if (!s.computer_name.empty()) {
    names.netbios_name = upper(std::string_view(s.computer_name).substr(0, s.computer_name.find('.'))).substr(0, 15);
    names.fqdn = lower(s.computer_name);
  }
  const auto short_name = names.fqdn.substr(0, names.fqdn.find('.'));
  const Path folder = s.certificate_dir.empty() ? world_.paths.certificates : Path(s.certificate_dir);
  auto chosen = s.use_pki ? choose_certificate(s, {folder, short_name, world_.clock.now()})
                          : own_certificate(world_.paths.data, world_.clock.now(), world_.random);
  FP_CHECK(tell_certificate(chosen.has_value(), chosen ? chosen->reason : chosen.error().message));
  no_certificate_ = chosen ? "" : chosen.error().message;
  if (!chosen) return std::unexpected(chosen.error());
  kind_ = kind_of(chosen->certificate);
  FP_TRY(options, way_out());
  if (s.check_crl && s.use_pki) FP_CHECK(check_revocation(*chosen, options));
  if (s.use_pki) {
    options.certificate = chosen->certificate_file;
    options.key = chosen->key_file;
  }
  session_ = std::make_unique<Session>(world_, *chosen, world_.connect(options), names);
  return {};
}

// How calls leave this computer: without a client certificate yet, and with the place that was found last.
Result<HttpTransportOptions> Agent::way_out() {
  const auto& s = world_.settings;
  HttpTransportOptions options;
  options.ca_file = s.ca_file;
  options.resolve = s.resolve;
  options.stop = world_.stop;
  FP_TRY(outbound, ways_out(s, policy_.settings, world_.environment ? world_.environment : [](const char*) { return std::string(); }, kind_));
  if (outbound.proxies.empty()) FP_CHECK(note_no_proxy(outbound.ignored));
  options.outbound = std::move(outbound);
  options.intranet = [this](const std::string& url) { return session_ && session_->location.is_inside(url); };
  options.on_way = [this](const WayTaken& taken) { note_way(taken); };
  return options;
}

// What nobody can look up counts as revoked: without a list there is no connection (domain.md §5.4).
Status Agent::check_revocation(const ClientCertificate& chosen, HttpTransportOptions& options) {
  const auto& s = world_.settings;
  options.crl_file = s.crl_file;
  if (!s.crl_file.empty()) return {};
  auto way = options;
  FP_TRY(inside, was_inside(world_.memory));
  way.intranet = [inside](const std::string&) { return inside; };
  auto crls = refresh_crls(chosen, world_.paths.data / "crl.pem", world_.clock.now(), world_.connect, s, way);
  if (!crls) {
    FP_CHECK(world_.memory.record(world_.clock.now(), "revocation", "unavailable", crls.error().message));
    return std::unexpected(crls.error().with_context("revocation lists (CRL) of the site systems"));
  }
  options.crl_file = *crls;
  return {};
}

// Told once, and again where there was one before or the reason is another.
Status Agent::note_no_proxy(const std::string& ignored) {
  const std::string reason = !ignored.empty() ? ignored : "neither the client settings nor the installation (PROXY=) nor the environment names a web proxy";
  FP_TRY(before, world_.memory.property(kWayOut));
  FP_TRY(told, world_.memory.decisions("proxy", 1));
  if (before.empty() && !told.empty() && told.front().reason == reason) return {};
  if (!ignored.empty()) log::warning("outbound", "{}", ignored);
  FP_CHECK(world_.memory.set_property(kWayOut, ""));
  return world_.memory.record(world_.clock.now(), "proxy", "direct", reason);
}

void Agent::note_way(const WayTaken& taken) {
  const boost::json::object now{{"proxy", taken.proxy}, {"source", taken.source}, {"problem", taken.problem}, {"none", taken.none}};
  const auto text = boost::json::serialize(now);
  const auto before = world_.memory.property(kWayOut);
  if (before && *before == text) return;
  const auto verdict = taken.none ? "no way" : taken.proxy.empty() ? "direct" : taken.proxy;
  const auto reason = !taken.problem.empty()  ? taken.problem
                      : taken.source.empty() ? std::string("no proxy for this server")
                                             : "named by the " + taken.source;
  log::info("outbound", "to the internet: {}: {}", verdict, reason);
  auto kept = world_.memory.set_property(kWayOut, text);
  if (kept) kept = world_.memory.record(world_.clock.now(), "proxy", verdict, reason);
  if (!kept) log::warning("outbound", "the way out is not remembered: {}", kept.error().message);
}

// Topic 1001: got a certificate or not; told once per change.
Status Agent::tell_certificate(bool found, const std::string& reason) {
  FP_CHECK(world_.memory.record(world_.clock.now(), "certificate", found ? "chosen" : "none", reason));
  FP_TRY(told, world_.memory.property("certificate.told"));
  const std::string now = found ? "1" : "2";
  if (told == now) return {};
  memory::OutboxMessage m;
  m.topic_type = 1001;
  m.state_id = found ? 1 : 2;
  m.criticality = found ? 0 : 1;
  m.parameters = {reason};
  m.at = world_.clock.now();
  FP_CHECK(world_.memory.queue(std::move(m)));
  return world_.memory.set_property("certificate.told", now);
}

// Pinned at installation (SMSSIGNCERT), else learnt once over a connection whose server proved itself by its certificate.
Result<pki::Certificate> Agent::signing_certificate() {
  const auto file = world_.paths.signing_certificate();
  if (file_exists(file)) {
    FP_TRY(pem, read_file(file, 64U << 10));
    return pki::Certificate::from_pem(pem);
  }
  auto& session = *session_;
  std::optional<pki::Certificate> learnt;
  const auto asked = session.location.with_mp([&](const std::string& base) -> Status {
    if (!base.starts_with("https://")) {
      return fail(Code::forbidden, "over HTTP the site signing certificate is not believed: install with SMSSIGNCERT");
    }
    FP_TRY(offered, session.mp.site_sign_certificate(base));
    FP_TRY(certificate, pki::Certificate::from_der(offered.der));
    FP_CHECK(check_against_root(world_.settings.root_key, certificate, offered.root_signature));
    FP_CHECK(check_against_directory(certificate, base));
    learnt = certificate;
    return {};
  });
  FP_CHECK(asked);
  FP_CHECK(write_file(file, learnt->pem(), 0600));
  FP_CHECK(world_.memory.record(world_.clock.now(), "signing-certificate", "learnt", learnt->label()));
  return *learnt;
}

Status Agent::online(const PassOptions& options, PassResult& result) {
  auto& s = *session_;
  const auto refresh_ms = policy_.number("location.refresh_min", 1500) * 60'000;
  FP_TRY(moved, find_management_points(options.started || options.network_changed || options.now.contains("location"), refresh_ms));
  if (moved) FP_CHECK(world_.memory.set_property("resync.heartbeat", "moved"));  // the site shows where it is, and why
  auto done = find_site();
  assignment_failure_ = done ? 0 : kNoSiteFound;
  if (done) {
    done = confirm_site();
    if (!done && done.error().code == Code::conflict) assignment_failure_ = kWrongSite;
  }
  if (!done) {
    registration_next_ = world_.clock.now().plus_s(kFindSiteAgainS);
    return done;
  }
  FP_TRY(registration, ensure_registered(world_.memory, s.mp, s.location, world_.clock, world_.random,
                                         !options.now.empty() || options.started || options.network_changed));
  registration_next_ = registration.retry_at;
  if (!registration.registered) {
    result.problem = registration.reason;
    return {};
  }
  FP_TRY(list_due, due("location", options));
  if (list_due || moved) {
    auto refreshed = s.location.refresh_list();
    if (!refreshed) note(result, refreshed.error(), "list of management points");
    FP_CHECK(ran("location", policy_.number("location.refresh_min", 1500), 0, refreshed.has_value()));
  }
  FP_TRY(policy_due, due("policy", options));
  if (!policy_due) return {};
  polled_ = true;
  FP_TRY(outcome, poll(options));
  std::string problem;
  if (outcome.waiting > 0 || outcome.refused > 0)
    problem = fmt::format("policy: {} bodies waiting, {} assignments refused", outcome.waiting, outcome.refused);
  FP_CHECK(asked_for_policy(problem, outcome.waiting == 0));
  FP_TRY(policy, effective_policy(world_.memory));
  policy_ = std::move(policy);
  return {};
}

Result<PolicyCycle::Outcome> Agent::poll(const PassOptions& options) {
  auto& s = *session_;
  auto signing = signing_certificate();
  if (!signing) {
    assignment_failure_ = kNoSigningCertificate;
    return std::unexpected(signing.error());
  }
  PolicyCycle cycle(world_.memory, s.mp, s.location, world_.clock, *signing);
  auto outcome = cycle.run(options.now.contains("full-policy"));
  if (!outcome) {
    // No answer to a signed request may mean that the site has forgotten this client: registering again costs nothing.
    FP_TRY(identity, world_.memory.identity());
    const bool long_ago = world_.clock.now().since_ms(identity.registered_at) > kRegisterAgainMs;
    if (outcome.error().code == Code::forbidden && long_ago) FP_CHECK(forget_registration(world_.memory));
  }
  return outcome;
}

// `whole`: everything came that there is; else it is asked for again soon, not at the next poll.
Status Agent::asked_for_policy(const std::string& problem, bool whole) {
  FP_CHECK(world_.memory.set_property(kPolicyProblem, problem));
  const auto interval = policy_.number("client_policy.polling_interval_min", 60);
  return ran("policy", interval, std::max<std::int64_t>(1, interval / 10), whole);
}

Status Agent::enforce(const PassOptions& options) {
  TransferSettings t;
  t.cache = world_.settings.cache_dir.empty() ? world_.paths.cache() : Path(world_.settings.cache_dir);
  t.cache_bytes_max = policy_.number("cache.size_mb", world_.settings.cache_mb) << 20;
  t.keep_s = policy_.number("cache.min_age_min", 1440) * 60;
  if (session_ && session_->location.where().internet())
    t.vendor = world_.settings.always_internet ? TransferSettings::Vendor::https : TransferSettings::Vendor::any;
  FP_TRY(place, world_.memory.property(kPlace));
  t.place = place;
  // Without a connection the cache is still there (no certificate, no revocation list: the server is away all the same).
  Nobody nobody;
  Transport& transport = session_ ? *session_->transport : nobody;
  Transfer transfer(world_.memory, transport, world_.clock, world_.random, t, [this](const std::string& id, std::int64_t waited_min) { return sources(id, waited_min); });
  Enforcement work(world_.memory, world_.machine, &transfer, world_.clock, world_.random, policy_, world_.stop,
                   !session_ || session_->location.where().internet());
  FP_CHECK(work.recover());
  FP_TRY(evaluate, due("evaluation", options));
  FP_TRY(next, work.run(evaluate && options.wants("evaluation"), options.network_changed || options.started || (session_ && session_->location.moved())));
  if (evaluate) FP_CHECK(ran("evaluation", policy_.number("software_deployment.reevaluation_min", 10'080), 0, true));
  enforcement_next_ = next;
  if (evaluate) FP_CHECK(transfer.tidy());
  return {};
}

Status Agent::report(const PassOptions& options, PassResult& result) {
  FP_TRY(identity, world_.memory.identity());
  if (identity.registration != "registered") return {};
  Reporting reporting(world_.memory, session_->mp, session_->location, world_.machine, world_.clock);
  const auto cycle = [&](const std::string& name, std::int64_t interval, std::int64_t spread, bool enabled,
                         const std::function<Status()>& work) -> Status {
    FP_TRY(is_due, due(name, options));
    FP_TRY(resync, world_.memory.property("resync." + name));
    if (!enabled || (!is_due && resync.empty())) return {};
    auto done = work();
    if (!done) note(result, done.error(), name);
    return ran(name, interval, spread, done.has_value());
  };
  const auto& p = policy_;
  const auto heartbeat = [&]() -> Status {
    const Status sent = reporting.send_heartbeat();
    return sent ? world_.memory.set_property("resync.heartbeat", "") : sent;
  };
  FP_CHECK(cycle("heartbeat", p.number("heartbeat.interval_min", 10'080), 0, true, heartbeat));
  FP_CHECK(cycle("hardware", p.number("hardware_inventory.interval_min", 10'080),
                 p.number("hardware_inventory.random_delay_min", 240), p.flag("hardware_inventory.enabled", true),
                 [&] { return reporting.send_inventory("hardware", false); }));
  FP_CHECK(cycle("software", p.number("software_inventory.interval_min", 10'080),
                 p.number("software_inventory.random_delay_min", 240), p.flag("software_inventory.enabled", true),
                 [&] { return reporting.send_inventory("software", false); }));
  return cycle("state", p.number("state_messages.reporting_interval_min", 15), 0, true, [&] { return reporting.send_states(); });
}

// The one thing that goes out when nothing else does; last of all, so that it holds up nothing.
Status Agent::tell_fallback(const PassOptions& options, PassResult& result, std::optional<Error> trouble) {
  const auto& s = world_.settings;
  fallback_next_ = {};
  if (s.fallback_status_point.empty()) return {};
  // Ended by a signal, or not wanted just now by a busy site: no trouble of the way there.
  if (trouble && (trouble->code == Code::io || (world_.stop && world_.stop()))) return {};
  FP_TRY(identity, world_.memory.identity());
  FallbackOutcome outcome;
  outcome.certificate_found = no_certificate_.empty();
  outcome.certificate_reason = session_ ? session_->certificate.reason : no_certificate_;
  outcome.trouble = std::move(trouble);
  if (session_) outcome.unreached = session_->location.unreached();
  outcome.registered = identity.registration == "registered";
  outcome.assignment_failure = assignment_failure_;
  FallbackReporter reporter(world_.memory, world_.clock, world_.random, s.fallback_status_point);
  FP_CHECK(reporter.account(outcome));
  FallbackSender sender;
  sender.site_code = site_code_ == "AUTO" ? "" : site_code_;
  sender.client_id = identity.client_id;
  sender.name = s.computer_name.empty() ? world_.machine.discover().fqdn : lower(s.computer_name);
  if (const auto learnt = policy_.settings.find(kSealingSetting); learnt != policy_.settings.end()) {
    FP_TRY(der, unbase64(learnt->second));
    sender.sealing_certificate_der = std::move(der);
  } else if (file_exists(world_.paths.sealing_certificate())) {
    FP_TRY(pem, read_file(world_.paths.sealing_certificate(), 64U << 10));
    FP_TRY(certificate, pki::Certificate::from_pem(pem));
    sender.sealing_certificate_der = certificate.der();
  }
  FP_TRY(plain, way_out());
  const auto transport = world_.connect(plain);
  FP_TRY(next, reporter.deliver(*transport, sender, options.network_changed || options.started || !options.now.empty()));
  fallback_next_ = next;
  if (next.ms > 0) {
    FP_TRY(problem, world_.memory.property("fallback.problem"));
    if (!problem.empty() && result.problem.empty()) result.problem = "fallback status point: " + problem;
  }
  return {};
}

Result<bool> Agent::due(const std::string& cycle, const PassOptions& options) {
  if (options.wants(cycle)) return true;
  FP_TRY(s, world_.memory.schedule(cycle));
  // What failed on the old network, or before the agent was started anew, is tried at once.
  if (s && s->failures > 0 && (options.network_changed || options.started)) return true;
  // A clock that was set back must not put a cycle off for years.
  return !s || s->next_at <= world_.clock.now() || s->last_at > world_.clock.now().plus_s(60);
}

Status Agent::ran(const std::string& cycle, std::int64_t interval_min, std::int64_t random_min, bool good) {
  FP_TRY(held, world_.memory.schedule(cycle));
  memory::Schedule s = held.value_or(memory::Schedule{cycle, {}, {}, 0});
  const auto now = world_.clock.now();
  s.last_at = now;
  if (good) {
    s.failures = 0;
    const auto spread =
        random_min > 0 ? static_cast<std::int64_t>(world_.random.below(static_cast<std::uint64_t>(random_min) * 60)) : 0;
    s.next_at = now.plus_s(interval_min * 60 + spread);
  } else if (world_.stop && world_.stop()) {
    s.next_at = now;  // cut off, not failed: the next pass goes on with it
  } else {
    const auto delay = std::max<std::int64_t>(15'000, kAfterFailure.delay_ms(s.failures, world_.random));
    s.next_at = now.plus_ms(std::min(delay, interval_min * 60'000));
    ++s.failures;
  }
  return world_.memory.save(s);
}

}  // namespace fp::agent
