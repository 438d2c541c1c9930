// The schema as numbered migrations (PRAGMA user_version). Private to this room. A step that was released never changes;
// a new need is a new step, and migration_test brings files of every earlier version up.
#pragma once
#include <span>

#include "store/sqlite/database.hpp"

namespace fp::store::sqlite {

inline constexpr std::int64_t kApplicationId = 0x46504454;  // "FPDT" in the file's header

[[nodiscard]] std::span<const char* const> migrations();  // step n brings version n to n + 1
// To `version` (-1: the newest), each step in a transaction of its own. Code::invalid for a newer or a foreign file.
[[nodiscard]] Status migrate(Database& db, std::int64_t version = -1);

}  // namespace fp::store::sqlite
