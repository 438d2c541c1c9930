#include "wire/report.hpp"

#include "roles/mp/test_site.hpp"

namespace fp::mp {
namespace {

const Keys& keys() { return Keys::shared(); }

class ReportsTest : public testing::Test {
 protected:
  ReportsTest() {
    pc.enrol(http);
    EXPECT_TRUE(site.store->write([](store::Repositories& r) -> Status {
      return r.deployments.put({.id = "LAB20001",
                                .target_id = "x",
                                .program = {},
                                .collection_id = kAllSystems,
                                .comment = {},
                                .created_by = {}});
    }));
  }
  wire::Report report(wire::ReportKind kind, ReportType type = ReportType::full, std::int64_t sequence = 0) {
    wire::Report r;
    r.header = {.kind = kind,
                .client_id = pc.id,
                .client_version = "1.0",
                .netbios_name = "PC1",
                .content = {},
                .type = type,
                .made_at = site.clock.now(),
                .sequence = sequence};
    return r;
  }
  wire::Report inventory(ReportType type, std::int64_t sequence, const std::string& value,
                         wire::ReportKind kind = wire::ReportKind::hardware) {
    wire::Report r = report(kind, type, sequence);
    r.instances = {{.class_name = "PROCESSOR",
                    .content = type == ReportType::delta ? InstanceContent::update : InstanceContent::fresh,
                    .properties = {{"Name", value}},
                    .key = "cpu0"}};
    return r;
  }
  StateMessage state(std::int64_t serial, int topic, int id, std::string topic_id = "LAB20001") {
    StateMessage m;
    m.client_id = pc.id;
    m.serial = serial;
    m.topic_type = topic;
    m.topic_id = std::move(topic_id);
    m.state_id = id;
    m.parameters = {"because"};
    m.sent_at = site.clock.now();
    return m;
  }
  net::Response send(const wire::Report& r, const char* endpoint) {
    return site.post(pc.message(endpoint, wire::encode_report(r), true, true), http);
  }
  std::string processor() {
    const auto found = must(
        site.store->read([&](store::Repositories& r) { return r.inventory.instances(pc.id, "PROCESSOR"); }));
    return found.empty() ? "" : found[0].properties.at("Name");
  }
  std::vector<StateMessage> states() {
    return must(site.store->read([&](store::Repositories& r) { return r.states.of_device(pc.id, 100); }));
  }
  TestSite site{ApprovalMode::all};
  Peer http = site.peer(Door::intranet_http);
  TestClient pc{site, keys().self_signed};
};

TEST_F(ReportsTest, AHeartbeatIsAcknowledgedEmptyAndNoted) {
  wire::Report r = report(wire::ReportKind::discovery);
  r.instances = {
      {.class_name = "CCM_Client", .properties = {{"ConnectionType", "Currently internet"}}, .key = "1"}};
  const auto response = send(r, "MP_DdrEndpoint");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(text_of(response), "");
  EXPECT_TRUE(site.refusals.empty()) << site.reason();
  const Device device = site.device(pc.id);
  EXPECT_EQ(device.last_heartbeat_at, site.clock.now());
  EXPECT_EQ(device.connection, ConnectionType::currently_internet);
  EXPECT_EQ(device.agent_version, "1.0");
}

TEST_F(ReportsTest, DeltasFollowAFullReportAndAGapOrdersAResync) {
  send(inventory(ReportType::full, 1, "one"), "MP_HinvEndpoint");
  send(inventory(ReportType::delta, 2, "two"), "MP_HinvEndpoint");
  EXPECT_EQ(processor(), "two");
  send(inventory(ReportType::delta, 4, "four"), "MP_HinvEndpoint");
  EXPECT_EQ(processor(), "two");
  EXPECT_EQ(pc.assignments(http).resync, std::vector<std::string>{"hardware"});
  send(inventory(ReportType::delta, 3, "three"), "MP_HinvEndpoint");
  EXPECT_EQ(processor(), "two");
  send(inventory(ReportType::resync, 5, "five"), "MP_HinvEndpoint");
  EXPECT_EQ(processor(), "five");
  EXPECT_TRUE(pc.assignments(http).resync.empty());
}

TEST_F(ReportsTest, TheSameBytesAreAppliedOnceAndAcknowledgedAgain) {
  const std::string old =
      pc.message("MP_HinvEndpoint", wire::encode_report(inventory(ReportType::full, 1, "old")), true, true);
  EXPECT_EQ(site.post(old, http).status, 200);
  send(inventory(ReportType::full, 2, "new"), "MP_HinvEndpoint");
  const auto again = site.post(old, http);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(text_of(again), "");
  EXPECT_EQ(processor(), "new");
}

TEST_F(ReportsTest, StateMessagesMoveADeploymentAndMissingOnesOrderAResync) {
  wire::Report r = report(wire::ReportKind::state);
  r.states = {state(1, 800, 400, ""), state(2, 1702, 2002)};
  send(r, "MP_RelayEndpoint");
  EXPECT_TRUE(site.refusals.empty()) << site.reason();
  const auto now =
      must(site.store->read([&](store::Repositories& q) { return q.deployments.state("LAB20001", pc.id); }));
  EXPECT_EQ(now.state, 2002);
  EXPECT_EQ(now.detail, "because");
  EXPECT_EQ(site.device(pc.id).state_serial, 2);
  site.clock.advance_s(1);
  r.states = {state(5, 1702, 1000)};
  send(r, "MP_RelayEndpoint");
  EXPECT_EQ(site.device(pc.id).state_serial, 2);
  EXPECT_EQ(pc.assignments(http).resync, std::vector<std::string>{"state"});
  site.clock.advance_s(1);
  r.states = {state(3, 1000, 1, ""), state(4, 1001, 1, "")};
  send(r, "MP_RelayEndpoint");
  EXPECT_TRUE(pc.assignments(http).resync.empty());
  EXPECT_EQ(site.device(pc.id).state_serial, 5);
  EXPECT_EQ(states().size(), 5U);
}

TEST_F(ReportsTest, ASerialIsAppliedOnceEvenInOtherBytes) {
  wire::Report r = report(wire::ReportKind::state);
  r.states = {state(1, 1702, 1000)};
  send(r, "MP_RelayEndpoint");
  site.clock.advance_s(1);
  r.states = {state(1, 1702, 5000)};
  send(r, "MP_RelayEndpoint");
  EXPECT_EQ(must(site.store->read([&](store::Repositories& q) {
              return q.deployments.state("LAB20001", pc.id);
            })).state,
            1000);
  EXPECT_EQ(states().size(), 1U);
}

TEST_F(ReportsTest, AStateWithoutAReadableTimeCountsFromItsArrival) {
  wire::Report r = report(wire::ReportKind::state);
  r.states = {state(1, 1702, 2002)};
  send(r, "MP_RelayEndpoint");
  site.clock.advance_s(60);
  r = report(wire::ReportKind::state);
  r.states = {state(2, 1702, 1000)};
  std::string document = wire::encode_report(r);
  const std::string time = to_cim(site.clock.now());
  for (std::size_t at = 0; (at = document.find(time)) != std::string::npos;) document.replace(at, time.size(), "yesterday");
  site.post(pc.message("MP_RelayEndpoint", document, true, true), http);
  EXPECT_TRUE(site.refusals.empty()) << site.reason();
  const auto now = must(site.store->read([&](store::Repositories& q) { return q.deployments.state("LAB20001", pc.id); }));
  EXPECT_EQ(now.state, 1000);
  EXPECT_EQ(now.at, site.clock.now());
}

TEST_F(ReportsTest, SeveralDiscoveryReportsInOneMessageAreOne) {
  wire::Report first = report(wire::ReportKind::discovery), second = first;
  const auto instance = [](const char* name, const char* value) {
    return InventoryInstance{.class_name = name, .properties = {{"Name", value}}, .key = "1"};
  };
  first.instances = {instance("CCM_ComputerSystem", "old"), instance("CCM_ADSiteInfo", "here")};
  second.instances = {instance("CCM_ComputerSystem", "new")};
  site.post(pc.message_of("MP_DdrEndpoint", {wire::encode_report(first), wire::encode_report(second)}, true, true), http);
  EXPECT_TRUE(site.refusals.empty()) << site.reason();
  const auto name_in = [&](const char* class_name) {
    const auto found = must(site.store->read([&](store::Repositories& q) { return q.inventory.instances(pc.id, class_name); }));
    return found.size() == 1 ? found[0].properties.at("Name") : fmt::format("{} instances", found.size());
  };
  EXPECT_EQ(name_in("CCM_ComputerSystem"), "new");
  EXPECT_EQ(name_in("CCM_ADSiteInfo"), "here");
}

TEST_F(ReportsTest, AStateOfAnUnknownDeploymentIsKeptAndMovesNothing) {
  wire::Report r = report(wire::ReportKind::state);
  r.states = {state(1, 1702, 1000, "LAB29999"), state(2, 1702, 1000, "'; drop table")};
  send(r, "MP_RelayEndpoint");
  EXPECT_EQ(states().size(), 2U);
}

TEST_F(ReportsTest, AReportAboutAnotherClientIsRefused) {
  TestClient other{site, keys().other_self_signed, "PC2"};
  other.enrol(http);
  wire::Report r = inventory(ReportType::full, 1, "x");
  r.header.client_id = other.id;
  EXPECT_EQ(send(r, "MP_HinvEndpoint").status, 200);
  EXPECT_NE(site.reason().find("the report speaks of"), std::string::npos);
  EXPECT_EQ(processor(), "");
}

TEST_F(ReportsTest, WithoutAGoodSignatureOrApprovalNothingIsWritten) {
  const std::string document = wire::encode_report(inventory(ReportType::full, 1, "x"));
  TestClient thief{site, keys().other_self_signed, "PC1", pc.id};
  for (const std::string& bytes : {thief.message("MP_HinvEndpoint", document, true, true),
                                   pc.message("MP_HinvEndpoint", document, false, true)}) {
    const auto response = site.post(bytes, http);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(text_of(response), "");
    EXPECT_EQ(site.refusals.size(), 1U);
  }
  site.change(pc.id, [](Device& d) { d.blocked = true; });
  site.post(pc.message("MP_HinvEndpoint", document, true, true), http);
  EXPECT_NE(site.reason().find("blocked"), std::string::npos);
  EXPECT_EQ(processor(), "");
  EXPECT_EQ(site.device(pc.id).last_hardware_at, Instant{});
}

TEST_F(ReportsTest, MalformedReportsAre400AndLeaveNoTrace) {
  for (const char* document : {"<Report/>", "<Report><ReportHeader>", "nothing", "<Other/>"}) {
    const auto response = site.post(pc.message("MP_HinvEndpoint", document, true, true), http);
    EXPECT_TRUE(response.status == 400 || response.status == 200) << response.status;
    EXPECT_EQ(site.refusals.size(), 1U) << document;
  }
  EXPECT_EQ(site.device(pc.id).last_hardware_at, Instant{});
}

TEST_F(ReportsTest, OurOwnAgentsCountTheirMessagesAndAStaleOneIsRefused) {
  const auto fresh = [&](std::int64_t counter, const std::string& value, Instant at) {
    return pc.message("MP_HinvEndpoint",
                      wire::with_freshness(
                          wire::encode_report(inventory(ReportType::full, counter, value)),
                          {.nonce = "00112233445566778899aabbccddeeff", .counter = counter, .sent_at = at}),
                      true, true);
  };
  const std::string first = fresh(5, "five", site.clock.now());
  site.post(first, http);
  EXPECT_EQ(processor(), "five") << site.reason();
  site.post(fresh(5, "other", site.clock.now()), http);
  EXPECT_NE(site.reason().find("stale"), std::string::npos);
  site.post(fresh(4, "four", site.clock.now()), http);
  EXPECT_NE(site.reason().find("stale"), std::string::npos);
  site.post(fresh(6, "late", site.clock.now().plus_s(-301)), http);
  EXPECT_NE(site.reason().find("stale"), std::string::npos);
  EXPECT_EQ(processor(), "five");
  site.post(first, http);
  EXPECT_TRUE(site.refusals.empty()) << site.reason();  // an honest retry of the newest
  site.post(fresh(6, "six", site.clock.now()), http);
  EXPECT_EQ(processor(), "six");
}

// Topics 500 and 501 (domain.md §21.2).
TEST_F(ReportsTest, WhatAScanFoundIsKeptByUpdateAndWhatIsUnknownIsNot) {
  const std::string id = "11111111-0000-8000-A000-000000000001";
  EXPECT_TRUE(site.store->write([&](store::Repositories& r) -> Status {
    SoftwareUpdate update;
    update.id = id;
    update.package = "tool";
    update.content_version = 3;
    FP_CHECK(r.updates.put(update));
    return {};
  }));
  wire::Report r = report(wire::ReportKind::state);
  auto scan = state(1, scan_state::kTopic, scan_state::kComplete, "22222222-0000-8000-A000-000000000001");
  scan.parameters = {"3", "sup.lab.test", "1 required"};
  r.states = {scan, state(2, update_state::kTopic, update_state::kRequired, id), state(3, update_state::kTopic, 9, id),
              state(4, update_state::kTopic, update_state::kRequired, "33333333-0000-8000-A000-000000000001"),
              state(5, update_state::kTopic, update_state::kRequired, "nonsense")};
  EXPECT_EQ(send(r, "MP_RelayEndpoint").status, 200);
  EXPECT_TRUE(site.refusals.empty()) << site.reason();
  const auto kept = must(site.store->read([&](store::Repositories& all) { return all.updates.states_of_device(pc.id); }));
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].state, update_state::kRequired);
  const auto last = must(site.store->read([&](store::Repositories& all) { return all.updates.scan(pc.id); }));
  EXPECT_EQ(last.content_version, 3);
  EXPECT_EQ(last.point, "sup.lab.test");
  EXPECT_EQ(last.detail, "1 required");
}

}  // namespace
}  // namespace fp::mp
