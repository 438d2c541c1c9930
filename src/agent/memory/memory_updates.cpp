// The scan for software updates: metadata, findings, and how it stands.
#include "agent/memory/database.hpp"
#include "agent/memory/memory.hpp"

namespace fp::memory {

Result<std::vector<CachedUpdate>> Memory::cached_updates() {
  std::vector<CachedUpdate> out;
  FP_CHECK(db_->each("SELECT number, leaf, fragment FROM update_metadata ORDER BY number", [&](Row& row) {
    CachedUpdate u;
    row >> u.number >> u.leaf >> u.fragment;
    out.push_back(std::move(u));
  }));
  return out;
}
Status Memory::save(const CachedUpdate& u) {
  return db_->run("INSERT OR REPLACE INTO update_metadata VALUES (?1,?2,?3)", u.number, u.leaf, u.fragment);
}
Status Memory::forget_cached_update(std::int64_t number) { return db_->run("DELETE FROM update_metadata WHERE number=?1", number); }

Result<std::vector<UpdateFinding>> Memory::update_findings() {
  std::vector<UpdateFinding> out;
  FP_CHECK(db_->each("SELECT update_id, number, state, title, since FROM update_findings ORDER BY update_id", [&](Row& row) {
    UpdateFinding f;
    row >> f.update_id >> f.number >> f.state >> f.title >> f.since;
    out.push_back(std::move(f));
  }));
  return out;
}
Status Memory::save(const UpdateFinding& f) {
  return db_->run("INSERT OR REPLACE INTO update_findings VALUES (?1,?2,?3,?4,?5)", f.update_id, f.number, f.state, f.title, f.since);
}
Status Memory::forget_update_finding(std::string_view update_id) {
  return db_->run("DELETE FROM update_findings WHERE update_id=?1", update_id);
}

Result<UpdateScanRecord> Memory::update_scan() {
  UpdateScanRecord s;
  FP_CHECK(db_->each("SELECT source_id, wanted_version, version, online_at, at, point_url, point_name, tries, state, reason, packages "
                     "FROM update_scan", [&](Row& row) {
    row >> s.source_id >> s.wanted_version >> s.version >> s.online_at >> s.at >> s.point_url >> s.point_name >> s.tries >> s.state >>
        s.reason >> s.packages;
  }));
  return s;
}
Status Memory::save(const UpdateScanRecord& s) {
  return db_->run("INSERT OR REPLACE INTO update_scan VALUES (1,?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)", s.source_id, s.wanted_version,
                  s.version, s.online_at, s.at, s.point_url, s.point_name, s.tries, s.state, s.reason, s.packages);
}

Status Memory::forget_updates() {
  return together([&]() -> Status {
    FP_CHECK(db_->run("DELETE FROM update_metadata"));
    FP_CHECK(db_->run("DELETE FROM update_findings"));
    return db_->run("DELETE FROM update_scan");
  });
}

}  // namespace fp::memory
