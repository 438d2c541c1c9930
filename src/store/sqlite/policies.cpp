#include "store/sqlite/documents.hpp"
#include "store/sqlite/tables.hpp"

namespace fp::store::sqlite {
namespace {

#define FP_POLICY_COLUMNS "p.id, p.version, p.category, p.flags, p.hash, p.signature, p.source_id, p.changed_at"

Policy policy_of(Row& r) {
  Policy p;
  p.id = r.text();
  p.version = r.text();
  p.category = r.text();
  p.flags = static_cast<unsigned>(r.number());
  p.hash = r.text();
  p.signature = r.text();
  p.source_id = r.text();
  p.changed_at = r.time();
  return p;
}
Policy with_body(Row& r) {
  auto p = policy_of(r);
  p.body = r.text();
  return p;
}
PolicyAssignment assignment_of(Row& r) {
  PolicyAssignment a;
  a.policy = policy_of(r);
  a.collection_id = r.text();
  return a;
}

// Every way on which a policy reaches the device now.
#define FP_HELD                                                                              \
  "FROM members m JOIN policy_targets t ON t.collection_id = m.collection_id AND t.gone = 0 " \
  "JOIN policies p ON p.id = t.policy_id WHERE m.client = ?1 AND m.gone = 0 "

}  // namespace

Result<Policy> PoliciesTable::find(std::string_view id, std::string_view version) {
  return c_.db.one("policy",
                   "SELECT " FP_POLICY_COLUMNS
                   ", p.body FROM policies p WHERE p.id = ?1 AND (?2 = '' OR p.version = ?2) AND p.gone = 0",
                   with_body, id, version);
}

Result<std::vector<Policy>> PoliciesTable::list_by_source(std::string_view source_id) {
  return c_.db.all("SELECT " FP_POLICY_COLUMNS ", p.body FROM policies p WHERE p.source_id = ?1 AND p.gone = 0 ORDER BY p.id",
                   with_body, source_id);
}

Status PoliciesTable::put(const Policy& p, const std::vector<std::string>& collection_ids) {
  auto& db = c_.db;
  FP_CHECK(
      db.run("INSERT INTO policies VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0) ON CONFLICT(id) DO UPDATE SET version = ?2, "
             "category = ?3, flags = ?4, body = ?5, hash = ?6, signature = ?7, source_id = ?8, changed_at = ?9, gone = 0",
             p.id, p.version, p.category, p.flags, p.body, p.hash, Blob{p.signature}, p.source_id, c_.change));
  FP_TRY(before, db.all(
                     "SELECT collection_id FROM policy_targets WHERE policy_id = ?1 AND gone = 0",
                     [](Row& r) { return r.text(); }, p.id));
  const std::set<std::string> wanted(collection_ids.begin(), collection_ids.end());
  for (const auto& collection : before) {
    if (!wanted.contains(collection))
      FP_CHECK(db.run("UPDATE policy_targets SET gone = 1, changed_at = ?3 WHERE collection_id = ?1 AND policy_id = ?2",
                      collection, p.id, c_.change));
    FP_CHECK(db.run("INSERT INTO collection_changes VALUES(?1, ?2) ON CONFLICT(collection_id) DO UPDATE SET changed_at = ?2",
                    collection, c_.change));
  }
  for (const auto& collection : wanted) {
    FP_CHECK(db.run("INSERT INTO policy_targets VALUES(?1, ?2, ?3, 0) ON CONFLICT(collection_id, policy_id) DO UPDATE SET "
                    "gone = 0, changed_at = ?3 WHERE gone = 1", collection, p.id, c_.change));
    FP_CHECK(db.run("INSERT INTO collection_changes VALUES(?1, ?2) ON CONFLICT(collection_id) DO UPDATE SET changed_at = ?2",
                    collection, c_.change));
  }
  return {};
}

Status PoliciesTable::remove(std::string_view id) {
  auto& db = c_.db;
  FP_CHECK(db.run("INSERT INTO collection_changes SELECT collection_id, ?2 FROM policy_targets WHERE policy_id = ?1 AND gone = 0 "
                  "ON CONFLICT(collection_id) DO UPDATE SET changed_at = ?2", id, c_.change));
  FP_CHECK(db.run("UPDATE policy_targets SET gone = 1, changed_at = ?2 WHERE policy_id = ?1 AND gone = 0", id, c_.change));
  return remove_one(db, "policy", "UPDATE policies SET gone = 1, body = '', changed_at = ?2 WHERE id = ?1 AND gone = 0", id,
                    c_.change);
}

Result<std::vector<PolicyAssignment>> PoliciesTable::for_device(std::string_view client_id) {
  return c_.db.all("SELECT " FP_POLICY_COLUMNS ", min(t.collection_id) " FP_HELD "GROUP BY p.id ORDER BY p.id", assignment_of,
                   ClientRef{client_id});
}

// A policy is lost when the device left the collection or the policy did, after `since`, and no other way is left.
Result<std::vector<PolicyAssignment>> PoliciesTable::for_device_since(std::string_view client_id, Instant since) {
  const ClientRef client{client_id};
  FP_TRY(out, c_.db.all("SELECT " FP_POLICY_COLUMNS ", min(t.collection_id) " FP_HELD
                        "GROUP BY p.id HAVING max(p.changed_at, min(max(t.changed_at, m.changed_at))) > ?2 ORDER BY p.id",
                        assignment_of, client, since));
  FP_TRY(lost, c_.db.all("SELECT " FP_POLICY_COLUMNS ", min(t.collection_id) FROM members m "
                         "JOIN policy_targets t ON t.collection_id = m.collection_id JOIN policies p ON p.id = t.policy_id "
                         "WHERE m.client = ?1 AND ((m.gone = 1 AND m.changed_at > ?2 AND (t.gone = 0 OR t.changed_at > ?2)) OR "
                         "(m.gone = 0 AND t.gone = 1 AND t.changed_at > ?2)) AND NOT EXISTS (SELECT 1 FROM members m2 "
                         "JOIN policy_targets t2 ON t2.collection_id = m2.collection_id WHERE m2.client = ?1 AND m2.gone = 0 AND "
                         "t2.policy_id = p.id AND t2.gone = 0) GROUP BY p.id ORDER BY p.id",
                         assignment_of, client, since));
  for (auto& a : lost) {
    a.tombstone = true;
    out.push_back(std::move(a));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.policy.id < b.policy.id; });
  return out;
}

Result<Instant> PoliciesTable::latest_change(std::string_view client_id) {
  FP_TRY(ms, c_.db.number("SELECT max(coalesce((SELECT max(changed_at) FROM members WHERE client = ?1), 0), "
                          "coalesce((SELECT max(c.changed_at) FROM members m JOIN collection_changes c ON c.collection_id = "
                          "m.collection_id WHERE m.client = ?1 AND m.gone = 0), 0))", ClientRef{client_id}));
  return Instant{ms};
}

Result<Instant> PoliciesTable::complete_since() {
  FP_TRY(ms, c_.db.number("SELECT coalesce((SELECT CAST(value AS INTEGER) FROM site_values WHERE name = 'tombstones_from'), 0)"));
  return Instant{ms};
}

Result<bool> PoliciesTable::is_for_device(std::string_view policy_id, std::string_view client_id) {
  FP_TRY(n, c_.db.number("SELECT EXISTS(SELECT 1 " FP_HELD "AND t.policy_id = ?2)", ClientRef{client_id}, policy_id));
  return n != 0;
}

}  // namespace fp::store::sqlite
