#include "store/sqlite/tables.hpp"

namespace fp::store::sqlite {
namespace {

#define FP_DEVICE_COLUMNS                                                                                                        \
  "d.client, d.name, d.fqdn, d.approval, d.pki, d.blocked, d.block_reason, d.conflict, d.connection, d.key_fingerprint, "        \
  "d.tls_fingerprint, d.agent_version, d.last_address, d.last_management_point, d.registered_at, d.last_policy_at, "             \
  "d.last_heartbeat_at, d.last_hardware_at, d.last_software_at, d.last_state_at, d.state_serial, d.state_resync, "               \
  "d.hardware_resync, d.software_resync, d.agent_counter, c.signing, c.encryption "
#define FP_DEVICE_FROM "FROM devices d LEFT JOIN device_certificates c ON c.client = d.client "

Device device_of(Row& r) {
  Device d;
  d.client_id = r.client();
  d.name = r.text();
  d.fqdn = r.text();
  d.approval = r.word<Approval>();
  d.pki = r.flag();
  d.blocked = r.flag();
  d.block_reason = r.text();
  d.conflict = r.flag();
  d.connection = r.word<ConnectionType>();
  d.key_fingerprint = r.text();
  d.tls_fingerprint = r.text();
  d.agent_version = r.text();
  d.last_address = r.text();
  d.last_management_point = r.text();
  d.registered_at = r.time();
  d.last_policy_at = r.time();
  d.last_heartbeat_at = r.time();
  d.last_hardware_at = r.time();
  d.last_software_at = r.time();
  d.last_state_at = r.time();
  d.state_serial = r.number();
  d.state_resync = r.flag();
  d.hardware_resync = r.flag();
  d.software_resync = r.flag();
  d.agent_counter = r.number();
  d.signing_certificate_der = r.text();
  d.encryption_certificate_der = r.text();
  return d;
}

// The columns that no index holds: what nearly every put changes. False: the row is absent, or an indexed column differs.
Result<bool> update_in_place(Database& db, const Device& d) {
  FP_CHECK(db.run(
      "UPDATE devices SET fqdn=?4, approval=?5, pki=?6, blocked=?7, block_reason=?8, conflict=?9, connection=?10, "
      "tls_fingerprint=?11, agent_version=?12, last_address=?13, last_management_point=?14, registered_at=?15, "
      "last_policy_at=?16, "
      "last_heartbeat_at=?17, last_hardware_at=?18, last_software_at=?19, last_state_at=?20, state_serial=?21, state_resync=?22, "
      "hardware_resync=?23, software_resync=?24, agent_counter=?25 WHERE client=?1 AND name=?2 AND key_fingerprint=?3",
      ClientRef{d.client_id}, d.name, d.key_fingerprint, d.fqdn, d.approval, d.pki, d.blocked, d.block_reason, d.conflict,
      d.connection, d.tls_fingerprint, d.agent_version, d.last_address, d.last_management_point, d.registered_at,
      d.last_policy_at, d.last_heartbeat_at, d.last_hardware_at, d.last_software_at, d.last_state_at, d.state_serial,
      d.state_resync, d.hardware_resync, d.software_resync, d.agent_counter));
  return db.changes() == 1;
}

Status insert_or_replace(Database& db, const Device& d) {
  return db.run(
      "INSERT INTO devices VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25) "
      "ON CONFLICT(client) DO UPDATE SET name=?2, fqdn=?3, approval=?4, pki=?5, blocked=?6, block_reason=?7, conflict=?8, "
      "connection=?9, key_fingerprint=?10, tls_fingerprint=?11, agent_version=?12, last_address=?13, last_management_point=?14, "
      "registered_at=?15, last_policy_at=?16, last_heartbeat_at=?17, last_hardware_at=?18, last_software_at=?19, "
      "last_state_at=?20, "
      "state_serial=?21, state_resync=?22, hardware_resync=?23, software_resync=?24, agent_counter=?25",
      ClientRef{d.client_id}, d.name, d.fqdn, d.approval, d.pki, d.blocked, d.block_reason, d.conflict, d.connection,
      d.key_fingerprint, d.tls_fingerprint, d.agent_version, d.last_address, d.last_management_point, d.registered_at,
      d.last_policy_at, d.last_heartbeat_at, d.last_hardware_at, d.last_software_at, d.last_state_at, d.state_serial,
      d.state_resync, d.hardware_resync, d.software_resync, d.agent_counter);
}

}  // namespace

Result<Device> DevicesTable::find(std::string_view client_id) {
  return c_.db.one("device", "SELECT " FP_DEVICE_COLUMNS FP_DEVICE_FROM "WHERE d.client = ?1", device_of, ClientRef{client_id});
}

Result<Device> DevicesTable::find_by_key(std::string_view key_fingerprint) {
  return c_.db.one("device with this key",
                   "SELECT " FP_DEVICE_COLUMNS FP_DEVICE_FROM "WHERE d.key_fingerprint = ?1 AND d.key_fingerprint <> ''",
                   device_of, key_fingerprint);
}

Result<std::vector<Device>> DevicesTable::find_by_name(std::string_view name) {
  return c_.db.all("SELECT " FP_DEVICE_COLUMNS FP_DEVICE_FROM "WHERE d.name = ?1 COLLATE NOCASE ORDER BY d.client", device_of,
                   name);
}

Result<std::vector<Device>> DevicesTable::list(const DeviceFilter& f) {
  const std::int64_t approval = f.approval ? static_cast<std::int64_t>(*f.approval) : -1;
  const std::int64_t blocked = f.blocked ? (*f.blocked ? 1 : 0) : -1;
  const ClientRef after{f.after};
  const int limit = std::max(f.limit, 0);
#define FP_DEVICE_FILTER                                                                                                     \
  "d.client > ?1 AND (?2 = '' OR instr(lower(d.name), lower(?2)) OR instr(lower(fp_client(d.client)), lower(?2))) AND "      \
  "(?3 < 0 OR d.approval = ?3) AND (?4 < 0 OR d.blocked = ?4) "
  if (f.collection_id.empty())
    return c_.db.all("SELECT " FP_DEVICE_COLUMNS FP_DEVICE_FROM "WHERE " FP_DEVICE_FILTER "ORDER BY d.client LIMIT ?5", device_of,
                     after, f.name_contains, approval, blocked, limit);
  return c_.db.all(
      "SELECT " FP_DEVICE_COLUMNS
      "FROM members m CROSS JOIN devices d ON d.client = m.client "
      "LEFT JOIN device_certificates c ON c.client = d.client WHERE m.collection_id = ?6 AND m.gone = 0 AND m.client > ?1 "
      "AND " FP_DEVICE_FILTER "ORDER BY m.client LIMIT ?5",
      device_of, after, f.name_contains, approval, blocked, limit, f.collection_id);
}

Result<std::int64_t> DevicesTable::count() { return c_.db.number("SELECT count(*) FROM devices"); }

Result<std::vector<DeviceChange>> DevicesTable::changed_since(Instant since, int limit) {
  return c_.db.all("SELECT client, at FROM device_changes WHERE at > ?1 ORDER BY at, client LIMIT ?2",
                   [](Row& r) {
                     DeviceChange change;
                     change.client_id = r.client();
                     change.at = r.time();
                     return change;
                   },
                   since, limit);
}

Status DevicesTable::put(const Device& device) {
  if (device.client_id.empty()) return fail(Code::invalid, "a device without a client id");
  // What every poll changes (times, serials) is no change that a collection asks for.
  FP_CHECK(c_.db.run(
      "INSERT INTO device_changes SELECT ?1, ?2 WHERE NOT EXISTS(SELECT 1 FROM devices WHERE client = ?1 AND name = ?3 AND "
      "fqdn = ?4 AND approval = ?5 AND blocked = ?6 AND connection = ?7 AND agent_version = ?8) "
      "ON CONFLICT(client) DO UPDATE SET at = excluded.at",
      ClientRef{device.client_id}, c_.change, device.name, device.fqdn, device.approval, device.blocked, device.connection,
      device.agent_version));
  FP_TRY(updated, update_in_place(c_.db, device));
  if (!updated) {
    const Status done = insert_or_replace(c_.db, device);
    if (!done && done.error().code == Code::conflict)
      return fail(Code::conflict, "another device has the key of {}", device.client_id);
    FP_CHECK(done);
  }
  return c_.db.run(
      "INSERT INTO device_certificates VALUES(?1, ?2, ?3) ON CONFLICT(client) DO UPDATE SET signing = ?2, encryption = ?3 "
      "WHERE signing <> ?2 OR encryption <> ?3",
      ClientRef{device.client_id}, Blob{device.signing_certificate_der}, Blob{device.encryption_certificate_der});
}

Status DevicesTable::remove(std::string_view client_id) {
  const ClientRef client{client_id};
  auto& db = c_.db;
  FP_CHECK(db.run("DELETE FROM device_changes WHERE client = ?1", client));
  FP_CHECK(db.run("DELETE FROM devices WHERE client = ?1", client));
  if (db.changes() == 0) return fail(Code::not_found, "no such device");
  FP_CHECK(db.run("UPDATE collections SET member_count = member_count - 1 WHERE id IN "
                  "(SELECT collection_id FROM members WHERE client = ?1 AND gone = 0)", client));
  FP_CHECK(db.run("DELETE FROM members WHERE client = ?1", client));
  FP_CHECK(db.run("DELETE FROM deployment_states WHERE client = ?1", client));
  FP_CHECK(db.run("DELETE FROM update_states WHERE client = ?1", client));
  FP_CHECK(db.run("DELETE FROM update_scans WHERE client = ?1", client));
  FP_CHECK(db.run("DELETE FROM states WHERE client = ?1", client));
  FP_CHECK(db.run("DELETE FROM state_serials WHERE client = ?1", client));
  FP_CHECK(db.run("DELETE FROM inventory WHERE client = ?1", client));
  return db.run("DELETE FROM inventory_reports WHERE client = ?1", client);
}

}  // namespace fp::store::sqlite
