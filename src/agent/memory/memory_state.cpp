// Deployment states, the outbox of state messages, inventory snapshots, decisions, the enforcement journal, user requests.
#include "agent/memory/database.hpp"
#include "agent/memory/memory.hpp"
#include "base/text.hpp"

namespace fp::memory {

#define DEPLOYMENT_COLUMNS                                                                                  \
  "id, revision, state, reported_state, detail, reported_detail, at, next_at, received_at, delay_s, attempts, finished, " \
  "exit_code, ran_at, restart_pending, restart_boot"

static DeploymentRecord read_deployment(Row& row) {
  DeploymentRecord d;
  row >> d.deployment_id >> d.revision >> d.state >> d.reported_state >> d.detail >> d.reported_detail >> d.at >> d.next_at >>
      d.received_at >> d.delay_s >> d.attempts >> d.finished >> d.exit_code >> d.ran_at >> d.restart_pending >> d.restart_boot_id;
  return d;
}

Result<std::vector<DeploymentRecord>> Memory::deployments() {
  std::vector<DeploymentRecord> out;
  FP_CHECK(db_->each("SELECT " DEPLOYMENT_COLUMNS " FROM deployments ORDER BY id",
                     [&](Row& row) { out.push_back(read_deployment(row)); }));
  return out;
}

Result<std::optional<DeploymentRecord>> Memory::deployment(std::string_view id) {
  std::optional<DeploymentRecord> out;
  FP_CHECK(db_->each("SELECT " DEPLOYMENT_COLUMNS " FROM deployments WHERE id=?1",
                     [&](Row& row) { out = read_deployment(row); }, id));
  return out;
}

Status Memory::save(const DeploymentRecord& d) {
  return db_->run("INSERT OR REPLACE INTO deployments (" DEPLOYMENT_COLUMNS
                  ") VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)",
                  d.deployment_id, d.revision, d.state, d.reported_state, d.detail, d.reported_detail, d.at, d.next_at,
                  d.received_at, d.delay_s, d.attempts, d.finished, d.exit_code, d.ran_at, d.restart_pending, d.restart_boot_id);
}

Status Memory::forget_deployment(std::string_view id) { return db_->run("DELETE FROM deployments WHERE id=?1", id); }

// Parameters lie in one column, each with its length in front, so that any byte may stand in them.
static std::string join(const std::vector<std::string>& parameters) {
  std::string out;
  for (const auto& p : parameters) out += fmt::format("{}:{}", p.size(), p);
  return out;
}

static std::vector<std::string> cut(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto colon = text.find(':');
    const auto size = colon == std::string_view::npos ? Result<std::int64_t>(0) : parse_int(text.substr(0, colon));
    if (colon == std::string_view::npos || !size || *size < 0) break;
    out.emplace_back(text.substr(colon + 1, static_cast<std::size_t>(*size)));
    text.remove_prefix(std::min(text.size(), colon + 1 + static_cast<std::size_t>(*size)));
  }
  return out;
}

Result<std::int64_t> Memory::queue(OutboxMessage m) {
  const Status done = together([&]() -> Status {
    FP_CHECK(db_->each("SELECT next_serial FROM identity", [&](Row& row) { row >> m.serial; }));
    FP_CHECK(db_->run("UPDATE identity SET next_serial=?1", m.serial + 1));
    FP_CHECK(db_->run("INSERT INTO outbox VALUES (?1,?2,?3,?4,?5,?6,?7,?8,0)", m.serial, m.topic_type, m.topic_id,
                      m.topic_id_type, m.state_id, m.criticality, join(m.parameters), m.at));
    return db_->run("DELETE FROM outbox WHERE sent=1 AND serial<?1", m.serial - static_cast<std::int64_t>(kOutboxSentMax));
  });
  FP_CHECK(done);
  return m.serial;
}

Result<std::vector<OutboxMessage>> Memory::unsent(std::size_t max) {
  std::vector<OutboxMessage> out;
  FP_CHECK(db_->each("SELECT serial, topic_type, topic_id, topic_id_type, state_id, criticality, parameters, at, sent"
                     " FROM outbox WHERE sent=0 ORDER BY serial LIMIT ?1",
                     [&](Row& row) {
                       OutboxMessage m;
                       std::string parameters;
                       row >> m.serial >> m.topic_type >> m.topic_id >> m.topic_id_type >> m.state_id >> m.criticality >>
                           parameters >> m.at >> m.sent;
                       m.parameters = cut(parameters);
                       out.push_back(std::move(m));
                     },
                     static_cast<std::int64_t>(max)));
  return out;
}

Status Memory::mark_sent(std::int64_t up_to_serial) {
  return db_->run("UPDATE outbox SET sent=1 WHERE sent=0 AND serial<=?1", up_to_serial);
}
Status Memory::resend_from(std::int64_t serial) { return db_->run("UPDATE outbox SET sent=0 WHERE serial>=?1", serial); }

Result<std::map<std::string, std::string>> Memory::snapshot(std::string_view kind) {
  std::map<std::string, std::string> out;
  FP_CHECK(db_->each("SELECT instance, held FROM snapshots WHERE kind=?1",
                     [&](Row& row) {
                       std::string key;
                       row >> key;
                       row >> out[key];
                     },
                     kind));
  return out;
}

Status Memory::replace_snapshot(std::string_view kind, const std::map<std::string, std::string>& instances) {
  return together([&]() -> Status {
    FP_CHECK(db_->run("DELETE FROM snapshots WHERE kind=?1", kind));
    for (const auto& [key, held] : instances) FP_CHECK(db_->run("INSERT INTO snapshots VALUES (?1,?2,?3)", kind, key, held));
    return {};
  });
}

Status Memory::record(Instant at, std::string_view subject, std::string_view verdict, std::string_view reason) {
  return together([&]() -> Status {
    std::int64_t same = 0;
    FP_CHECK(db_->each("SELECT id, verdict, reason FROM decisions WHERE subject=?1 ORDER BY id DESC LIMIT 1",
                       [&](Row& row) {
                         std::int64_t id = 0;
                         std::string v, r;
                         row >> id >> v >> r;
                         if (v == verdict && r == reason) same = id;
                       },
                       subject));
    if (same != 0) return db_->run("UPDATE decisions SET at=?2 WHERE id=?1", same, at);
    FP_CHECK(db_->run("INSERT INTO decisions (at, subject, verdict, reason) VALUES (?1,?2,?3,?4)", at, subject, verdict, reason));
    return db_->run("DELETE FROM decisions WHERE id<=?1", db_->last_id() - static_cast<std::int64_t>(kDecisionsMax));
  });
}

Result<std::vector<Decision>> Memory::decisions(std::string_view subject, std::size_t max) {
  std::vector<Decision> out;
  FP_CHECK(db_->each("SELECT id, at, subject, verdict, reason FROM decisions WHERE ?1='' OR subject=?1"
                     " ORDER BY id DESC LIMIT ?2",
                     [&](Row& row) {
                       Decision d;
                       row >> d.id >> d.at >> d.subject >> d.verdict >> d.reason;
                       out.push_back(std::move(d));
                     },
                     subject, static_cast<std::int64_t>(max)));
  return out;
}

Result<std::int64_t> Memory::begin_action(const JournalEntry& e) {
  std::int64_t id = 0;
  const Status done = together([&]() -> Status {
    FP_CHECK(db_->run("INSERT INTO journal (deployment_id, target, action, boot_id, started_at, finished_at, finished, exit_code)"
                      " VALUES (?1,?2,?3,?4,?5,0,0,0)",
                      e.deployment_id, e.target, e.action, e.boot_id, e.started_at));
    id = db_->last_id();
    return db_->run("DELETE FROM journal WHERE finished=1 AND id<=?1", id - 500);
  });
  FP_CHECK(done);
  return id;
}

Status Memory::finish_action(std::int64_t id, int exit_code, Instant at) {
  return db_->run("UPDATE journal SET finished=1, exit_code=?2, finished_at=?3 WHERE id=?1", id, exit_code, at);
}

#define FALLBACK_COLUMNS "id, topic_type, state_id, key, parameters, details, at, settled, told, settled_at"

static FallbackNote read_fallback(Row& row) {
  FallbackNote n;
  std::string parameters;
  row >> n.id >> n.topic_type >> n.state_id >> n.key >> parameters >> n.details >> n.at >> n.settled >> n.told >> n.settled_at;
  n.parameters = cut(parameters);
  return n;
}

Result<bool> Memory::note_fallback(const FallbackNote& n) {
  bool fresh = false;
  const Status done = together([&]() -> Status {
    FP_TRY(last, last_fallback(n.topic_type));
    fresh = !last || last->state_id != n.state_id || last->key != n.key;
    if (!fresh) return {};
    FP_CHECK(db_->run("INSERT INTO fallback (topic_type, state_id, key, parameters, details, at, settled, told, settled_at)"
                      " VALUES (?1,?2,?3,?4,?5,?6,0,0,0)",
                      n.topic_type, n.state_id, n.key, join(n.parameters), n.details, n.at));
    return db_->run("DELETE FROM fallback WHERE id<=?1", db_->last_id() - static_cast<std::int64_t>(kFallbackNotesMax));
  });
  FP_CHECK(done);
  return fresh;
}

Result<std::vector<FallbackNote>> Memory::untold_fallback(std::size_t max) {
  std::vector<FallbackNote> out;
  FP_CHECK(db_->each("SELECT " FALLBACK_COLUMNS " FROM fallback WHERE settled=0 ORDER BY id LIMIT ?1",
                     [&](Row& row) { out.push_back(read_fallback(row)); }, static_cast<std::int64_t>(max)));
  return out;
}

Status Memory::settle_fallback(std::int64_t id, bool told, Instant at) {
  return db_->run("UPDATE fallback SET settled=1, told=?2, settled_at=?3 WHERE id=?1", id, told, at);
}

Result<std::optional<FallbackNote>> Memory::last_fallback(int topic_type) {
  std::optional<FallbackNote> out;
  FP_CHECK(db_->each("SELECT " FALLBACK_COLUMNS " FROM fallback WHERE topic_type=?1 ORDER BY id DESC LIMIT 1",
                     [&](Row& row) { out = read_fallback(row); }, topic_type));
  return out;
}

Result<std::optional<FallbackNote>> Memory::last_told_fallback(int topic_type) {
  std::optional<FallbackNote> out;
  FP_CHECK(db_->each("SELECT " FALLBACK_COLUMNS " FROM fallback WHERE told=1 AND (?1=0 OR topic_type=?1) ORDER BY id DESC LIMIT 1",
                     [&](Row& row) { out = read_fallback(row); }, topic_type));
  return out;
}

#define JOURNAL_COLUMNS "id, deployment_id, target, action, boot_id, started_at, finished_at, finished, exit_code"

static JournalEntry read_journal(Row& row) {
  JournalEntry e;
  row >> e.id >> e.deployment_id >> e.target >> e.action >> e.boot_id >> e.started_at >> e.finished_at >> e.finished >>
      e.exit_code;
  return e;
}

Result<std::vector<JournalEntry>> Memory::unfinished_actions() {
  std::vector<JournalEntry> out;
  FP_CHECK(db_->each("SELECT " JOURNAL_COLUMNS " FROM journal WHERE finished=0 ORDER BY id",
                     [&](Row& row) { out.push_back(read_journal(row)); }));
  return out;
}

Result<std::vector<JournalEntry>> Memory::actions(std::string_view deployment_id, std::size_t max) {
  std::vector<JournalEntry> out;
  FP_CHECK(db_->each("SELECT " JOURNAL_COLUMNS " FROM journal WHERE deployment_id=?1 ORDER BY id DESC LIMIT ?2",
                     [&](Row& row) { out.push_back(read_journal(row)); }, deployment_id, static_cast<std::int64_t>(max)));
  return out;
}

Result<std::vector<UserRequest>> Memory::requests() {
  std::vector<UserRequest> out;
  FP_CHECK(db_->each("SELECT deployment_id, uninstall, at FROM requests ORDER BY at",
                     [&](Row& row) {
                       UserRequest r;
                       row >> r.deployment_id >> r.uninstall >> r.at;
                       out.push_back(std::move(r));
                     }));
  return out;
}

Status Memory::save(const UserRequest& r) {
  return db_->run("INSERT OR REPLACE INTO requests VALUES (?1,?2,?3)", r.deployment_id, r.uninstall, r.at);
}
Status Memory::forget_request(std::string_view deployment_id) {
  return db_->run("DELETE FROM requests WHERE deployment_id=?1", deployment_id);
}

}  // namespace fp::memory
