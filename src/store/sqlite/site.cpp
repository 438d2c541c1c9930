#include "base/limits.hpp"
#include "base/text.hpp"
#include "store/sqlite/documents.hpp"
#include "store/sqlite/tables.hpp"

namespace fp::store::sqlite {

Result<std::string> SiteTable::value(std::string_view name) {
  return c_.db.one("site value", "SELECT value FROM site_values WHERE name = ?1", [](Row& r) { return r.text(); }, name);
}
Status SiteTable::set_value(std::string_view name, std::string_view value) {
  return c_.db.run("INSERT INTO site_values VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value = ?2", name, value);
}

Result<std::string> SiteTable::next_object_id(std::string_view site_code) {
  constexpr const char* kCounter = "object_counter";
  constexpr std::int64_t kLast = 0xFFFFF;
  std::int64_t last = 0;
  if (const auto text = value(kCounter)) {
    FP_TRY(number, parse_int(*text));
    last = number;
  } else if (text.error().code != Code::not_found) {
    return std::unexpected(text.error());
  }
  if (last >= kLast) return fail(Code::unavailable, "every object id of the site {} was given out", site_code);
  FP_CHECK(set_value(kCounter, std::to_string(last + 1)));
  return fmt::format("{}{:05X}", site_code, last + 1);
}

Result<bool> SiteTable::first_time(std::string_view client_id, std::string_view key, Instant forget_at) {
  const auto most = static_cast<std::int64_t>(limits::kReplayEntriesMax);
  if (c_.replay_entries < 0 || c_.replay_entries >= most) {
    FP_TRY(count, c_.db.number("SELECT count(*) FROM replay"));
    c_.replay_entries = count;
    if (count >= most) return fail(Code::unavailable, "the memory against replays is full ({} entries)", count);
  }
  FP_CHECK(c_.db.run("INSERT INTO replay VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING", ClientRef{client_id}, key, forget_at));
  if (c_.db.changes() == 0) return false;
  ++c_.replay_entries;
  // Nobody fills the memory of all: a client has room of its own, and its own oldest entries make way.
  const ClientRef client{client_id};
  if (!client_id.starts_with("GUID:")) return true;
  FP_TRY(own, c_.db.number("SELECT count(*) FROM replay WHERE client = ?1", client));
  const auto over = own - static_cast<std::int64_t>(limits::kReplayEntriesOfOneClientMax);
  if (over <= 0) return true;
  FP_CHECK(c_.db.run("DELETE FROM replay WHERE client = ?1 AND key IN (SELECT key FROM replay WHERE client = ?1 AND key <> ?3 "
                     "ORDER BY forget_at LIMIT ?2)", client, over, key));
  c_.replay_entries -= c_.db.changes();
  return true;
}

Status SiteTable::forget_before(Instant at) {
  FP_CHECK(c_.db.run("DELETE FROM replay WHERE forget_at < ?1", at));
  c_.replay_entries = -1;
  return {};
}

Result<std::vector<ManagementPoint>> SiteTable::management_points() {
  return list_documents<ManagementPoint>(c_.db, "SELECT document FROM management_points ORDER BY name");
}
Status SiteTable::put_management_point(const ManagementPoint& mp) {
  return c_.db.run("INSERT INTO management_points VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET document = ?2", mp.name,
                   wire::to_text(mp));
}
Status SiteTable::remove_management_point(std::string_view name) {
  return remove_one(c_.db, "management point", "DELETE FROM management_points WHERE name = ?1", name);
}

}  // namespace fp::store::sqlite
