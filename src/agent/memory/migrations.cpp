// The schema, step by step. A step that was released is never changed; a new one is added behind it.
#include <array>

#include "agent/memory/database.hpp"

namespace fp::memory {

namespace {

constexpr const char* kFirst = R"(
CREATE TABLE properties (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE identity (one INTEGER PRIMARY KEY CHECK (one = 1), client_id TEXT NOT NULL, fingerprint TEXT NOT NULL,
  registration TEXT NOT NULL, next_serial INTEGER NOT NULL, counter INTEGER NOT NULL, registered_at INTEGER NOT NULL,
  asked_at INTEGER NOT NULL, attempts INTEGER NOT NULL);
INSERT INTO identity VALUES (1, '', '', 'none', 1, 0, 0, 0, 0);
CREATE TABLE policies (id TEXT PRIMARY KEY, version TEXT NOT NULL, category TEXT NOT NULL, flags INTEGER NOT NULL,
  hash TEXT NOT NULL, location TEXT NOT NULL, signature BLOB NOT NULL, state INTEGER NOT NULL, body BLOB NOT NULL,
  changed_at INTEGER NOT NULL, attempts INTEGER NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE jobs (content_id TEXT PRIMARY KEY, root_hash TEXT NOT NULL, bytes_total INTEGER NOT NULL,
  bytes_done INTEGER NOT NULL, state INTEGER NOT NULL, manifest BLOB NOT NULL, created_at INTEGER NOT NULL,
  next_at INTEGER NOT NULL, attempts INTEGER NOT NULL, full_attempts INTEGER NOT NULL, persist INTEGER NOT NULL,
  reason TEXT NOT NULL);
CREATE TABLE progress (content_id TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE, path TEXT NOT NULL, bitmap BLOB NOT NULL,
  partial_chunk INTEGER NOT NULL, partial_bytes INTEGER NOT NULL, PRIMARY KEY (content_id, path)) WITHOUT ROWID;
CREATE TABLE cache (content_id TEXT PRIMARY KEY, root_hash TEXT NOT NULL, folder TEXT NOT NULL, bytes INTEGER NOT NULL,
  added_at INTEGER NOT NULL, used_at INTEGER NOT NULL, persist INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE deployments (id TEXT PRIMARY KEY, revision INTEGER NOT NULL, state INTEGER NOT NULL,
  reported_state INTEGER NOT NULL, detail TEXT NOT NULL, reported_detail TEXT NOT NULL, at INTEGER NOT NULL,
  next_at INTEGER NOT NULL, received_at INTEGER NOT NULL,
  delay_s INTEGER NOT NULL, attempts INTEGER NOT NULL, finished INTEGER NOT NULL,
  exit_code INTEGER NOT NULL, ran_at INTEGER NOT NULL, restart_pending INTEGER NOT NULL, restart_boot TEXT NOT NULL)
  WITHOUT ROWID;
CREATE TABLE outbox (serial INTEGER PRIMARY KEY, topic_type INTEGER NOT NULL, topic_id TEXT NOT NULL,
  topic_id_type INTEGER NOT NULL, state_id INTEGER NOT NULL, criticality INTEGER NOT NULL, parameters TEXT NOT NULL,
  at INTEGER NOT NULL, sent INTEGER NOT NULL);
CREATE INDEX outbox_unsent ON outbox (serial) WHERE sent = 0;
CREATE TABLE snapshots (kind TEXT NOT NULL, instance TEXT NOT NULL, held TEXT NOT NULL, PRIMARY KEY (kind, instance))
  WITHOUT ROWID;
CREATE TABLE schedules (name TEXT PRIMARY KEY, last_at INTEGER NOT NULL, next_at INTEGER NOT NULL,
  failures INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE decisions (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, subject TEXT NOT NULL,
  verdict TEXT NOT NULL, reason TEXT NOT NULL);
CREATE INDEX decisions_subject ON decisions (subject, id);
CREATE TABLE journal (id INTEGER PRIMARY KEY AUTOINCREMENT, deployment_id TEXT NOT NULL, target TEXT NOT NULL,
  action TEXT NOT NULL, boot_id TEXT NOT NULL, started_at INTEGER NOT NULL, finished_at INTEGER NOT NULL,
  finished INTEGER NOT NULL, exit_code INTEGER NOT NULL);
CREATE INDEX journal_deployment ON journal (deployment_id, id);
CREATE TABLE requests (deployment_id TEXT PRIMARY KEY, uninstall INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE management_points (position INTEGER PRIMARY KEY, url TEXT NOT NULL, name TEXT NOT NULL,
  internet INTEGER NOT NULL, category INTEGER NOT NULL, locality INTEGER NOT NULL, ssl INTEGER NOT NULL);
CREATE TABLE failures (url TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX failures_url ON failures (url, at);
PRAGMA user_version = 1;
)";

// What the fallback status point is told.
constexpr const char* kSecond = R"(
CREATE TABLE fallback (id INTEGER PRIMARY KEY AUTOINCREMENT, topic_type INTEGER NOT NULL, state_id INTEGER NOT NULL,
  key TEXT NOT NULL, parameters TEXT NOT NULL, details TEXT NOT NULL, at INTEGER NOT NULL, settled INTEGER NOT NULL,
  told INTEGER NOT NULL, settled_at INTEGER NOT NULL);
CREATE INDEX fallback_topic ON fallback (topic_type, id);
PRAGMA user_version = 2;
)";

// Since when a download looks for sources where it is now, and how many bytes it took off the network.
constexpr const char* kSearching = R"(
ALTER TABLE jobs ADD COLUMN searching_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN place TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN bytes_received INTEGER NOT NULL DEFAULT 0;
PRAGMA user_version = 3;
)";

// Runs of task sequences: where each is, what became of its steps, its variables.
constexpr const char* kSequences = R"(
CREATE TABLE sequence_runs (deployment_id TEXT PRIMARY KEY, run_id TEXT NOT NULL, revision INTEGER NOT NULL,
  state TEXT NOT NULL, position INTEGER NOT NULL, boot_id TEXT NOT NULL, last_exit_code INTEGER NOT NULL,
  last_succeeded INTEGER NOT NULL, last_name TEXT NOT NULL, restart_wanted INTEGER NOT NULL, user_started INTEGER NOT NULL,
  started_at INTEGER NOT NULL, finished_at INTEGER NOT NULL, summary TEXT NOT NULL, document BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE sequence_steps (deployment_id TEXT NOT NULL REFERENCES sequence_runs ON DELETE CASCADE, line INTEGER NOT NULL,
  place TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, exit_code INTEGER NOT NULL,
  reason TEXT NOT NULL, output TEXT NOT NULL, started_at INTEGER NOT NULL, finished_at INTEGER NOT NULL,
  PRIMARY KEY (deployment_id, line)) WITHOUT ROWID;
CREATE TABLE sequence_variables (deployment_id TEXT NOT NULL REFERENCES sequence_runs ON DELETE CASCADE, name TEXT NOT NULL,
  value TEXT NOT NULL, secret INTEGER NOT NULL, PRIMARY KEY (deployment_id, name)) WITHOUT ROWID;
PRAGMA user_version = 4;
)";

// The scan for software updates: metadata, findings, and how it stands.
constexpr const char* kUpdates = R"(
CREATE TABLE update_metadata (number INTEGER PRIMARY KEY, leaf INTEGER NOT NULL, fragment TEXT NOT NULL);
CREATE TABLE update_findings (update_id TEXT PRIMARY KEY, number INTEGER NOT NULL, state INTEGER NOT NULL, title TEXT NOT NULL,
  since INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE update_scan (one INTEGER PRIMARY KEY CHECK (one = 1), source_id TEXT NOT NULL, wanted_version INTEGER NOT NULL,
  version INTEGER NOT NULL, online_at INTEGER NOT NULL, at INTEGER NOT NULL, point_url TEXT NOT NULL, point_name TEXT NOT NULL,
  tries INTEGER NOT NULL, state INTEGER NOT NULL, reason TEXT NOT NULL, packages TEXT NOT NULL);
PRAGMA user_version = 5;
)";

constexpr std::array kSteps = {kFirst, kSecond, kSearching, kSequences, kUpdates};

Result<std::int64_t> version_of(Database& db) {
  std::int64_t version = 0;
  FP_CHECK(db.each("PRAGMA user_version", [&](Row& row) { row >> version; }));
  return version;
}

}  // namespace

Status migrate(Database& db) {
  static_assert(kSteps.size() == kSchemaVersion);
  FP_TRY(seen, version_of(db));
  if (seen == kSchemaVersion) return {};
  if (seen > kSchemaVersion) {
    return fail(Code::corrupt, "the agent's memory is of version {}, this program knows versions up to {}", seen,
                kSchemaVersion);
  }
  FP_CHECK(db.script("BEGIN IMMEDIATE"));
  // Another process may have migrated while this one waited for the lock.
  auto steps = [&]() -> Status {
    FP_TRY(version, version_of(db));
    for (auto v = static_cast<std::size_t>(version); v < kSteps.size(); ++v) FP_CHECK(db.script(kSteps[v]));
    return {};
  };
  if (auto done = steps(); !done) {
    (void)db.script("ROLLBACK");
    return std::unexpected(done.error().with_context("migrating the agent's memory"));
  }
  return db.script("COMMIT");
}

}  // namespace fp::memory
