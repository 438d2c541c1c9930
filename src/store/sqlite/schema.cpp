#include "store/sqlite/schema.hpp"

namespace fp::store::sqlite {
namespace {

// Times are milliseconds since 1970 UTC. `client` is the packed client id. `gone` rows are what deltas are made from.
// Wide rows with random keys (devices) are appended and found by an index; narrow ones are clustered by their key.
constexpr const char* kFirst = R"sql(
CREATE TABLE site_values(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE last_change(one INTEGER PRIMARY KEY CHECK(one = 1), at INTEGER NOT NULL);
INSERT INTO last_change VALUES(1, 0);

CREATE TABLE devices(
  client BLOB NOT NULL PRIMARY KEY, name TEXT NOT NULL, fqdn TEXT NOT NULL, approval INTEGER NOT NULL, pki INTEGER NOT NULL,
  blocked INTEGER NOT NULL, block_reason TEXT NOT NULL, conflict INTEGER NOT NULL, connection INTEGER NOT NULL,
  key_fingerprint TEXT NOT NULL, tls_fingerprint TEXT NOT NULL, agent_version TEXT NOT NULL, last_address TEXT NOT NULL,
  last_management_point TEXT NOT NULL, registered_at INTEGER NOT NULL, last_policy_at INTEGER NOT NULL,
  last_heartbeat_at INTEGER NOT NULL, last_hardware_at INTEGER NOT NULL, last_software_at INTEGER NOT NULL,
  last_state_at INTEGER NOT NULL, state_serial INTEGER NOT NULL, state_resync INTEGER NOT NULL,
  hardware_resync INTEGER NOT NULL, software_resync INTEGER NOT NULL, agent_counter INTEGER NOT NULL);
CREATE UNIQUE INDEX devices_key ON devices(key_fingerprint) WHERE key_fingerprint <> '';
CREATE INDEX devices_name ON devices(name COLLATE NOCASE);
CREATE TABLE device_changes(client BLOB NOT NULL PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX device_changes_at ON device_changes(at);
CREATE TABLE device_certificates(
  client BLOB NOT NULL PRIMARY KEY REFERENCES devices(client) ON DELETE CASCADE,
  signing BLOB NOT NULL, encryption BLOB NOT NULL);

CREATE TABLE collections(id TEXT PRIMARY KEY, document TEXT NOT NULL, member_count INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE members(
  collection_id TEXT NOT NULL, client BLOB NOT NULL, since INTEGER NOT NULL, changed_at INTEGER NOT NULL,
  gone INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY(collection_id, client)) WITHOUT ROWID;
CREATE INDEX members_client ON members(client, collection_id, gone, changed_at);

CREATE TABLE applications(id TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE packages(id TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE deployments(id TEXT PRIMARY KEY, collection_id TEXT NOT NULL, document TEXT NOT NULL);
CREATE TABLE deployment_states(
  deployment_id TEXT NOT NULL, client BLOB NOT NULL, state INTEGER NOT NULL, detail TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(deployment_id, client)) WITHOUT ROWID;
CREATE INDEX deployment_states_client ON deployment_states(client);

CREATE TABLE policies(
  id TEXT PRIMARY KEY, version TEXT NOT NULL, category TEXT NOT NULL, flags INTEGER NOT NULL, body TEXT NOT NULL,
  hash TEXT NOT NULL, signature BLOB NOT NULL, source_id TEXT NOT NULL, changed_at INTEGER NOT NULL, gone INTEGER NOT NULL);
CREATE INDEX policies_source ON policies(source_id);
CREATE TABLE policy_targets(
  collection_id TEXT NOT NULL, policy_id TEXT NOT NULL REFERENCES policies(id), changed_at INTEGER NOT NULL,
  gone INTEGER NOT NULL, PRIMARY KEY(collection_id, policy_id)) WITHOUT ROWID;
CREATE INDEX policy_targets_policy ON policy_targets(policy_id);
CREATE TABLE collection_changes(collection_id TEXT PRIMARY KEY, changed_at INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE inventory(
  client BLOB NOT NULL, kind TEXT NOT NULL, class TEXT NOT NULL, key TEXT NOT NULL, class_key TEXT NOT NULL,
  properties TEXT NOT NULL, PRIMARY KEY(client, kind, class, key)) WITHOUT ROWID;
CREATE INDEX inventory_class ON inventory(class_key, client);
CREATE TABLE inventory_reports(
  client BLOB NOT NULL, kind TEXT NOT NULL, sequence INTEGER NOT NULL, made_at INTEGER NOT NULL,
  PRIMARY KEY(client, kind)) WITHOUT ROWID;
CREATE TABLE inventory_classes(class TEXT PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE states(
  id INTEGER PRIMARY KEY, client BLOB NOT NULL, serial INTEGER NOT NULL, topic_type INTEGER NOT NULL, topic_id TEXT NOT NULL,
  topic_id_type INTEGER NOT NULL, state_id INTEGER NOT NULL, criticality INTEGER NOT NULL, parameters TEXT NOT NULL,
  sent_at INTEGER NOT NULL, received_at INTEGER NOT NULL);
CREATE UNIQUE INDEX states_serial ON states(client, serial) WHERE serial > 0;
CREATE INDEX states_client ON states(client);
CREATE TABLE state_serials(client BLOB NOT NULL PRIMARY KEY, complete_to INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE events(
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, severity INTEGER NOT NULL, component TEXT NOT NULL, client BLOB NOT NULL,
  text TEXT NOT NULL);
CREATE INDEX events_client ON events(client) WHERE client <> '';

CREATE TABLE contents(id TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE distribution_points(name TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE distributions(
  content_id TEXT NOT NULL, dp TEXT NOT NULL, state INTEGER NOT NULL, detail TEXT NOT NULL, bytes_done INTEGER NOT NULL,
  attempts INTEGER NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY(content_id, dp)) WITHOUT ROWID;
CREATE TABLE management_points(name TEXT PRIMARY KEY, document TEXT NOT NULL);

CREATE TABLE administrators(name TEXT PRIMARY KEY, token_hash TEXT NOT NULL, document TEXT NOT NULL);
CREATE UNIQUE INDEX administrators_token ON administrators(token_hash) WHERE token_hash <> '';
CREATE TABLE audit(
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, object_kind TEXT NOT NULL,
  object_id TEXT NOT NULL, detail TEXT NOT NULL, previous_hash TEXT NOT NULL, hash TEXT NOT NULL);
CREATE TABLE client_settings(id TEXT PRIMARY KEY, priority INTEGER NOT NULL, document TEXT NOT NULL);
CREATE TABLE replay(
  client BLOB NOT NULL, key TEXT NOT NULL, forget_at INTEGER NOT NULL, PRIMARY KEY(client, key)) WITHOUT ROWID;
CREATE INDEX replay_forget ON replay(forget_at);
)sql";

// Roles of one's own; and up to which serial a device's state messages may have been forgotten.
constexpr const char* kSecond = R"sql(
CREATE TABLE roles(name TEXT PRIMARY KEY COLLATE NOCASE, document TEXT NOT NULL);
ALTER TABLE state_serials ADD COLUMN forgotten_to INTEGER NOT NULL DEFAULT 0;
)sql";

// What came through fallback status points, and the points themselves.
constexpr const char* kThird = R"sql(
CREATE TABLE fallback_points(
  name TEXT PRIMARY KEY COLLATE NOCASE, url TEXT NOT NULL, comment TEXT NOT NULL, asked_at INTEGER NOT NULL,
  answered_at INTEGER NOT NULL, problem TEXT NOT NULL, waiting INTEGER NOT NULL, accepted INTEGER NOT NULL,
  refused INTEGER NOT NULL, throttled INTEGER NOT NULL, fetched INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE fallback_messages(
  id INTEGER PRIMARY KEY, fsp TEXT NOT NULL, message_id TEXT NOT NULL, part INTEGER NOT NULL, sealed INTEGER NOT NULL,
  address TEXT NOT NULL, site_code TEXT NOT NULL, client_id TEXT NOT NULL, name TEXT NOT NULL, sender TEXT NOT NULL,
  topic_type INTEGER NOT NULL, topic_id TEXT NOT NULL, state_id INTEGER NOT NULL, criticality INTEGER NOT NULL,
  parameters TEXT NOT NULL, details TEXT NOT NULL, sent_at INTEGER NOT NULL, received_at INTEGER NOT NULL,
  stored_at INTEGER NOT NULL);
CREATE UNIQUE INDEX fallback_once ON fallback_messages(fsp, message_id, part);
CREATE INDEX fallback_client ON fallback_messages(client_id) WHERE client_id <> '';
CREATE INDEX fallback_name ON fallback_messages(name COLLATE NOCASE) WHERE name <> '';
)sql";

constexpr const char* kBoundaries = R"sql(
CREATE TABLE boundaries(id TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE boundary_groups(id TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE boundary_state(one INTEGER PRIMARY KEY CHECK(one = 1), revision INTEGER NOT NULL, settings TEXT NOT NULL);
INSERT INTO boundary_state VALUES(1, 1, '{}');
)sql";

// Client push. `open` is 1 until the order is at its end.
constexpr const char* kClientPushes = R"sql(
CREATE TABLE client_pushes(
  id TEXT PRIMARY KEY, host TEXT NOT NULL, open INTEGER NOT NULL, waiting INTEGER NOT NULL, next_at INTEGER NOT NULL,
  finished_at INTEGER NOT NULL, document TEXT NOT NULL);
CREATE UNIQUE INDEX client_pushes_open ON client_pushes(host) WHERE open = 1;
CREATE INDEX client_pushes_due ON client_pushes(next_at) WHERE waiting = 1;
)sql";

// Task sequences.
constexpr const char* kSequences = R"sql(
CREATE TABLE task_sequences(id TEXT PRIMARY KEY, document TEXT NOT NULL);
)sql";

// Enrolment: tokens, issued certificates, proxy points on other hosts.
constexpr const char* kEnrollment = R"sql(
CREATE TABLE enrollment_tokens(id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, document TEXT NOT NULL);
CREATE TABLE enrollments(
  number INTEGER PRIMARY KEY, serial TEXT NOT NULL UNIQUE, key TEXT NOT NULL, replaces TEXT NOT NULL, certificate BLOB NOT NULL,
  document TEXT NOT NULL);
CREATE INDEX enrollments_key ON enrollments(key);
CREATE INDEX enrollments_replaces ON enrollments(replaces) WHERE replaces <> '';
CREATE TABLE enrollment_proxy_points(name TEXT PRIMARY KEY COLLATE NOCASE, document TEXT NOT NULL);
)sql";

// Fallback status points are reached over the site link; the address of the way that there was before is of no use to it.
constexpr const char* kFallbackLinks = R"sql(
ALTER TABLE fallback_points DROP COLUMN url;
ALTER TABLE fallback_points ADD COLUMN fingerprint TEXT NOT NULL DEFAULT '';
ALTER TABLE fallback_points ADD COLUMN link TEXT NOT NULL DEFAULT '';
)sql";

// Software updates. A new revision of an update is a new row under the same id.
constexpr const char* kUpdates = R"sql(
CREATE TABLE updates(
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL, source TEXT NOT NULL,
  package TEXT NOT NULL, version TEXT NOT NULL, architecture TEXT NOT NULL, title TEXT NOT NULL, product TEXT NOT NULL,
  classification INTEGER NOT NULL, file_name TEXT NOT NULL, url TEXT NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,
  content_version INTEGER NOT NULL, expired INTEGER NOT NULL, changed_at INTEGER NOT NULL);
CREATE INDEX updates_package ON updates(package);
CREATE TABLE update_sources(
  name TEXT PRIMARY KEY, tried_at INTEGER NOT NULL, succeeded_at INTEGER NOT NULL, released_at INTEGER NOT NULL,
  problem TEXT NOT NULL, updates INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE software_update_points(
  name TEXT PRIMARY KEY, intranet_url TEXT NOT NULL, internet_url TEXT NOT NULL, connections INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE update_states(
  update_id TEXT NOT NULL, client BLOB NOT NULL, state INTEGER NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(update_id, client)) WITHOUT ROWID;
CREATE INDEX update_states_client ON update_states(client);
CREATE TABLE update_scans(
  client BLOB NOT NULL PRIMARY KEY, state INTEGER NOT NULL, content_version INTEGER NOT NULL, point TEXT NOT NULL,
  detail TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
)sql";

constexpr const char* kSteps[] = {kFirst, kSecond, kThird, kBoundaries, kClientPushes, kSequences, kEnrollment, kFallbackLinks, kUpdates};

}  // namespace

std::span<const char* const> migrations() { return kSteps; }

Status migrate(Database& db, std::int64_t version) {
  const auto newest = static_cast<std::int64_t>(std::size(kSteps));
  if (version < 0 || version > newest) version = newest;
  FP_TRY(now, db.number("PRAGMA user_version"));
  FP_TRY(application, db.number("PRAGMA application_id"));
  FP_TRY(tables, db.number("SELECT count(*) FROM sqlite_schema"));
  if (application != kApplicationId && (application != 0 || now != 0 || tables != 0))
    return fail(Code::invalid, "it is a database of another program");
  if (now > newest)
    return fail(Code::invalid, "it was written by a newer farpointd (schema {}, this one knows {}): upgrade the program", now,
                newest);
  for (; now < version; ++now) {
    const auto step = fmt::format("BEGIN IMMEDIATE; {} PRAGMA application_id={}; PRAGMA user_version={}; COMMIT;",
                                  kSteps[now], kApplicationId, now + 1);
    if (const Status done = db.script(step.c_str()); !done) {
      if (db.in_transaction()) (void)db.script("ROLLBACK");
      return std::unexpected(done.error().with_context(fmt::format("migration to schema {}", now + 1)));
    }
  }
  return {};
}

}  // namespace fp::store::sqlite
