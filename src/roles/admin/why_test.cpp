// The chain of decisions: each test breaks one link and expects the story to stop there.
#include "roles/admin/admin_site_test.hpp"

namespace fp::admin {

class AdminWhy : public AdminSite {
 protected:
  void SetUp() override {
    AdminSite::SetUp();
    device(1, "PC1");
    collection_ = collection("Desks", fmt::format(R"(, "rules": [{{"kind": "direct", "target": "{}"}}])", device_id(1)));
    distribution_point("dp1.example");
    application("Editor");
    content_ =
        good("POST", "/content", fmt::format(R"({{"staging": "{}", "application": "Editor"}})", staged()))
            .at("content_id");
    deployment_ = deployment("Editor", collection_);
    set_distribution(DistributionState::ok, "");
    clock_.advance_s(3600);
    change_device([this](Device& d) { d.last_policy_at = clock_.now(); });
  }
  void change_device(const std::function<void(Device&)>& change) {
    write([&](store::Repositories& r) -> Status {
      FP_TRY(d, r.devices.find(device_id(1)));
      change(d);
      return r.devices.put(d);
    });
  }
  void set_distribution(DistributionState state, const std::string& detail) {
    write([&](store::Repositories& r) {
      return r.contents.put_distribution({"dp1.example", content_, state, detail, 0, 1, r.change});
    });
  }
  void report(int state, const std::string& detail = {}) {
    write([&](store::Repositories& r) {
      return r.deployments.put_state({deployment_, device_id(1), state, detail, clock_.now()});
    });
  }
  std::string conclusion() { return good("GET", "/devices/PC1/why/Editor").at("conclusion"); }
  // What the story says at a step: "ok: ..." or "--: ...".
  std::string step(std::string_view name) {
    const auto story = good("GET", "/devices/PC1/why/" + deployment_);
    for (const auto& s : story.body.as_object().at("steps").as_array())
      if (member(s, "step") == name) return (s.as_object().at("ok").as_bool() ? "ok: " : "--: ") + member(s, "because");
    return "(absent)";
  }
  std::string collection_, content_, deployment_;
};

TEST_F(AdminWhy, WhereTheDeviceIsAndWhyStandsInItsStoryAndBesideIt) {
  EXPECT_THAT(step("location"), HasSubstr("not said yet"));
  good("POST", "/boundaries", R"({"name": "Office", "value": "10.1.0.0/16"})");
  good("POST", "/boundary-groups", R"({"name": "HQ", "boundaries": ["Office"]})");
  write([](store::Repositories& r) {
    InventoryReport report;
    report.client_id = device_id(1);
    report.instances = {
        {"CCM_Client", InstanceContent::fresh, {{"ConnectionReason", "mp1 answered"}, {"ManagementPoint", "https://mp1:443"}}, "1"},
        {"CCM_ExtNetworkAdapterConfiguration", InstanceContent::fresh, {{"IPAddress", "10.1.0.7"}}, "0"},
        {"CCM_LocationProbe", InstanceContent::fresh, {{"asked", "intranet management point"}, {"answered", "true"}, {"took_ms", "12"}}, "0"}};
    return r.inventory.apply(report, "discovery");
  });
  change_device([this](Device& d) {
    d.connection = ConnectionType::currently_intranet;
    d.last_heartbeat_at = clock_.now();
  });
  EXPECT_THAT(step("location"), HasSubstr("Currently intranet at"));
  EXPECT_THAT(step("location"), HasSubstr("mp1 answered; management point https://mp1:443"));
  const auto location = good("GET", "/devices/PC1").at("location");
  EXPECT_THAT(location, HasSubstr(R"("boundary_groups":["HQ"])"));
  EXPECT_THAT(location, HasSubstr(R"("answered":true)"));
  EXPECT_THAT(location, HasSubstr(R"("took_ms":12)"));
  EXPECT_THAT(location, HasSubstr(R"("boundary_doubt":"")"));
  change_device([](Device& d) { d.last_address = "198.51.100.7"; });
  const auto doubted = good("GET", "/devices/PC1").at("location");
  EXPECT_THAT(doubted, Not(HasSubstr("HQ")));
  EXPECT_THAT(doubted, HasSubstr("its connection comes from 198.51.100.7, which is none of the addresses that it names"));
  change_device([](Device& d) { d.connection = ConnectionType::currently_internet; });
  EXPECT_THAT(good("GET", "/devices/PC1").at("location"), HasSubstr(R"("boundary_groups":[])"));
}

TEST_F(AdminWhy, WithEverythingInPlaceItWaitsForTheDevicesWord) {
  EXPECT_THAT(step("deployment"), HasSubstr("ok: it is required since"));
  EXPECT_THAT(step("device"), HasSubstr("ok: it is approved"));
  EXPECT_THAT(step("collection"), HasSubstr("by direct"));
  EXPECT_THAT(step("policy"), HasSubstr("ok: version"));
  EXPECT_THAT(step("content"), HasSubstr("is on dp1.example"));
  EXPECT_THAT(step("window"), HasSubstr("any time is good"));
  EXPECT_THAT(conclusion(), HasSubstr("Waits at state: the device has not reported"));
}

TEST_F(AdminWhy, WhatWasSaidThroughAStatusPointIsShownAndNothingFollowsFromIt) {
  EXPECT_EQ(step("fallback"), "(absent)");
  const auto before = conclusion();
  write([&](store::Repositories& r) -> Status {
    FallbackMessage m;
    m.fsp = "fsp.test";
    m.message_id = "1";
    m.name = "pc1.corp.test";
    m.topic_type = 1000;
    m.state_id = 2;
    m.details = "TLS expired";
    m.received_at = clock_.now();
    FP_CHECK(r.fallback.add(m));
    return {};
  });
  EXPECT_THAT(step("fallback"), HasSubstr("--: untrusted, through the fallback status point fsp.test"));
  EXPECT_THAT(step("fallback"), HasSubstr("cannot reach a management point: TLS expired"));
  EXPECT_EQ(conclusion(), before);
}

TEST_F(AdminWhy, ADisabledDeployment) {
  good("PUT", "/deployments/" + deployment_,
       fmt::format(R"({{"target_id": "Editor", "collection_id": "{}", "enabled": false}})", collection_));
  EXPECT_THAT(conclusion(), HasSubstr("Waits at deployment: it is switched off"));
  EXPECT_THAT(step("policy"), HasSubstr("--: there is no policy"));
}

TEST_F(AdminWhy, ADeploymentOfTomorrow) {
  good("PUT", "/deployments/" + deployment_,
       fmt::format(R"({{"target_id": "Editor", "collection_id": "{}", "available_at": "2099-01-01T00:00:00Z"}})", collection_));
  EXPECT_THAT(conclusion(), HasSubstr("only from 2099-01-01T00:00:00Z"));
}

TEST_F(AdminWhy, ABlockedDevice) {
  good("POST", "/devices/PC1/block", R"({"reason": "stolen"})");
  EXPECT_EQ(conclusion(), "Waits at device: it is blocked: stolen");
}

TEST_F(AdminWhy, ADeviceThatWaitsForApprovalAndOneThatWasRejected) {
  change_device([](Device& d) { d.approval = Approval::pending; });
  EXPECT_THAT(conclusion(), HasSubstr("it waits for approval"));
  change_device([](Device& d) { d.approval = Approval::rejected; });
  EXPECT_THAT(conclusion(), HasSubstr("rejected"));
}

TEST_F(AdminWhy, ADeviceThatNoRuleSelects) {
  good("PUT", "/collections/" + collection_, R"({"name": "Desks", "limiting_id": "SMS00001"})");
  EXPECT_THAT(conclusion(), HasSubstr("Waits at collection: it is not in Desks"));
  EXPECT_THAT(conclusion(), HasSubstr("no rule selects it"));
}

TEST_F(AdminWhy, ADeviceThatIsExcluded) {
  const std::string out = collection(
      "Retired", fmt::format(R"(, "rules": [{{"kind": "direct", "target": "{}"}}])", device_id(1)));
  good("PUT", "/collections/" + collection_,
       fmt::format(R"({{"name": "Desks", "limiting_id": "SMS00001", "rules": [{{"kind": "direct", "target": "{}"}},
         {{"kind": "exclude", "target": "{}"}}]}})", device_id(1), out));
  EXPECT_THAT(conclusion(), HasSubstr("excluded by being in " + out));
}

TEST_F(AdminWhy, ADeviceOutsideTheLimitingCollection) {
  const std::string empty = collection("Nobody");
  good("PUT", "/collections/" + collection_,
       fmt::format(
           R"({{"name": "Desks", "limiting_id": "{}", "rules": [{{"kind": "direct", "target": "{}"}}]}})",
           empty, device_id(1)));
  EXPECT_THAT(conclusion(), HasSubstr("not in the limiting collection " + empty));
}

TEST_F(AdminWhy, ADeviceThatNeverAskedOrNotSince) {
  change_device([](Device& d) { d.last_policy_at = {}; });
  EXPECT_EQ(conclusion(), "Waits at policy: the device never asked for policy");
  change_device([this](Device& d) { d.last_policy_at = clock_.now().plus_s(-7200); });
  EXPECT_THAT(conclusion(), HasSubstr("Waits at policy: the device came into the collection at"));
  change_device([this](Device& d) { d.last_policy_at = clock_.now(); });
  clock_.advance_s(60);
  good("PUT", "/deployments/" + deployment_,
       fmt::format(
           R"({{"target_id": "Editor", "collection_id": "{}", "comment": "x", "suppress_restart": true}})",
           collection_));
  EXPECT_THAT(conclusion(), HasSubstr("Waits at policy: version 2.00 was made"));
}

TEST_F(AdminWhy, ContentThatIsNowhere) {
  set_distribution(DistributionState::failed, "no space left");
  EXPECT_EQ(
      conclusion(),
      fmt::format("Waits at content: {} is on no distribution point; not yet: dp1.example (no space left)",
                  content_));
  good("DELETE", "/distribution-points/dp1.example");
  EXPECT_EQ(conclusion(), fmt::format("Waits at content: {} is on no distribution point", content_));
}

TEST_F(AdminWhy, MaintenanceWindowsAreNamed) {
  good("PUT", "/collections/" + collection_,
       fmt::format(R"({{"name": "Desks", "limiting_id": "SMS00001", "rules": [{{"kind": "direct", "target": "{}"}}],
         "windows": [{{"name": "nights", "start": "2026-12-01T01:00:00Z"}}]}})", device_id(1)));
  EXPECT_THAT(step("window"), HasSubstr("nights (of Desks)"));
}

TEST_F(AdminWhy, WhatTheDeviceReportedDecides) {
  report(2004);
  EXPECT_THAT(conclusion(), HasSubstr("Waits at state: waiting for a maintenance window"));
  clock_.advance_s(1);
  report(5002, "exit code 1");
  EXPECT_EQ(conclusion(), "the installation failed: exit code 1");
  clock_.advance_s(1);
  report(1000);
  EXPECT_EQ(conclusion(), "Done: installed");
  EXPECT_THAT(step("state"), HasSubstr("ok: installed at"));
}

TEST_F(AdminWhy, AnUnknownDeviceOrDeploymentIs404) {
  EXPECT_EQ(call("GET", "/devices/PC9/why/Editor").status, 404);
  EXPECT_EQ(call("GET", "/devices/PC1/why/Nothing").status, 404);
}

}  // namespace fp::admin
