#include "base/limits.hpp"
#include "store/sqlite/documents.hpp"
#include "store/sqlite/tables.hpp"

namespace fp::store::sqlite {
namespace {

#define MESSAGE_COLUMNS                                                                                                          \
  "id, fsp, message_id, part, sealed, address, site_code, client_id, name, sender, topic_type, topic_id, state_id, criticality, " \
  "parameters, details, sent_at, received_at, stored_at"
#define POINT_COLUMNS "name, fingerprint, link, comment, asked_at, answered_at, problem, waiting, accepted, refused, throttled, fetched"

struct Stored {
  FallbackMessage message;
  std::string parameters;
};

Stored read_message(Row& r) {
  Stored s;
  auto& m = s.message;
  m.id = r.number();
  m.fsp = r.text();
  m.message_id = r.text();
  m.part = static_cast<int>(r.number());
  m.sealed = r.flag();
  m.address = r.text();
  m.site_code = r.text();
  m.client_id = r.text();
  m.name = r.text();
  m.sender = r.text();
  m.topic_type = static_cast<int>(r.number());
  m.topic_id = r.text();
  m.state_id = static_cast<int>(r.number());
  m.criticality = static_cast<int>(r.number());
  s.parameters = r.text();
  m.details = r.text();
  m.sent_at = r.time();
  m.received_at = r.time();
  m.stored_at = r.time();
  return s;
}

FallbackPoint read_point(Row& r) {
  FallbackPoint p;
  p.name = r.text();
  p.fingerprint = r.text();
  p.link = r.text();
  p.comment = r.text();
  p.asked_at = r.time();
  p.answered_at = r.time();
  p.problem = r.text();
  p.waiting = r.number();
  p.accepted = r.number();
  p.refused = r.number();
  p.throttled = r.number();
  p.fetched = r.number();
  return p;
}

}  // namespace

Result<bool> FallbackTable::add(const FallbackMessage& m) {
  auto& db = c_.db;
  FP_CHECK(db.run("INSERT INTO fallback_messages(fsp, message_id, part, sealed, address, site_code, client_id, name, sender, topic_type, "
                  "topic_id, state_id, criticality, parameters, details, sent_at, received_at, stored_at) VALUES(?1, ?2, ?3, ?4, ?5, "
                  "?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18) ON CONFLICT DO NOTHING",
                  m.fsp, m.message_id, m.part, m.sealed, m.address, m.site_code, m.client_id, m.name, m.sender, m.topic_type, m.topic_id,
                  m.state_id, m.criticality, wire::to_text(m.parameters), m.details, m.sent_at, m.received_at, m.stored_at));
  if (db.changes() == 0) return false;
  FP_CHECK(db.run("DELETE FROM fallback_messages WHERE id <= (SELECT max(id) FROM fallback_messages) - ?1", limits::kFallbackRowsMax));
  return true;
}

Result<std::vector<FallbackMessage>> FallbackTable::messages(const FallbackFilter& f) {
  const std::int64_t before = f.before_id > 0 ? f.before_id : INT64_MAX;
  const int limit = std::max(f.limit, 0);
  const std::string prefix_begin = f.name + ".", prefix_end = f.name + "/";  // "/" follows "." in the order of bytes
  auto rows =
      f.client_id.empty() && f.name.empty()
          ? c_.db.all("SELECT " MESSAGE_COLUMNS " FROM fallback_messages WHERE id < ?1 ORDER BY id DESC LIMIT ?2", read_message, before, limit)
          : c_.db.all("SELECT " MESSAGE_COLUMNS " FROM fallback_messages WHERE id IN ("
                      "SELECT id FROM fallback_messages WHERE client_id = ?1 AND client_id <> '' UNION "
                      "SELECT id FROM fallback_messages WHERE name <> '' AND ?2 <> '' AND name = ?2 COLLATE NOCASE UNION "
                      "SELECT id FROM fallback_messages WHERE name <> '' AND ?2 <> '' AND name >= ?3 COLLATE NOCASE AND "
                      "name < ?4 COLLATE NOCASE) AND id < ?5 ORDER BY id DESC LIMIT ?6",
                      read_message, f.client_id, f.name, prefix_begin, prefix_end, before, limit);
  if (!rows) return std::unexpected(rows.error());
  std::vector<FallbackMessage> out;
  for (auto& row : *rows) {
    FP_TRY(parameters, wire::from_text<std::vector<std::string>>(row.parameters, wire::Strictness::trusted));
    row.message.parameters = std::move(parameters);
    out.push_back(std::move(row.message));
  }
  return out;
}

Result<FallbackPoint> FallbackTable::find_point(std::string_view name) {
  return c_.db.one(fmt::format("fallback status point: {}", name), "SELECT " POINT_COLUMNS " FROM fallback_points WHERE name = ?1",
                   read_point, name);
}

Result<std::vector<FallbackPoint>> FallbackTable::points() {
  return c_.db.all("SELECT " POINT_COLUMNS " FROM fallback_points ORDER BY name", read_point);
}

Status FallbackTable::put_point(const FallbackPoint& p) {
  return c_.db.run("INSERT OR REPLACE INTO fallback_points(" POINT_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)", p.name,
                   p.fingerprint, p.link, p.comment, p.asked_at, p.answered_at, p.problem, p.waiting, p.accepted, p.refused, p.throttled, p.fetched);
}

Status FallbackTable::remove_point(std::string_view name) {
  FP_CHECK(c_.db.run("DELETE FROM fallback_points WHERE name = ?1", name));
  if (c_.db.changes() == 0) return fail(Code::not_found, "no such fallback status point: {}", name);
  return {};
}

}  // namespace fp::store::sqlite
