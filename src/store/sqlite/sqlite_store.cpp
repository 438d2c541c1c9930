#include "store/sqlite/sqlite_store.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/log.hpp"
#include "store/sqlite/schema.hpp"
#include "store/sqlite/tables.hpp"

namespace fp::store {
namespace sqlite {
namespace {

constexpr std::int64_t kQuickCheckBytesMax = 256 << 20;
constexpr std::int64_t kPageBytes = 4096;

struct Connection {
  explicit Connection(std::unique_ptr<Database> opened) : db(std::move(opened)), tables(*db) {}
  std::unique_ptr<Database> db;
  Tables tables;
};

// A function of somebody else must not take the writer down with it.
Status guarded(const std::function<Status(Repositories&)>& fn, Repositories& r) {
  try {
    return fn(r);
  } catch (const std::exception& e) {
    return fail(Code::internal, "an exception inside a transaction: {}", e.what());
  }
}

struct Job {
  const std::function<Status(Repositories&)>* fn = nullptr;
  Ticket ticket = Ticket::pending();
  Status ran;
  bool done = false;
};

// Runs the jobs on its own thread, many in one commit.
class Writer {
 public:
  Writer(std::unique_ptr<Connection> connection, const Clock& clock, const SqliteOptions& options, Instant last)
      : connection_(std::move(connection)), clock_(clock), options_(options), last_(last), thread_([this] { loop(); }) {}
  ~Writer() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    work_.notify_all();
    thread_.join();
  }

  [[nodiscard]] std::uint64_t generation() const { return generation_.load(); }

  std::pair<Status, Ticket> run(const std::function<Status(Repositories&)>& fn) {
    Job job{&fn};
    const auto refuse = [&](std::string_view why) -> std::pair<Status, Ticket> {
      const Status refused = fail(Code::unavailable, "{}", why);
      job.ticket.settle(refused);
      return {refused, job.ticket};
    };
    std::unique_lock lock(mutex_);
    if (stopping_) return refuse("the database is closing");
    if (queue_.size() >= options_.queue_max) return refuse("the queue of writes is full");
    queue_.push_back(&job);
    work_.notify_one();
    ran_.wait(lock, [&] { return job.done; });
    return {std::move(job.ran), job.ticket};
  }

 private:
  Database& db() { return *connection_->db; }

  void loop() {
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        work_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return;
      }
      group();
    }
  }

  Job* next(std::size_t ran) {
    std::lock_guard lock(mutex_);
    if (queue_.empty() || ran >= options_.group_max) return nullptr;
    Job* job = queue_.front();
    queue_.pop_front();
    return job;
  }

  void group() {
    std::vector<Ticket> open;  // of functions that ran well and wait for the commit
    Status health = db().run("BEGIN IMMEDIATE");
    std::size_t ran = 0;
    while (Job* job = next(ran++)) {
      Status outcome = health ? one(*job->fn) : health;
      if (health && !db().in_transaction()) {  // SQLite gave the whole transaction up (disk full, I/O): so do all of the group
        health = outcome ? fail(Code::io, "the transaction was rolled back") : outcome;
        outcome = health;
      }
      if (outcome) open.push_back(job->ticket);
      else job->ticket.settle(outcome);
      std::lock_guard lock(mutex_);
      job->ran = std::move(outcome);
      job->done = true;
      ran_.notify_all();
    }
    if (health) health = db().run("UPDATE last_change SET at = ?1", last_);
    if (health) health = db().run("COMMIT");
    generation_.fetch_add(1);
    if (!health) {
      if (db().in_transaction()) (void)db().run("ROLLBACK");
      connection_->tables.context.replay_entries = -1;
      log::error("store", "a group of {} writes was not committed: {}", open.size(), health.error().message);
    }
    for (auto& ticket : open) ticket.settle(health);
  }

  Status one(const std::function<Status(Repositories&)>& fn) {
    last_ = std::max(clock_.now(), last_.plus_ms(1));
    connection_->tables.context.change = last_;
    FP_CHECK(db().run("SAVEPOINT one"));
    auto repositories = connection_->tables.repositories();
    Status outcome = guarded(fn, repositories);
    if (!db().in_transaction()) return outcome;
    if (!outcome) FP_CHECK(db().run("ROLLBACK TO one"));
    FP_CHECK(db().run("RELEASE one"));
    return outcome;
  }

  std::unique_ptr<Connection> connection_;
  const Clock& clock_;
  const SqliteOptions options_;
  Instant last_;
  std::atomic<std::uint64_t> generation_{1};
  std::mutex mutex_;
  std::condition_variable work_, ran_;
  std::deque<Job*> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

// Connections for readers: handed out, given back, opened when there is none and the limit allows one more.
class Readers {
 public:
  Readers(Path file, std::size_t most) : file_(std::move(file)), most_(std::max<std::size_t>(most, 1)) {}

  Status run(const std::function<Status(Repositories&)>& fn) {
    FP_TRY(connection, take());
    const Status outcome = within(*connection, fn);
    const bool usable = !connection->db->in_transaction();
    std::lock_guard lock(mutex_);
    if (usable) idle_.push_back(std::move(connection));
    else --open_;
    given_back_.notify_one();
    return outcome;
  }

 private:
  static Status within(Connection& c, const std::function<Status(Repositories&)>& fn) {
    FP_CHECK(c.db->run("BEGIN"));
    auto repositories = c.tables.repositories();
    Status outcome = guarded(fn, repositories);
    const Status ended = c.db->run("COMMIT");
    if (!ended && c.db->in_transaction()) (void)c.db->run("ROLLBACK");
    return outcome;
  }

  Result<std::unique_ptr<Connection>> take() {
    {
      std::unique_lock lock(mutex_);
      given_back_.wait(lock, [&] { return !idle_.empty() || open_ < most_; });
      if (!idle_.empty()) {
        auto connection = std::move(idle_.back());
        idle_.pop_back();
        return connection;
      }
      ++open_;
    }
    auto opened = open();
    if (!opened) {
      std::lock_guard lock(mutex_);
      --open_;
      given_back_.notify_one();
    }
    return opened;
  }

  Result<std::unique_ptr<Connection>> open() {
    FP_TRY(db, Database::open(file_, Database::Mode::read_only));
    FP_CHECK(db->script("PRAGMA query_only=ON; PRAGMA cache_size=-4096;"));
    return std::make_unique<Connection>(std::move(db));
  }

  const Path file_;
  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable given_back_;
  std::vector<std::unique_ptr<Connection>> idle_;
  std::size_t open_ = 0;
};

class SqliteStore final : public Store {
 public:
  SqliteStore(Fd lock, const Path& file, std::unique_ptr<Connection> writer, const Clock& clock, const SqliteOptions& options,
              Instant last)
      : lock_(std::move(lock)), readers_(file, options.readers_max), writer_(std::move(writer), clock, options, last) {}

  [[nodiscard]] std::uint64_t generation() const override { return writer_.generation(); }

 protected:
  Status run_read(const Function& fn) override { return readers_.run(fn); }
  std::pair<Status, Ticket> run_write(const Function& fn) override { return writer_.run(fn); }

 private:
  Fd lock_;
  Readers readers_;
  Writer writer_;
};

// Lives as long as the store: two writers would hand out the same change times.
Result<Fd> lock_file(const Path& file) {
  Path beside = file;
  beside += ".lock";
  Fd fd(::open(beside.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.ok()) return fail_errno("opening", beside.string());
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
    return fail(Code::unavailable, "the database {} is in use by another process", file.string());
  return fd;
}

Status check(Database& db, std::int64_t bytes) {
  if (bytes > kQuickCheckBytesMax) return {};
  FP_TRY(report, db.one("answer", "PRAGMA quick_check(1)", [](Row& r) { return r.text(); }));
  if (report != "ok") return fail(Code::corrupt, "{}", report);
  return {};
}

Result<std::unique_ptr<Database>> open_writer(const Path& file, const SqliteOptions& options) {
  const auto bytes = size_of_file(file);
  // Created here, because SQLite would make it readable for everybody; its -wal and -shm take over the mode.
  if (const Fd made(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)); !made.ok())
    return fail_errno("creating", file.string());
  FP_TRY(db, Database::open(file, Database::Mode::read_write));
  FP_CHECK(
      db->script("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=4000; "
                 "PRAGMA journal_size_limit=67108864;"));
  FP_CHECK(check(*db, bytes.value_or(0)));
  FP_CHECK(migrate(*db));
  if (options.bytes_max > 0)
    FP_CHECK(db->script(fmt::format("PRAGMA max_page_count={}", options.bytes_max / kPageBytes).c_str()));
  return db;
}

}  // namespace
}  // namespace sqlite

Result<std::unique_ptr<Store>> open_sqlite(const Path& file, const Clock& clock, const SqliteOptions& options) {
  FP_TRY(lock, sqlite::lock_file(file));
  auto db = sqlite::open_writer(file, options);
  if (!db && db.error().code == Code::corrupt)
    return fail(Code::corrupt, "the database {} is damaged ({}): restore it from a backup", file.string(), db.error().message);
  if (!db) return std::unexpected(db.error().with_context(fmt::format("the database {}", file.string())));
  auto writer = std::make_unique<sqlite::Connection>(std::move(*db));
  FP_TRY(last, writer->db->number("SELECT at FROM last_change"));
  return std::make_unique<sqlite::SqliteStore>(std::move(lock), file, std::move(writer), clock, options, Instant{last});
}

}  // namespace fp::store
