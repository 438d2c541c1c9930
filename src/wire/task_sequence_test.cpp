// The document of a task sequence: what it looks like, and what is wrong with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/text.hpp"
#include "wire/model_json.hpp"

namespace fp::wire {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string golden() {
  return read_file(Path(FARPOINT_SOURCE_DIR) / "docs" / "examples" / "task-sequence.json").value_or("");
}

std::string mistakes_in(std::string_view text) {
  const auto got = task_sequence_from_json(text);
  return got ? "accepted" : got.error().message;
}

}  // namespace

TEST(TaskSequenceDocument, TheExampleOfTheDocumentationHoldsEveryKindAndComesBackAsItWas) {
  const auto read = task_sequence_from_json(golden());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->name, "Workstation");
  const auto text = to_json(*read, Secrets::shown);
  const auto again = task_sequence_from_json(text);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(to_json(*again, Secrets::shown), text);
  // The bytes that a deployment's policy carries: a change here is a change of the protocol.
  const auto bytes = read_file(Path(FARPOINT_SOURCE_DIR) / "src" / "wire" / "corpus" / "model_json" / "task-sequence.json");
  ASSERT_TRUE(bytes);
  EXPECT_EQ("\x0e" + text, trim(*bytes));
  for (const auto kind : {"group", "install_application", "install_package", "install_updates", "run_command_line", "run_script",
                          "set_variable", "set_dynamic_variables", "restart_computer", "check_readiness", "download_package_content",
                          "run_task_sequence"})
    EXPECT_THAT(text, HasSubstr(fmt::format("\"kind\":\"{}\"", kind)));
}

TEST(TaskSequenceDocument, SecretsAreWrittenOnlyWhereTheyMustBe) {
  const auto read = task_sequence_from_json(R"({"name": "a", "variables": [{"name": "Key", "value": "s3cret", "secret": true}],
    "steps": [{"name": "b", "kind": "set_variable", "variables": [{"name": "Other", "value": "hidden", "secret": true}]}]})");
  ASSERT_TRUE(read);
  EXPECT_THAT(to_json(*read), Not(HasSubstr("s3cret")));
  EXPECT_THAT(to_json(*read), Not(HasSubstr("hidden")));
  EXPECT_THAT(to_json(*read, Secrets::shown), HasSubstr("s3cret"));
}

TEST(TaskSequenceDocument, EveryMistakeIsNamedWithItsPlace) {
  const auto all = mistakes_in(R"({"name": "", "colour": 1, "variables": [{"name": "_x"}, {"name": "9"}],
    "steps": [
      {"name": "a", "kind": "run_script", "timeout_min": 0, "script": "x", "command": "y"},
      {"name": "b", "kind": "walk_the_dog"},
      {"name": "c", "kind": "group", "steps": [{"name": "d", "kind": "run_command_line", "conditions": [{"kind": "file"}]}]},
      {"name": "e", "kind": "restart_computer", "conditions": [{"kind": "variable", "variable": "X", "op": "eq"}]}]})");
  for (const auto* mistake : {"name: is required", "colour: is not a known field", "variables[0].name: must not begin with _",
                              "variables[1].name: must begin with a letter", "steps[0].timeout_min: must be from 1 to 1440",
                              "steps[0].command: does not belong to this kind", "steps[1].kind: must be one of group, ",
                              "steps[2].steps[0].conditions[0].path: is required",
                              "steps[3].conditions[0].values: must have one value"})
    EXPECT_THAT(all, HasSubstr(mistake));
}

TEST(TaskSequenceDocument, WhatAStepOfItsKindNeedsIsRequired) {
  const auto step = [](const std::string& fields) { return mistakes_in(R"({"name": "a", "steps": [{"name": "b", )" + fields + "}]}"); };
  EXPECT_THAT(step(R"("kind": "install_application")"), HasSubstr("applications: is required"));
  EXPECT_THAT(step(R"("kind": "install_application", "applications": ["Editor"])"), HasSubstr("applications: item 0"));
  EXPECT_THAT(step(R"("kind": "install_package", "package_id": "FP100002")"), HasSubstr("program: is required"));
  EXPECT_THAT(step(R"("kind": "run_command_line")"), HasSubstr("command: is required"));
  EXPECT_THAT(step(R"("kind": "run_script", "script": ")" + std::string((32 << 10) + 1, 'x') + "\""), HasSubstr("must have at most 32768 bytes"));
  EXPECT_THAT(step(R"("kind": "set_variable")"), HasSubstr("variables: is required"));
  EXPECT_THAT(step(R"("kind": "run_task_sequence")"), HasSubstr("task_sequence: is required"));
  EXPECT_EQ(step(R"("kind": "check_readiness")"), "accepted");
  EXPECT_EQ(step(R"("kind": "setup_windows_and_configmgr", "whatever": {"stands": "there"})"), "accepted");
}

TEST(TaskSequenceDocument, AHundredMistakesEndAtFifty) {
  std::string steps;
  for (int i = 0; i < 100; ++i) steps += std::string(i ? "," : "") + R"({"name": "", "kind": "group"})";
  const auto all = mistakes_in(R"({"name": "a", "steps": [)" + steps + "]}");
  EXPECT_EQ(split(all, '\n').size(), 50U);
}

TEST(TaskSequenceDocument, StandsInADeploymentOfItsKindOnly) {
  DeploymentDocument d;
  d.deployment.id = "FP100003";
  d.deployment.kind = DeploymentKind::task_sequence;
  d.deployment.target_id = "FP100004";
  d.deployment.collection_id = "FP100002";
  d.deployment.allow_internet = true;
  EXPECT_THAT(deployment_document_from_json(to_json(d)).error().message, HasSubstr("sequence: is required"));
  d.sequence = *task_sequence_from_json(golden());
  const auto back = deployment_document_from_json(to_json(d));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_json(*back), to_json(d));
  EXPECT_TRUE(back->deployment.allow_internet);
  d.deployment.kind = DeploymentKind::package;
  d.deployment.program = "run";
  EXPECT_FALSE(deployment_document_from_json(to_json(d)));
}

}  // namespace fp::wire
