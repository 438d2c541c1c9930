// Forgetting what is old. Rows of a log come in the order of their time, so the first one that is young enough ends the search.
#include "store/sqlite/tables.hpp"

namespace fp::store::sqlite {
namespace {

// What it takes to shorten a log: its first young row (or the end), its first row beyond a number, and the deletion.
struct Log {
  const char *first_young, *first_beyond, *remove;
};

constexpr Log kStates{"SELECT coalesce((SELECT id FROM states WHERE received_at >= ?1 ORDER BY id LIMIT 1), "
                      "(SELECT max(id) + 1 FROM states), 0)",
                      "SELECT coalesce((SELECT id FROM states ORDER BY id LIMIT 1 OFFSET ?1), 9223372036854775807)",
                      "DELETE FROM states WHERE id < ?1 AND (serial = 0 OR serial <= (SELECT complete_to FROM state_serials q "
                      "WHERE q.client = states.client))"};
constexpr Log kEvents{"SELECT coalesce((SELECT id FROM events WHERE at >= ?1 ORDER BY id LIMIT 1), "
                      "(SELECT max(id) + 1 FROM events), 0)",
                      "SELECT coalesce((SELECT id FROM events ORDER BY id LIMIT 1 OFFSET ?1), 9223372036854775807)",
                      "DELETE FROM events WHERE id < ?1"};
constexpr Log kFallback{"SELECT coalesce((SELECT id FROM fallback_messages WHERE stored_at >= ?1 ORDER BY id LIMIT 1), "
                        "(SELECT max(id) + 1 FROM fallback_messages), 0)",
                        "SELECT coalesce((SELECT id FROM fallback_messages ORDER BY id LIMIT 1 OFFSET ?1), 9223372036854775807)",
                        "DELETE FROM fallback_messages WHERE id < ?1"};
// The last line of the audit stays, however old: the next one is chained to it.
constexpr Log kAudit{"SELECT coalesce((SELECT id FROM audit WHERE at >= ?1 ORDER BY id LIMIT 1), (SELECT max(id) FROM audit), 0)",
                     "SELECT coalesce((SELECT id FROM audit ORDER BY id LIMIT 1 OFFSET ?1), 9223372036854775807)",
                     "DELETE FROM audit WHERE id < ?1"};

// The first row of a log that stays: the first young one, but not more than `rows` behind the oldest.
Result<std::int64_t> first_kept(Database& db, const Log& log, Instant than, std::int64_t rows) {
  FP_TRY(young, db.number(log.first_young, than));
  FP_TRY(beyond, db.number(log.first_beyond, rows));
  return std::min(young, beyond);
}

Result<std::int64_t> remove_before(Database& db, const Log& log, std::int64_t kept) {
  FP_CHECK(db.run(log.remove, kept));
  return db.changes();
}

Result<std::int64_t> forget_log(Database& db, const Log& log, Instant than, std::int64_t rows) {
  FP_TRY(kept, first_kept(db, log, than, rows));
  return remove_before(db, log, kept);
}

}  // namespace

Result<std::int64_t> SiteTable::forget_states(Instant than, std::int64_t rows) {
  auto& db = c_.db;
  FP_TRY(kept, first_kept(db, kStates, than, rows));
  FP_CHECK(db.run("UPDATE state_serials SET forgotten_to = max(forgotten_to, coalesce((SELECT max(s.serial) FROM states s WHERE "
                  "s.client = state_serials.client AND s.id < ?1 AND s.serial > 0 AND s.serial <= complete_to), 0)) "
                  "WHERE client IN (SELECT client FROM states WHERE id < ?1)", kept));
  return remove_before(db, kStates, kept);
}

// Once something is gone a cookie from before `than` is answered in full: what went would be missing in a delta.
Result<std::int64_t> SiteTable::forget_tombstones(Instant than, std::int64_t rows) {
  auto& db = c_.db;
  FP_CHECK(db.run("DELETE FROM members WHERE (collection_id, client) IN (SELECT collection_id, client FROM members WHERE gone = 1 "
                  "AND changed_at < ?1 LIMIT ?2)", than, rows));
  std::int64_t count = db.changes();
  FP_CHECK(db.run("DELETE FROM policy_targets WHERE (collection_id, policy_id) IN (SELECT collection_id, policy_id FROM "
                  "policy_targets WHERE gone = 1 AND changed_at < ?1 LIMIT ?2)", than, rows));
  count += db.changes();
  FP_CHECK(db.run("DELETE FROM policies WHERE gone = 1 AND changed_at < ?1 AND NOT EXISTS (SELECT 1 FROM policy_targets WHERE "
                  "policy_id = policies.id)", than));
  count += db.changes();
  if (count > 0)
    FP_CHECK(db.run("INSERT INTO site_values VALUES('tombstones_from', ?1) ON CONFLICT(name) DO UPDATE SET value = "
                    "max(CAST(value AS INTEGER), ?1)", than.ms));
  return count;
}

Result<Forgotten> SiteTable::forget_older(const Retention& than, std::int64_t rows) {
  Forgotten out;
  if (than.states.ms > 0) {
    FP_TRY(count, forget_states(than.states, rows));
    out.states = count;
  }
  if (than.events.ms > 0) {
    FP_TRY(count, forget_log(c_.db, kEvents, than.events, rows));
    out.events = count;
  }
  if (than.fallback.ms > 0) {
    FP_TRY(count, forget_log(c_.db, kFallback, than.fallback, rows));
    out.fallback = count;
  }
  if (than.audit.ms > 0) {
    FP_TRY(count, forget_log(c_.db, kAudit, than.audit, rows));
    out.audit = count;
  }
  if (than.tombstones.ms > 0) {
    FP_TRY(count, forget_tombstones(than.tombstones, rows));
    out.tombstones = count;
  }
  return out;
}

}  // namespace fp::store::sqlite
