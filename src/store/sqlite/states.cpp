#include "store/sqlite/documents.hpp"
#include "store/sqlite/tables.hpp"

namespace fp::store::sqlite {

// `complete_to`: every serial up to it was seen, or given up by a resync. It moves on as gaps close, so that looking for gaps
// reads only what lies behind it. -1: the client counts anew, from the serial that comes first.
Result<bool> StatesTable::add(const StateMessage& m) {
  auto& db = c_.db;
  const ClientRef client{m.client_id};
  if (m.serial < 0) return fail(Code::invalid, "a state message with serial {}", m.serial);
  if (m.serial > 0) {
    FP_TRY(forgotten, db.number("SELECT coalesce((SELECT forgotten_to FROM state_serials WHERE client = ?1), 0)", client));
    if (m.serial <= forgotten) return false;
  }
  FP_CHECK(db.run(
      "INSERT INTO states(client, serial, topic_type, topic_id, topic_id_type, state_id, criticality, parameters, sent_at, "
      "received_at) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
      client, m.serial, m.topic_type, m.topic_id, m.topic_id_type, m.state_id, m.criticality, wire::to_text(m.parameters),
      m.sent_at, m.received_at));
  if (db.changes() == 0) return false;
  if (m.serial == 0) return true;
  FP_CHECK(db.run("INSERT INTO state_serials(client, complete_to) VALUES(?1, 0) ON CONFLICT DO NOTHING", client));
  FP_CHECK(db.run("UPDATE state_serials SET complete_to = ?2 WHERE client = ?1 AND complete_to = -1", client, m.serial));
  FP_CHECK(db.run(
      "UPDATE state_serials SET complete_to = (SELECT s.serial FROM states s WHERE s.client = ?1 AND s.serial >= ?2 AND "
      "s.serial > 0 AND NOT EXISTS (SELECT 1 FROM states n WHERE n.client = ?1 AND n.serial = s.serial + 1 AND n.serial > 0) "
      "ORDER BY s.serial LIMIT 1) WHERE client = ?1 AND complete_to = ?2 - 1",
      client, m.serial));
  return true;
}

Result<std::vector<StateMessage>> StatesTable::of_device(std::string_view client_id, int limit) {
  struct Stored {
    StateMessage message;
    std::string parameters;
  };
  FP_TRY(rows, c_.db.all(
                   "SELECT client, serial, topic_type, topic_id, topic_id_type, state_id, criticality, sent_at, received_at, "
                   "parameters FROM states WHERE client = ?1 ORDER BY id DESC LIMIT ?2",
                   [](Row& r) {
                     Stored s;
                     auto& m = s.message;
                     m.client_id = r.client();
                     m.serial = r.number();
                     m.topic_type = static_cast<int>(r.number());
                     m.topic_id = r.text();
                     m.topic_id_type = static_cast<int>(r.number());
                     m.state_id = static_cast<int>(r.number());
                     m.criticality = static_cast<int>(r.number());
                     m.sent_at = r.time();
                     m.received_at = r.time();
                     s.parameters = r.text();
                     return s;
                   },
                   ClientRef{client_id}, std::max(limit, 0)));
  std::vector<StateMessage> out;
  for (auto& row : rows) {
    FP_TRY(parameters, wire::from_text<std::vector<std::string>>(row.parameters, wire::Strictness::trusted));
    row.message.parameters = std::move(parameters);
    out.push_back(std::move(row.message));
  }
  return out;
}

Result<std::vector<std::int64_t>> StatesTable::gaps(std::string_view client_id, int limit) {
  std::vector<std::int64_t> out;
  const auto most = static_cast<std::size_t>(std::max(limit, 0));
  FP_CHECK(c_.db.each(
      "WITH base AS (SELECT complete_to AS serial FROM state_serials WHERE client = ?1) "
      "SELECT serial, next FROM (SELECT serial, lead(serial) OVER (ORDER BY serial) AS next FROM (SELECT serial FROM base UNION "
      "ALL "
      "SELECT s.serial FROM states s, base WHERE s.client = ?1 AND s.serial > 0 AND s.serial > base.serial)) WHERE next > serial "
      "+ 1 "
      "ORDER BY serial LIMIT ?2",
      [&](Row& r) {
        const auto before = r.number(), behind = r.number();
        for (auto n = before + 1; n < behind && out.size() < most; ++n) out.push_back(n);
      },
      ClientRef{client_id}, static_cast<std::int64_t>(most)));
  return out;
}

Status StatesTable::clear_gaps(std::string_view client_id) {
  return c_.db.run(
      "UPDATE state_serials SET complete_to = max(complete_to, coalesce((SELECT max(serial) FROM states WHERE client = ?1 "
      "AND serial > 0), 0)) WHERE client = ?1",
      ClientRef{client_id});
}

Status StatesTable::begin_anew(std::string_view client_id) {
  const ClientRef client{client_id};
  FP_CHECK(c_.db.run("UPDATE states SET serial = 0 WHERE client = ?1 AND serial > 0", client));
  return c_.db.run(
      "INSERT INTO state_serials(client, complete_to, forgotten_to) VALUES(?1, -1, 0) "
      "ON CONFLICT(client) DO UPDATE SET complete_to = -1, forgotten_to = 0", client);
}

Status StatesTable::add_event(const StatusEvent& e) {
  return c_.db.run("INSERT INTO events(at, severity, component, client, text) VALUES(?1, ?2, ?3, ?4, ?5)",
                   e.at.ms ? e.at : c_.change, e.severity, e.component, ClientRef{e.client_id}, e.text);
}

Result<std::vector<StatusEvent>> StatesTable::events(std::string_view client_id, int limit) {
  const auto make = [](Row& r) {
    StatusEvent e;
    e.id = r.number();
    e.at = r.time();
    e.severity = static_cast<int>(r.number());
    e.component = r.text();
    e.client_id = r.client();
    e.text = r.text();
    return e;
  };
  if (client_id.empty())
    return c_.db.all("SELECT id, at, severity, component, client, text FROM events ORDER BY id DESC LIMIT ?1", make,
                     std::max(limit, 0));
  return c_.db.all(
      "SELECT id, at, severity, component, client, text FROM events WHERE client = ?1 AND client <> '' ORDER BY id DESC "
      "LIMIT ?2",
      make, ClientRef{client_id}, std::max(limit, 0));
}

}  // namespace fp::store::sqlite
