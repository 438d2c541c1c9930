// Contract of Software, Deployments, Inventory, States, Contents, Administration and Site: what is remembered, by key.
#pragma once
#include "base/limits.hpp"
#include "store/audit.hpp"
#include "store/contract_test.hpp"

namespace fp::store {

TEST_P(StoreContract, SoftwareIsKeptByItsId) {
  Application app{.id = "B", .revision = 2, .name = "Editor"};
  app.types.push_back({.id = "T", .name = "deb", .detection = {{.package = "editor", .version = "1"}}});
  change([&](Repositories& r) { return r.software.put_application(app); });
  change([&](Repositories& r) { return r.software.put_application({.id = "A", .name = "Viewer"}); });
  app.revision = 3;
  change([&](Repositories& r) { return r.software.put_application(app); });
  const auto back = get([&](Repositories& r) { return r.software.find_application("B"); });
  EXPECT_EQ(back.revision, 3);
  ASSERT_EQ(back.types.size(), 1U);
  EXPECT_EQ(back.types[0].detection[0].package, "editor");
  const auto all = get([&](Repositories& r) { return r.software.list_applications(); });
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].id, "A");
  change([&](Repositories& r) { return r.software.remove_application("A"); });
  EXPECT_EQ(missing([&](Repositories& r) { return r.software.find_application("A"); }), Code::not_found);
  EXPECT_EQ(refused([&](Repositories& r) { return r.software.remove_application("A"); }), Code::not_found);

  change([&](Repositories& r) { return r.software.put_package({.id = "FP100002", .name = "Tools", .content_version = 4,
                                                               .programs = {{.name = "run", .command_line = "sh x"}}}); });
  const auto package = get([&](Repositories& r) { return r.software.find_package("FP100002"); });
  EXPECT_EQ(package.content_version, 4);
  EXPECT_EQ(package.programs[0].command_line, "sh x");
  EXPECT_EQ(get([&](Repositories& r) { return r.software.list_packages(); }).size(), 1U);
  change([&](Repositories& r) { return r.software.remove_package("FP100002"); });
  EXPECT_EQ(missing([&](Repositories& r) { return r.software.find_package("FP100002"); }), Code::not_found);
}

TEST_P(StoreContract, TaskSequencesAreKeptWholeWithTheirSecrets) {
  TaskSequence sequence;
  sequence.id = "FP100003";
  sequence.name = "Provision";
  sequence.variables = {{"Token", "s3cret", true}};
  sequence.steps.resize(1);
  sequence.steps[0].name = "Group";
  sequence.steps[0].steps.resize(1);
  sequence.steps[0].steps[0].kind = StepKind::run_script;
  sequence.steps[0].steps[0].script = "echo";
  change([&](Repositories& r) { return r.software.put_task_sequence(sequence); });
  sequence.revision = 2;
  change([&](Repositories& r) { return r.software.put_task_sequence(sequence); });
  const auto back = get([&](Repositories& r) { return r.software.find_task_sequence("FP100003"); });
  EXPECT_EQ(back.revision, 2);
  EXPECT_EQ(back.variables.at(0).value, "s3cret");
  EXPECT_EQ(back.steps.at(0).steps.at(0).script, "echo");
  EXPECT_EQ(get([&](Repositories& r) { return r.software.list_task_sequences(); }).size(), 1U);
  change([&](Repositories& r) { return r.software.remove_task_sequence("FP100003"); });
  EXPECT_EQ(missing([&](Repositories& r) { return r.software.find_task_sequence("FP100003"); }), Code::not_found);
  EXPECT_EQ(refused([&](Repositories& r) { return r.software.remove_task_sequence("FP100003"); }), Code::not_found);
}

TEST_P(StoreContract, DeploymentsAreKeptByTheirId) {
  change([&](Repositories& r) {
    return r.deployments.put({.id = "FP100009",
                              .target_id = "A",
                              .collection_id = "FP100001",
                              .available_at = {1000},
                              .deadline = Instant{2000},
                              .created_by = "anna"});
  });
  const auto back = get([&](Repositories& r) { return r.deployments.find("FP100009"); });
  EXPECT_EQ(back.deadline, Instant{2000});
  EXPECT_EQ(back.created_by, "anna");
  EXPECT_EQ(get([&](Repositories& r) { return r.deployments.list(); }).size(), 1U);
  EXPECT_EQ(missing([&](Repositories& r) { return r.deployments.find("FP100008"); }), Code::not_found);
  EXPECT_EQ(refused([&](Repositories& r) { return r.deployments.remove("FP100008"); }), Code::not_found);
}

TEST_P(StoreContract, TheNewestStateOfADeploymentCounts) {
  add_collection("FP100001");
  for (int n = 1; n <= 6; ++n) join("FP100001", n);
  change([&](Repositories& r) { return r.deployments.put({.id = "FP100009", .collection_id = "FP100001"}); });
  const auto say = [&](int n, int state, std::int64_t at) {
    change([&](Repositories& r) { return r.deployments.put_state({"FP100009", client(n), state, "d", {at}}); });
  };
  say(1, 2002, 100);
  say(1, 1000, 200);
  say(1, 2006, 150);  // late
  say(2, 5002, 100);
  say(3, 3000, 100);
  say(4, 2001, 100);
  say(5, 4000, 100);
  say(99, 1000, 100);  // not a member
  EXPECT_EQ(get([&](Repositories& r) { return r.deployments.state("FP100009", client(1)); }).state, 1000);
  const auto sum = get([&](Repositories& r) { return r.deployments.summary("FP100009"); });
  EXPECT_EQ(sum.targeted, 6);
  EXPECT_EQ(sum.success, 1);
  EXPECT_EQ(sum.error, 1);
  EXPECT_EQ(sum.requirements_not_met, 1);
  EXPECT_EQ(sum.in_progress, 1);
  EXPECT_EQ(sum.unknown, 2);
  EXPECT_EQ(missing([&](Repositories& r) { return r.deployments.state("FP100009", client(6)); }), Code::not_found);
  const auto page = get([&](Repositories& r) { return r.deployments.states("FP100009", 2, client(2)); });
  ASSERT_EQ(page.size(), 2U);
  EXPECT_EQ(page[0].client_id, client(3));
  EXPECT_EQ(get([&](Repositories& r) { return r.deployments.states_of_device(client(2)); })[0].state, 5002);
  change([&](Repositories& r) { return r.deployments.remove("FP100009"); });
  EXPECT_TRUE(get([&](Repositories& r) { return r.deployments.states_of_device(client(2)); }).empty());
  EXPECT_EQ(missing([&](Repositories& r) { return r.deployments.summary("FP100009"); }), Code::not_found);
}

inline InventoryInstance disk(const std::string& id, const std::string& size, InstanceContent content = InstanceContent::fresh) {
  return {.class_name = "Win32_DiskDrive", .content = content, .properties = {{"DeviceID", id}, {"Size", size}}};
}

TEST_P(StoreContract, InventoryIsReplacedByFullAndChangedByDeltaReports) {
  const auto sizes = [&] {
    std::string out;
    for (const auto& i : get([&](Repositories& r) { return r.inventory.instances(client(1), "SMS_G_System_DISKDRIVE"); }))
      out += i.properties.at("DeviceID") + "=" + i.properties.at("Size") + " ";
    return out;
  };
  const auto report = [&](ReportType type, std::int64_t sequence, std::vector<InventoryInstance> instances) {
    return InventoryReport{.client_id = client(1), .type = type, .sequence = sequence, .instances = std::move(instances)};
  };
  const auto apply = [&](const InventoryReport& x) { change([&](Repositories& r) { return r.inventory.apply(x, "hardware"); }); };
  EXPECT_EQ(refused([&](Repositories& r) { return r.inventory.apply(report(ReportType::delta, 1, {}), "hardware"); }),
            Code::conflict);
  apply(report(ReportType::full, 1, {disk("a", "1"), disk("b", "2")}));
  EXPECT_EQ(sizes(), "a=1 b=2 ");
  apply(report(ReportType::delta, 2,
               {disk("a", "5", InstanceContent::update), disk("b", "", InstanceContent::removed), disk("c", "3")}));
  EXPECT_EQ(sizes(), "a=5 c=3 ");
  apply(report(ReportType::delta, 2, {disk("a", "9", InstanceContent::update)}));
  EXPECT_EQ(sizes(), "a=5 c=3 ") << "a repeated delta is done already";
  EXPECT_EQ(
      refused([&](Repositories& r) { return r.inventory.apply(report(ReportType::delta, 4, {disk("x", "1")}), "hardware"); }),
      Code::conflict);
  EXPECT_EQ(sizes(), "a=5 c=3 ");
  apply(report(ReportType::resync, 5, {disk("z", "7")}));
  EXPECT_EQ(sizes(), "z=7 ");
  apply(report(ReportType::delta, 6, {}));
  change([&](Repositories& r) {
    return r.inventory.apply({.client_id = client(1), .instances = {{.class_name = "SOFTWARE"}}}, "software");
  });
  EXPECT_EQ(sizes(), "z=7 ") << "another kind";
  EXPECT_EQ(get([&](Repositories& r) { return r.inventory.instances(client(1), ""); }).size(), 2U);
  EXPECT_EQ(get([&](Repositories& r) { return r.inventory.classes(); }),
            (std::vector<std::string>{"SOFTWARE", "Win32_DiskDrive"}));
  change([&](Repositories& r) { return r.inventory.remove_device(client(1)); });
  EXPECT_TRUE(get([&](Repositories& r) { return r.inventory.instances(client(1), ""); }).empty());
}

TEST_P(StoreContract, ADeltaWithoutNumbersNeedsOnlyAFullReportBeforeIt) {
  InventoryReport delta{.client_id = client(1), .type = ReportType::delta, .instances = {disk("a", "1")}};
  EXPECT_EQ(refused([&](Repositories& r) { return r.inventory.apply(delta, "hardware"); }), Code::conflict);
  change([&](Repositories& r) { return r.inventory.apply({.client_id = client(1)}, "hardware"); });
  change([&](Repositories& r) { return r.inventory.apply(delta, "hardware"); });
  EXPECT_EQ(get([&](Repositories& r) { return r.inventory.instances(client(1), "win32_diskdrive"); }).size(), 1U);
}

TEST_P(StoreContract, InstancesThatShareANameAreBothKept) {
  InventoryReport full{.client_id = client(1)};
  for (const auto* arch : {"amd64", "i386"})
    full.instances.push_back({.class_name = "PACKAGE", .properties = {{"Name", "libc"}, {"Arch", arch}}});
  change([&](Repositories& r) { return r.inventory.apply(full, "software"); });
  EXPECT_EQ(get([&](Repositories& r) { return r.inventory.instances(client(1), "PACKAGE"); }).size(), 2U);
}

TEST_P(StoreContract, AStateMessageIsAppliedOnceAndGapsAreSeen) {
  const auto add = [&](std::int64_t serial) {
    bool fresh = false;
    change([&](Repositories& r) -> Status {
      FP_TRY(added,
             r.states.add(
                 {.client_id = client(1), .serial = serial, .topic_type = 1702, .topic_id = "t", .parameters = {"a", "ü"}}));
      fresh = added;
      return {};
    });
    return fresh;
  };
  const auto gaps = [&](int limit = 100) { return get([&](Repositories& r) { return r.states.gaps(client(1), limit); }); };
  using Serials = std::vector<std::int64_t>;
  EXPECT_EQ(gaps(), Serials{});
  EXPECT_TRUE(add(1));
  EXPECT_FALSE(add(1));
  EXPECT_TRUE(add(3));
  EXPECT_TRUE(add(7));
  EXPECT_EQ(gaps(), (Serials{2, 4, 5, 6}));
  EXPECT_EQ(gaps(2), (Serials{2, 4}));
  EXPECT_TRUE(add(2));
  EXPECT_EQ(gaps(), (Serials{4, 5, 6}));
  EXPECT_TRUE(add(0));
  EXPECT_TRUE(add(0));
  change([&](Repositories& r) { return r.states.clear_gaps(client(1)); });
  EXPECT_EQ(gaps(), Serials{});
  EXPECT_TRUE(add(10));
  EXPECT_EQ(gaps(), (Serials{8, 9}));
  EXPECT_TRUE(add(5)) << "late, but new";
  EXPECT_FALSE(add(5));
  const auto newest = get([&](Repositories& r) { return r.states.of_device(client(1), 2); });
  ASSERT_EQ(newest.size(), 2U);
  EXPECT_EQ(newest[0].serial, 5);
  EXPECT_EQ(newest[1].serial, 10);
  EXPECT_EQ(newest[0].parameters, (std::vector<std::string>{"a", "ü"}));
  EXPECT_EQ(get([&](Repositories& r) { return r.states.gaps(client(2), 5); }), Serials{});
  // A client that begins anew is new with every serial it sends; what it sent before stays.
  change([&](Repositories& r) { return r.states.begin_anew(client(1)); });
  EXPECT_EQ(gaps(), Serials{});
  EXPECT_TRUE(add(1));
  EXPECT_FALSE(add(1));
  EXPECT_TRUE(add(2));
  EXPECT_EQ(gaps(), Serials{});
  EXPECT_TRUE(add(4));
  EXPECT_EQ(gaps(), Serials{3});
  EXPECT_EQ(get([&](Repositories& r) { return r.states.of_device(client(1), 100); }).size(), 11U);
  change([&](Repositories& r) { return r.states.begin_anew(client(1)); });
  EXPECT_TRUE(add(58)) << "one that goes on counting";
  EXPECT_EQ(gaps(), Serials{});
  EXPECT_TRUE(add(60));
  EXPECT_EQ(gaps(), Serials{59});
}

TEST_P(StoreContract, EventsComeNewestFirst) {
  change([&](Repositories& r) { return r.states.add_event({.severity = 1, .component = "dp", .text = "one"}); });
  change([&](Repositories& r) { return r.states.add_event({.component = "mp", .client_id = client(1), .text = "two"}); });
  const auto all = get([&](Repositories& r) { return r.states.events("", 10); });
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].text, "two");
  EXPECT_EQ(all[1].severity, 1);
  EXPECT_GT(all[1].at.ms, 0);
  EXPECT_EQ(get([&](Repositories& r) { return r.states.events(client(1), 10); }).size(), 1U);
  EXPECT_EQ(get([&](Repositories& r) { return r.states.events("", 1); }).size(), 1U);
}

TEST_P(StoreContract, ContentAndDistributionPointsAreKept) {
  change([&](Repositories& r) {
    return r.contents.put({.content_id = "FP100002.1", .owner_id = "FP100002", .bytes = 5, .root_hash = "ab"});
  });
  change([&](Repositories& r) { return r.contents.put_dp({.name = "dp1", .pull = true, .pull_sources = {"dp2"}}); });
  change([&](Repositories& r) { return r.contents.put_dp({.name = "dp0"}); });
  change([&](Repositories& r) { return r.contents.put_distribution({.dp = "dp1", .content_id = "FP100002.1", .attempts = 2}); });
  change([&](Repositories& r) { return r.contents.put_distribution({.dp = "dp0", .content_id = "FP100002.1"}); });
  change([&](Repositories& r) { return r.contents.put_distribution({.dp = "dp0", .content_id = "FP100003.1"}); });
  change([&](Repositories& r) {
    return r.contents.put_distribution(
        {.dp = "dp0", .content_id = "FP100003.1", .state = DistributionState::corrupt, .detail = "chunk 3"});
  });
  EXPECT_EQ(get([&](Repositories& r) { return r.contents.find("FP100002.1"); }).bytes, 5);
  EXPECT_EQ(get([&](Repositories& r) { return r.contents.list(); }).size(), 1U);
  EXPECT_EQ(get([&](Repositories& r) { return r.contents.find_dp("dp1"); }).pull_sources, std::vector<std::string>{"dp2"});
  EXPECT_EQ(get([&](Repositories& r) { return r.contents.list_dps(); })[0].name, "dp0");
  const auto all = get([&](Repositories& r) { return r.contents.distributions(""); });
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[2].state, DistributionState::corrupt);
  EXPECT_EQ(all[2].detail, "chunk 3");
  EXPECT_EQ(get([&](Repositories& r) { return r.contents.distributions("FP100002.1"); }).size(), 2U);
  change([&](Repositories& r) { return r.contents.remove_distribution("dp0", "FP100003.1"); });
  EXPECT_EQ(refused([&](Repositories& r) { return r.contents.remove_distribution("dp0", "FP100003.1"); }), Code::not_found);
  change([&](Repositories& r) { return r.contents.remove_dp("dp0"); });
  EXPECT_EQ(get([&](Repositories& r) { return r.contents.distributions(""); }).size(), 1U);
  change([&](Repositories& r) { return r.contents.remove("FP100002.1"); });
  EXPECT_TRUE(get([&](Repositories& r) { return r.contents.distributions(""); }).empty());
  EXPECT_EQ(missing([&](Repositories& r) { return r.contents.find("FP100002.1"); }), Code::not_found);
  EXPECT_EQ(missing([&](Repositories& r) { return r.contents.find_dp("dp0"); }), Code::not_found);
}

TEST_P(StoreContract, BoundariesAndTheirGroupsAreKeptAndForgottenTogether) {
  const auto revision = [&] { return get([](Repositories& r) { return r.boundaries.revision(); }); };
  const auto first = revision();
  change([&](Repositories& r) { return r.boundaries.put({.id = "FP100002", .name = "Office", .value = "10.1.0.0/16"}); });
  change([&](Repositories& r) { return r.boundaries.put({.id = "FP100001", .name = "VPN", .type = BoundaryType::vpn}); });
  change([&](Repositories& r) { return r.boundaries.put({.id = "FP100002", .name = "Office", .value = "10.2.0.0/16"}); });
  EXPECT_EQ(get([](Repositories& r) { return r.boundaries.list(); })[0].name, "VPN");
  EXPECT_EQ(get([](Repositories& r) { return r.boundaries.find("FP100002"); }).value, "10.2.0.0/16");
  change([&](Repositories& r) {
    return r.boundaries.put_group({.id = "FP100003", .name = "HQ", .boundaries = {"FP100001", "FP100002"}});
  });
  change([&](Repositories& r) {
    return r.boundaries.put_group({.id = "FP100004", .name = "Branch", .neighbours = {{"FP100003", 0, kNoFallback}}});
  });
  EXPECT_GT(revision(), first + 3);
  change([&](Repositories& r) { return r.boundaries.remove("FP100001"); });
  EXPECT_EQ(get([](Repositories& r) { return r.boundaries.find_group("FP100003"); }).boundaries, std::vector<std::string>{"FP100002"});
  EXPECT_EQ(get([](Repositories& r) { return r.boundaries.find_group("FP100004"); }).neighbours[0].management_point_fallback_min,
            kNoFallback);
  const auto before = revision();
  change([&](Repositories& r) { return r.boundaries.remove_group("FP100003"); });
  EXPECT_GT(revision(), before);
  EXPECT_TRUE(get([](Repositories& r) { return r.boundaries.find_group("FP100004"); }).neighbours.empty());
  EXPECT_EQ(get([](Repositories& r) { return r.boundaries.list_groups(); }).size(), 1U);
  EXPECT_EQ(missing([](Repositories& r) { return r.boundaries.find("FP100001"); }), Code::not_found);
  EXPECT_EQ(missing([](Repositories& r) { return r.boundaries.find_group("FP100003"); }), Code::not_found);
  EXPECT_EQ(refused([](Repositories& r) { return r.boundaries.remove("FP100009"); }), Code::not_found);
  EXPECT_EQ(refused([](Repositories& r) { return r.boundaries.remove_group("FP100009"); }), Code::not_found);
  EXPECT_EQ(get([](Repositories& r) { return r.boundaries.settings(); }).content_fallback_min, kContentFallbackMin);
  change([&](Repositories& r) { return r.boundaries.put_settings({.prefer_management_points = true, .fallback_site = "FP1"}); });
  EXPECT_TRUE(get([](Repositories& r) { return r.boundaries.settings(); }).prefer_management_points);
}

TEST_P(StoreContract, AdministratorsAreFoundByNameAndToken) {
  change([&](Repositories& r) {
    return r.administration.put({.name = "bea", .roles = {"Operations"}, .token_hash = "h1", .last_seen_at = {9}});
  });
  change([&](Repositories& r) { return r.administration.put({.name = "anna"}); });
  EXPECT_EQ(get([&](Repositories& r) { return r.administration.find_by_token_hash("h1"); }).name, "bea");
  EXPECT_EQ(get([&](Repositories& r) { return r.administration.find("bea"); }).token_hash, "h1");
  EXPECT_EQ(get([&](Repositories& r) { return r.administration.list(); })[0].name, "anna");
  EXPECT_EQ(missing([&](Repositories& r) { return r.administration.find_by_token_hash(""); }), Code::not_found);
  EXPECT_EQ(refused([&](Repositories& r) { return r.administration.put({.name = "eve", .token_hash = "h1"}); }), Code::conflict);
  change([&](Repositories& r) { return r.administration.remove("bea"); });
  EXPECT_EQ(missing([&](Repositories& r) { return r.administration.find("bea"); }), Code::not_found);
}

TEST_P(StoreContract, AuditLinesFormAChain) {
  for (int n = 0; n < 5; ++n)
    change([&](Repositories& r) {
      return r.administration.audit({.who = "anna", .action = "create", .object_id = std::to_string(n)});
    });
  auto lines = get([&](Repositories& r) { return r.administration.audit_lines(0, 100); });
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[0].object_id, "4");
  EXPECT_EQ(lines[0].previous_hash, lines[1].hash);
  EXPECT_EQ(lines[4].previous_hash, "");
  EXPECT_TRUE(verify_audit(lines));
  EXPECT_EQ(get([&](Repositories& r) { return r.administration.audit_lines(lines[1].id, 2); })[0].id, lines[2].id);
  lines[2].detail = "rewritten";
  EXPECT_EQ(verify_audit(lines).error().code, Code::corrupt);
  lines.erase(lines.begin() + 2);
  EXPECT_EQ(verify_audit(lines).error().code, Code::corrupt);
}

TEST_P(StoreContract, OldStateMessagesAreForgottenAndNotNewAgain) {
  const auto add = [&](std::int64_t serial, std::int64_t at) {
    bool fresh = false;
    change([&](Repositories& r) -> Status {
      FP_TRY(added, r.states.add({.client_id = client(1), .serial = serial, .received_at = {at}}));
      fresh = added;
      return {};
    });
    return fresh;
  };
  const auto forget = [&](std::int64_t than, std::int64_t rows) {
    std::int64_t count = 0;
    change([&](Repositories& r) -> Status {
      FP_TRY(done, r.site.forget_older({.states = {than}}, rows));
      count = done.states;
      return {};
    });
    return count;
  };
  for (std::int64_t serial = 1; serial <= 4; ++serial) EXPECT_TRUE(add(serial, serial * 100));
  EXPECT_TRUE(add(0, 450));
  EXPECT_TRUE(add(7, 500));  // 5 and 6 are missing: what lies behind them must stay to show it
  EXPECT_EQ(forget(250, 1), 1);
  EXPECT_EQ(forget(250, 100), 1);
  EXPECT_EQ(forget(1000, 100), 3);
  EXPECT_EQ(forget(1000, 100), 0);
  EXPECT_EQ(get([&](Repositories& r) { return r.states.of_device(client(1), 10); }).size(), 1U);
  EXPECT_EQ(get([&](Repositories& r) { return r.states.gaps(client(1), 10); }), (std::vector<std::int64_t>{5, 6}));
  EXPECT_FALSE(add(2, 1100));
  EXPECT_TRUE(add(5, 1100));
  EXPECT_FALSE(add(5, 1100));
}

TEST_P(StoreContract, OldEventsAndAuditLinesAreForgottenAndTheChainGoesOn) {
  for (std::int64_t at : {100, 200, 300})
    change([&](Repositories& r) -> Status {
      FP_CHECK(r.states.add_event({.at = {at}, .component = "test", .text = std::to_string(at)}));
      return r.administration.audit({.at = {at}, .who = "anna", .object_id = std::to_string(at)});
    });
  change([&](Repositories& r) -> Status {
    FP_TRY(nothing, r.site.forget_older({}, 100));
    EXPECT_EQ(nothing.events + nothing.audit + nothing.states + nothing.tombstones, 0);
    FP_TRY(done, r.site.forget_older({.events = {250}, .audit = {250}}, 100));
    EXPECT_EQ(done.events, 2);
    EXPECT_EQ(done.audit, 2);
    FP_TRY(last, r.site.forget_older({.events = {1000}, .audit = {1000}}, 100));
    EXPECT_EQ(last.events, 1);
    EXPECT_EQ(last.audit, 0);  // the next line follows the newest
    return r.administration.audit({.who = "anna", .object_id = "next"});
  });
  const auto lines = get([&](Repositories& r) { return r.administration.audit_lines(0, 10); });
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].previous_hash, lines[1].hash);
  EXPECT_TRUE(verify_audit(lines));
}

TEST_P(StoreContract, RolesOfOnesOwnAreKeptByName) {
  const CustomRole role{"Helpdesk", "Read-only Analyst", {{"device", "read approve"}}, {}};
  change([&](Repositories& r) { return r.administration.put_role(role); });
  const auto all = get([&](Repositories& r) { return r.administration.roles(); });
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].copied_from, "Read-only Analyst");
  EXPECT_EQ(all[0].permissions.at("device"), "read approve");
  change([&](Repositories& r) { return r.administration.remove_role("Helpdesk"); });
  EXPECT_EQ(refused([&](Repositories& r) { return r.administration.remove_role("Helpdesk"); }), Code::not_found);
}

TEST_P(StoreContract, ClientSettingsComeByPriority) {
  for (const auto& [id, priority] : {std::pair{"FP100000", 10000}, {"FP100007", 2}, {"FP100003", 5}})
    change([&](Repositories& r) {
      return r.administration.put_settings({.id = id, .priority = priority, .values = {{"a.b", "1"}}});
    });
  const auto all = get([&](Repositories& r) { return r.administration.settings(); });
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].id, "FP100007");
  EXPECT_EQ(all[2].values.at("a.b"), "1");
  change([&](Repositories& r) { return r.administration.remove_settings("FP100007"); });
  EXPECT_EQ(refused([&](Repositories& r) { return r.administration.remove_settings("FP100007"); }), Code::not_found);
}

TEST_P(StoreContract, SiteValuesAndObjectIdsAreKept) {
  EXPECT_EQ(missing([&](Repositories& r) { return r.site.value("x"); }), Code::not_found);
  change([&](Repositories& r) { return r.site.set_value("x", "1"); });
  change([&](Repositories& r) { return r.site.set_value("x", "2"); });
  EXPECT_EQ(get([&](Repositories& r) { return r.site.value("x"); }), "2");
  std::vector<std::string> ids;
  change([&](Repositories& r) -> Status {
    for (int n = 0; n < 11; ++n) {
      FP_TRY(id, r.site.next_object_id("FP1"));
      ids.push_back(id);
    }
    return {};
  });
  EXPECT_EQ(ids[0], "FP100001");
  EXPECT_EQ(ids[10], "FP10000B");
  change([&](Repositories& r) { return r.site.put_management_point({.name = "mp1", .internet_url = "https://mp1"}); });
  EXPECT_EQ(get([&](Repositories& r) { return r.site.management_points(); })[0].internet_url, "https://mp1");
  change([&](Repositories& r) { return r.site.remove_management_point("mp1"); });
  EXPECT_TRUE(get([&](Repositories& r) { return r.site.management_points(); }).empty());
}

TEST_P(StoreContract, AWriteIsSeenForTheFirstTimeOnlyOnce) {
  const auto first = [&](int n, const std::string& key, std::int64_t forget) {
    const auto fresh = store_->write([&](Repositories& r) { return r.site.first_time(client(n), key, {forget}); });
    return fresh && *fresh;
  };
  EXPECT_TRUE(first(1, "k", 100));
  EXPECT_FALSE(first(1, "k", 100));
  EXPECT_TRUE(first(2, "k", 300));
  EXPECT_TRUE(first(1, "other", 100));
  change([&](Repositories& r) { return r.site.forget_before({200}); });
  EXPECT_TRUE(first(1, "k", 400));
  EXPECT_FALSE(first(2, "k", 300));
}

TEST_P(StoreContract, OneClientDoesNotFillTheMemoryOfAll) {
  const auto most = static_cast<int>(limits::kReplayEntriesOfOneClientMax);
  change([&](Repositories& r) -> Status {
    for (int n = 0; n <= most + 1; ++n) FP_CHECK(r.site.first_time(client(1), "k" + std::to_string(n), {1000 + n}));
    FP_CHECK(r.site.first_time(client(2), "k0", {10}));
    return {};
  });
  const auto first = [&](int n, const std::string& key) {
    const auto fresh = store_->write([&](Repositories& r) { return r.site.first_time(client(n), key, {9999}); });
    return fresh && *fresh;
  };
  EXPECT_FALSE(first(1, "k" + std::to_string(most))) << "the newest are known";
  EXPECT_FALSE(first(2, "k0")) << "and so is what others sent";
  EXPECT_TRUE(first(1, "k0")) << "its own oldest made way";
}

}  // namespace fp::store
