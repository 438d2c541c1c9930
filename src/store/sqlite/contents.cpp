#include "store/sqlite/documents.hpp"
#include "store/sqlite/tables.hpp"

namespace fp::store::sqlite {

Result<ContentVersion> ContentsTable::find(std::string_view content_id) {
  return find_document<ContentVersion>(c_.db, "content", "SELECT document FROM contents WHERE id = ?1", content_id);
}
Result<std::vector<ContentVersion>> ContentsTable::list() {
  return list_documents<ContentVersion>(c_.db, "SELECT document FROM contents ORDER BY id");
}
Status ContentsTable::put(const ContentVersion& content) {
  return c_.db.run("INSERT INTO contents VALUES(?1, ?2) ON CONFLICT(id) DO UPDATE SET document = ?2", content.content_id,
                   wire::to_text(content));
}
Status ContentsTable::remove(std::string_view content_id) {
  FP_CHECK(remove_one(c_.db, "content", "DELETE FROM contents WHERE id = ?1", content_id));
  return c_.db.run("DELETE FROM distributions WHERE content_id = ?1", content_id);
}

Result<DistributionPoint> ContentsTable::find_dp(std::string_view name) {
  return find_document<DistributionPoint>(c_.db, "distribution point", "SELECT document FROM distribution_points WHERE name = ?1",
                                          name);
}
Result<std::vector<DistributionPoint>> ContentsTable::list_dps() {
  return list_documents<DistributionPoint>(c_.db, "SELECT document FROM distribution_points ORDER BY name");
}
Status ContentsTable::put_dp(const DistributionPoint& dp) {
  return c_.db.run("INSERT INTO distribution_points VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET document = ?2", dp.name,
                   wire::to_text(dp));
}
Status ContentsTable::remove_dp(std::string_view name) {
  FP_CHECK(remove_one(c_.db, "distribution point", "DELETE FROM distribution_points WHERE name = ?1", name));
  return c_.db.run("DELETE FROM distributions WHERE dp = ?1", name);
}

Result<std::vector<Distribution>> ContentsTable::distributions(std::string_view content_id) {
  return c_.db.all("SELECT dp, content_id, state, detail, bytes_done, attempts, updated_at FROM distributions "
                   "WHERE ?1 = '' OR content_id = ?1 ORDER BY content_id, dp",
                   [](Row& r) {
                     Distribution d;
                     d.dp = r.text();
                     d.content_id = r.text();
                     d.state = r.word<DistributionState>();
                     d.detail = r.text();
                     d.bytes_done = r.number();
                     d.attempts = static_cast<int>(r.number());
                     d.updated_at = r.time();
                     return d;
                   }, content_id);
}
Status ContentsTable::put_distribution(const Distribution& d) {
  return c_.db.run(
      "INSERT INTO distributions(dp, content_id, state, detail, bytes_done, attempts, updated_at) VALUES(?1, ?2, ?3, ?4, ?5, "
      "?6, ?7) ON CONFLICT DO UPDATE SET state = ?3, detail = ?4, bytes_done = ?5, attempts = ?6, updated_at = ?7",
      d.dp, d.content_id, d.state, d.detail, d.bytes_done, d.attempts, d.updated_at);
}
Status ContentsTable::remove_distribution(std::string_view dp, std::string_view content_id) {
  return remove_one(c_.db, "distribution", "DELETE FROM distributions WHERE dp = ?1 AND content_id = ?2", dp, content_id);
}

}  // namespace fp::store::sqlite
