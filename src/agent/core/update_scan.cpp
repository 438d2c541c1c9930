#include "agent/core/update_scan.hpp"

#include <algorithm>
#include <map>

#include "agent/core/update_conversation.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "wire/wsus_metadata.hpp"

namespace fp::agent {
namespace {

std::string fingerprint_of(const PackagesOnDevice& device) {
  crypto::Sha256 hash;
  hash.update(device.architecture);
  for (const auto& p : device.packages) hash.update(fmt::format("\n{}\t{}\t{}", p.name, p.architecture, p.version));
  return hex_lower(hash.finish());
}

}  // namespace

UpdateScan::UpdateScan(memory::Memory& memory, Machine& machine, const Clock& clock, Random& random, const EffectivePolicy& policy, Reach reach)
    : memory_(memory), machine_(machine), clock_(clock), random_(random), policy_(policy), reach_(std::move(reach)) {}

Status UpdateScan::schedule(Instant next_at) {
  FP_TRY(held, memory_.schedule(kUpdatesCycle));
  memory::Schedule s = held.value_or(memory::Schedule{std::string(kUpdatesCycle), {}, {}, 0});
  s.last_at = record_.at;
  s.next_at = next_at;
  s.failures = record_.tries;
  return memory_.save(s);
}

// A fleet gets its policy at once and must not scan at once.
Status UpdateScan::plan_within(std::int64_t minutes) {
  const Instant drawn = clock_.now().plus_s(static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(minutes) * 60)));
  FP_TRY(held, memory_.schedule(kUpdatesCycle));
  const bool earlier = held && held->next_at.ms > 0 && held->next_at < drawn;
  return schedule(earlier ? held->next_at : drawn);
}

Status UpdateScan::learn() {
  FP_TRY(known, memory_.update_scan());
  record_ = std::move(known);
  const bool wanted = !policy_.update_source.empty() && policy_.flag("software_updates.enabled", true);
  if (!wanted) {
    if (record_.source_id.empty()) return {};
    FP_CHECK(memory_.forget_updates());
    record_ = {};
    FP_CHECK(schedule({}));
    return memory_.record(clock_.now(), kUpdatesCycle, "off", "policy names no source of updates, or switches scanning off");
  }
  if (record_.source_id != policy_.update_source) {
    FP_CHECK(memory_.forget_updates());
    record_ = {};
    record_.source_id = policy_.update_source;
    record_.wanted_version = policy_.update_version;
    FP_CHECK(schedule({}));
    FP_CHECK(plan_within(kFirstScanWithinMin));
    FP_CHECK(memory_.record(clock_.now(), kUpdatesCycle, "planned", "policy for the scan came: the first one is within two hours"));
    return memory_.save(record_);
  }
  if (record_.wanted_version == policy_.update_version) return {};
  record_.wanted_version = policy_.update_version;
  FP_CHECK(plan_within(kFirstScanWithinMin));
  return memory_.save(record_);
}

Status UpdateScan::run(bool forced) {
  FP_CHECK(learn());
  if (record_.source_id.empty()) return {};
  const auto device = machine_.dpkg_packages();
  if (!device) {
    if (record_.state == scan_state::kFailed && record_.reason == device.error().message) return {};
    FP_CHECK(settle(scan_state::kFailed, device.error().message));
    return schedule(clock_.now().plus_ms(kMetadataLifeMs));
  }
  FP_TRY(plan, memory_.schedule(kUpdatesCycle));
  const Instant now = clock_.now();
  // A clock that was set back must not put the scan off for years.
  const bool due = forced || !plan || plan->next_at <= now || plan->last_at > now.plus_s(60);
  const bool fresh = record_.version > 0 && record_.version >= record_.wanted_version && now.since_ms(record_.online_at) < kMetadataLifeMs &&
                     now >= record_.online_at;
  const bool wanted = forced || (due && !fresh);
  if (wanted && reach_.transport != nullptr) return online();
  const bool changed = record_.packages != fingerprint_of(*device);
  if (record_.version > 0 && (due || changed)) FP_CHECK(evaluate(*device, "from what was scanned before"));
  if (!due) return {};
  return schedule(wanted ? now.plus_s(kScanRetryS) : now.plus_s(policy_.number("software_updates.scan_interval_min", 10'080) * 60));
}

// The one that worked last, while it is offered here; after four failures in a row the next one (domain.md §12.2).
Result<const wire::WsusLocation*> UpdateScan::choose(const std::vector<wire::WsusLocation>& points) {
  std::vector<const wire::WsusLocation*> usable;
  for (const auto& p : points)
    if (!reach_.internet || istarts_with(p.url, "https://")) usable.push_back(&p);
  if (usable.empty()) return fail(Code::not_found, "no software update point is offered to clients on the {}", reach_.internet ? "internet" : "intranet");
  const auto current = std::ranges::find_if(usable, [&](const auto* p) { return p->url == record_.point_url; });
  if (current == usable.end()) {
    record_.tries = 0;
    return usable.front();
  }
  if (record_.tries < kScanTries) return *current;
  record_.tries = 0;
  return usable[(static_cast<std::size_t>(current - usable.begin()) + 1) % usable.size()];
}

Status UpdateScan::failed(const Error& error, const std::vector<wire::WsusLocation>& points) {
  record_.at = clock_.now();
  if (error.code == Code::invalid) {  // asking again the same way is of no use
    FP_CHECK(settle(scan_state::kFailed, error.message));
    return schedule(clock_.now().plus_ms(kMetadataLifeMs));
  }
  ++record_.tries;
  const bool next = record_.tries >= kScanTries;
  const std::string plan = !next                ? fmt::format("try {} of {}, the next in {} min", record_.tries, kScanTries, kScanRetryS / 60)
                           : points.size() > 1 ? fmt::format("that was try {}: the next software update point in {} min", kScanTries, kNextPointS / 60)
                                               : fmt::format("that was try {}, and there is no other software update point: again in {} min", kScanTries, kScanRetryS / 60);
  FP_CHECK(settle(scan_state::kRetry, fmt::format("{}; {}", error.message, plan)));
  return schedule(clock_.now().plus_s(next && points.size() > 1 ? kNextPointS : kScanRetryS));
}

Status UpdateScan::online() {
  const auto points = reach_.points(record_.source_id, record_.wanted_version);
  // No management point was reached: nothing is the fault of a software update point, and nothing changes (domain.md §12.2).
  if (!points) {
    FP_CHECK(memory_.record(clock_.now(), kUpdatesCycle, "not scanned", points.error().message));
    return schedule(clock_.now().plus_s(kScanRetryS));
  }
  const auto chosen = choose(*points);
  if (!chosen) {
    record_.at = clock_.now();
    FP_CHECK(settle(scan_state::kWaiting, chosen.error().message));
    return schedule(clock_.now().plus_s(kScanRetryS));
  }
  record_.point_url = (*chosen)->url;
  record_.point_name = (*chosen)->server_name;
  FP_TRY(device, machine_.dpkg_packages());
  FP_TRY(identity, memory_.identity());
  UpdateConversation talk(*reach_.transport, memory_, clock_, record_.point_url, identity.client_id, *reach_.names);
  const auto done = talk.synchronise(deployment::PackageIndex(device));
  if (!done) {
    log::warning("updates", "the scan at {} failed: {}", record_.point_url, done.error().message);
    return failed(done.error(), *points);
  }
  record_.version = std::max<std::int64_t>((*chosen)->version, record_.wanted_version);
  record_.online_at = clock_.now();
  record_.tries = 0;
  unreadable_ = talk.unreadable() > 0;
  FP_CHECK(evaluate(device, fmt::format("at {}", record_.point_url)));
  std::vector<std::int64_t> untitled;
  FP_TRY(findings, memory_.update_findings());
  for (const auto& f : findings)
    if (f.state == update_state::kRequired && f.title.empty()) untitled.push_back(f.number);
  if (const auto titles = talk.titles(untitled)) {
    for (auto& f : findings)
      if (const auto title = titles->find(f.number); title != titles->end()) {
        f.title = title->second;
        FP_CHECK(memory_.save(f));
      }
  }
  talk.report(true);
  return schedule(clock_.now().plus_s(policy_.number("software_updates.scan_interval_min", 10'080) * 60));
}

Status UpdateScan::tell_update(const std::string& update_id, int state) {
  memory::OutboxMessage m;
  m.topic_type = update_state::kTopic;
  m.topic_id = update_id;
  m.state_id = state;
  m.at = clock_.now();
  const auto queued = memory_.queue(std::move(m));
  return queued ? Status() : std::unexpected(queued.error());
}

Status UpdateScan::find(const std::string& update_id, std::int64_t number, int state, std::map<std::string, memory::UpdateFinding>& before) {
  const auto known = before.find(update_id);
  const bool same = known != before.end() && known->second.state == state;
  if (same && known->second.number == number) {
    before.erase(known);
    return {};
  }
  memory::UpdateFinding finding{update_id, number, state, known == before.end() ? std::string() : known->second.title, clock_.now()};
  if (same) finding.since = known->second.since;
  if (known != before.end()) before.erase(known);
  FP_CHECK(memory_.save(finding));
  return same ? Status() : tell_update(update_id, state);
}

Status UpdateScan::evaluate(const PackagesOnDevice& device, const std::string& how) {
  const deployment::PackageIndex index(device);
  int required = 0, installed = 0;
  FP_TRY(cached, memory_.cached_updates());
  return memory_.together([&]() -> Status {
    std::map<std::string, memory::UpdateFinding> before;
    FP_TRY(findings, memory_.update_findings());
    for (auto& f : findings) before.emplace(f.update_id, std::move(f));
    for (const auto& u : cached) {
      if (!u.leaf || u.fragment.empty()) continue;
      const auto metadata = wire::decode_core_fragment(u.fragment);
      if (!metadata || metadata->kind != UpdateKind::software) continue;
      const int state = index.state_of(*metadata);
      if (state == update_state::kNotRequired) continue;
      (state == update_state::kRequired ? required : installed) += 1;
      FP_CHECK(find(metadata->id, u.number, state, before));
    }
    for (const auto& [id, gone] : before) {
      FP_CHECK(tell_update(id, update_state::kNotRequired));
      FP_CHECK(memory_.forget_update_finding(id));
    }
    record_.packages = fingerprint_of(device);
    record_.at = clock_.now();
    const auto reason = fmt::format("{} updates of catalogue version {} evaluated {}: {} required, {} installed",
                                    std::ranges::count_if(cached, &memory::CachedUpdate::leaf), record_.version, how, required, installed);
    log::info("updates", "{}", reason);
    return settle(unreadable_ ? scan_state::kCompleteWithErrors : scan_state::kComplete, reason);
  });
}

// Remembered, decided aloud and told: every scan and every failure of one.
Status UpdateScan::settle(int state, const std::string& reason) {
  record_.state = state;
  record_.reason = reason;
  FP_CHECK(memory_.save(record_));
  FP_CHECK(memory_.record(clock_.now(), kUpdatesCycle, scan_state::word(state), reason));
  memory::OutboxMessage m;
  m.topic_type = scan_state::kTopic;
  m.topic_id = record_.source_id;
  m.state_id = state;
  m.criticality = state == scan_state::kRetry || state == scan_state::kFailed ? 1 : 0;
  m.parameters = {std::to_string(record_.version), record_.point_name, reason};
  m.at = clock_.now();
  const auto queued = memory_.queue(std::move(m));
  return queued ? Status() : std::unexpected(queued.error());
}

}  // namespace fp::agent
