// Download jobs, their progress, and the cache.
#include "agent/memory/database.hpp"
#include "agent/memory/memory.hpp"

namespace fp::memory {

#define JOB_COLUMNS \
  "content_id, root_hash, bytes_total, bytes_done, state, manifest, created_at, next_at, attempts, full_attempts, persist, " \
  "reason, searching_since, place, bytes_received"

static ContentJob read_job(Row& row) {
  ContentJob j;
  int state = 0;
  row >> j.content_id >> j.root_hash >> j.bytes_total >> j.bytes_done >> state >> j.manifest >> j.created_at >> j.next_at >>
      j.attempts >> j.full_attempts >> j.persist >> j.reason >> j.searching_since >> j.place >> j.bytes_received;
  j.state = static_cast<JobState>(state);
  return j;
}

Result<std::vector<ContentJob>> Memory::jobs() {
  std::vector<ContentJob> out;
  FP_CHECK(db_->each("SELECT " JOB_COLUMNS " FROM jobs ORDER BY created_at, content_id",
                     [&](Row& row) { out.push_back(read_job(row)); }));
  return out;
}

Result<std::optional<ContentJob>> Memory::job(std::string_view content_id) {
  std::optional<ContentJob> out;
  FP_CHECK(db_->each("SELECT " JOB_COLUMNS " FROM jobs WHERE content_id=?1", [&](Row& row) { out = read_job(row); }, content_id));
  return out;
}

// An upsert, never a replace: replacing the row would take its progress along.
Status Memory::save(const ContentJob& j) {
  return db_->run("INSERT INTO jobs (" JOB_COLUMNS ") VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)"
                  " ON CONFLICT (content_id) DO UPDATE SET root_hash=?2, bytes_total=?3, bytes_done=?4, state=?5, manifest=?6,"
                  " created_at=?7, next_at=?8, attempts=?9, full_attempts=?10, persist=?11, reason=?12,"
                  " searching_since=?13, place=?14, bytes_received=?15",
                  j.content_id, j.root_hash, j.bytes_total, j.bytes_done, static_cast<int>(j.state), j.manifest, j.created_at,
                  j.next_at, j.attempts, j.full_attempts, j.persist, j.reason, j.searching_since, j.place, j.bytes_received);
}

Status Memory::forget_job(std::string_view content_id) { return db_->run("DELETE FROM jobs WHERE content_id=?1", content_id); }

Result<std::vector<FileProgress>> Memory::progress(std::string_view content_id) {
  std::vector<FileProgress> out;
  FP_CHECK(db_->each("SELECT path, bitmap, partial_chunk, partial_bytes FROM progress WHERE content_id=?1 ORDER BY path",
                     [&](Row& row) {
                       FileProgress f;
                       row >> f.path >> f.bitmap >> f.partial_chunk >> f.partial_bytes;
                       out.push_back(std::move(f));
                     },
                     content_id));
  return out;
}

Status Memory::save_progress(std::string_view content_id, const FileProgress& f) {
  return db_->run("INSERT OR REPLACE INTO progress VALUES (?1,?2,?3,?4,?5)", content_id, f.path, f.bitmap, f.partial_chunk,
                  f.partial_bytes);
}

static CacheEntry read_entry(Row& row) {
  CacheEntry e;
  row >> e.content_id >> e.root_hash >> e.folder >> e.bytes >> e.added_at >> e.used_at >> e.persist;
  return e;
}

Result<std::vector<CacheEntry>> Memory::cache() {
  std::vector<CacheEntry> out;
  FP_CHECK(db_->each("SELECT content_id, root_hash, folder, bytes, added_at, used_at, persist FROM cache"
                     " ORDER BY used_at, content_id",
                     [&](Row& row) { out.push_back(read_entry(row)); }));
  return out;
}

Result<std::optional<CacheEntry>> Memory::cached(std::string_view content_id) {
  std::optional<CacheEntry> out;
  FP_CHECK(db_->each(
      "SELECT content_id, root_hash, folder, bytes, added_at, used_at, persist FROM cache WHERE content_id=?1",
      [&](Row& row) { out = read_entry(row); }, content_id));
  return out;
}

Status Memory::save(const CacheEntry& e) {
  return db_->run("INSERT OR REPLACE INTO cache VALUES (?1,?2,?3,?4,?5,?6,?7)", e.content_id, e.root_hash, e.folder, e.bytes,
                  e.added_at, e.used_at, e.persist);
}

Status Memory::forget_cached(std::string_view content_id) {
  return db_->run("DELETE FROM cache WHERE content_id=?1", content_id);
}

}  // namespace fp::memory
