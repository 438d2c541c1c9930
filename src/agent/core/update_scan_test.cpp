// The scan for software updates: when, where, what is found, what is told of it.
#include "agent/core/update_scan.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "agent/core/fake_world.hpp"
#include "base/text.hpp"
#include "wire/policy_body.hpp"
#include "wire/wsus.hpp"
#include "wire/wsus_metadata.hpp"

namespace fp::agent {
namespace {

namespace wsus = wire::wsus;
constexpr const char* kCatalogue = "ABABABAB-1111-4111-8111-111111111111";
constexpr const char* kPolicy = "ABABABAB-2222-4222-8222-222222222222";
constexpr const char* kAmd64 = "ABABABAB-3333-8333-A333-333333333333";
constexpr const char* kUpdate = "ABABABAB-4444-8444-A444-444444444444";

// A software update point with a detectoid (1) and, for whoever it holds on, one update (2).
struct Point {
  std::vector<std::string> actions;
  std::optional<wsus::Fault> fault;    // answers everything with that, once
  bool down = false;
  std::string version = "1.2";

  static UpdateRule of(const char* comparison, const std::string& version) {
    UpdateRule r;
    r.op = RuleOp::package;
    r.name = "tool";
    r.architecture = "amd64";
    r.comparison = comparison;
    r.version = version;
    return r;
  }
  [[nodiscard]] std::string detectoid() const {
    UpdateMetadata m{kAmd64, 1, UpdateKind::detectoid, {}, {}, {}};
    m.is_installed.op = RuleOp::architecture;
    m.is_installed.architecture = "amd64";
    return wire::encode_core_fragment(m);
  }
  [[nodiscard]] std::string update() const {
    UpdateMetadata m{kUpdate, 1, UpdateKind::software, {{kAmd64}}, of("GreaterThanOrEqualTo", version), of("LessThan", version)};
    return wire::encode_core_fragment(m);
  }

  std::string sync(const wsus::SyncUpdates& r) const {
    wsus::SyncInfo info;
    info.cookie = {{2'000'000'000'000}, "session"};
    const auto knows = [&](std::int64_t n) {
      return std::ranges::count(r.installed_non_leaf, n) + std::ranges::count(r.other_cached, n) > 0;
    };
    if (!knows(1)) info.updates.push_back({1, false, false, {1000}, detectoid()});
    else if (std::ranges::count(r.installed_non_leaf, 1) > 0 && !knows(2)) info.updates.push_back({2, true, true, {1000}, update()});
    return wsus::encode_sync_info(info);
  }

  Result<Reply> answer(const Call& call) {
    if (down) return fail(Code::unavailable, "the software update point is not reached");
    const auto service = call.url.ends_with(wsus::kClientPath) ? wsus::Service::client
                         : call.url.ends_with(wsus::kAuthorizationPath) ? wsus::Service::authorization : wsus::Service::reporting;
    const auto request = wsus::decode_request(service, call.body);
    EXPECT_TRUE(request) << (request ? "" : request.error().message);
    actions.emplace_back(wsus::name_of(*request));
    if (fault && actions.back() != "GetConfig") {
      const auto body = wsus::encode_fault(*std::exchange(fault, std::nullopt));
      return Reply{500, {}, body};
    }
    std::string body;
    if (std::holds_alternative<wsus::GetConfig>(*request)) body = wsus::encode_config({{1'700'000'000'000}, true, "SimpleAuthWebService/SimpleAuth.asmx"});
    else if (std::holds_alternative<wsus::GetAuthorizationCookie>(*request)) body = wsus::encode_authorization_cookie("authorization");
    else if (std::holds_alternative<wsus::GetCookie>(*request)) body = wsus::encode_cookie({{2'000'000'000'000}, "session"});
    else if (std::holds_alternative<wsus::RegisterComputer>(*request)) body = wsus::encode_registered();
    else if (const auto* s = std::get_if<wsus::SyncUpdates>(&*request)) body = sync(*s);
    else if (std::holds_alternative<wsus::GetExtendedUpdateInfo>(*request))
      body = wsus::encode_extended_info({{{2, wire::encode_localized_fragment("tool 1.2: a tool", "Lab")}}, {}});
    else body = wsus::encode_reported();
    return Reply{200, {}, body};
  }
};

class ScanBench : public ::testing::Test, public fake::Bench {
 protected:
  void SetUp() override {
    site.update_points = {{"https://sup1:8531", "sup1", 1}};
    site.update_point = [this](const Call& call) { return (call.url.starts_with("https://sup1") ? first : second).answer(call); };
    machine.dpkg = {"amd64", {{"dpkg", "amd64", "1.21"}, {"tool", "amd64", "1.0"}}};
    open();
    offer(1);
  }
  void offer(int version) {
    wire::PolicyBody body{kPolicy, fmt::format("{}.00", version), "SMS:LAB", "",
                          {{policy_class::kUpdateSource, {{"SourceID", kCatalogue}, {"ContentVersion", std::to_string(version)}}}}};
    site.put_policy({kPolicy, fmt::format("{}.00", version), policy_category::kUpdateSource, wire::encode_policy_body(body)});
  }
  memory::UpdateScanRecord scan() { return *memory->update_scan(); }
  Instant planned() { return (*memory->schedule(kUpdatesCycle))->next_at; }
  void at_plan() { clock.set(planned().plus_s(1)); }
  PassResult scan_now() { return pass({{"policy", "updates"}, false, false}); }
  // States of a topic that were queued, oldest first.
  std::vector<int> told(int topic) {
    std::vector<int> out;
    for (const auto& r : site.reports)
      for (const auto& s : r.states)
        if (s.topic_type == topic) out.push_back(s.state_id);
    const auto waiting = memory->unsent(1000);
    for (const auto& m : *waiting)
      if (m.topic_type == topic) out.push_back(m.state_id);
    return out;
  }
  Point first, second;
};

TEST_F(ScanBench, TheFirstScanComesWithinTwoHoursOfThePolicy) {
  pass({{"policy"}, false, false});
  EXPECT_TRUE(first.actions.empty()) << "not all clients at once";
  EXPECT_GT(planned(), clock.now());
  EXPECT_LE(planned(), clock.now().plus_s(kFirstScanWithinMin * 60));
  at_plan();
  pass();
  EXPECT_EQ(first.actions, (std::vector<std::string>{"GetConfig", "GetAuthorizationCookie", "GetCookie", "RegisterComputer", "SyncUpdates",
                                                     "SyncUpdates", "SyncUpdates", "GetExtendedUpdateInfo", "ReportEventBatch"}));
  EXPECT_EQ(scan().state, scan_state::kComplete);
  EXPECT_EQ(scan().version, 1);
  EXPECT_EQ(scan().point_name, "sup1");
}

TEST_F(ScanBench, WhatIsRequiredIsToldOnceWithTheScanAndItsTitleIsKnown) {
  scan_now();
  EXPECT_EQ(told(update_state::kTopic), std::vector<int>{update_state::kRequired});
  EXPECT_EQ(told(scan_state::kTopic), std::vector<int>{scan_state::kComplete});
  EXPECT_EQ(memory->update_findings()->at(0).title, "tool 1.2: a tool");
  scan_now();
  EXPECT_EQ(told(update_state::kTopic).size(), 1U) << "what was told is not told again";
}

TEST_F(ScanBench, AfterAnInstallationItIsEvaluatedWithoutThePoint) {
  scan_now();
  const auto asked = first.actions.size();
  machine.dpkg.packages[1].version = "1.2";
  pass();
  EXPECT_EQ(first.actions.size(), asked);
  EXPECT_EQ(told(update_state::kTopic).back(), update_state::kInstalled);
  machine.dpkg.packages.pop_back();
  pass();
  EXPECT_EQ(told(update_state::kTopic).back(), update_state::kNotRequired) << "it is not there any more";
  EXPECT_TRUE(memory->update_findings()->empty());
}

TEST_F(ScanBench, MetadataIsGoodForADayUnlessTheCatalogueChangesOrSomebodyAsks) {
  scan_now();
  auto asked = first.actions.size();
  auto s = *memory->schedule(kUpdatesCycle);
  s->next_at = clock.now();
  ASSERT_TRUE(memory->save(*s));
  pass();
  EXPECT_EQ(first.actions.size(), asked) << "scanned less than a day ago";
  offer(2);
  site.update_points[0].version = 2;
  pass({{"policy"}, false, false});
  EXPECT_LE(planned(), clock.now().plus_s(kFirstScanWithinMin * 60));
  at_plan();
  pass();
  EXPECT_GT(first.actions.size(), asked);
  EXPECT_EQ(scan().version, 2);
  asked = first.actions.size();
  scan_now();
  EXPECT_GT(first.actions.size(), asked) << "asked for";
}

TEST_F(ScanBench, APointThatIsDownIsTriedFourTimesEveryHalfHourThenTheNextOne) {
  site.update_points.push_back({"https://sup2:8531", "sup2", 1});
  first.down = true;
  scan_now();
  for (int n = 1; n < kScanTries; ++n) {
    EXPECT_EQ(scan().tries, n);
    EXPECT_EQ(scan().point_name, "sup1");
    EXPECT_EQ(planned().since_ms(clock.now()), kScanRetryS * 1000);
    at_plan();
    pass();
  }
  EXPECT_EQ(scan().tries, kScanTries);
  EXPECT_EQ(planned().since_ms(clock.now()), kNextPointS * 1000);
  EXPECT_TRUE(second.actions.empty());
  at_plan();
  pass();
  EXPECT_EQ(scan().point_name, "sup2");
  EXPECT_EQ(scan().state, scan_state::kComplete);
  EXPECT_EQ(told(scan_state::kTopic), (std::vector<int>{4, 4, 4, 4, 3}));
  first.down = false;
  scan_now();
  EXPECT_EQ(scan().point_name, "sup2") << "the one that worked is kept";
}

TEST_F(ScanBench, AFaultThatANewBeginningHealsIsHealedAndOneThatIsOursIsNotAskedAgainSoon) {
  first.fault = wsus::Fault{wsus::Problem::cookie_expired, "old", "", ""};
  scan_now();
  EXPECT_EQ(scan().state, scan_state::kComplete);
  EXPECT_EQ(std::ranges::count(first.actions, "GetConfig"), 2);
  first.fault = wsus::Fault{wsus::Problem::invalid_parameters, "too many", "", ""};
  scan_now();
  EXPECT_EQ(scan().state, scan_state::kFailed);
  EXPECT_NE(scan().reason.find("too many"), std::string::npos);
  EXPECT_EQ(planned().since_ms(clock.now()), kMetadataLifeMs);
}

TEST_F(ScanBench, WithoutAManagementPointNothingCountsAgainstThePoint) {
  scan_now();
  site.offline.insert({"https://mp1", "https://mp9"});
  scan_now();
  EXPECT_EQ(scan().tries, 0);
  EXPECT_EQ(scan().state, scan_state::kComplete);
}

TEST_F(ScanBench, WhenPolicyForItGoesNothingIsKept) {
  scan_now();
  site.drop_policy(kPolicy);
  pass({{"policy"}, false, false});
  EXPECT_TRUE(scan().source_id.empty());
  EXPECT_TRUE(memory->update_findings()->empty());
}

TEST_F(ScanBench, AnInternetClientTakesNoPointWithoutTls) {
  settings.always_internet = true;
  settings.management_points.clear();
  open();
  site.update_points = {{"http://sup1:8530", "sup1", 1}};
  scan_now();
  EXPECT_TRUE(first.actions.empty());
  EXPECT_EQ(scan().state, scan_state::kWaiting);
  ASSERT_FALSE(site.looked_for_updates.empty());
  EXPECT_TRUE(site.looked_for_updates.back().where.internet);
}

}  // namespace
}  // namespace fp::agent
