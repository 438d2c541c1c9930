#include "agent/memory/database.hpp"

#include <sqlite3.h>

#include "base/text.hpp"

namespace fp::memory {

namespace {

std::unexpected<Error> fail_sqlite(sqlite3* db, std::string_view doing) {
  const int code = sqlite3_errcode(db) & 0xff;
  const Code kind = code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? Code::corrupt
                    : code == SQLITE_BUSY || code == SQLITE_LOCKED  ? Code::unavailable
                                                                    : Code::io;
  return fail(kind, "{}: {}", doing, sqlite3_errmsg(db));
}

}  // namespace

Row& Row::operator>>(std::string& out) {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column_));
  const int size = sqlite3_column_bytes(statement_, column_);
  out.assign(data != nullptr ? data : "", static_cast<std::size_t>(data != nullptr ? size : 0));
  ++column_;
  return *this;
}
Row& Row::operator>>(std::int64_t& out) {
  out = sqlite3_column_int64(statement_, column_++);
  return *this;
}
Row& Row::operator>>(int& out) {
  out = sqlite3_column_int(statement_, column_++);
  return *this;
}
Row& Row::operator>>(unsigned& out) {
  out = static_cast<unsigned>(sqlite3_column_int64(statement_, column_++));
  return *this;
}
Row& Row::operator>>(bool& out) {
  out = sqlite3_column_int(statement_, column_++) != 0;
  return *this;
}
Row& Row::operator>>(Instant& out) {
  out.ms = sqlite3_column_int64(statement_, column_++);
  return *this;
}

Result<std::unique_ptr<Database>> Database::open(const Path& file) {
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int rc = sqlite3_open_v2(file.c_str(), &raw, flags, nullptr);
  std::unique_ptr<Database> db(new Database(raw));
  if (rc != SQLITE_OK) return fail_sqlite(raw, fmt::format("opening {}", file.string()));
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, 10'000);
  FP_CHECK(db->script("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA cache_size=-512;"));
  return db;
}

Database::~Database() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

Result<sqlite3_stmt*> Database::prepare(const char* sql) {
  if (auto it = statements_.find(sql); it != statements_.end()) return it->second;
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    return fail_sqlite(db_, fmt::format("preparing \"{}\"", sql));
  }
  statements_.emplace(sql, statement);
  return statement;
}

Status Database::step_all(sqlite3_stmt* statement, const std::function<void(Row&)>& on_row) {
  int rc = SQLITE_ROW;
  while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
    Row row(statement);
    on_row(row);
  }
  Status outcome;
  if (rc != SQLITE_DONE) outcome = fail_sqlite(db_, "the agent's memory");
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return outcome;
}

Status Database::script(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return fail_sqlite(db_, "the agent's memory");
  return {};
}

std::int64_t Database::last_id() const { return sqlite3_last_insert_rowid(db_); }

void Database::bind(sqlite3_stmt* statement, int index, std::string_view value) {
  const char* data = value.data() != nullptr ? value.data() : "";
  if (is_utf8(value) && value.find('\0') == std::string_view::npos) {
    sqlite3_bind_text64(statement, index, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  } else {
    sqlite3_bind_blob64(statement, index, data, value.size(), SQLITE_TRANSIENT);
  }
}
void Database::bind(sqlite3_stmt* statement, int index, std::int64_t value) { sqlite3_bind_int64(statement, index, value); }

}  // namespace fp::memory
