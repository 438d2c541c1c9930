#include "store/sqlite/documents.hpp"
#include "store/sqlite/tables.hpp"

namespace fp::store::sqlite {
namespace {

#define UPDATE_COLUMNS                                                                                                       \
  "number, id, revision, source, package, version, architecture, title, product, classification, file_name, url, sha256, " \
  "bytes, content_version, expired, changed_at"

SoftwareUpdate read_update(Row& r) {
  SoftwareUpdate u;
  u.number = r.number();
  u.id = r.text();
  u.revision = r.number();
  u.source = r.text();
  u.package = r.text();
  u.version = r.text();
  u.architecture = r.text();
  u.title = r.text();
  u.product = r.text();
  u.classification = r.word<UpdateClass>();
  u.file_name = r.text();
  u.url = r.text();
  u.sha256 = r.text();
  u.bytes = r.number();
  u.content_version = r.number();
  u.expired = r.flag();
  u.changed_at = r.time();
  return u;
}

UpdateState read_state(Row& r) {
  UpdateState s;
  s.update_id = r.text();
  s.client_id = r.client();
  s.state = static_cast<int>(r.number());
  s.at = r.time();
  return s;
}

}  // namespace

Result<SoftwareUpdate> UpdatesTable::find(std::string_view id) {
  return c_.db.one("software update", "SELECT " UPDATE_COLUMNS " FROM updates WHERE id = ?1", read_update, id);
}
Result<std::vector<SoftwareUpdate>> UpdatesTable::find_by_package(std::string_view package) {
  return c_.db.all("SELECT " UPDATE_COLUMNS " FROM updates WHERE package = ?1 ORDER BY number", read_update, package);
}
Result<std::vector<SoftwareUpdate>> UpdatesTable::list(const UpdateFilter& f) {
  return c_.db.all("SELECT " UPDATE_COLUMNS " FROM updates WHERE number > ?1 AND (expired = 0 OR ?2) ORDER BY number LIMIT ?3", read_update,
                   f.after, f.expired, f.limit > 0 ? f.limit : -1);
}

Result<std::int64_t> UpdatesTable::put(const SoftwareUpdate& u) {
  FP_CHECK(c_.db.run("DELETE FROM updates WHERE id = ?1", u.id));
  if (u.number > 0) {
    FP_CHECK(c_.db.run("INSERT INTO updates(" UPDATE_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
                       u.number, u.id, u.revision, u.source, u.package, u.version, u.architecture, u.title, u.product, u.classification,
                       u.file_name, u.url, u.sha256, u.bytes, u.content_version, u.expired, u.changed_at));
    return u.number;
  }
  FP_CHECK(c_.db.run("INSERT INTO updates(id, revision, source, package, version, architecture, title, product, classification, file_name, "
                     "url, sha256, bytes, content_version, expired, changed_at) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
                     "?13, ?14, ?15, ?16)",
                     u.id, u.revision, u.source, u.package, u.version, u.architecture, u.title, u.product, u.classification, u.file_name,
                     u.url, u.sha256, u.bytes, u.content_version, u.expired, u.changed_at));
  return c_.db.number("SELECT number FROM updates WHERE id = ?1", u.id);
}

Status UpdatesTable::remove(std::string_view id) {
  FP_CHECK(remove_one(c_.db, "software update", "DELETE FROM updates WHERE id = ?1", id));
  return c_.db.run("DELETE FROM update_states WHERE update_id = ?1", id);
}

Result<std::vector<UpdateSourceState>> UpdatesTable::sources() {
  return c_.db.all("SELECT name, tried_at, succeeded_at, released_at, problem, updates FROM update_sources ORDER BY name", [](Row& r) {
    UpdateSourceState s;
    s.name = r.text();
    s.tried_at = r.time();
    s.succeeded_at = r.time();
    s.released_at = r.time();
    s.problem = r.text();
    s.updates = r.number();
    return s;
  });
}
Status UpdatesTable::put_source(const UpdateSourceState& s) {
  return c_.db.run("INSERT OR REPLACE INTO update_sources VALUES(?1, ?2, ?3, ?4, ?5, ?6)", s.name, s.tried_at, s.succeeded_at,
                   s.released_at, s.problem, s.updates);
}
Status UpdatesTable::remove_source(std::string_view name) {
  return remove_one(c_.db, "source of updates", "DELETE FROM update_sources WHERE name = ?1", name);
}

Result<std::vector<SoftwareUpdatePoint>> UpdatesTable::points() {
  return c_.db.all("SELECT name, intranet_url, internet_url, connections FROM software_update_points ORDER BY name", [](Row& r) {
    SoftwareUpdatePoint p;
    p.name = r.text();
    p.intranet_url = r.text();
    p.internet_url = r.text();
    p.connections = r.word<Connections>();
    return p;
  });
}
Status UpdatesTable::put_point(const SoftwareUpdatePoint& p) {
  return c_.db.run("INSERT OR REPLACE INTO software_update_points VALUES(?1, ?2, ?3, ?4)", p.name, p.intranet_url, p.internet_url,
                   p.connections);
}
Status UpdatesTable::remove_point(std::string_view name) {
  return remove_one(c_.db, "software update point", "DELETE FROM software_update_points WHERE name = ?1", name);
}

Status UpdatesTable::put_state(const UpdateState& s) {
  FP_TRY(known, find(s.update_id));
  return c_.db.run("INSERT INTO update_states VALUES(?1, ?2, ?3, ?4) ON CONFLICT(update_id, client) DO UPDATE SET state = ?3, at = ?4 "
                   "WHERE at <= ?4",
                   known.id, ClientRef{s.client_id}, s.state, s.at);
}
Result<std::vector<UpdateState>> UpdatesTable::states(std::string_view id, int limit, std::string_view after_client) {
  return c_.db.all("SELECT update_id, client, state, at FROM update_states WHERE update_id = ?1 AND client > ?2 ORDER BY client LIMIT ?3",
                   read_state, id, ClientRef{after_client}, std::max(limit, 0));
}
Result<std::vector<UpdateState>> UpdatesTable::states_of_device(std::string_view client_id) {
  return c_.db.all("SELECT update_id, client, state, at FROM update_states WHERE client = ?1 ORDER BY update_id", read_state,
                   ClientRef{client_id});
}

Status UpdatesTable::put_scan(const UpdateScan& s) {
  return c_.db.run("INSERT INTO update_scans VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(client) DO UPDATE SET state = ?2, content_version = "
                   "CASE WHEN ?3 > 0 THEN ?3 ELSE content_version END, point = ?4, detail = ?5, at = ?6 WHERE at <= ?6",
                   ClientRef{s.client_id}, s.state, s.content_version, s.point, s.detail, s.at);
}
Result<UpdateScan> UpdatesTable::scan(std::string_view client_id) {
  return c_.db.one("scan for updates", "SELECT client, state, content_version, point, detail, at FROM update_scans WHERE client = ?1",
                   [](Row& r) {
                     UpdateScan s;
                     s.client_id = r.client();
                     s.state = static_cast<int>(r.number());
                     s.content_version = r.number();
                     s.point = r.text();
                     s.detail = r.text();
                     s.at = r.time();
                     return s;
                   }, ClientRef{client_id});
}

// Who has evaluated the catalogue since the update appeared, and says nothing of it, does not require it.
Result<std::map<std::string, UpdateCounts>> UpdatesTable::counts(std::string_view id) {
  FP_TRY(devices, c_.db.number("SELECT count(*) FROM devices"));
  std::map<std::string, UpdateCounts> out;
  std::map<std::int64_t, std::int64_t> scanned;  // content version -> devices that have evaluated exactly that one
  FP_CHECK(c_.db.each("SELECT content_version, count(*) FROM update_scans GROUP BY 1", [&](Row& r) {
    const auto version = r.number();
    scanned[version] = r.number();
  }));
  const auto scanned_since = [&](std::int64_t version) {
    std::int64_t sum = 0;
    for (auto at = scanned.lower_bound(std::max<std::int64_t>(version, 1)); at != scanned.end(); ++at) sum += at->second;
    return sum;
  };
  std::map<std::int64_t, std::int64_t> since;
  FP_CHECK(c_.db.each("SELECT id, content_version FROM updates WHERE CASE WHEN ?1 = '' THEN expired = 0 ELSE id = ?1 END", [&](Row& r) {
    std::string update = r.text();
    const auto version = r.number();
    if (!since.contains(version)) since[version] = scanned_since(version);
    out[std::move(update)].not_required = since[version];
  }, id));
  FP_CHECK(c_.db.each("SELECT update_id, state, count(*) FROM update_states WHERE ?1 = '' OR update_id = ?1 GROUP BY 1, 2", [&](Row& r) {
    const auto found = out.find(r.text());
    const auto state = r.number(), count = r.number();
    if (found == out.end()) return;
    if (state == update_state::kRequired) found->second.required = count;
    if (state == update_state::kInstalled) found->second.installed = count;
  }, id));
  for (auto& [update, c] : out) {
    c.not_required = std::max<std::int64_t>(0, c.not_required - c.required - c.installed);
    c.unknown = std::max<std::int64_t>(0, devices - c.required - c.installed - c.not_required);
  }
  return out;
}

#undef UPDATE_COLUMNS

}  // namespace fp::store::sqlite
