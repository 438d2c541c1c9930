#include <algorithm>

#include "store/sqlite/documents.hpp"
#include "store/sqlite/tables.hpp"

namespace fp::store::sqlite {

Result<Boundary> BoundariesTable::find(std::string_view id) {
  return find_document<Boundary>(c_.db, "boundary", "SELECT document FROM boundaries WHERE id = ?1", id);
}
Result<std::vector<Boundary>> BoundariesTable::list() {
  return list_documents<Boundary>(c_.db, "SELECT document FROM boundaries ORDER BY id");
}
Status BoundariesTable::put(const Boundary& boundary) {
  FP_CHECK(c_.db.run("INSERT INTO boundaries VALUES(?1, ?2) ON CONFLICT(id) DO UPDATE SET document = ?2", boundary.id,
                     wire::to_text(boundary)));
  return changed();
}
Status BoundariesTable::remove(std::string_view id) {
  FP_CHECK(remove_one(c_.db, "boundary", "DELETE FROM boundaries WHERE id = ?1", id));
  FP_TRY(groups, list_groups());
  for (auto& group : groups)
    if (std::erase(group.boundaries, id) > 0) FP_CHECK(write_group(group));
  return changed();
}

Result<BoundaryGroup> BoundariesTable::find_group(std::string_view id) {
  return find_document<BoundaryGroup>(c_.db, "boundary group", "SELECT document FROM boundary_groups WHERE id = ?1", id);
}
Result<std::vector<BoundaryGroup>> BoundariesTable::list_groups() {
  return list_documents<BoundaryGroup>(c_.db, "SELECT document FROM boundary_groups ORDER BY id");
}
Status BoundariesTable::put_group(const BoundaryGroup& group) {
  FP_CHECK(write_group(group));
  return changed();
}
Status BoundariesTable::remove_group(std::string_view id) {
  FP_CHECK(remove_one(c_.db, "boundary group", "DELETE FROM boundary_groups WHERE id = ?1", id));
  FP_TRY(groups, list_groups());
  for (auto& group : groups)
    if (std::erase_if(group.neighbours, [&](const auto& link) { return link.group_id == id; }) > 0) FP_CHECK(write_group(group));
  return changed();
}

Result<BoundarySettings> BoundariesTable::settings() {
  return find_document<BoundarySettings>(c_.db, "boundary settings", "SELECT settings FROM boundary_state");
}
Status BoundariesTable::put_settings(const BoundarySettings& settings) {
  FP_CHECK(c_.db.run("UPDATE boundary_state SET settings = ?1", wire::to_text(settings)));
  return changed();
}
Result<std::int64_t> BoundariesTable::revision() { return c_.db.number("SELECT revision FROM boundary_state"); }

Status BoundariesTable::write_group(const BoundaryGroup& group) {
  return c_.db.run("INSERT INTO boundary_groups VALUES(?1, ?2) ON CONFLICT(id) DO UPDATE SET document = ?2", group.id,
                   wire::to_text(group));
}
Status BoundariesTable::changed() { return c_.db.run("UPDATE boundary_state SET revision = revision + 1"); }

}  // namespace fp::store::sqlite
