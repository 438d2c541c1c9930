// site/wake_up against a real store (the room of sites knows none).
#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "base/test_folder.hpp"
#include "site/wake_up.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace fp::apps {
namespace {

std::string client(int n) { return fmt::format("GUID:00000000-0000-4000-8000-{:012X}", n); }

class WakeUpTest : public testing::Test {
 protected:
  void SetUp() override {
    store_ = std::move(store::open_sqlite(dir_ / "site.db", clock_)).value();
    wakes_.emplace(*store_, internet::WakeSend::subnet_broadcast, [this](const internet::WakeTarget& target, std::string_view packet) -> Status {
      EXPECT_EQ(packet.size(), 102U);
      sent_.push_back(target.address);
      return {};
    });
    write([](store::Repositories& r) { return r.collections.put({.id = "FP100001", .name = "Desks", .limiting_id = kAllSystems}); });
  }
  void TearDown() override {
    wakes_.reset();
    store_.reset();
  }
  template <class F>
  void write(F&& fn) {
    const Status done = store_->write([&](store::Repositories& r) -> Status { return fn(r); });
    ASSERT_TRUE(done) << done.error().message;
  }
  void devices(int from, int to, ConnectionType connection = ConnectionType::currently_intranet) {
    write([&](store::Repositories& r) -> Status {
      for (int n = from; n <= to; ++n) {
        Device d;
        d.client_id = client(n);
        d.name = fmt::format("PC{}", n);
        d.key_fingerprint = fmt::format("key{}", n);
        d.connection = connection;
        d.last_policy_at = clock_.now();
        FP_CHECK(r.devices.put(d));
        FP_CHECK(r.collections.add_member("FP100001", {d.client_id, "direct", {}}));
        InventoryReport report;
        report.client_id = d.client_id;
        report.instances = {{"NETWORK_ADAPTER_CONFIGURATION", InstanceContent::fresh,
                             {{"MACAddress", "02:00:00:00:00:01"}, {"IPAddress", fmt::format("10.{}.{}.7/24", n / 256, n % 256)}}, "e0"}};
        FP_CHECK(r.inventory.apply(report, "hardware"));
      }
      return {};
    });
  }
  void deployment(std::int64_t deadline_in_s, bool wake = true) {
    Deployment d;
    d.id = "FP100002";
    d.collection_id = "FP100001";
    d.send_wake_up = wake;
    d.deadline = clock_.now().plus_s(deadline_in_s);
    write([&](store::Repositories& r) { return r.deployments.put(d); });
  }
  int run() {
    const auto done = wakes_->run_once(clock_.now(), [] { return false; });
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    return done.value_or(-1);
  }

  TestFolder folder_;
  const Path dir_ = folder_.path();
  ManualClock clock_;
  std::unique_ptr<store::Store> store_;
  std::optional<site::WakeUps> wakes_;
  std::vector<std::string> sent_;
};

}  // namespace

TEST_F(WakeUpTest, PacketsLeaveOnceAQuarterOfAnHourBeforeTheDeadline) {
  devices(1, 2);
  deployment(3600);
  EXPECT_EQ(run(), 0);
  clock_.advance_s(3600 - 900);
  EXPECT_EQ(run(), 2);
  EXPECT_EQ(sent_, (std::vector<std::string>{"10.0.1.255", "10.0.2.255"}));
  EXPECT_EQ(run(), 0);
  deployment(600);  // another deadline is another time
  EXPECT_EQ(run(), 2);
}

TEST_F(WakeUpTest, AMissedDeadlineAndADeploymentThatDoesNotWantItWakeNobody) {
  devices(1, 1);
  deployment(60, false);
  EXPECT_EQ(run(), 0);
  deployment(60);
  clock_.advance_s(60 + 901);
  EXPECT_EQ(run(), 0);
}

TEST_F(WakeUpTest, WhoeverHasItSleepsOnAndWhoeverIsOutsideGetsAReasonInstead) {
  devices(1, 2);
  devices(3, 3, ConnectionType::currently_internet);
  deployment(60);
  write([&](store::Repositories& r) { return r.deployments.put_state({"FP100002", client(1), 1000, "", clock_.now()}); });
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(sent_, std::vector<std::string>{"10.0.2.255"});
  const auto events = store_->read([](store::Repositories& r) { return r.states.events(client(3), 10); }).value();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_NE(events[0].text.find("Wake-on-LAN is refused: PC3 is currently on the internet"), std::string::npos);
}

TEST_F(WakeUpTest, ALongListIsGoneThroughInSeveralPasses) {
  devices(1, site::WakeUps::kDevicesPerPass + 3);
  deployment(60);
  EXPECT_EQ(run(), site::WakeUps::kDevicesPerPass);
  EXPECT_EQ(run(), 3);
  EXPECT_EQ(run(), 0);
}

}  // namespace fp::apps
