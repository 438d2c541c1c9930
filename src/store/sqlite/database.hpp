// A thin seam over SQLite's C API: prepared statements, typed binding and reading, error codes. One thread at a time.
// Private to this room. Cost: a statement is compiled once for each connection and kept. Values are bound, never pasted in.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace fp::store::sqlite {

// A client id as it stands in the file: GUID:... as its 16 bytes, anything else as text. Both sort like the texts.
struct ClientRef {
  std::string_view id;
};
struct Blob {
  std::string_view bytes;
};

// The current row; columns are read from left to right.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  [[nodiscard]] std::string text();  // also of blobs
  [[nodiscard]] std::int64_t number();
  [[nodiscard]] bool flag() { return number() != 0; }
  [[nodiscard]] Instant time() { return {number()}; }
  [[nodiscard]] std::string client();
  template <class E>
  [[nodiscard]] E word() { return static_cast<E>(number()); }

 private:
  sqlite3_stmt* statement_;
  int column_ = 0;
};

class Database {
 public:
  enum class Mode { read_only, read_write };
  [[nodiscard]] static Result<std::unique_ptr<Database>> open(const Path& file, Mode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // `sql` is a literal: its address is the key of the statement cache.
  template <class... A>
  [[nodiscard]] Status run(const char* sql, const A&... values) {
    return each(sql, [](Row&) {}, values...);
  }
  // on_row(Row&) for every row; must not run the same statement again.
  template <class F, class... A>
  [[nodiscard]] Status each(const char* sql, F&& on_row, const A&... values) {
    FP_TRY(statement, prepare(sql));
    const Release release{statement};
    int index = 0;
    Status bound;
    ((bound = bound ? bind(statement, ++index, values) : bound), ...);
    FP_CHECK(bound);
    for (;;) {
      FP_TRY(more, step(statement, sql));
      if (!more) return {};
      Row row(statement);
      on_row(row);
    }
  }
  // Every row as a value; make(Row&) -> T.
  template <class F, class... A>
  [[nodiscard]] auto all(const char* sql, F&& make, const A&... values)
      -> Result<std::vector<std::decay_t<std::invoke_result_t<F, Row&>>>> {
    std::vector<std::decay_t<std::invoke_result_t<F, Row&>>> out;
    FP_CHECK(each(sql, [&](Row& row) { out.push_back(make(row)); }, values...));
    return out;
  }
  // The first row, or Code::not_found with `what` in the message.
  template <class F, class... A>
  [[nodiscard]] auto one(std::string_view what, const char* sql, F&& make, const A&... values)
      -> Result<std::decay_t<std::invoke_result_t<F, Row&>>> {
    FP_TRY(rows, all(sql, std::forward<F>(make), values...));
    if (rows.empty()) return fail(Code::not_found, "no such {}", what);
    return std::move(rows.front());
  }
  template <class... A>
  [[nodiscard]] Result<std::int64_t> number(const char* sql, const A&... values) {
    return one("number", sql, [](Row& r) { return r.number(); }, values...);
  }

  [[nodiscard]] Status script(const char* sql);  // several statements, no values: migrations and pragmas
  [[nodiscard]] std::int64_t changes() const;    // rows of the last statement
  [[nodiscard]] bool in_transaction() const;
  [[nodiscard]] std::int64_t scanned_rows() const;  // read without an index by all kept statements so far; tests hold it at 0
  // For text made at run time (compiled queries); the caller finalizes.
  [[nodiscard]] Result<sqlite3_stmt*> prepare_once(const std::string& sql);
  [[nodiscard]] static Status bind(sqlite3_stmt* s, int index, std::string_view value);
  [[nodiscard]] static Status bind(sqlite3_stmt* s, int index, std::int64_t value);
  [[nodiscard]] static Status bind(sqlite3_stmt* s, int index, double value);
  [[nodiscard]] static Status bind(sqlite3_stmt* s, int index, ClientRef value);
  [[nodiscard]] static Status bind(sqlite3_stmt* s, int index, Blob value);
  [[nodiscard]] static Status bind(sqlite3_stmt* s, int index, const std::string& v) {
    return bind(s, index, std::string_view(v));
  }
  [[nodiscard]] static Status bind(sqlite3_stmt* s, int index, const char* v) { return bind(s, index, std::string_view(v)); }
  [[nodiscard]] static Status bind(sqlite3_stmt* s, int index, Instant v) { return bind(s, index, v.ms); }
  template <class T>
    requires(std::is_enum_v<T> || (std::is_integral_v<T> && !std::is_same_v<T, std::int64_t>))
  [[nodiscard]] static Status bind(sqlite3_stmt* s, int index, T v) { return bind(s, index, static_cast<std::int64_t>(v)); }
  [[nodiscard]] Result<bool> step(sqlite3_stmt* statement, const char* sql);  // true: a row

  static void rewind(sqlite3_stmt* statement);  // keeps what is bound
  struct Release {  // makes a cached statement ready for its next use
    sqlite3_stmt* statement;
    ~Release();
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };

 private:
  explicit Database(sqlite3* db) : db_(db) {}
  [[nodiscard]] Result<sqlite3_stmt*> prepare(const char* sql);
  [[nodiscard]] std::unexpected<Error> error(int code, std::string_view doing) const;

  sqlite3* db_;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
};

}  // namespace fp::store::sqlite
