#include <boost/json.hpp>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "domain/collection/wql.hpp"
#include "store/sqlite/tables.hpp"

namespace fp::store::sqlite {
namespace {

namespace json = boost::json;

// {"caption":["Caption","Debian"]}: names fold for queries, and come back as they were sent.
std::string stored(const std::map<std::string, std::string>& properties) {
  json::object out;
  for (const auto& [name, value] : properties) out[lower(name)] = json::array{json::string_view(name), json::string_view(value)};
  return json::serialize(out);
}

Result<std::map<std::string, std::string>> properties_of(const std::string& text) {
  json::error_code code;
  const auto value = json::parse(text, code);
  const auto* object = value.if_object();
  if (code || !object) return fail(Code::corrupt, "an inventory row that is not JSON");
  std::map<std::string, std::string> out;
  for (const auto& item : *object) {
    const auto* pair = item.value().if_array();
    if (!pair || pair->size() != 2 || !(*pair)[0].is_string() || !(*pair)[1].is_string())
      return fail(Code::corrupt, "an inventory row of another form");
    out.emplace(std::string((*pair)[0].get_string()), std::string((*pair)[1].get_string()));
  }
  return out;
}

// What tells instances of a class apart where the client named no key: the first of these that it has.
std::string derived_key(const InventoryInstance& instance) {
  for (const std::string_view wanted : {"DeviceID", "InstanceKey", "KeyName", "ProdID", "PackageName", "Name", "Index"})
    for (const auto& [name, value] : instance.properties)
      if (iequals(name, wanted) && !value.empty()) return value;
  return {};
}

}  // namespace

// A delta needs its predecessor: the report before it by number, or at least a full one. False: it was applied before.
Result<bool> InventoryTable::follows(const InventoryReport& report, std::string_view kind) {
  std::int64_t sequence = -1;
  FP_CHECK(c_.db.each(
      "SELECT sequence FROM inventory_reports WHERE client = ?1 AND kind = ?2", [&](Row& r) { sequence = r.number(); },
      ClientRef{report.client_id}, kind));
  if (report.type != ReportType::delta) return true;
  if (sequence < 0) return fail(Code::conflict, "a {} delta of {} without a full report before it", kind, report.client_id);
  if (report.sequence == 0 || sequence == 0) return true;
  if (report.sequence <= sequence) return false;
  if (report.sequence != sequence + 1)
    return fail(Code::conflict, "{} delta {} of {} where {} comes next", kind, report.sequence, report.client_id, sequence + 1);
  return true;
}

Status InventoryTable::put_instance(const InventoryReport& report, std::string_view kind, const InventoryInstance& instance) {
  auto& db = c_.db;
  const ClientRef client{report.client_id};
  std::string key = instance.key.empty() ? derived_key(instance) : instance.key;
  if (instance.content == InstanceContent::removed)
    return db.run("DELETE FROM inventory WHERE client = ?1 AND kind = ?2 AND class = ?3 AND key = ?4", client, kind,
                  instance.class_name, key);
  const auto properties = stored(instance.properties);
  if (instance.content == InstanceContent::fresh && instance.key.empty()) {
    // Two instances that share what we took for a key are two all the same.
    FP_TRY(taken, db.number("SELECT count(*) FROM inventory WHERE client = ?1 AND kind = ?2 AND class = ?3 AND key = ?4 AND "
                            "properties <> ?5", client, kind, instance.class_name, key, properties));
    if (taken) key += "#" + hex_lower(crypto::sha256(properties)).substr(0, 16);
  }
  FP_CHECK(db.run("INSERT INTO inventory VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET properties = ?6", client, kind,
                  instance.class_name, key, collection::class_key(instance.class_name), properties));
  return db.run("INSERT INTO inventory_classes VALUES(?1) ON CONFLICT DO NOTHING", instance.class_name);
}

Status InventoryTable::apply(const InventoryReport& report, std::string_view kind) {
  if (report.instances.size() > limits::kInstancesMax)
    return fail(Code::too_large, "a report of {} instances", report.instances.size());
  FP_TRY(fresh, follows(report, kind));
  if (!fresh) return {};
  auto& db = c_.db;
  const ClientRef client{report.client_id};
  if (report.type != ReportType::delta) FP_CHECK(db.run("DELETE FROM inventory WHERE client = ?1 AND kind = ?2", client, kind));
  for (const auto& instance : report.instances) FP_CHECK(put_instance(report, kind, instance));
  FP_CHECK(db.run("INSERT INTO device_changes VALUES(?1, ?2) ON CONFLICT(client) DO UPDATE SET at = excluded.at", client,
                  c_.change));
  return db.run("INSERT INTO inventory_reports VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET sequence = ?3, made_at = ?4",
                client, kind, report.sequence, report.made_at);
}

Result<std::vector<InventoryInstance>> InventoryTable::instances(std::string_view client_id, std::string_view class_name) {
  struct Stored {
    InventoryInstance instance;
    std::string properties;
  };
  const std::string wanted = class_name.empty() ? std::string() : collection::class_key(class_name);
  FP_TRY(rows,
         c_.db.all(
             "SELECT class, key, properties FROM inventory WHERE client = ?1 AND (?2 = '' OR class_key = ?2) ORDER BY class, key",
             [](Row& r) {
               Stored s;
               s.instance.class_name = r.text();
               s.instance.key = r.text();
               s.properties = r.text();
               return s;
             },
             ClientRef{client_id}, wanted));
  std::vector<InventoryInstance> out;
  out.reserve(rows.size());
  for (auto& row : rows) {
    FP_TRY(properties, properties_of(row.properties));
    row.instance.properties = std::move(properties);
    out.push_back(std::move(row.instance));
  }
  return out;
}

Result<std::vector<std::string>> InventoryTable::classes() {
  return c_.db.all("SELECT class FROM inventory_classes ORDER BY class", [](Row& r) { return r.text(); });
}

Status InventoryTable::remove_device(std::string_view client_id) {
  FP_CHECK(c_.db.run("DELETE FROM inventory WHERE client = ?1", ClientRef{client_id}));
  return c_.db.run("DELETE FROM inventory_reports WHERE client = ?1", ClientRef{client_id});
}

}  // namespace fp::store::sqlite
