#include "agent/memory/memory.hpp"

#include <sys/stat.h>

#include "agent/memory/database.hpp"

namespace fp::memory {

Memory::Memory(std::unique_ptr<Database> db) : db_(std::move(db)) {}
Memory::~Memory() = default;

Result<std::unique_ptr<Memory>> Memory::open(const Path& file) {
  if (file.has_parent_path()) FP_CHECK(make_dirs(file.parent_path(), 0700));
  const bool fresh = !file_exists(file);
  FP_TRY(db, Database::open(file));
  FP_CHECK(migrate(*db));
  if (fresh) {
    ::chmod(file.c_str(), 0600);
    FP_CHECK(sync_dir(file.has_parent_path() ? file.parent_path() : Path(".")));
  }
  return std::unique_ptr<Memory>(new Memory(std::move(db)));
}

Status Memory::together(const std::function<Status()>& work) {
  if (depth_ > 0) return work();
  FP_CHECK(db_->script("BEGIN IMMEDIATE"));
  ++depth_;
  Status done = work();
  --depth_;
  if (done) done = db_->script("COMMIT");
  if (!done) (void)db_->script("ROLLBACK");
  return done;
}

Result<Identity> Memory::identity() {
  Identity i;
  FP_CHECK(db_->each(
      "SELECT client_id, fingerprint, registration, next_serial, counter, registered_at, asked_at, attempts FROM identity",
      [&](Row& row) {
        row >> i.client_id >> i.certificate_fingerprint >> i.registration >> i.next_serial >> i.counter >> i.registered_at >>
            i.asked_at >> i.attempts;
      }));
  return i;
}

// next_serial and counter are moved by queue() and next_counter() alone, so that an old copy cannot set them back.
Status Memory::save(const Identity& i) {
  return db_->run(
      "UPDATE identity SET client_id=?1, fingerprint=?2, registration=?3, registered_at=?4, asked_at=?5, attempts=?6",
      i.client_id, i.certificate_fingerprint, i.registration, i.registered_at, i.asked_at, i.attempts);
}

Result<std::int64_t> Memory::next_counter() {
  std::int64_t value = 0;
  const Status done = together([&]() -> Status {
    FP_CHECK(db_->run("UPDATE identity SET counter = counter + 1"));
    return db_->each("SELECT counter FROM identity", [&](Row& row) { row >> value; });
  });
  FP_CHECK(done);
  return value;
}

Result<std::string> Memory::property(std::string_view name) {
  std::string value;
  FP_CHECK(db_->each("SELECT value FROM properties WHERE name=?1", [&](Row& row) { row >> value; }, name));
  return value;
}

Status Memory::set_property(std::string_view name, std::string_view value) {
  return db_->run("INSERT INTO properties VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value=?2", name, value);
}

#define POLICY_COLUMNS "id, version, category, flags, hash, location, signature, state, body, changed_at, attempts, reason"

static StoredPolicy read_policy(Row& row) {
  StoredPolicy p;
  int state = 0;
  row >> p.id >> p.version >> p.category >> p.flags >> p.hash >> p.location >> p.signature >> state >> p.body >> p.changed_at >>
      p.attempts >> p.reason;
  p.state = static_cast<PolicyState>(state);
  return p;
}

Result<std::vector<StoredPolicy>> Memory::policies() {
  std::vector<StoredPolicy> out;
  FP_CHECK(db_->each("SELECT " POLICY_COLUMNS " FROM policies ORDER BY id", [&](Row& row) { out.push_back(read_policy(row)); }));
  return out;
}

Result<std::optional<StoredPolicy>> Memory::policy(std::string_view id) {
  std::optional<StoredPolicy> out;
  FP_CHECK(db_->each("SELECT " POLICY_COLUMNS " FROM policies WHERE id=?1", [&](Row& row) { out = read_policy(row); }, id));
  return out;
}

Status Memory::save(const StoredPolicy& p) {
  return db_->run("INSERT OR REPLACE INTO policies (" POLICY_COLUMNS ") VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)", p.id,
                  p.version, p.category, p.flags, p.hash, p.location, p.signature, static_cast<int>(p.state), p.body,
                  p.changed_at, p.attempts, p.reason);
}

Status Memory::forget_policy(std::string_view id) { return db_->run("DELETE FROM policies WHERE id=?1", id); }

static Schedule read_schedule(Row& row) {
  Schedule s;
  row >> s.name >> s.last_at >> s.next_at >> s.failures;
  return s;
}

Result<std::optional<Schedule>> Memory::schedule(std::string_view name) {
  std::optional<Schedule> out;
  FP_CHECK(db_->each("SELECT name, last_at, next_at, failures FROM schedules WHERE name=?1",
                     [&](Row& row) { out = read_schedule(row); }, name));
  return out;
}

Result<std::vector<Schedule>> Memory::schedules() {
  std::vector<Schedule> out;
  FP_CHECK(db_->each("SELECT name, last_at, next_at, failures FROM schedules ORDER BY next_at",
                     [&](Row& row) { out.push_back(read_schedule(row)); }));
  return out;
}

Status Memory::save(const Schedule& s) {
  return db_->run("INSERT OR REPLACE INTO schedules VALUES (?1,?2,?3,?4)", s.name, s.last_at, s.next_at, s.failures);
}

Result<std::vector<KnownManagementPoint>> Memory::management_points() {
  std::vector<KnownManagementPoint> out;
  FP_CHECK(db_->each("SELECT url, name, internet, category, locality, ssl FROM management_points ORDER BY position",
                     [&](Row& row) {
                       KnownManagementPoint m;
                       row >> m.url >> m.name >> m.internet >> m.category >> m.locality >> m.ssl;
                       out.push_back(std::move(m));
                     }));
  return out;
}

Status Memory::replace_management_points(const std::vector<KnownManagementPoint>& list) {
  return together([&]() -> Status {
    FP_CHECK(db_->run("DELETE FROM management_points"));
    for (const auto& m : list) {
      FP_CHECK(db_->run("INSERT INTO management_points (url, name, internet, category, locality, ssl) VALUES (?1,?2,?3,?4,?5,?6)",
                        m.url, m.name, m.internet, m.category, m.locality, m.ssl));
    }
    return {};
  });
}

Result<std::vector<Instant>> Memory::failures(std::string_view url, Instant since) {
  std::vector<Instant> out;
  FP_CHECK(db_->each("SELECT at FROM failures WHERE url=?1 AND at>=?2 ORDER BY at",
                     [&](Row& row) {
                       Instant at;
                       row >> at;
                       out.push_back(at);
                     },
                     url, since));
  return out;
}

Status Memory::note_failure(std::string_view url, Instant at) {
  return together([&]() -> Status {
    FP_CHECK(db_->run("DELETE FROM failures WHERE at<?1", at.plus_s(-3600)));
    return db_->run("INSERT INTO failures VALUES (?1, ?2)", url, at);
  });
}

Status Memory::clear_failures(std::string_view url) { return db_->run("DELETE FROM failures WHERE url=?1", url); }

}  // namespace fp::memory
