// Task sequences in the agent: what runs, what is refused, and that the end of the worker at any moment loses no place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/core/fake_world.hpp"
#include "wire/model_json.hpp"

namespace fp::agent {
namespace {

using namespace fake;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kDeployment = "LAB20001";

SequenceStep script(const char* text, bool repeatable = false) {
  SequenceStep s;
  s.name = text;
  s.kind = StepKind::run_script;
  s.script = text;
  s.repeatable = repeatable;
  return s;
}
SequenceStep of_kind(StepKind kind, const char* name) {
  SequenceStep s;
  s.name = name;
  s.kind = kind;
  return s;
}

DeploymentDocument document_of(std::vector<SequenceStep> steps) {
  DeploymentDocument d;
  d.deployment.id = kDeployment;
  d.deployment.kind = DeploymentKind::task_sequence;
  d.deployment.target_id = "LAB00005";
  d.deployment.collection_id = "LAB10001";
  d.deployment.rerun = RerunBehaviour::always;
  d.deployment.available_at = {1};
  d.sequence = TaskSequence{};
  d.sequence->id = "LAB00005";
  d.sequence->name = "Provision";
  d.sequence->steps = std::move(steps);
  d.related = {application(kAppA, kTypeA)};
  return d;
}

// The worker ends here and now, as by kill -9: whatever is not in the memory is lost.
struct Killed {};

}  // namespace

class Sequences : public ::testing::Test {
 protected:
  void deploy(DeploymentDocument d, const char* version = "1.00") { b.site.put_deployment(d, kPolicyA, version); }
  int state() { return b.deployment(kDeployment).state; }
  std::string detail() { return b.deployment(kDeployment).detail; }
  memory::SequenceRun run() { return b.memory->sequence_run(kDeployment)->value_or(memory::SequenceRun{}); }
  Bench b;
};

TEST_F(Sequences, RunInOrderWithVariablesAndMaskedSecrets) {
  auto d = document_of({script("one"), of_kind(StepKind::install_application, "app"), script("two")});
  d.sequence->steps[1].applications = {kAppA};
  d.sequence->variables = {{"Role", "desk", false}, {"Key", "s3cret", true}};
  b.machine.outputs["two"] = "the key is s3cret";
  deploy(d);
  b.pass_all();
  EXPECT_EQ(state(), 1000) << detail();
  EXPECT_THAT(b.machine.ran, ElementsAre("text one", std::string("install ") + kTypeA, "text two"));
  EXPECT_EQ(b.machine.environments.at(0).at("FPTS_ROLE"), "desk");
  EXPECT_EQ(b.machine.environments.at(1).at("FPTS_KEY"), "s3cret");
  EXPECT_EQ(run().steps.at(2).output, "the key is ******");
  b.pass_all();
  EXPECT_EQ(b.machine.ran.size(), 3U) << "it ran, and nothing asks for it again";
}

TEST_F(Sequences, TheSiteHearsOfEachStep) {
  auto d = document_of({script("one"), script("bad"), script("three")});
  d.sequence->steps[1].continue_on_error = true;
  b.machine.exit_codes["bad"] = {7};
  deploy(d);
  b.pass_all();
  b.pass_all();
  std::vector<std::string> told;
  for (const auto& report : b.site.reports)
    for (const auto& m : report.states)
      if (m.topic_type == kTopicSequenceStep) told.push_back(m.parameters.at(3) + " " + m.parameters.at(5) + " " + m.parameters.at(7));
  EXPECT_THAT(told, ElementsAre("one succeeded 0", "bad continued 7", "three succeeded 0"));
  EXPECT_EQ(state(), 1000);
}

TEST_F(Sequences, AFailureIsReportedWithTheStep) {
  b.machine.exit_codes["bad"] = {7};
  deploy(document_of({script("bad"), script("never")}));
  b.pass_all();
  EXPECT_EQ(state(), 5002);
  EXPECT_THAT(detail(), HasSubstr("step 1 \"bad\" failed: exit code 7"));
  EXPECT_THAT(b.machine.ran, ElementsAre("text bad"));
  b.pass_all();
  EXPECT_EQ(b.machine.ran.size(), 1U) << "a failed one is not run again by itself either";
}

TEST_F(Sequences, GoOnAfterARestartAndNotBefore) {
  auto restart = of_kind(StepKind::restart_computer, "restart");
  restart.countdown_min = 3;
  deploy(document_of({script("one"), restart, script("two")}));
  b.pass_all();
  EXPECT_EQ(state(), 2008);
  EXPECT_THAT(b.machine.restarts, ElementsAre("3"));
  b.open();
  b.pass_all();
  EXPECT_THAT(b.machine.ran, ElementsAre("text one"));
  b.machine.boot = "boot-2";
  b.open();
  b.pass();
  EXPECT_EQ(state(), 1000) << detail();
  EXPECT_THAT(b.machine.ran, ElementsAre("text one", "text two"));
}

TEST_F(Sequences, OnTheInternetOnlyWithTheOption) {
  b.settings.always_internet = true;
  auto d = document_of({script("one")});
  deploy(d);
  b.pass_all();
  EXPECT_EQ(state(), 3000) << detail();
  EXPECT_THAT(detail(), HasSubstr("does not allow the task sequence to run for clients on the internet"));
  EXPECT_TRUE(b.machine.ran.empty());
  d.deployment.allow_internet = true;
  d.deployment.revision = 2;
  deploy(d, "2.00");
  b.pass_all();
  EXPECT_EQ(state(), 1000) << detail();
}

TEST_F(Sequences, WithAnOperatingSystemInItAreRefused) {
  deploy(document_of({script("one"), of_kind(StepKind::apply_operating_system_image, "image")}));
  b.pass_all();
  EXPECT_EQ(state(), 3000);
  EXPECT_THAT(detail(), HasSubstr("2 \"image\" (apply_operating_system_image)"));
  EXPECT_TRUE(b.machine.ran.empty());
}

TEST_F(Sequences, AnEditedOneRunsAgainOnlyWhereItFailed) {
  auto d = document_of({script("one")});
  deploy(d);
  b.pass_all();
  d.sequence->revision = 2;
  deploy(d, "2.00");
  b.pass_all();
  EXPECT_EQ(b.machine.ran.size(), 1U);
  d.deployment.revision = 2;
  deploy(d, "3.00");
  b.pass_all();
  EXPECT_EQ(b.machine.ran.size(), 2U);
  b.machine.exit_codes["one"] = {1};
  d.deployment.revision = 3;
  deploy(d, "4.00");
  b.pass_all();
  EXPECT_EQ(state(), 5002);
  d.sequence->revision = 3;
  deploy(d, "5.00");
  b.pass_all();
  EXPECT_EQ(state(), 1000);
  EXPECT_EQ(b.machine.ran.size(), 4U);
}

TEST_F(Sequences, ARunKeepsTheDefinitionThatItBeganWith) {
  auto d = document_of({script("one"), of_kind(StepKind::restart_computer, "restart"), script("two")});
  deploy(d);
  b.pass_all();
  d.sequence->steps = {script("other")};
  d.sequence->revision = 2;
  deploy(d, "2.00");
  b.machine.boot = "boot-2";
  b.pass_all();
  EXPECT_THAT(b.machine.ran, ElementsAre("text one", "text two"));
}

// The worker is killed in the n-th thing that it runs: what had ended stays ended, the one that was cut off is decided by rule.
TEST_F(Sequences, TheWorkerEndsInEachStepInTurn) {
  for (const int moment : {0, 1, 2, 3}) {
    b.machine.ran.clear();
    b.machine.installed.clear();
    auto d = document_of({script("one", true), of_kind(StepKind::install_application, "app"), script("two"), script("three", true)});
    d.sequence->steps[1].applications = {kAppA};
    d.deployment.revision = moment + 1;
    deploy(d, fmt::format("{}.00", moment + 1).c_str());
    int at = 0;
    b.machine.during = [&] {
      if (at++ == moment) throw Killed{};
    };
    EXPECT_THROW((void)b.pass_all(), Killed);
    b.machine.during = {};
    b.open();
    b.pass_all();
    const auto count = [&](const std::string& what) { return std::ranges::count(b.machine.ran, what); };
    EXPECT_EQ(count("text one"), moment == 0 ? 2 : 1) << moment;
    EXPECT_EQ(count("text two"), 1) << moment;
    if (moment == 2) {
      EXPECT_EQ(state(), 5002);
      EXPECT_THAT(detail(), HasSubstr("not marked repeatable"));
    } else {
      EXPECT_EQ(state(), 1000) << moment << detail();
      EXPECT_EQ(count("text three"), moment == 3 ? 2 : 1) << moment;
    }
  }
}

TEST_F(Sequences, WhatAnEarlierWorkerBeganIsWaitedFor) {
  b.machine.during = [] { throw Killed{}; };
  deploy(document_of({script("one")}));
  EXPECT_THROW((void)b.pass_all(), Killed);
  b.machine.during = {};
  b.machine.alive = true;
  b.open();
  b.pass_all();
  EXPECT_EQ(state(), 2002);
  EXPECT_THAT(detail(), HasSubstr("still at work"));
  b.machine.alive = false;
  b.open();
  b.pass_all();
  EXPECT_EQ(state(), 5002) << "nobody saw how it ended";
}

TEST_F(Sequences, AnAvailableOneWaitsForItsUser) {
  auto d = document_of({script("one")});
  d.deployment.purpose = Purpose::available;
  deploy(d);
  b.pass_all();
  EXPECT_EQ(state(), 2005);
  for (const std::size_t times : {1U, 2U}) {
    ASSERT_TRUE(b.memory->save(memory::UserRequest{kDeployment, false, b.clock.now()}));
    b.pass();
    EXPECT_EQ(b.machine.ran.size(), times);
    EXPECT_TRUE(b.memory->requests()->empty());
  }
}

TEST_F(Sequences, ContentComesBeforeTheFirstStepOrOnDemand) {
  for (const bool on_demand : {false, true}) {
    b.machine.ran.clear();
    auto fetch = of_kind(StepKind::download_package_content, "fetch");
    fetch.package_id = "LAB00002";
    fetch.output_variable = "Folder";
    auto use = of_kind(StepKind::run_command_line, "use");
    use.command = "sh %Folder%/a.sh";
    auto d = document_of({script("one"), fetch, use});
    Package package;
    package.id = "LAB00002";
    package.name = "Files";
    package.content_version = on_demand ? 2 : 1;
    d.packages = {package};
    d.contents = {b.site.put_content(fmt::format("LAB00002.{}", package.content_version), {{"a.sh", "echo a"}}, 1 << 20)};
    d.deployment.download_on_demand = on_demand;
    d.deployment.revision = on_demand ? 2 : 1;
    b.site.troubles["https://dp1"].gone = true;
    deploy(d, on_demand ? "2.00" : "1.00");
    b.pass_all();
    EXPECT_EQ(state(), 2001) << detail();
    EXPECT_EQ(b.machine.ran.size(), on_demand ? 1U : 0U);
    b.site.troubles.clear();
    b.pass_all();
    EXPECT_EQ(state(), 1000) << detail();
    ASSERT_EQ(b.machine.ran.size(), 2U);
    EXPECT_THAT(b.machine.ran[1], HasSubstr("/a.sh"));
    EXPECT_THAT(b.machine.ran[1], ::testing::Not(HasSubstr("%")));
  }
}

TEST_F(Sequences, ReadinessUpdatesAndDynamicVariables) {
  auto ready = of_kind(StepKind::check_readiness, "ready");
  ready.os_ids = {"debian"};
  auto rules = of_kind(StepKind::set_dynamic_variables, "rules");
  SequenceCondition fact;
  fact.kind = ConditionKind::fact;
  fact.attribute = "os.id";
  fact.values = {"debian"};
  rules.rules = {{{fact}, {{"Family", "deb", false}}}};
  auto updates = of_kind(StepKind::install_updates, "updates");
  updates.updates = UpdateSelection::all;
  SequenceStep command = of_kind(StepKind::run_command_line, "say");
  command.command = "echo %Family%";
  deploy(document_of({ready, rules, updates, command}));
  b.pass_all();
  EXPECT_EQ(state(), 1000) << detail();
  EXPECT_THAT(b.machine.ran, ElementsAre("updates all", "text echo deb"));
  ready.os_ids = {"plan9"};
  auto d = document_of({ready});
  d.deployment.revision = 2;
  deploy(d, "2.00");
  b.pass_all();
  EXPECT_EQ(state(), 5002);
  EXPECT_THAT(detail(), HasSubstr("os.id one of plan9"));
}

}  // namespace fp::agent
