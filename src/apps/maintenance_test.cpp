// site/maintenance against a real store (the room of sites knows none).
#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "base/test_folder.hpp"
#include "site/maintenance.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace fp::apps {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;

std::string client(int n) { return fmt::format("GUID:00000000-0000-4000-8000-{:012X}", n); }

class MaintenanceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = store::open_sqlite(dir_ / "site.db", system_clock());
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  void TearDown() override { store_.reset(); }
  template <class F>
  void write(F&& fn) {
    const Status done = store_->write([&](store::Repositories& r) -> Status { return fn(r); });
    ASSERT_TRUE(done) << done.error().message;
  }
  void device(int n, int days_ago, bool blocked = false) {
    Device d;
    d.client_id = client(n);
    d.name = fmt::format("PC{}", n);
    d.blocked = blocked;
    d.registered_at = {1};
    d.last_heartbeat_at = now_.plus_ms(-kDayMs * days_ago);
    write([&](store::Repositories& r) { return r.devices.put(d); });
  }
  std::vector<std::string> names() {
    std::vector<std::string> out;
    const auto all = store_->read([](store::Repositories& r) { return r.devices.list({}); });
    if (all)
      for (const auto& d : *all) out.push_back(d.name);
    return out;
  }
  site::Maintained maintain(const site::MaintenanceDays& days) {
    auto done = site::maintain(*store_, days, now_, [] { return false; });
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    return done.value_or(site::Maintained{});
  }

  TestFolder folder_;
  const Path dir_ = folder_.path();
  Instant now_{1000 * kDayMs};
  std::unique_ptr<store::Store> store_;
};

TEST_F(MaintenanceTest, DevicesThatWereNotHeardOfAreDeletedButABlockStays) {
  device(1, 89);
  device(2, 91);
  device(3, 91, true);
  EXPECT_EQ(maintain({}).devices, 1);
  EXPECT_EQ(names(), (std::vector<std::string>{"PC1", "PC3"}));
  const auto events = store_->read([](store::Repositories& r) { return r.states.events("", 10); });
  ASSERT_TRUE(events);
  ASSERT_EQ(events->size(), 1U);
  EXPECT_NE(events->front().text.find("PC2 was not heard of"), std::string::npos);
}

TEST_F(MaintenanceTest, EveryKindHasItsOwnAgeAndMoreThanABatchGoesAtOnce) {
  constexpr int kMany = 12'000;
  write([&](store::Repositories& r) -> Status {
    for (int i = 0; i < kMany; ++i) FP_CHECK(r.states.add({.client_id = client(1), .received_at = now_.plus_ms(-91 * kDayMs)}));
    FP_CHECK(r.states.add({.client_id = client(1), .received_at = now_.plus_ms(-89 * kDayMs)}));
    FP_CHECK(r.states.add_event({.at = now_.plus_ms(-31 * kDayMs), .component = "test", .text = "old"}));
    FP_CHECK(r.states.add_event({.at = now_.plus_ms(-29 * kDayMs), .component = "test", .text = "young"}));
    FP_CHECK(r.administration.audit({.at = {1}, .who = "anna"}));
    return r.administration.audit({.at = {2}, .who = "anna"});
  });
  const auto done = maintain({});
  EXPECT_EQ(done.forgotten.states, kMany);
  EXPECT_EQ(done.forgotten.events, 1);
  EXPECT_EQ(done.forgotten.audit, 0) << "kept for ever unless somebody says otherwise";
  EXPECT_EQ(maintain({.audit = 1}).forgotten.audit, 1);
}

TEST_F(MaintenanceTest, ZeroDaysKeepEverything) {
  device(1, 900);
  write([&](store::Repositories& r) { return r.states.add_event({.at = {1}, .component = "test", .text = "old"}); });
  const auto done = maintain({0, 0, 0, 0, 0});
  EXPECT_EQ(done.devices + done.forgotten.events, 0);
}

TEST_F(MaintenanceTest, ItEndsWhenItIsToldTo) {
  device(1, 900);
  const auto done = site::maintain(*store_, {}, now_, [] { return true; });
  ASSERT_TRUE(done);
  EXPECT_EQ(done->devices, 0);
}

}  // namespace
}  // namespace fp::apps
