#include "store/sqlite/query.hpp"
#include "store/sqlite/tables.hpp"
#include "wire/model_json_value.hpp"

namespace fp::store::sqlite {
namespace {

Result<Collection> collection_of(std::pair<std::string, std::int64_t> row) {
  FP_TRY(collection, wire::from_text<Collection>(row.first, wire::Strictness::trusted));
  collection.member_count = row.second;
  return collection;
}
std::pair<std::string, std::int64_t> stored(Row& r) {
  auto document = r.text();
  return {std::move(document), r.number()};
}
CollectionMember member_of(Row& r) {
  CollectionMember m;
  m.client_id = r.client();
  m.reason = r.text();
  m.since = r.time();
  return m;
}
std::string client_of(Row& r) { return r.client(); }

}  // namespace

Status CollectionsTable::require(std::string_view id) {
  FP_TRY(there, c_.db.number("SELECT count(*) FROM collections WHERE id = ?1", id));
  if (!there) return fail(Code::not_found, "no such collection: {}", id);
  return {};
}

Status CollectionsTable::recount(std::string_view id) {
  return c_.db.run("UPDATE collections SET member_count = (SELECT count(*) FROM members WHERE collection_id = ?1 AND gone = 0) "
                   "WHERE id = ?1", id);
}

Result<Collection> CollectionsTable::find(std::string_view id) {
  FP_TRY(row, c_.db.one("collection", "SELECT document, member_count FROM collections WHERE id = ?1", stored, id));
  return collection_of(std::move(row));
}

Result<std::vector<Collection>> CollectionsTable::list() {
  FP_TRY(rows, c_.db.all("SELECT document, member_count FROM collections ORDER BY id", stored));
  std::vector<Collection> out;
  for (auto& row : rows) {
    FP_TRY(collection, collection_of(std::move(row)));
    out.push_back(std::move(collection));
  }
  return out;
}

Status CollectionsTable::put(const Collection& collection) {
  return c_.db.run("INSERT INTO collections(id, document) VALUES(?1, ?2) ON CONFLICT(id) DO UPDATE SET document = ?2",
                   collection.id, wire::to_text(collection, wire::Secrets::shown));
}

Status CollectionsTable::remove(std::string_view id) {
  FP_CHECK(require(id));
  auto& db = c_.db;
  FP_CHECK(db.run("UPDATE members SET gone = 1, changed_at = ?2 WHERE collection_id = ?1 AND gone = 0", id, c_.change));
  FP_CHECK(db.run("UPDATE policy_targets SET gone = 1, changed_at = ?2 WHERE collection_id = ?1 AND gone = 0", id, c_.change));
  return db.run("DELETE FROM collections WHERE id = ?1", id);
}

Result<std::vector<CollectionMember>> CollectionsTable::members(std::string_view id) {
  FP_CHECK(require(id));
  return c_.db.all("SELECT client, reason, since FROM members WHERE collection_id = ?1 AND gone = 0 ORDER BY client", member_of,
                   id);
}

Result<bool> CollectionsTable::is_member(std::string_view id, std::string_view client_id) {
  FP_TRY(n, c_.db.number("SELECT count(*) FROM members WHERE collection_id = ?1 AND client = ?2 AND gone = 0", id,
                         ClientRef{client_id}));
  return n > 0;
}

Result<std::vector<std::string>> CollectionsTable::of_device(std::string_view client_id) {
  return c_.db.all("SELECT collection_id FROM members WHERE client = ?1 AND gone = 0 ORDER BY collection_id",
                   [](Row& r) { return r.text(); }, ClientRef{client_id});
}

// Set-based, so that a million members are a handful of statements beside filling the temporary table.
Status CollectionsTable::set_members(std::string_view id, const std::vector<CollectionMember>& members) {
  FP_CHECK(require(id));
  auto& db = c_.db;
  FP_CHECK(db.run(
      "CREATE TEMP TABLE IF NOT EXISTS wanted(client BLOB NOT NULL PRIMARY KEY, reason TEXT NOT NULL, since INTEGER NOT NULL) "
      "WITHOUT ROWID"));
  FP_CHECK(db.run("DELETE FROM temp.wanted"));
  for (const auto& m : members)
    FP_CHECK(db.run("INSERT INTO temp.wanted VALUES(?1, ?2, ?3) ON CONFLICT(client) DO NOTHING", ClientRef{m.client_id}, m.reason,
                    m.since.ms ? m.since : c_.change));
  FP_CHECK(db.run("UPDATE members SET gone = 1, changed_at = ?2 WHERE collection_id = ?1 AND gone = 0 AND NOT EXISTS "
                  "(SELECT 1 FROM temp.wanted w WHERE w.client = members.client)", id, c_.change));
  FP_CHECK(db.run("UPDATE members SET reason = w.reason FROM temp.wanted w WHERE collection_id = ?1 AND gone = 0 AND "
                  "w.client = members.client AND w.reason <> members.reason", id));
  FP_CHECK(db.run("INSERT INTO members SELECT ?1, client, since, ?2, 0, reason FROM temp.wanted WHERE true "
                  "ON CONFLICT(collection_id, client) DO UPDATE SET gone = 0, since = excluded.since, changed_at = ?2, "
                  "reason = excluded.reason WHERE members.gone = 1", id, c_.change));
  FP_CHECK(db.run("DELETE FROM temp.wanted"));
  return recount(id);
}

Status CollectionsTable::add_member(std::string_view id, const CollectionMember& m) {
  FP_CHECK(require(id));
  FP_TRY(there, is_member(id, m.client_id));
  FP_CHECK(c_.db.run("INSERT INTO members VALUES(?1, ?2, ?3, ?4, 0, ?5) ON CONFLICT(collection_id, client) DO UPDATE SET "
                     "since = iif(gone, ?3, since), changed_at = iif(gone, ?4, changed_at), gone = 0, reason = ?5",
                     id, ClientRef{m.client_id}, m.since.ms ? m.since : c_.change, c_.change, m.reason));
  if (there) return {};
  return c_.db.run("UPDATE collections SET member_count = member_count + 1 WHERE id = ?1", id);
}

Status CollectionsTable::remove_member(std::string_view id, std::string_view client_id) {
  FP_CHECK(c_.db.run("UPDATE members SET gone = 1, changed_at = ?3 WHERE collection_id = ?1 AND client = ?2 AND gone = 0", id,
                     ClientRef{client_id}, c_.change));
  if (c_.db.changes() == 0) return fail(Code::not_found, "{} is not a member of {}", client_id, id);
  return c_.db.run("UPDATE collections SET member_count = member_count - 1 WHERE id = ?1", id);
}

Result<std::vector<std::string>> CollectionsTable::run_query(const Query& query, const std::vector<std::string>* only) {
  FP_TRY(compiled, compile_query(query, only != nullptr));
  FP_TRY(raw, c_.db.prepare_once(compiled.sql));
  const std::unique_ptr<sqlite3_stmt, Database::Finalize> statement(raw);
  int index = 0;
  for (const auto& value : compiled.values) {
    ++index;
    FP_CHECK(std::visit([&](const auto& v) { return Database::bind(raw, index, v); }, value));
  }
  std::vector<std::string> out;
  const auto collect = [&]() -> Status {
    for (;;) {
      FP_TRY(more, c_.db.step(raw, "query of a collection rule"));
      if (!more) return {};
      Row row(raw);
      out.push_back(client_of(row));
    }
  };
  if (!only) {
    FP_CHECK(collect());
    return out;
  }
  for (const auto& client : *only) {
    Database::rewind(raw);
    FP_CHECK(Database::bind(raw, index + 1, ClientRef{client}));
    FP_CHECK(collect());
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace fp::store::sqlite
