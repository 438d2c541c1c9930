#include "wire/model_json.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace fp::wire {
namespace {

constexpr const char* kGuid = "0B1A4C2E-93F5-4D57-8F0A-1C2D3E4F5A6B";
constexpr const char* kClient = "GUID:0B1A4C2E-93F5-4D57-8F0A-1C2D3E4F5A6B";

Application editor() {
  Application app;
  app.id = kGuid;
  app.revision = 4;
  app.name = "Editor";
  app.publisher = "Ædit Ltd";
  app.changed_at = {1'800'000'000'123};
  DeploymentType type;
  type.id = kGuid;
  type.name = "deb";
  type.content_id = "Content_0b1a4c2e-93f5-4d57-8f0a-1c2d3e4f5a6b.3";
  type.detection.push_back({.kind = DetectionKind::package_version, .package = "editor", .op = Compare::ge, .version = "2.1"});
  type.detection.push_back({.kind = DetectionKind::file, .path = "/usr/bin/editor", .sha256 = std::string(64, 'a')});
  type.detection.push_back({.kind = DetectionKind::script, .script = "echo yes"});
  type.requirements.push_back({.attribute = "os.id", .op = Compare::one_of, .values = {"debian", "ubuntu"}});
  type.dependencies.push_back({.name = "runtime", .items = {{.application_id = kGuid, .auto_install = false}}});
  type.return_codes.push_back({.code = -5, .kind = ReturnKind::fast_retry});
  app.types.push_back(type);
  app.supersedes.push_back({.application_id = kGuid, .uninstall = true});
  return app;
}

Deployment required_editor() {
  Deployment d;
  d.id = "FP100003";
  d.target_id = kGuid;
  d.collection_id = "FP100002";
  d.available_at = {1'800'000'000'000};
  d.deadline = Instant{1'800'000'600'000};
  d.changed_at = {1'800'000'000'001};
  return d;
}

std::string message_of(const auto& result) { return result ? "accepted" : result.error().message; }

// Decodes a valid application in which `from` was replaced by `to`.
std::string edited(const std::string& from, const std::string& to) {
  std::string text = to_json(editor());
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  return message_of(application_from_json(text));
}

TEST(ModelJson, AnApplicationComesBackAsItWas) {
  const auto text = to_json(editor());
  const auto back = application_from_json(text);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_json(*back), text);
  EXPECT_EQ(back->types[0].detection[1].sha256, std::string(64, 'a'));
  EXPECT_EQ(back->types[0].return_codes[0].code, -5);
  EXPECT_FALSE(back->types[0].dependencies[0].items[0].auto_install);
  EXPECT_EQ(back->changed_at.ms, 1'800'000'000'123);
  EXPECT_NE(text.find(R"("technology":"deb")"), std::string::npos);
  EXPECT_NE(text.find(R"("changed_at":"2027-01-15T08:00:00.123Z")"), std::string::npos);
}

TEST(ModelJson, ADeploymentDocumentComesBackAsItWas) {
  DeploymentDocument doc;
  doc.deployment = required_editor();
  doc.application = editor();
  doc.related = {editor()};
  doc.contents = {{"Content_0b1a4c2e-93f5-4d57-8f0a-1c2d3e4f5a6b.3", std::string(64, 'b'), 77}};
  const auto back = deployment_document_from_json(to_json(doc));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_json(*back), to_json(doc));
  ASSERT_TRUE(back->application);
  EXPECT_FALSE(back->package);
  ASSERT_TRUE(back->deployment.deadline);
  EXPECT_EQ(back->deployment.deadline->ms, 1'800'000'600'000);
}

TEST(ModelJson, APackageComesBackAsItWas) {
  Package p{.id = "FP100004", .name = "Tools", .content_version = 2, .source_path = "/srv/tools"};
  p.programs.push_back({.name = "install", .command_line = "sh install.sh", .max_run_time_min = 0});
  const auto back = package_from_json(to_json(p));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_json(*back), to_json(p));
  EXPECT_EQ(back->programs[0].max_run_time_min, 0);
}

Collection laptops() {
  Collection c{.id = "FP100002", .name = "Laptops", .limiting_id = kAllSystems, .incremental = true};
  c.rules = {{.kind = RuleKind::direct, .target = kClient},
             {.kind = RuleKind::query, .name = "by name", .wql = "select * from SMS_R_System where Name like 'L%'"},
             {.kind = RuleKind::exclude, .target = "FP100009"}};
  c.windows = {{.name = "night", .start = {1'800'000'000'000}, .duration_min = 180, .weekdays = 0x41}};
  c.variables = {{"Site", "Bonn", false}, {"Key", "hush", true}};
  return c;
}

TEST(ModelJson, ACollectionHidesSecretVariablesUnlessAsked) {
  EXPECT_EQ(to_json(laptops()).find("hush"), std::string::npos);
  const auto back = collection_from_json(to_json(laptops(), Secrets::shown));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->variables[1].value, "hush");
  EXPECT_EQ(to_json(*back, Secrets::shown), to_json(laptops(), Secrets::shown));
}

TEST(ModelJson, AnAdministratorNeverShowsTheTokenHash) {
  Administrator a{.name = "anna", .roles = {"Full Administrator"}, .scopes = {"All"}, .collections = {kAllSystems},
                  .token_hash = "c0ffee"};
  const auto text = to_json(a);
  EXPECT_EQ(text.find("c0ffee"), std::string::npos);
  const auto back = administrator_from_json(text);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_json(*back), text);
  EXPECT_EQ(message_of(administrator_from_json(R"({"name":"a","token_hash":"x"})")), "token_hash: is not a known field");
}

template <class X>
void comes_back(const X& x, Result<X> (*decode)(std::string_view)) {
  const auto back = decode(to_json(x));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_json(*back), to_json(x));
}

TEST(ModelJson, TheSmallNounsComeBackAsTheyWere) {
  comes_back(Device{.client_id = kClient,
                    .name = "LAP1",
                    .approval = Approval::approved,
                    .pki = true,
                    .connection = ConnectionType::currently_internet,
                    .registered_at = {5000},
                    .state_serial = 9},
             device_from_json);
  comes_back(
      DistributionPoint{.name = "dp1.example", .internet_url = "https://dp1.example", .pull = true, .pull_sources = {"dp2"}},
      distribution_point_from_json);
  comes_back(ManagementPoint{.name = "mp1.example", .intranet_url = "http://mp1", .connections = Connections::intranet},
             management_point_from_json);
  comes_back(Boundary{.id = "FP100009", .name = "Office", .type = BoundaryType::vpn, .value = "wg"}, boundary_from_json);
  comes_back(BoundaryGroup{.id = "FP10000A",
                           .name = "HQ",
                           .boundaries = {"FP100009"},
                           .distribution_points = {"dp1.example"},
                           .assigned_site = "FP1",
                           .neighbours = {{"FP100000", 0, kNoFallback}}},
             boundary_group_from_json);
  comes_back(BoundarySettings{.prefer_management_points = true, .fallback_site = "FP1"}, boundary_settings_from_json);
  EXPECT_EQ(message_of(boundary_group_from_json(R"({"name":"x","neighbours":[{"group_id":"FP100000","content_fallback_min":-2}]})")),
            "neighbours[0].content_fallback_min: must be from -1 to 10080");
  comes_back(Distribution{.dp = "dp1", .content_id = "FP100004.2", .state = DistributionState::corrupt, .attempts = 3},
             distribution_from_json);
  comes_back(ContentVersion{.content_id = "FP100004.2", .owner_id = "FP100004", .bytes = 5, .files = 1},
             content_version_from_json);
  comes_back(StateMessage{.client_id = kClient, .serial = 3, .topic_type = 1702, .parameters = {"a", "b"}},
             state_message_from_json);
  comes_back(StatusEvent{.id = 4, .at = {1000}, .severity = 2, .component = "dp", .text = "disk full"}, status_event_from_json);
  comes_back(AuditLine{.id = 1, .who = "anna", .action = "create", .hash = "ff"}, audit_line_from_json);
  comes_back(DeploymentState{.deployment_id = "FP100003", .client_id = kClient, .state = 5002}, deployment_state_from_json);
  comes_back(DeploymentSummary{.targeted = 9, .success = 8, .error = 1}, deployment_summary_from_json);
  comes_back(CollectionMember{.client_id = kClient, .reason = "direct", .since = {7}}, collection_member_from_json);
  comes_back(InventoryInstance{.class_name = "Win32_Processor", .properties = {{"Name", "x"}}}, inventory_instance_from_json);
  comes_back(ClientSettings{.id = "FP100000", .name = "Default", .values = {{"client_policy.polling_interval_min", "60"}}},
             client_settings_from_json);
}

TEST(ModelJson, AbsentFieldsTakeTheDefaultsAndIdsTheirCanonicalSpelling) {
  const auto c = collection_from_json(R"({"id":"fp10000a","name":" All laptops ","limiting_id":"sms00001"})");
  ASSERT_TRUE(c) << c.error().message;
  EXPECT_EQ(c->id, "FP10000A");
  EXPECT_EQ(c->name, "All laptops");
  EXPECT_EQ(c->limiting_id, "SMS00001");
  EXPECT_EQ(c->full_interval_s, 7 * 86400);
}

TEST(ModelJson, AMistakeIsNamedWithItsPath) {
  EXPECT_EQ(edited("\"/usr/bin/editor\"", "\"usr/bin/editor\""), "types[0].detection[1].path: must be an absolute path");
  EXPECT_EQ(edited("\"priority\":1", "\"priority\":0"), "types[0].priority: must be from 1 to 1000");
  EXPECT_EQ(edited("\"priority\":1", "\"priority\":\"1\""), "types[0].priority: must be a whole number");
  EXPECT_EQ(edited("\"priority\":1", "\"priority\":99999999999"), "types[0].priority: is out of range");
  EXPECT_EQ(edited("\"max_run_time_min\":120", "\"max_run_time_min\":0"), "types[0].max_run_time_min: must be from 1 to 1440");
  EXPECT_EQ(edited("\"technology\":\"deb\"", "\"technology\":\"msi\""),
            "types[0].technology: must be one of deb, rpm, script, fileset");
  EXPECT_EQ(edited("\"technology\":\"deb\"", "\"technology\":\"script\""), "types[0].install_command: is required for a script");
  EXPECT_EQ(edited("\"technology\"", "\"tecnology\""), "types[0].tecnology: is not a known field");
  EXPECT_EQ(edited("\"os.id\"", "\"os.colour\"").substr(0, 35), "types[0].requirements[0].attribute:");
  EXPECT_EQ(edited("\"name\":\"Editor\"", "\"name\":\"\""), "name: is required");
  EXPECT_EQ(edited("\"name\":\"Editor\"", "\"name\":\"a\\u0000b\""), "name: must not hold a NUL character");
  EXPECT_EQ(edited("\"2027-01-15T08:00:00.123Z\"", "\"yesterday\""),
            "changed_at: must be a time such as 2026-11-22T14:52:20Z, or null");
}

TEST(ModelJson, AScriptOfMoreThan32KiBIsRefused) {
  auto app = editor();
  app.types[0].detection[2].script = std::string(32768, 'x');
  EXPECT_TRUE(application_from_json(to_json(app)));
  app.types[0].detection[2].script += 'x';
  EXPECT_EQ(message_of(application_from_json(to_json(app))), "types[0].detection[2].script: must have at most 32768 bytes");
}

TEST(ModelJson, AProgramNameOfMoreThan50BytesIsRefused) {
  Package p{.id = "FP100004", .name = "Tools"};
  p.programs.push_back({.name = std::string(51, 'n'), .command_line = "x"});
  EXPECT_EQ(message_of(package_from_json(to_json(p))), "programs[0].name: must have at most 50 bytes");
}

TEST(ModelJson, AWindowLastsFromFiveMinutesToBelowADay) {
  const auto window = [](std::int64_t minutes) {
    return message_of(windows_from_json(
        to_json(std::vector<MaintenanceWindow>{{.name = "w", .start = {1'800'000'000'000}, .duration_min = minutes}})));
  };
  EXPECT_EQ(window(5), "accepted");
  EXPECT_EQ(window(1439), "accepted");
  EXPECT_EQ(window(4), "[0].duration_min: must be from 5 to 1439");
  EXPECT_EQ(window(1440), "[0].duration_min: must be from 5 to 1439");
}

TEST(ModelJson, ADeploymentIsCoherent) {
  auto d = required_editor();
  d.deadline = Instant{d.available_at.ms - 1000};
  EXPECT_EQ(message_of(deployment_from_json(to_json(d))), "deadline: must not lie before available_at");
  d = required_editor();
  d.action = DeploymentAction::uninstall;
  d.deadline.reset();
  d.purpose = Purpose::available;
  EXPECT_EQ(message_of(deployment_from_json(to_json(d))), "purpose: must be required to uninstall");
  d = required_editor();
  d.kind = DeploymentKind::package;
  EXPECT_TRUE(message_of(deployment_from_json(to_json(d))).starts_with("target_id: not an object id"));
}

TEST(ModelJson, TextThatIsNotJsonIsRefusedWithItsPlace) {
  EXPECT_TRUE(message_of(application_from_json("")).starts_with("not JSON"));
  EXPECT_TRUE(message_of(application_from_json("{\"name\":}")).starts_with("not JSON"));
  EXPECT_TRUE(message_of(application_from_json("{} {}")).starts_with("not JSON"));
  EXPECT_EQ(message_of(application_from_json("[]")), "must be an object");
  EXPECT_TRUE(message_of(application_from_json(std::string(100'000, '['))).starts_with("not JSON"));
  EXPECT_EQ(application_from_json(std::string(limits::kAdminBodyBytesMax + 1, ' ')).error().code, Code::too_large);
}

}  // namespace
}  // namespace fp::wire
