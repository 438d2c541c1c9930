#include "store/audit.hpp"
#include "store/sqlite/documents.hpp"
#include "store/sqlite/tables.hpp"

namespace fp::store::sqlite {
namespace {

using TokenAndDocument = std::pair<std::string, std::string>;
TokenAndDocument stored(Row& r) {
  auto token = r.text();
  return {std::move(token), r.text()};
}
Result<Administrator> administrator_of(TokenAndDocument row) {
  FP_TRY(administrator, wire::from_text<Administrator>(row.second, wire::Strictness::trusted));
  administrator.token_hash = std::move(row.first);
  return administrator;
}

}  // namespace

Result<Administrator> AdministrationTable::find(std::string_view name) {
  FP_TRY(row, c_.db.one("administrator", "SELECT token_hash, document FROM administrators WHERE name = ?1", stored, name));
  return administrator_of(std::move(row));
}
Result<Administrator> AdministrationTable::find_by_token_hash(std::string_view hash) {
  FP_TRY(row,
         c_.db.one("administrator with this token",
                   "SELECT token_hash, document FROM administrators WHERE token_hash = ?1 AND token_hash <> ''", stored, hash));
  return administrator_of(std::move(row));
}
Result<std::vector<Administrator>> AdministrationTable::list() {
  FP_TRY(rows, c_.db.all("SELECT token_hash, document FROM administrators ORDER BY name", stored));
  std::vector<Administrator> out;
  for (auto& row : rows) {
    FP_TRY(administrator, administrator_of(std::move(row)));
    out.push_back(std::move(administrator));
  }
  return out;
}
Status AdministrationTable::put(const Administrator& a) {
  return c_.db.run("INSERT INTO administrators VALUES(?1, ?2, ?3) ON CONFLICT(name) DO UPDATE SET token_hash = ?2, document = ?3",
                   a.name, a.token_hash, wire::to_text(a));
}
Status AdministrationTable::remove(std::string_view name) {
  return remove_one(c_.db, "administrator", "DELETE FROM administrators WHERE name = ?1", name);
}

Status AdministrationTable::audit(AuditLine line) {
  line.id = 1;
  line.previous_hash.clear();
  FP_CHECK(c_.db.each("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1", [&](Row& r) {
    line.id = r.number() + 1;
    line.previous_hash = r.text();
  }));
  if (line.at.ms == 0) line.at = c_.change;
  line.hash = audit_hash(line);
  return c_.db.run("INSERT INTO audit VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", line.id, line.at, line.who, line.action,
                   line.object_kind, line.object_id, line.detail, line.previous_hash, line.hash);
}

Result<std::vector<AuditLine>> AdministrationTable::audit_lines(std::int64_t before_id, int limit) {
  return c_.db.all("SELECT id, at, who, action, object_kind, object_id, detail, previous_hash, hash FROM audit WHERE id < ?1 "
                   "ORDER BY id DESC LIMIT ?2",
                   [](Row& r) {
                     AuditLine l;
                     l.id = r.number();
                     l.at = r.time();
                     l.who = r.text();
                     l.action = r.text();
                     l.object_kind = r.text();
                     l.object_id = r.text();
                     l.detail = r.text();
                     l.previous_hash = r.text();
                     l.hash = r.text();
                     return l;
                   }, before_id > 0 ? before_id : INT64_MAX, std::max(limit, 0));
}

Result<std::vector<ClientSettings>> AdministrationTable::settings() {
  return list_documents<ClientSettings>(c_.db, "SELECT document FROM client_settings ORDER BY priority, id");
}
Status AdministrationTable::put_settings(const ClientSettings& s) {
  return c_.db.run("INSERT INTO client_settings VALUES(?1, ?2, ?3) ON CONFLICT(id) DO UPDATE SET priority = ?2, document = ?3",
                   s.id, s.priority, wire::to_text(s));
}
Status AdministrationTable::remove_settings(std::string_view id) {
  return remove_one(c_.db, "client settings", "DELETE FROM client_settings WHERE id = ?1", id);
}

Result<std::vector<CustomRole>> AdministrationTable::roles() {
  return list_documents<CustomRole>(c_.db, "SELECT document FROM roles ORDER BY name");
}
Status AdministrationTable::put_role(const CustomRole& role) {
  return c_.db.run("INSERT INTO roles VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET document = ?2", role.name, wire::to_text(role));
}
Status AdministrationTable::remove_role(std::string_view name) {
  return remove_one(c_.db, "security role of your own", "DELETE FROM roles WHERE name = ?1", name);
}

}  // namespace fp::store::sqlite
