#include "store/sqlite/documents.hpp"
#include "store/sqlite/tables.hpp"

namespace fp::store::sqlite {

Result<ClientPush> ClientPushesTable::find(std::string_view id) {
  return find_document<ClientPush>(c_.db, "client push", "SELECT document FROM client_pushes WHERE id = ?1", id);
}
Result<std::vector<ClientPush>> ClientPushesTable::list() {
  return list_documents<ClientPush>(c_.db, "SELECT document FROM client_pushes ORDER BY id");
}
Result<ClientPush> ClientPushesTable::find_open(std::string_view host) {
  return find_document<ClientPush>(c_.db, "open client push", "SELECT document FROM client_pushes WHERE host = ?1 AND open = 1",
                                   host);
}
Result<std::vector<ClientPush>> ClientPushesTable::due(Instant now, int limit) {
  return list_documents<ClientPush>(
      c_.db, "SELECT document FROM client_pushes WHERE waiting = 1 AND next_at <= ?1 ORDER BY next_at, id LIMIT ?2", now,
      std::max(limit, 0));
}
Status ClientPushesTable::put(const ClientPush& push) {
  if (is_open(push.state))
    if (const auto other = find_open(push.host); other && other->id != push.id)
      return fail(Code::conflict, "{} is being pushed to already: {}", push.host, other->id);
  return c_.db.run("INSERT INTO client_pushes VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(id) DO UPDATE SET host = ?2, "
                   "open = ?3, waiting = ?4, next_at = ?5, finished_at = ?6, document = ?7",
                   push.id, push.host, is_open(push.state) ? 1 : 0, push.state == PushState::waiting ? 1 : 0, push.next_at,
                   push.finished_at, wire::to_text(push));
}
Status ClientPushesTable::remove(std::string_view id) {
  return remove_one(c_.db, "client push", "DELETE FROM client_pushes WHERE id = ?1", id);
}
Result<std::int64_t> ClientPushesTable::forget_finished(Instant before) {
  FP_CHECK(c_.db.run("DELETE FROM client_pushes WHERE open = 0 AND finished_at < ?1", before));
  return c_.db.changes();
}

}  // namespace fp::store::sqlite
