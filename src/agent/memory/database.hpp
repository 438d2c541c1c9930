// A thin seam over SQLite's C API: prepared statements with typed binding and reading. One thread. Private to this room.
// Every text of SQL is a literal here in the room; values are bound, never pasted in.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace fp::memory {

// The columns of the current row, read from left to right.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  Row& operator>>(std::string& out);
  Row& operator>>(std::int64_t& out);
  Row& operator>>(int& out);
  Row& operator>>(unsigned& out);
  Row& operator>>(bool& out);
  Row& operator>>(Instant& out);

 private:
  sqlite3_stmt* statement_;
  int column_ = 0;
};

class Database {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Database>> open(const Path& file);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // `sql` must be a literal: its address is the key of the statement cache.
  template <class... A>
  [[nodiscard]] Status run(const char* sql, const A&... values) {
    FP_TRY(statement, prepare(sql));
    int index = 0;
    (bind(statement, ++index, values), ...);
    return step_all(statement, [](Row&) {});
  }
  template <class F, class... A>
  [[nodiscard]] Status each(const char* sql, F&& on_row, const A&... values) {
    FP_TRY(statement, prepare(sql));
    int index = 0;
    (bind(statement, ++index, values), ...);
    return step_all(statement, std::function<void(Row&)>(std::forward<F>(on_row)));
  }
  [[nodiscard]] Status script(const char* sql);
  [[nodiscard]] std::int64_t last_id() const;

 private:
  explicit Database(sqlite3* db) : db_(db) {}
  [[nodiscard]] Result<sqlite3_stmt*> prepare(const char* sql);
  [[nodiscard]] Status step_all(sqlite3_stmt* statement, const std::function<void(Row&)>& on_row);
  static void bind(sqlite3_stmt* statement, int index, std::string_view value);
  static void bind(sqlite3_stmt* statement, int index, std::int64_t value);
  static void bind(sqlite3_stmt* statement, int index, int value) { bind(statement, index, std::int64_t{value}); }
  static void bind(sqlite3_stmt* statement, int index, unsigned value) { bind(statement, index, std::int64_t{value}); }
  static void bind(sqlite3_stmt* statement, int index, bool value) { bind(statement, index, std::int64_t{value}); }
  static void bind(sqlite3_stmt* statement, int index, Instant value) { bind(statement, index, value.ms); }
  static void bind(sqlite3_stmt* statement, int index, const std::string& value) {
    bind(statement, index, std::string_view(value));
  }

  sqlite3* db_;
  std::map<const char*, sqlite3_stmt*> statements_;
};

// Brings a file of any earlier version to this one, each step in a transaction of its own.
[[nodiscard]] Status migrate(Database& db);
inline constexpr std::int64_t kSchemaVersion = 5;

}  // namespace fp::memory
