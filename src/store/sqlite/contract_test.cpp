#include "store/contract_test.hpp"

#include "store/contract_enrollment_test.hpp"
#include "store/contract_fallback_test.hpp"
#include "store/contract_pushes_test.hpp"
#include "store/contract_query_test.hpp"
#include "store/contract_records_test.hpp"
#include "store/contract_targeting_test.hpp"
#include "store/contract_transaction_test.hpp"
#include "store/contract_updates_test.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace fp::store {

constexpr Backend kSqlite{"sqlite", [](const Path& dir, const Clock& clock) { return open_sqlite(dir / "site.db", clock); }};
INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract, ::testing::Values(kSqlite));
INSTANTIATE_TEST_SUITE_P(Sqlite, QueryContract, ::testing::Values(kSqlite));

}  // namespace fp::store
