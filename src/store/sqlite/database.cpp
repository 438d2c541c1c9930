#include "store/sqlite/database.hpp"

#include <sqlite3.h>

#include "base/text.hpp"
#include "store/sqlite/functions.hpp"

namespace fp::store::sqlite {
namespace {

constexpr int kBusyTimeoutMs = 10'000;

Code code_of(int extended) {
  if (extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY) return Code::conflict;
  switch (extended & 0xFF) {
    case SQLITE_CONSTRAINT: return Code::invalid;
    case SQLITE_TOOBIG: return Code::too_large;
    case SQLITE_FULL: case SQLITE_BUSY: case SQLITE_LOCKED: case SQLITE_NOMEM: return Code::unavailable;
    case SQLITE_IOERR: case SQLITE_CANTOPEN: case SQLITE_PERM: return Code::io;
    case SQLITE_CORRUPT: case SQLITE_NOTADB: return Code::corrupt;
    default: return Code::internal;
  }
}

int nibble(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }

}  // namespace

bool pack_client(std::string_view id, std::array<char, 16>& out) {
  if (id.size() != 41 || !id.starts_with("GUID:")) return false;
  std::size_t at = 5;
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10)
      if (id[at++] != '-') return false;
    const int high = nibble(id[at]), low = nibble(id[at + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<char>(high << 4 | low);
    at += 2;
  }
  return true;
}

std::string unpack_client(std::string_view bytes) {
  if (bytes.size() != 16) return std::string(bytes);
  const std::string h = hex(bytes);
  const std::string_view v(h);
  std::string out = "GUID:";
  out.reserve(41);
  out.append(v.substr(0, 8)).append("-").append(v.substr(8, 4)).append("-").append(v.substr(12, 4));
  out.append("-").append(v.substr(16, 4)).append("-").append(v.substr(20));
  return out;
}

std::string Row::text() {
  const int c = column_++;
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, c));
  return data ? std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, c))) : std::string();
}

std::int64_t Row::number() { return sqlite3_column_int64(statement_, column_++); }

std::string Row::client() {
  const bool packed = sqlite3_column_type(statement_, column_) == SQLITE_BLOB;
  auto bytes = text();
  return packed ? unpack_client(bytes) : bytes;
}

Result<std::unique_ptr<Database>> Database::open(const Path& file, Mode mode) {
  // Its count of all memory ever taken costs one lock for all threads at each allocation, and nobody reads it.
  [[maybe_unused]] static const int uncounted = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (mode == Mode::read_write ? SQLITE_OPEN_CREATE : 0);
  const int rc = sqlite3_open_v2(file.c_str(), &raw, flags, nullptr);
  std::unique_ptr<Database> db(new Database(raw));
  if (rc != SQLITE_OK) return db->error(rc, "opening");
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  sqlite3_limit(raw, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  if (!register_functions(raw)) return fail(Code::internal, "SQLite took none of our functions");
  FP_CHECK(db->script("PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;"));
  return db;
}

Database::~Database() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(db_);
}

std::unexpected<Error> Database::error(int code, std::string_view doing) const {
  if ((code & 0xFF) == SQLITE_READONLY) return fail(Code::internal, "a write inside read(): {:.80}", doing);
  return fail(code_of(code), "database: {} ({:.80})", db_ ? sqlite3_errmsg(db_) : sqlite3_errstr(code), doing);
}

Result<sqlite3_stmt*> Database::prepare(const char* sql) {
  auto& kept = statements_[sql];
  if (!kept) {
    const int rc = sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &kept, nullptr);
    if (rc != SQLITE_OK) return error(rc, sql);
  }
  return kept;
}

Result<sqlite3_stmt*> Database::prepare_once(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int rc = sqlite3_prepare_v2(db_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (rc != SQLITE_OK) return error(rc, sql);
  return statement;
}

Result<bool> Database::step(sqlite3_stmt* statement, const char* sql) {
  const int rc = sqlite3_step(statement);
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  return error(sqlite3_extended_errcode(db_), sql);
}

Status Database::script(const char* sql) {
  const int rc = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) return error(rc, sql);
  return {};
}

std::int64_t Database::changes() const { return sqlite3_changes64(db_); }
std::int64_t Database::scanned_rows() const {
  std::int64_t sum = 0;
  for (const auto& [sql, statement] : statements_) sum += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0);
  return sum;
}
bool Database::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

void Database::rewind(sqlite3_stmt* statement) { sqlite3_reset(statement); }
Database::Release::~Release() {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
}
void Database::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

namespace {
Status bound(int rc) {
  if (rc == SQLITE_OK) return {};
  return fail(rc == SQLITE_TOOBIG ? Code::too_large : Code::internal, "database: binding a value: {}", sqlite3_errstr(rc));
}
// A null pointer would bind NULL; an empty value is not NULL.
const char* pointer(std::string_view v) { return v.data() ? v.data() : ""; }
}  // namespace

Status Database::bind(sqlite3_stmt* s, int index, std::string_view v) {
  return bound(sqlite3_bind_text64(s, index, pointer(v), v.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}
Status Database::bind(sqlite3_stmt* s, int index, std::int64_t v) { return bound(sqlite3_bind_int64(s, index, v)); }
Status Database::bind(sqlite3_stmt* s, int index, double v) { return bound(sqlite3_bind_double(s, index, v)); }
Status Database::bind(sqlite3_stmt* s, int index, Blob v) {
  return bound(sqlite3_bind_blob64(s, index, pointer(v.bytes), v.bytes.size(), SQLITE_TRANSIENT));
}
Status Database::bind(sqlite3_stmt* s, int index, ClientRef v) {
  std::array<char, 16> packed{};
  if (!pack_client(v.id, packed)) return bind(s, index, v.id);
  return bind(s, index, Blob{{packed.data(), packed.size()}});
}

}  // namespace fp::store::sqlite
