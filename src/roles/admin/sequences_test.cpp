// Task sequences by the API: definitions, what refers to what, policy of a deployment, the steps in the story.
#include "model/policy.hpp"
#include "roles/admin/admin_site_test.hpp"

namespace fp::admin {

class AdminSequences : public AdminSite {
 protected:
  static std::string with(const std::string& steps, const std::string& more = "") {
    return R"({"name": "Provision", )" + more + R"("steps": [)" + steps + "]}";
  }
  std::string hello_ = R"({"name": "Hello", "kind": "run_script", "script": "echo"})";
};

TEST_F(AdminSequences, NamesBecomeIdsAndEveryMistakeIsNamed) {
  application("Editor");
  const auto made = good("POST", "/task-sequences", with(R"({"name": "G", "kind": "group", "steps": [
    {"name": "E", "kind": "install_application", "applications": ["Editor"]}]})"));
  EXPECT_THAT(made.text, Not(HasSubstr("\"Editor\"")));
  const auto refused = call("POST", "/task-sequences", R"({"name": "Other", "steps": [
    {"name": "E", "kind": "install_application", "applications": ["Nothing"]},
    {"name": "P", "kind": "install_package", "package_id": "Nobody", "program": "x"},
    {"name": "", "kind": "run_script"}, {"name": "C", "kind": "run_task_sequence", "task_sequence": "Never"}]})");
  EXPECT_EQ(refused.status, 400);
  for (const auto* mistake : {"steps[0].applications: there is no application Nothing", "steps[1].package_id: there is no package Nobody",
                              "steps[2].name: is required", "steps[3].task_sequence: there is no task sequence Never"})
    EXPECT_THAT(refused.message(), HasSubstr(mistake));
  EXPECT_EQ(call("POST", "/task-sequences", with(hello_)).status, 409) << "the name is taken";
  EXPECT_EQ(call("DELETE", "/applications/Editor").status, 409) << "a step uses it";
}

TEST_F(AdminSequences, SecretsAreShownEmptyAndKeptWhenTheyComeBackEmpty) {
  const auto made = good("POST", "/task-sequences", with(hello_, R"("variables": [{"name": "Key", "value": "s3cret", "secret": true}], )"));
  EXPECT_THAT(made.text, Not(HasSubstr("s3cret")));
  const auto shown = good("GET", "/task-sequences/Provision");
  EXPECT_THAT(shown.text, Not(HasSubstr("s3cret")));
  good("PUT", "/task-sequences/Provision", shown.text);
  EXPECT_EQ(read([&](store::Repositories& r) { return r.software.find_task_sequence(made.at("id")); }).variables.at(0).value, "s3cret");
  EXPECT_THAT(good("GET", "/task-sequences").text, Not(HasSubstr("s3cret")));
}

TEST_F(AdminSequences, OneThatRunsItselfIsRefused) {
  const auto id = good("POST", "/task-sequences", with(hello_)).at("id");
  const auto call_it = R"({"name": "C", "kind": "run_task_sequence", "task_sequence": ")" + id + R"("})";
  const auto refused = call("PUT", "/task-sequences/" + id, with(call_it));
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.message(), HasSubstr("runs itself"));
  good("POST", "/task-sequences", R"({"name": "Outer", "steps": [)" + call_it + "]}");
  EXPECT_EQ(call("DELETE", "/task-sequences/" + id).status, 409);
}

TEST_F(AdminSequences, ThePolicyOfADeploymentSaysWhetherTheInternetIsAllowed) {
  good("POST", "/task-sequences", with(hello_));
  const auto made = good("POST", "/deployments", R"({"kind": "task_sequence", "target_id": "Provision", "collection_id": "All Systems"})");
  EXPECT_EQ(made.at("rerun"), "always");
  EXPECT_THAT(made.at("warnings"), HasSubstr("allow_internet is off"));
  const auto policy = [&] { return read([&](store::Repositories& r) { return r.policies.list_by_source(made.at("id")); }).at(0); };
  constexpr unsigned kAlways = policy_flag::kTaskSequence | policy_flag::kSecret | policy_flag::kRequiresAuth;
  EXPECT_EQ(policy().flags, kAlways | policy_flag::kIntranetOnly);
  EXPECT_THAT(policy().body, HasSubstr("CCM_TaskSequence"));
  good("PUT", "/deployments/" + made.at("id"),
       R"({"kind": "task_sequence", "target_id": "Provision", "collection_id": "All Systems", "allow_internet": true})");
  EXPECT_EQ(policy().flags, kAlways);
  EXPECT_EQ(policy().version, "2.00");
  good("PUT", "/task-sequences/Provision", with(R"({"name": "Hello", "kind": "run_script", "script": "echo changed"})"));
  EXPECT_THAT(policy().body, HasSubstr("echo changed"));
  EXPECT_EQ(call("DELETE", "/task-sequences/Provision").status, 409);
  EXPECT_EQ(call("POST", "/deployments", R"({"target_id": "Provision", "collection_id": "All Systems", "allow_internet": true})").status, 404);
}

TEST_F(AdminSequences, OperatingSystemsAreWarnedAbout) {
  good("POST", "/task-sequences", with(R"({"name": "Apply", "kind": "apply_operating_system_image"})"));
  const auto made = good("POST", "/deployments", R"({"kind": "task_sequence", "target_id": "Provision", "collection_id": "All Systems"})");
  EXPECT_THAT(made.at("warnings"), HasSubstr("operating system deployment is not supported there"));
  EXPECT_THAT(made.at("warnings"), HasSubstr("does not deploy operating systems"));
}

TEST_F(AdminSequences, TheStoryTellsTheStepsOfTheNewestRun) {
  device(1, "PC1");
  good("POST", "/task-sequences", with(hello_));
  const auto id = good("POST", "/deployments", R"({"kind": "task_sequence", "target_id": "Provision", "collection_id": "All Systems"})").at("id");
  std::int64_t serial = 0;
  const auto told = [&](const std::string& run, const std::string& state, const std::string& code, const std::string& output) {
    StateMessage m;
    m.client_id = device_id(1);
    m.serial = ++serial;
    m.topic_type = kTopicSequenceStep;
    m.topic_id = id;
    m.parameters = {run, "0", "1", "Hello", "run_script", state, "exit code " + code, code, output};
    write([&](store::Repositories& r) -> Status {
      FP_TRY(fresh, r.states.add(m));
      return fresh ? Status{} : fail(Code::conflict, "not new");
    });
  };
  told("run-1", "succeeded", "0", "");
  told("run-2", "failed", "7", "no room");
  const auto story = good("GET", "/devices/PC1/why/Provision");
  EXPECT_THAT(story.text, HasSubstr("1 \\\"Hello\\\" (run_script): failed: exit code 7; its last words: no room"));
  EXPECT_THAT(story.text, Not(HasSubstr("succeeded")));
}

}  // namespace fp::admin
