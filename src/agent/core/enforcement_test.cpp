// Deployments through whole passes: order, windows, retries, crashes, states.
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/core/fake_world.hpp"
#include "wire/model_json.hpp"
#include "wire/policy_body.hpp"

using namespace fp;
using namespace fp::agent;
using namespace fp::agent::fake;

namespace {

using Ran = std::vector<std::string>;
const std::string kInstallA = std::string("install ") + kTypeA, kInstallB = std::string("install ") + kTypeB;

DeploymentDocument simple(const std::string& id = "LAB20001") { return document(id, application(kAppA, kTypeA)); }

DeploymentDocument program(RerunBehaviour rerun, std::int64_t revision = 1) {
  DeploymentDocument d;
  d.deployment.id = "LAB20002";
  d.deployment.kind = DeploymentKind::package;
  d.deployment.target_id = "LAB00002";
  d.deployment.program = "setup";
  d.deployment.collection_id = "SMS00001";
  d.deployment.rerun = rerun;
  d.deployment.revision = revision;
  d.deployment.available_at = {1'700'000'000'000};
  Package p;
  p.id = "LAB00002";
  p.name = "Tool";
  p.programs = {{"setup", "./setup.sh", 120, {}, true}};
  d.package = p;
  return d;
}

void put_windows(Bench& b, const std::vector<MaintenanceWindow>& windows) {
  wire::PolicyBody body{
      kPolicyB, "1.00", "SMS:LAB", "", {{policy_class::kServiceWindows, {{"Document", wire::to_json(windows)}}}}};
  b.site.put_policy({kPolicyB, "1.00", policy_category::kServiceWindows, wire::encode_policy_body(body)});
}

}  // namespace

TEST(Enforcement, ARequiredApplicationIsFetchedInstalledAndReported) {
  Bench b;
  auto content = b.site.put_content(kContentA, {{"install.sh", "#!/bin/sh\n"}}, 4096);
  b.site.put_deployment(document("LAB20001", application(kAppA, kTypeA, kContentA), {content}), kPolicyA);
  EXPECT_EQ(b.pass_all().problem, "");
  EXPECT_EQ(b.machine.ran, Ran{kInstallA});
  EXPECT_EQ(b.deployment("LAB20001").state, 1000);
  const auto states = b.sent_states("LAB20001");
  EXPECT_EQ(states, (std::vector<int>{2001, 2002, 1000}));
  b.pass_all();
  EXPECT_EQ(b.machine.ran.size(), 1U);
}

TEST(Enforcement, WhatIsThereAlreadyIsLeftAlone) {
  Bench b;
  b.machine.installed = {kTypeA};
  b.site.put_deployment(simple(), kPolicyA);
  b.pass_all();
  EXPECT_TRUE(b.machine.ran.empty());
  EXPECT_EQ(b.sent_states("LAB20001"), std::vector<int>{1001});
}

TEST(Enforcement, RequirementsThatDoNotHoldAreReportedWithTheReason) {
  Bench b;
  auto d = simple();
  d.application->types[0].requirements = {{"os.id", Compare::eq, {"fedora"}}};
  b.site.put_deployment(d, kPolicyA);
  b.pass_all();
  EXPECT_TRUE(b.machine.ran.empty());
  EXPECT_EQ(b.deployment("LAB20001").state, 3000);
  EXPECT_NE(b.deployment("LAB20001").detail.find("os.id"), std::string::npos);
}

TEST(Enforcement, DependenciesComeFirst) {
  Bench b;
  auto d = simple();
  d.application->types[0].dependencies = {{"runtime", {{kAppB, true}}}};
  d.related = {application(kAppB, kTypeB)};
  b.site.put_deployment(d, kPolicyA);
  b.pass_all();
  EXPECT_EQ(b.machine.ran, (Ran{kInstallB, kInstallA}));
  EXPECT_EQ(b.deployment("LAB20001").state, 1000);
}

TEST(Enforcement, AFailedDependencyStopsTheTarget) {
  Bench b;
  auto d = simple();
  d.application->types[0].dependencies = {{"runtime", {{kAppB, true}}}};
  d.related = {application(kAppB, kTypeB)};
  b.machine.exit_codes[kTypeB] = {1};
  b.site.put_deployment(d, kPolicyA);
  b.pass_all();
  EXPECT_EQ(b.machine.ran, Ran{kInstallB});
  EXPECT_EQ(b.deployment("LAB20001").state, 5004);
}

TEST(Enforcement, ReplacedSoftwareIsRemovedFirst) {
  Bench b;
  b.machine.installed = {kTypeB};
  auto d = simple();
  d.application->supersedes = {{kAppB, true}};
  auto old = application(kAppB, kTypeB);
  old.types[0].uninstall_command = "./remove.sh";
  d.related = {old};
  b.site.put_deployment(d, kPolicyA);
  b.pass_all();
  EXPECT_EQ(b.machine.ran, (Ran{std::string("uninstall ") + kTypeB, kInstallA}));
}

TEST(Enforcement, SuccessWithoutDetectionIsAFailure) {
  Bench b;
  b.machine.forgets = true;
  b.site.put_deployment(simple(), kPolicyA);
  b.pass_all();
  EXPECT_EQ(b.deployment("LAB20001").state, 5002);
  EXPECT_NE(b.deployment("LAB20001").detail.find("detection"), std::string::npos);
}

TEST(Enforcement, FastRetryComesAfterTwoHoursTenTimes) {
  Bench b;
  b.machine.exit_codes[kTypeA] = std::vector<int>(20, 1618);
  b.site.put_deployment(simple(), kPolicyA);
  b.pass_all();
  EXPECT_EQ(b.deployment("LAB20001").state, 2015);
  for (int n = 0; n < 15; ++n) {
    b.clock.advance_s(3600);
    b.pass();
    b.clock.advance_s(3600);
    b.pass();
  }
  EXPECT_EQ(b.machine.ran.size(), 11U);
  EXPECT_EQ(b.deployment("LAB20001").state, 5007);
}

TEST(Enforcement, ARestartIsAskedForAndTheStateFollowsTheBoot) {
  Bench b;
  b.machine.exit_codes[kTypeA] = {3010};
  b.site.put_deployment(simple(), kPolicyA);
  b.pass_all();
  EXPECT_EQ(b.deployment("LAB20001").state, 2008);
  ASSERT_EQ(b.machine.restarts.size(), 1U);
  b.pass_all();
  EXPECT_EQ(b.machine.restarts.size(), 1U);
  b.machine.boot = "boot-2";
  b.pass_all();
  EXPECT_EQ(b.deployment("LAB20001").state, 1000);
  EXPECT_EQ(b.machine.ran.size(), 1U);
}

TEST(Enforcement, OutsideItsWindowItWaitsButFetchesAndRunsWhenItOpens) {
  Bench b;
  auto content = b.site.put_content(kContentA, {{"install.sh", "#!/bin/sh\n"}}, 4096);
  MaintenanceWindow w;
  w.name = "night";
  w.recurrence = Recurrence::daily;
  w.start = b.clock.now().plus_s(6 * 3600);
  w.duration_min = 240;
  put_windows(b, {w});
  b.site.put_deployment(document("LAB20001", application(kAppA, kTypeA, kContentA), {content}), kPolicyA);
  b.pass_all();
  EXPECT_EQ(b.deployment("LAB20001").state, 2004);
  EXPECT_TRUE(*b.memory->cached(kContentA));
  EXPECT_TRUE(b.machine.ran.empty());
  b.clock.set(w.start.plus_s(60));
  b.pass();
  EXPECT_EQ(b.machine.ran, Ran{kInstallA});
}

TEST(Enforcement, AUserStartsAtOnceWhateverTheWindows) {
  Bench b;
  MaintenanceWindow w;
  w.name = "night";
  w.recurrence = Recurrence::daily;
  w.start = b.clock.now().plus_s(6 * 3600);
  put_windows(b, {w});
  b.site.put_deployment(simple(), kPolicyA);
  b.pass_all();
  EXPECT_TRUE(b.machine.ran.empty());
  ASSERT_TRUE(b.memory->save(memory::UserRequest{"LAB20001", false, b.clock.now()}));
  b.pass();
  EXPECT_EQ(b.machine.ran, Ran{kInstallA});
  EXPECT_TRUE(b.memory->requests()->empty());
}

TEST(Enforcement, AvailableSoftwareWaitsForTheUserAndCanBeRemovedByHim) {
  Bench b;
  auto d = simple();
  d.deployment.purpose = Purpose::available;
  d.application->types[0].uninstall_command = "./remove.sh";
  b.site.put_deployment(d, kPolicyA);
  b.pass_all();
  EXPECT_TRUE(b.machine.ran.empty());
  EXPECT_EQ(b.deployment("LAB20001").state, 2005);
  ASSERT_TRUE(b.memory->save(memory::UserRequest{"LAB20001", false, b.clock.now()}));
  b.pass();
  EXPECT_EQ(b.deployment("LAB20001").state, 1000);
  ASSERT_TRUE(b.memory->save(memory::UserRequest{"LAB20001", true, b.clock.now()}));
  b.pass();
  EXPECT_TRUE(b.machine.installed.empty());
  EXPECT_EQ(b.machine.ran.back(), std::string("uninstall ") + kTypeA);
}

TEST(Enforcement, BeforeTheDeadlineContentIsFetchedAndNothingRuns) {
  Bench b;
  auto content = b.site.put_content(kContentA, {{"install.sh", "#!/bin/sh\n"}}, 4096);
  auto d = document("LAB20001", application(kAppA, kTypeA, kContentA), {content});
  d.deployment.deadline = b.clock.now().plus_s(86400);
  b.site.put_deployment(d, kPolicyA);
  b.pass_all();
  EXPECT_EQ(b.deployment("LAB20001").state, 2009);
  EXPECT_TRUE(*b.memory->cached(kContentA));
  b.site.offline = {"https://mp1:443", "http://mp1:80", "https://mp1", "https://mp9:443"};  // works on with its last policy
  b.clock.advance_s(86401);
  b.pass();
  EXPECT_EQ(b.machine.ran, Ran{kInstallA});
  EXPECT_EQ(b.deployment("LAB20001").state, 1000);
}

// The worker is ended inside the installation. Detection says that it is there: it is not installed a second time.
TEST(Enforcement, ACrashAfterTheWorkWasDoneDoesNotDoItAgain) {
  Bench b;
  b.site.put_deployment(simple(), kPolicyA);
  ASSERT_TRUE(b.memory->begin_action({0, "LAB20001", kTypeA, "install", "boot-1", b.clock.now(), {}}));
  b.machine.installed = {kTypeA};
  b.open();
  b.pass_all();
  EXPECT_TRUE(b.machine.ran.empty());
  EXPECT_TRUE(b.memory->unfinished_actions()->empty());
  EXPECT_EQ(b.deployment("LAB20001").state, 1001);
  auto why = *b.memory->decisions("LAB20001", 20);
  EXPECT_TRUE(std::ranges::any_of(why, [](const auto& w) { return w.verdict == "interrupted"; }));
}

TEST(Enforcement, ACrashBeforeTheWorkWasDoneDoesItOnce) {
  Bench b;
  b.site.put_deployment(simple(), kPolicyA);
  ASSERT_TRUE(b.memory->begin_action({0, "LAB20001", kTypeA, "install", "boot-0", b.clock.now(), {}}));
  b.pass_all();
  EXPECT_EQ(b.machine.ran, Ran{kInstallA});
}

TEST(Enforcement, WhatSurvivedItsWorkerIsWaitedFor) {
  Bench b;
  b.site.put_deployment(simple(), kPolicyA);
  ASSERT_TRUE(b.memory->begin_action({0, "LAB20001", kTypeA, "install", "boot-1", b.clock.now(), {}}));
  b.machine.alive = true;
  b.pass_all();
  EXPECT_TRUE(b.machine.ran.empty());
  EXPECT_EQ(b.deployment("LAB20001").state, 2002);
  b.machine.alive = false;
  b.clock.advance_s(61);
  b.pass();
  EXPECT_EQ(b.machine.ran, Ran{kInstallA});
}

TEST(Enforcement, TheJournalLineIsThereBeforeTheInstallerStarts) {
  Bench b;
  b.site.put_deployment(simple(), kPolicyA);
  std::size_t lines = 0;
  b.machine.during = [&] { lines = b.memory->unfinished_actions()->size(); };
  b.pass_all();
  EXPECT_EQ(lines, 1U);
  EXPECT_TRUE(b.memory->unfinished_actions()->empty());
}

TEST(Enforcement, AProgramRunsOnceAndAgainOnlyAsItsRerunBehaviourSays) {
  Bench b;
  b.site.put_deployment(program(RerunBehaviour::if_failed), kPolicyA);
  b.pass_all();
  b.pass_all();
  EXPECT_EQ(b.machine.ran, Ran{"program setup"});
  EXPECT_EQ(b.deployment("LAB20002").state, 1000);
  b.site.put_deployment(program(RerunBehaviour::if_failed, 2), kPolicyA, "2.00");
  b.pass_all();
  EXPECT_EQ(b.machine.ran.size(), 1U);
  b.site.put_deployment(program(RerunBehaviour::always, 3), kPolicyA, "3.00");
  b.pass_all();
  EXPECT_EQ(b.machine.ran.size(), 2U);
}

TEST(Enforcement, AProgramWhoseEndNobodySawIsNotRunAgainByItself) {
  Bench b;
  b.site.put_deployment(program(RerunBehaviour::if_failed), kPolicyA);
  b.machine.during = [&] { throw std::runtime_error("killed"); };
  EXPECT_THROW(b.pass_all(), std::runtime_error);
  b.machine.during = {};
  b.open();
  b.pass_all();
  EXPECT_EQ(b.machine.ran.size(), 1U);
  EXPECT_EQ(b.deployment("LAB20002").state, 5002);
}

TEST(Enforcement, AnUninstallLosesAgainstAnInstall) {
  Bench b;
  auto remove = simple("LAB20003");
  remove.deployment.action = DeploymentAction::uninstall;
  b.site.put_deployment(simple(), kPolicyA);
  b.site.put_deployment(remove, kPolicyB);
  b.pass_all();
  EXPECT_EQ(b.machine.ran, Ran{kInstallA});
  EXPECT_EQ(b.deployment("LAB20003").state, 5006);
}

TEST(Enforcement, AWithdrawnDeploymentIsForgotten) {
  Bench b;
  b.site.put_deployment(simple(), kPolicyA);
  b.pass_all();
  b.site.drop_policy(kPolicyA);
  b.pass_all();
  EXPECT_FALSE(*b.memory->deployment("LAB20001"));
}
