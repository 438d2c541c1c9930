// What our SQL calls beyond SQLite's own functions, and the packed form of client ids. Private to this room; pure.
//   fp_like(value, pattern)  WQL LIKE: % any text, _ one character, [a-c] one of, [^a-c] none of; case-insensitive (ASCII)
//   fp_number(value)         the number that a text is, or NULL
//   fp_client(value)         GUID:... of a packed client id
#pragma once
#include <array>
#include <string>
#include <string_view>

struct sqlite3;

namespace fp::store::sqlite {

[[nodiscard]] bool register_functions(sqlite3* db);
// Bounded: the work grows with the product of both lengths at most.
[[nodiscard]] bool wql_like(std::string_view value, std::string_view pattern);

[[nodiscard]] bool pack_client(std::string_view id, std::array<char, 16>& out);  // false: not GUID:... in canonical spelling
[[nodiscard]] std::string unpack_client(std::string_view bytes);

}  // namespace fp::store::sqlite
