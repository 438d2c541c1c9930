#include "store/sqlite/sqlite_store.hpp"

#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "base/test_folder.hpp"
#include "store/sqlite/functions.hpp"
#include "store/sqlite/schema.hpp"
#include "store/sqlite/tables.hpp"

namespace fp::store {
namespace {

using sqlite::Database;

class SqliteFile : public ::testing::Test {
 protected:
  std::unique_ptr<Store> open(const SqliteOptions& options = {}) {
    auto store = open_sqlite(file_, clock_, options);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  Error refusal() {
    const auto store = open_sqlite(file_, clock_);
    EXPECT_FALSE(store);
    return store ? Error{} : store.error();
  }
  std::unique_ptr<Database> raw() { return std::move(*Database::open(file_, Database::Mode::read_write)); }

  TestFolder folder_;
  const Path dir_ = folder_.path();
  Path file_ = dir_ / "site.db";
  ManualClock clock_;
};

Status set(Store& store, const std::string& name, const std::string& value) {
  return store.write([&](Repositories& r) { return r.site.set_value(name, value); });
}

TEST_F(SqliteFile, IsReadableForItsOwnerOnly) {
  const auto store = open();
  EXPECT_EQ(std::filesystem::status(file_).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(SqliteFile, IsOpenedOnceAtATime) {
  const auto store = open();
  EXPECT_EQ(refusal().code, Code::unavailable);
}

TEST_F(SqliteFile, ThatIsNoDatabaseIsCorruptAndSaysWhatToDo) {
  ASSERT_TRUE(write_file(file_, std::string(8192, 'x')));
  const auto error = refusal();
  EXPECT_EQ(error.code, Code::corrupt);
  EXPECT_NE(error.message.find("restore it from a backup"), std::string::npos) << error.message;
}

TEST_F(SqliteFile, ThatIsDamagedInTheMiddleIsCorrupt) {
  {
    const auto store = open();
    ASSERT_TRUE(store->write([](Repositories& r) -> Status {
      for (int n = 0; n < 200; ++n) FP_CHECK(r.site.set_value(fmt::format("name{}", n), std::string(500, 'v')));
      return {};
    }));
  }
  auto bytes = *read_file(file_);
  ASSERT_GT(bytes.size(), 100'000U);
  for (std::size_t at = 8192; at + 4096 < bytes.size(); at += 4096) bytes.replace(at, 64, std::string(64, '\xFF'));
  ASSERT_TRUE(write_file(file_, bytes));
  EXPECT_EQ(refusal().code, Code::corrupt);
}

TEST_F(SqliteFile, OfANewerProgramIsRefusedUntouched) {
  open().reset();
  ASSERT_TRUE(raw()->script("PRAGMA user_version=999"));
  const auto error = refusal();
  EXPECT_EQ(error.code, Code::invalid);
  EXPECT_NE(error.message.find("newer farpointd (schema 999"), std::string::npos) << error.message;
}

TEST_F(SqliteFile, OfAnotherProgramIsRefused) {
  ASSERT_TRUE(raw()->script("CREATE TABLE theirs(x)"));
  EXPECT_EQ(refusal().code, Code::invalid);
}

TEST_F(SqliteFile, IsBroughtUpFromEveryEarlierSchema) {
  const auto newest = static_cast<std::int64_t>(sqlite::migrations().size());
  for (std::int64_t version = 1; version <= newest; ++version) {
    file_ = dir_ / fmt::format("from{}.db", version);
    {
      auto db = raw();
      ASSERT_TRUE(sqlite::migrate(*db, version));
      ASSERT_EQ(*db->number("PRAGMA user_version"), version);
      ASSERT_TRUE(db->script("INSERT INTO site_values VALUES('kept', 'yes')"));
    }
    const auto store = open();
    EXPECT_EQ(*store->read([](Repositories& r) { return r.site.value("kept"); }), "yes");
    EXPECT_TRUE(set(*store, "new", "1"));
  }
}

TEST_F(SqliteFile, AMigrationThatFailsLeavesTheFileAsItWas) {
  ASSERT_TRUE(raw()->script("PRAGMA application_id=1179665492; CREATE TABLE audit(x)"));
  EXPECT_NE(refusal().message.find("migration to schema 1"), std::string::npos);
  EXPECT_EQ(*raw()->number("SELECT count(*) FROM sqlite_schema"), 1);
  EXPECT_EQ(*raw()->number("PRAGMA user_version"), 0);
}

TEST_F(SqliteFile, AFullDiskRefusesTheWriteAndKeepsWhatWasThere) {
  auto store = open({.bytes_max = 2 << 20});
  ASSERT_TRUE(set(*store, "before", "here"));
  Status outcome;
  int written = 0;
  for (; outcome && written < 100; written += outcome.has_value())
    outcome = store->write([&](Repositories& r) -> Status {
      FP_CHECK(r.site.set_value("count", std::to_string(written + 1)));
      return r.site.set_value(fmt::format("blob{}", written), std::string(100'000, 'x'));
    });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::unavailable);
  EXPECT_GT(written, 3);
  const auto value = [&](const std::string& name) { return store->read([&](Repositories& r) { return r.site.value(name); }); };
  EXPECT_EQ(*value("before"), "here");
  EXPECT_EQ(*value("count"), std::to_string(written)) << "nothing of the refused write";
  EXPECT_FALSE(value(fmt::format("blob{}", written)));
  store.reset();
  const auto roomy = open();
  EXPECT_TRUE(set(*roomy, "before", "there")) << "with room again it is written";
}

TEST_F(SqliteFile, AFullQueueRefuses) {
  const auto store = open({.queue_max = 1});
  std::latch running(1), go_on(1);
  std::thread first([&] {
    EXPECT_TRUE(store->write([&](Repositories&) -> Status {
      running.count_down();
      go_on.wait();
      return {};
    }));
  });
  running.wait();
  std::atomic<int> refused = 0, done = 0;
  std::vector<std::thread> more;
  for (int n = 0; n < 4; ++n)
    more.emplace_back([&] {
      const auto outcome = set(*store, "v", "1");
      if (outcome) return void(++done);
      EXPECT_EQ(outcome.error().code, Code::unavailable);
      if (++refused == 3) go_on.count_down();  // one waits in the queue; the others found it full
    });
  first.join();
  for (auto& t : more) t.join();
  EXPECT_EQ(done, 1);
  EXPECT_EQ(refused, 3);
}

TEST_F(SqliteFile, ManyReadersWaitForAConnection) {
  const auto store = open({.readers_max = 2});
  ASSERT_TRUE(set(*store, "v", "1"));
  std::vector<std::thread> threads;
  for (int n = 0; n < 8; ++n)
    threads.emplace_back([&] {
      for (int k = 0; k < 20; ++k) EXPECT_EQ(*store->read([](Repositories& r) { return r.site.value("v"); }), "1");
    });
  for (auto& t : threads) t.join();
}

// The poll of a million devices: what it asks must be found by index, whatever the size of the tables.
TEST_F(SqliteFile, ThePolicyPollAndTheUsualWritesReadNothingWithoutAnIndex) {
  auto db = raw();
  ASSERT_TRUE(sqlite::migrate(*db));
  ASSERT_TRUE(db->script("BEGIN"));
  sqlite::Tables tables(*db);
  tables.context.change = {1000};
  auto r = tables.repositories();
  const std::string id = "GUID:00000000-0000-4000-8000-000000000001";
  ASSERT_TRUE(r.collections.put({.id = "FP100001"}));
  for (int n = 0; n < 50; ++n) {
    const auto other = fmt::format("GUID:00000000-0000-4000-8000-{:012X}", n);
    ASSERT_TRUE(r.devices.put({.client_id = other, .name = fmt::format("PC{}", n), .key_fingerprint = fmt::format("k{}", n)}));
    ASSERT_TRUE(r.collections.add_member("FP100001", {.client_id = other}));
    ASSERT_TRUE(r.policies.put({.id = fmt::format("P{}", n)}, {"FP100001"}));
    ASSERT_TRUE(r.states.add({.client_id = other, .serial = 1}));
    ASSERT_TRUE(r.inventory.apply({.client_id = other, .instances = {{.class_name = "X"}}}, "hardware"));
    ASSERT_TRUE(r.deployments.put_state({.deployment_id = "D", .client_id = other}));
    ASSERT_TRUE(r.site.first_time(other, "k", {5}));
  }
  EXPECT_TRUE(r.devices.find(id));
  EXPECT_TRUE(r.devices.find_by_key("k1"));
  EXPECT_TRUE(r.devices.find_by_name("pc1"));
  EXPECT_EQ(r.policies.for_device(id)->size(), 50U);
  EXPECT_EQ(r.policies.for_device_since(id, {0})->size(), 50U);
  EXPECT_EQ(r.policies.latest_change(id)->ms, 1000);
  EXPECT_TRUE(*r.policies.is_for_device("P1", id));
  EXPECT_TRUE(r.policies.list_by_source("S"));
  EXPECT_TRUE(r.states.gaps(id, 10));
  EXPECT_TRUE(r.states.of_device(id, 10));
  EXPECT_TRUE(r.inventory.instances(id, "X"));
  EXPECT_TRUE(r.deployments.states_of_device(id));
  EXPECT_TRUE(r.site.forget_before({1}));
  EXPECT_EQ(db->scanned_rows(), 0) << "besides the count of replay entries, once";
}

TEST(WqlLike, KnowsTextsSetsAndSingleCharacters) {
  EXPECT_TRUE(sqlite::wql_like("", ""));
  EXPECT_TRUE(sqlite::wql_like("", "%"));
  EXPECT_FALSE(sqlite::wql_like("a", ""));
  EXPECT_TRUE(sqlite::wql_like("Laptop-07", "lap%[0-9]"));
  EXPECT_FALSE(sqlite::wql_like("Laptop-0x", "lap%[0-9]"));
  EXPECT_TRUE(sqlite::wql_like("aXbXc", "a%x_"));
  EXPECT_TRUE(sqlite::wql_like("Köln", "k_ln"));
  EXPECT_FALSE(sqlite::wql_like("Köln", "k__ln"));
  EXPECT_TRUE(sqlite::wql_like("50%", "50[%]"));
  EXPECT_FALSE(sqlite::wql_like("500", "50[%]"));
  EXPECT_TRUE(sqlite::wql_like("[x", "[x"));
  EXPECT_TRUE(sqlite::wql_like("b", "[^ac-e]"));
  EXPECT_FALSE(sqlite::wql_like("D", "[^ac-e]"));
  EXPECT_FALSE(sqlite::wql_like(std::string(20'000, 'a'), "%a%a%a%a%a%b"));
}

TEST(ClientId, IsPackedAndComesBack) {
  std::array<char, 16> packed{};
  const std::string id = "GUID:0B1A4C2E-93F5-4D57-8F0A-1C2D3E4F5A6B";
  ASSERT_TRUE(sqlite::pack_client(id, packed));
  EXPECT_EQ(sqlite::unpack_client({packed.data(), 16}), id);
  EXPECT_FALSE(sqlite::pack_client("GUID:0b1a4c2e-93f5-4d57-8f0a-1c2d3e4f5a6b", packed));
  EXPECT_FALSE(sqlite::pack_client("anything", packed));
}

}  // namespace
}  // namespace fp::store
