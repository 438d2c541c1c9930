// Every route once, as it is meant to be used; and the description in api/admin.openapi.yaml beside the table in code.
#include <set>

#include "roles/admin/admin_site_test.hpp"

namespace fp::admin {
namespace {

using Opening = std::pair<std::string, std::string>;  // method, pattern as the document writes it

std::set<Opening> doors_in_code() {
  std::set<Opening> out;
  for (const auto& route : AdminApi::routes()) {
    std::string pattern(route.pattern);
    if (const auto dots = pattern.find("...}"); dots != std::string::npos) pattern.erase(dots, 3);
    out.emplace(route.method, pattern);
  }
  return out;
}

std::set<Opening> doors_in_document() {
  std::set<Opening> out;
  const auto text = read_file(Path(FARPOINT_SOURCE_DIR) / "api" / "admin.openapi.yaml");
  if (!text) return out;
  std::string path;
  bool in_paths = false;
  for (const auto line : split(*text, '\n')) {
    if (!line.empty() && line[0] != ' ' && line[0] != '#') in_paths = line == "paths:";
    if (!in_paths) continue;
    if (line.starts_with("  /") && line.ends_with(':')) path = line.substr(2, line.size() - 3);
    for (const auto* method : {"get", "put", "post", "delete"})
      if (line == fmt::format("    {}:", method)) out.emplace(upper(method), path);
  }
  return out;
}

}  // namespace

TEST(AdminDocument, ListsExactlyTheRoutesOfTheServer) {
  EXPECT_EQ(doors_in_document(), doors_in_code());
  EXPECT_GT(doors_in_code().size(), 50U);
}

class AdminRoutes : public AdminSite {
 protected:
  // One request of a route; `path` has the values, `pattern` is how the document writes it.
  Reply use(const std::string& method, const std::string& pattern, const std::string& path, int status,
            const std::string& body = {}) {
    used_.emplace(method, pattern);
    auto reply = call(method, path, body);
    EXPECT_EQ(reply.status, status) << method << " " << path << ": " << reply.text;
    return reply;
  }
  Reply use(const std::string& method, const std::string& path, int status, const std::string& body = {}) {
    return use(method, path, path, status, body);
  }

  void use_devices() {
    device(1, "PC1", Approval::pending);
    device(2, "PC2");
    EXPECT_THAT(use("GET", "/devices", 200).items(), SizeIs(2));
    EXPECT_EQ(use("GET", "/devices/{id}", "/devices/pc1", 200).at("client_id"), device_id(1));
    EXPECT_EQ(use("POST", "/devices/{id}/approve", "/devices/PC1/approve", 200).at("approval"), "approved");
    EXPECT_EQ(use("POST", "/devices/{id}/reject", "/devices/PC1/reject", 200).at("approval"), "rejected");
    EXPECT_EQ(use("POST", "/devices/{id}/block", "/devices/PC1/block", 200, R"({"reason": "stolen"})")
                  .at("block_reason"),
              "stolen");
    EXPECT_EQ(use("POST", "/devices/{id}/unblock", "/devices/PC1/unblock", 200).at("blocked"), "false");
    write([](store::Repositories& r) -> Status {
      InventoryReport report;
      report.client_id = device_id(1);
      report.instances = {{"SMS_Processor", InstanceContent::fresh, {{"Name", "Z80"}}, "CPU0"}};
      FP_CHECK(r.inventory.apply(report, "hardware"));
      StateMessage message;
      message.client_id = device_id(1);
      message.serial = 1;
      message.topic_type = 1702;
      FP_CHECK(r.states.add(message));
      StatusEvent event;
      event.component = "mp";
      event.client_id = device_id(1);
      event.text = "registered";
      return r.states.add_event(event);
    });
    EXPECT_THAT(use("GET", "/devices/{id}/inventory", "/devices/PC1/inventory?class=SMS_Processor", 200).items(), SizeIs(1));
    EXPECT_THAT(use("GET", "/devices/{id}/states", "/devices/PC1/states", 200).items(), SizeIs(1));
    EXPECT_THAT(use("GET", "/devices/{id}/collections", "/devices/PC1/collections", 200).items(), SizeIs(1));
    EXPECT_THAT(use("GET", "/events", "/events?device=PC1", 200).items(), SizeIs(1));
    EXPECT_THAT(calls_, SizeIs(4));
  }

  void use_collections() {
    const std::string body = R"({"name": "Named PC2", "rules": [{"kind": "query", "name": "by name",
      "wql": "select * from SMS_R_System where SMS_R_System.Name = 'PC2'"}]})";
    EXPECT_EQ(use("POST", "/collections", 201, body).at("member_count"), "1");
    EXPECT_THAT(use("GET", "/collections", 200).items(), SizeIs(2));
    EXPECT_EQ(use("GET", "/collections/{id}", "/collections/named%20pc2", 200).header("ETag"), "\"1\"");
    const std::string changed = R"({"name": "Named PC2", "limiting_id": "SMS00001", "comment": "one", "windows": [
      {"name": "nights", "start": "2026-12-01T01:00:00Z", "duration_min": 120, "recurrence": "daily"}]})";
    EXPECT_EQ(use("PUT", "/collections/{id}", "/collections/Named%20PC2", 200, changed).at("revision"), "2");
    EXPECT_THAT(use("GET", "/collections/{id}/members", "/collections/Named%20PC2/members", 200).items(), IsEmpty());
    EXPECT_THAT(use("POST", "/collections/{id}/evaluate", "/collections/Named%20PC2/evaluate", 200).items(), SizeIs(1));
    EXPECT_THAT(use("POST", "/queries/run", 200, R"({"wql": "select * from SMS_R_System"})").items(), SizeIs(2));
  }

  void use_content() {
    const std::string put = "/content/staging/{id}/{path}", id = new_staging(), folder = "/content/staging/" + id;
    EXPECT_EQ(use("PUT", put, folder + "/sub/a%20b.txt", 200, "hello").at("size"), "5");
    EXPECT_EQ(use("GET", put, folder + "/sub/a%20b.txt", 200).at("size"), "5");
    use("DELETE", "/content/staging/{id}", "/content/staging/" + new_staging(), 204);
    const auto content = use("POST", "/content", 201, fmt::format(R"({{"staging": "{}"}})", id));
    EXPECT_EQ(content.at("files"), "1");
    EXPECT_EQ(content.at("bytes"), "5");
    EXPECT_FALSE(file_exists(dir_ / "data" / "staging" / id));
    const std::string path = "/content/" + content.at("content_id");
    EXPECT_THAT(use("GET", "/content", 200).items(), SizeIs(1));
    use("GET", "/content/{id}", path, 200);
    use("PUT", "/distribution-points/{name}", "/distribution-points/dp2.example", 200,
        R"({"name": "dp2.example", "push_url": "https://dp2.example"})");
    EXPECT_THAT(use("GET", "/distribution-points", 200).items(), SizeIs(1));
    EXPECT_EQ(member(use("POST", "/content/{id}/distribute", path + "/distribute", 202).items().at(0), "state"), "pending");
    EXPECT_THAT(use("GET", "/content/{id}/distributions", path + "/distributions", 200).items(), SizeIs(1));
    const auto there = use("GET", "/distribution-points/{name}/distributions", "/distribution-points/dp2.example/distributions", 200).items();
    ASSERT_THAT(there, SizeIs(1));
    EXPECT_EQ(member(there.at(0), "bytes_total"), "5");
    use("POST", "/distribution-points/{name}/validate", "/distribution-points/dp2.example/validate", 202);
    use("DELETE", "/distribution-points/{name}", "/distribution-points/dp2.example", 204);
    use("DELETE", "/content/{id}", path, 204);
    EXPECT_EQ(call("GET", path).status, 404);
    EXPECT_THAT(calls_, Contains("validate dp2.example"));
    EXPECT_THAT(calls_, Contains("distribution"));
  }

  void use_software_and_deployments() {
    const std::string id = use("POST", "/applications", 201, application_text("Editor")).at("id");
    EXPECT_THAT(use("GET", "/applications", 200).items(), SizeIs(1));
    use("GET", "/applications/{id}", "/applications/editor", 200);
    EXPECT_EQ(use("PUT", "/applications/{id}", "/applications/" + id, 200, application_text("Editor")).at("revision"), "2");
    const std::string package_id = use("POST", "/packages", 201, R"({"name": "Fonts"})").at("id");
    EXPECT_THAT(use("GET", "/packages", 200).items(), SizeIs(1));
    use("GET", "/packages/{id}", "/packages/fonts", 200);
    use("PUT", "/packages/{id}", "/packages/" + package_id, 200, R"({"name": "Fonts", "version": "2"})");
    use("DELETE", "/packages/{id}", "/packages/" + package_id, 204);
    const std::string steps = R"("steps": [{"name": "Hello", "kind": "run_script", "script": "echo"}])";
    const std::string sequence = use("POST", "/task-sequences", 201, R"({"name": "Provision", )" + steps + "}").at("id");
    EXPECT_THAT(use("GET", "/task-sequences", 200).items(), SizeIs(1));
    use("GET", "/task-sequences/{id}", "/task-sequences/provision", 200);
    use("PUT", "/task-sequences/{id}", "/task-sequences/" + sequence, 200, R"({"name": "Provision 2", )" + steps + "}");
    use("DELETE", "/task-sequences/{id}", "/task-sequences/" + sequence, 204);

    const std::string body = R"({"target_id": "Editor", "collection_id": "All Systems"})";
    const auto deployed = use("POST", "/deployments", 201, body);
    EXPECT_EQ(deployed.at("target_id"), id);
    EXPECT_EQ(deployed.at("collection_id"), kAllSystems);
    EXPECT_EQ(deployed.at("created_by"), "root");
    const std::string path = "/deployments/" + deployed.at("id");
    EXPECT_THAT(use("GET", "/deployments", 200).items(), SizeIs(1));
    use("GET", "/deployments/{id}", "/deployments/Editor", 200);
    EXPECT_EQ(use("PUT", "/deployments/{id}", path, 200, body).at("revision"), "2");
    EXPECT_EQ(use("GET", "/deployments/{id}/summary", path + "/summary", 200).at("targeted"), "2");
    use("GET", "/deployments/{id}/states", path + "/states", 200);
    EXPECT_THAT(use("GET", "/devices/{id}/policies", "/devices/PC2/policies", 200).items(), SizeIs(1));
    EXPECT_THAT(use("GET", "/devices/{id}/deployments", "/devices/PC2/deployments", 200).items(), IsEmpty());
    use("GET", "/devices/{id}/why/{deployment}", "/devices/PC2/why/Editor", 200);
    use("DELETE", "/deployments/{id}", path, 204);
    use("DELETE", "/applications/{id}", "/applications/" + id, 204);
    use("DELETE", "/collections/{id}", "/collections/Named%20PC2", 204);
    use("DELETE", "/devices/{id}", "/devices/PC1", 204);
  }

  void use_boundaries() {
    write([](store::Repositories& r) -> Status {
      FP_CHECK(r.contents.put_dp({.name = "dp1.example", .intranet_url = "https://dp1.example", .internet_url = "https://dp1.example"}));
      return r.contents.put_dp({.name = "dp2.example", .intranet_url = "https://dp2.example", .connections = Connections::intranet});
    });
    const std::string mp = "/management-points/mp2.example";
    use("PUT", "/management-points/{name}", mp, 200, R"({"name": "mp2.example", "intranet_url": "https://mp2.example", "connections": "intranet", "this_server": true})");
    use("POST", "/boundaries", 201, R"({"name": "Office", "value": "10.1.0.0/16"})");
    const auto branch = use("POST", "/boundaries", 201, R"({"name": "Branch", "type": "ip_range", "value": "10.2.0.1 - 10.2.0.9"})");
    EXPECT_EQ(branch.at("value"), "10.2.0.1-10.2.0.9");
    EXPECT_THAT(use("GET", "/boundaries", 200).items(), SizeIs(2));
    use("GET", "/boundaries/{id}", "/boundaries/office", 200);
    use("PUT", "/boundaries/{id}", "/boundaries/Office", 200, R"({"name": "Office", "value": "10.3.0.0/16"})");
    const auto group = use("POST", "/boundary-groups", 201, R"({"name": "HQ", "boundaries": ["office"],
      "distribution_points": ["dp1.example"], "management_points": ["mp2.example"], "assigned_site": "fp1"})");
    EXPECT_EQ(group.at("assigned_site"), "FP1");
    use("POST", "/boundary-groups", 201, R"({"name": "Far", "boundaries": ["Branch"], "distribution_points": ["dp2.example"],
      "neighbours": [{"group_id": "HQ", "content_fallback_min": 30}]})");
    EXPECT_THAT(use("GET", "/boundary-groups", 200).items(), SizeIs(3));  // and the default one
    EXPECT_EQ(use("GET", "/boundary-groups/{id}", "/boundary-groups/default", 200).at("id"), "FP100000");
    use("PUT", "/boundary-groups/{id}", "/boundary-groups/default", 200, R"({"name": "Elsewhere"})");
    EXPECT_EQ(use("PUT", "/boundary-settings", 200, R"({"prefer_management_points": true})").at("content_fallback_min"), "120");
    use("GET", "/boundary-settings", 200);
    const auto why = use("GET", "/boundary-explanation", "/boundary-explanation?address=10.2.0.5&waiting=29", 200);
    EXPECT_THAT(why.at("groups"), HasSubstr("Far"));
    EXPECT_THAT(why.at("distribution_points"), HasSubstr("dp2.example"));
    EXPECT_THAT(why.at("distribution_points"), HasSubstr(R"("offered":false,"because":"in HQ, neighbour of Far, after 30 min")"));
    EXPECT_THAT(call("GET", "/boundary-explanation?internet=true").at("distribution_points"), HasSubstr("roaming is refused: the client is on the internet"));
    use("DELETE", "/boundaries/{id}", "/boundaries/Office", 204);
    use("DELETE", "/boundary-groups/{id}", "/boundary-groups/HQ", 204);
    EXPECT_EQ(call("GET", "/boundary-groups/Far").at("neighbours"), "[]");
    use("DELETE", "/management-points/{name}", mp, 204);
  }

  void use_directory() {
    EXPECT_THAT(use("GET", "/directory", 200).at("summary"), HasSubstr("no [directory_publishing]"));
    EXPECT_EQ(call("POST", "/directory/publish").status, 409);
    directory_.enabled = true;
    directory_.domain = "corp.test";
    EXPECT_EQ(use("POST", "/directory/publish", 202).at("domain"), "corp.test");
    EXPECT_EQ(calls_.back(), "directory");
    directory_.problem = "no right";
    EXPECT_THAT(call("GET", "/site").at("directory"), HasSubstr("not published in corp.test as wanted: no right"));
  }

  void use_enrollment() {
    const auto token = use("POST", "/enrollment/tokens", 201, R"({"kind": "mobile", "uses": 2, "names": "*.Example.Test", "valid_s": 3600})");
    EXPECT_TRUE(token.at("token").starts_with("fpe_"));
    EXPECT_EQ(token.at("names"), "*.example.test");
    EXPECT_EQ(token.at("state"), "good");
    const auto listed = use("GET", "/enrollment/tokens", 200);
    ASSERT_THAT(listed.items(), SizeIs(1));
    EXPECT_EQ(listed.text.find("fpe_"), std::string::npos);
    EXPECT_EQ(listed.text.find("hash"), std::string::npos);
    EXPECT_EQ(use("POST", "/enrollment/tokens/{id}/revoke", "/enrollment/tokens/" + token.at("id") + "/revoke", 200).at("state"), "revoked");
    for (const char* wrong : {R"({"uses": 0})", R"({"valid_s": 5})", R"({"names": "a b"})", R"({"hash": "00"})", R"({"used": 1})", "[]"})
      EXPECT_EQ(call("POST", "/enrollment/tokens", wrong).status, 400) << wrong;
    EXPECT_THAT(use("GET", "/enrollment/certificates", 200).items(), IsEmpty());
    const std::string path = "/enrollment/proxy-points/epp.example";
    EXPECT_EQ(call("PUT", path, R"({"name": "epp.example"})").status, 400) << "without a fingerprint";
    use("PUT", "/enrollment/proxy-points/{name}", path, 200, fmt::format(R"({{"name": "epp.example", "fingerprint": "{}"}})", std::string(64, 'b')));
    EXPECT_THAT(use("GET", "/enrollment/proxy-points", 200).items(), SizeIs(1));
    use("DELETE", "/enrollment/proxy-points/{name}", path, 204);
  }

  void use_site() {
    EXPECT_EQ(use("GET", "/site", 200).at("site_code"), "FP1");
    EXPECT_EQ(use("GET", "/metrics", 200).text, "farpoint_up 1\n");
    const std::string edge = R"({"name": "mp2.example", "internet_url": "https://mp2.example:443", "connections": "internet", "link": "mp2:10443",
      "fingerprint": ")" + std::string(64, 'A') + "\"}";
    EXPECT_EQ(use("PUT", "/management-points/{name}", "/management-points/mp2.example", 200, edge).at("fingerprint"), std::string(64, 'a'));
    EXPECT_THAT(use("GET", "/management-points", 200).items(), SizeIs(1));
    use("DELETE", "/management-points/{name}", "/management-points/mp2.example", 204);
    write([](store::Repositories& r) -> Status {
      FP_CHECK(r.site.put_management_point({"site.corp.test", "", "https://mp.example.org:8443", Connections::both}));
      FP_CHECK(r.contents.put_dp({.name = "dp9.example.org", .internet_url = "https://dp9.example.org", .connections = Connections::internet}));
      return r.contents.put_dp({.name = "inside.corp.test", .intranet_url = "https://inside.corp.test", .connections = Connections::intranet});
    });
    use_directory();
    const auto published = use("GET", "/publishing", 200);
    EXPECT_EQ(published.at("points"),
              R"([{"role":"mp","name":"mp.example.org","port":8443,"backend":"site.corp.test:8443",)"
              R"("backend_with_proxy_protocol":"site.corp.test:8444"},)"
              R"({"role":"dp","name":"dp1.example","port":443,"backend":"dp1.example:443","backend_with_proxy_protocol":""},)"
              R"({"role":"dp","name":"dp9.example.org","port":443,"backend":"dp9.example.org:443","backend_with_proxy_protocol":""}])");
    EXPECT_EQ(published.at("issuers_without_list"), R"(["CN=Silent CA"])");
    const auto made = use("POST", "/settings", 201, R"({"name": "Laptops", "priority": 5, "collections": ["All Systems"],
      "values": {"client_policy.polling_interval_min": "30"}})");
    EXPECT_EQ(made.at("collections"), R"(["SMS00001"])");
    EXPECT_THAT(use("GET", "/settings", 200).items(), SizeIs(1));
    EXPECT_THAT(use("GET", "/settings/rules", 200).items(), Not(IsEmpty()));
    use("PUT", "/settings/{id}", "/settings/laptops", 200, R"({"name": "Laptops", "priority": 6})");
    use("DELETE", "/settings/{id}", "/settings/" + made.at("id"), 204);
    EXPECT_EQ(use("POST", "/roles", 201, R"({"name": "Helpdesk", "copied_from": "Read-only Analyst"})").at("built_in"), "false");
    EXPECT_THAT(use("GET", "/roles", 200).items(), SizeIs(16));
    use("PUT", "/roles/{name}", "/roles/helpdesk", 200,
        R"({"name": "Helpdesk", "copied_from": "Read-only Analyst", "permissions": {"device": ["read", "approve"]}})");
    use("DELETE", "/roles/{name}", "/roles/Helpdesk", 204);
    use("POST", "/administrators", 201, R"({"name": "A/B", "roles": ["Read-only Analyst"]})");
    use("PUT", "/administrators/{name}", "/administrators/A%2FB", 200,
        R"({"name": "A/B", "roles": ["Asset Manager"], "enabled": false})");
    EXPECT_THAT(use("GET", "/administrators", 200).items(), SizeIs(2));
    use("DELETE", "/administrators/{name}", "/administrators/A%2FB", 204);
    EXPECT_THAT(use("GET", "/audit", 200).items(), Not(IsEmpty()));
  }

  void use_fallback() {
    const std::string link = R"("link": "10.2.0.40:10443")";
    use("PUT", "/fallback/points/{name}", "/fallback/points/FSP.test", 400, "{}");
    use("PUT", "/fallback/points/{name}", "/fallback/points/FSP.test", 400, "{" + link + "}");
    const auto made = use("PUT", "/fallback/points/{name}", "/fallback/points/FSP.test", 200,
                          R"({"fingerprint": ")" + std::string(64, 'F') + R"(", )" + link + "}");
    EXPECT_EQ(made.at("name"), "fsp.test");
    EXPECT_EQ(made.at("link"), "10.2.0.40:10443");
    EXPECT_EQ(made.at("fingerprint"), std::string(64, 'f'));
    EXPECT_THAT(calls_, Contains("fallback"));
    EXPECT_THAT(use("GET", "/fallback/points", 200).items(), SizeIs(1));
    EXPECT_THAT(use("GET", "/fallback/messages", 200).items(), IsEmpty());
    use("DELETE", "/fallback/points/{name}", "/fallback/points/fsp.test", 204);
  }

  void use_gateways() {
    const std::string wanted = R"({"internet_url": "https://gw.test:443", "fingerprint": ")" + std::string(64, 'a') + R"(", "link": "gw.test:10443"})";
    const auto made = use("PUT", "/gateways/{name}", "/gateways/GW.test", 200, wanted);
    EXPECT_EQ(made.at("name"), "gw.test");
    EXPECT_EQ(made.at("content"), "true");
    EXPECT_THAT(use("GET", "/gateways", 200).items(), SizeIs(1));
    EXPECT_EQ(use("GET", "/gateways/{name}", "/gateways/gw.test", 200).at("problem"), "");
    use("DELETE", "/gateways/{name}", "/gateways/gw.test", 204);
  }

  void say(int n, const std::string& client_id, const std::string& name) {
    write([&](store::Repositories& r) -> Status {
      FallbackMessage m;
      m.fsp = "fsp.test";
      m.message_id = std::to_string(n);
      m.client_id = client_id;
      m.name = name;
      m.topic_type = 1000;
      m.state_id = 2;
      m.details = fmt::format("reason {}", n);
      m.received_at = clock_.now();
      FP_CHECK(r.fallback.add(m));
      return {};
    });
  }

  void use_clients_and_features() {
    device(7, "PC7");
    EXPECT_THAT(use("GET", "/features", 200).items(), SizeIs(8));
    EXPECT_THAT(use("GET", "/devices/{id}/features", "/devices/PC7/features", 200).items(), SizeIs(8));
    use("POST", "/devices/{id}/wake", "/devices/PC7/wake", 409);
    use("POST", "/devices/{id}/remote-control", "/devices/PC7/remote-control", 409);
    use("POST", "/devices/{id}/os-deployment", "/devices/PC7/os-deployment", 409);
    use("POST", "/clients/update-based-installation", 409);
    EXPECT_EQ(use("POST", "/clients/bundle", 200, R"({"kind": "dual"})").at("command"), "farpoint-agent install");
    const auto pushed = use("POST", "/clients/pushes", 201, R"({"host": "new.corp.test", "key": "pem"})");
    const std::string path = "/clients/pushes/" + pushed.at("id");
    EXPECT_THAT(use("GET", "/clients/pushes", 200).items(), SizeIs(1));
    EXPECT_EQ(use("GET", "/clients/pushes/{id}", path, 200).at("state"), "waiting");
    use("POST", "/clients/pushes/{id}/retry", path + "/retry", 200);
    EXPECT_EQ(use("POST", "/clients/pushes/{id}/cancel", path + "/cancel", 200).at("state"), "cancelled");
  }

  void use_updates() {
    device(8, "PC8");
    SoftwareUpdate update;
    update.id = "11111111-0000-8000-A000-000000000001";
    update.package = "lab-tool";
    update.version = "1.2";
    update.architecture = "all";
    update.title = "lab-tool 1.2";
    update.product = "Lab stable";
    update.source = "lab";
    update.classification = UpdateClass::security;
    update.file_name = "lab-tool_1.2_all.deb";
    update.url = "http://vendor.test/pool/lab-tool_1.2_all.deb";
    update.content_version = 1;
    write([&](store::Repositories& r) -> Status {
      FP_CHECK(r.updates.put(update));
      FP_CHECK(r.updates.put_point({"site.corp.test", "https://site.corp.test:443", "", Connections::intranet}));
      FP_CHECK(r.updates.put_scan({device_id(8), scan_state::kComplete, 1, "site.corp.test", "good", clock_.now()}));
      return r.updates.put_state({update.id, device_id(8), update_state::kRequired, clock_.now()});
    });
    ASSERT_THAT(use("GET", "/updates", 200).items(), SizeIs(1));
    const auto shown = use("GET", "/updates/{id}", "/updates/lab-tool", 200);
    EXPECT_EQ(shown.at("required"), "1");
    EXPECT_EQ(shown.at("classification"), "Security Updates");
    EXPECT_EQ(member(use("GET", "/updates/{id}/states", "/updates/" + update.id + "/states", 200).items().at(0), "state"), "required");
    EXPECT_THAT(use("GET", "/updates/status", 200).at("points"), HasSubstr("site.corp.test"));
    EXPECT_NE(use("POST", "/updates/sync", 202).at("requested_at"), "");
    EXPECT_EQ(calls_.back(), "sync");
    const auto of_device = use("GET", "/devices/{id}/updates", "/devices/PC8/updates", 200);
    EXPECT_EQ(member(of_device.items().at(0), "package"), "lab-tool");
    EXPECT_THAT(of_device.at("scan"), HasSubstr("complete"));
    const auto made = use("POST", "/updates/{id}/application", "/updates/lab-tool/application", 201);
    EXPECT_EQ(made.at("update_id"), update.id);
    EXPECT_THAT(made.at("types"), AllOf(HasSubstr(R"("vendor_url":"http://vendor.test/pool")"), HasSubstr("package:lab-tool"), HasSubstr(R"("op":"exists")")));
    EXPECT_EQ(call("POST", "/updates/lab-tool/application").at("id"), made.at("id")) << "once made it is used again";
  }

  std::set<Opening> used_;
};

TEST_F(AdminRoutes, EveryRouteDoesWhatItIsFor) {
  use_devices();
  use_collections();
  use_content();
  use_software_and_deployments();
  use_boundaries();
  use_site();
  use_enrollment();
  use_fallback();
  use_gateways();
  use_clients_and_features();
  use_updates();
  EXPECT_EQ(used_, doors_in_code());
}

TEST_F(AdminRoutes, ABoundaryOrGroupThatMakesNoSenseIsRefusedWithItsReason) {
  const auto refused = [&](const std::string& path, const std::string& body, int status, const std::string& words) {
    const auto reply = call("POST", path, body);
    EXPECT_EQ(reply.status, status) << reply.text;
    EXPECT_THAT(reply.text, HasSubstr(words));
  };
  good("POST", "/boundaries", R"({"name": "Office", "value": "10.1.0.0/16"})");
  refused("/boundaries", R"({"name": "X", "value": "10.1.2.3/16"})", 400, "value: 10.1.2.3/16 has bits of a host");
  refused("/boundaries", R"({"name": "office", "value": "10.4.0.0/16"})", 409, "there is a boundary Office already");
  refused("/boundaries", R"({"name": "Twin", "value": "10.1.0.0/16"})", 409, "boundary Office is 10.1.0.0/16 already");
  refused("/boundary-groups", R"({"name": "G", "boundaries": ["Nowhere"]})", 404, "there is no boundary Nowhere");
  refused("/boundary-groups", R"({"name": "G", "distribution_points": ["dp9.example"]})", 400, "dp9.example is none of this site");
  refused("/boundary-groups", R"({"name": "G", "management_points": ["mp9.example"]})", 400, "mp9.example is none of this site");
  refused("/boundary-groups", R"({"name": "G", "neighbours": [{"group_id": "Nobody"}]})", 404, "there is no boundary group Nobody");
  EXPECT_THAT(call("PUT", "/boundary-groups/default", R"({"name": "D", "boundaries": ["Office"]})").text, HasSubstr("has none of its own"));
  EXPECT_THAT(call("DELETE", "/boundary-groups/default").text, HasSubstr("the default group of the site stays"));
  EXPECT_THAT(call("GET", "/boundary-explanation").text, HasSubstr("where is the client?"));
  EXPECT_THAT(call("PUT", "/management-points/mp.example", R"({"name": "mp.example"})").text, HasSubstr("internet_url: is required for client connections"));
}

TEST_F(AdminRoutes, LongListsComeInPages) {
  for (int n = 1; n <= 5; ++n) device(n, fmt::format("PC{}", n));
  for (const auto* path : {"/devices", "/queries/run"}) {
    std::vector<std::string> seen;
    std::string after;
    do {
      const auto page = call(path == std::string("/devices") ? "GET" : "POST", fmt::format("{}?limit=2{}", path, after),
                             R"({"wql": "select * from SMS_R_System"})");
      ASSERT_EQ(page.status, 200) << page.text;
      for (const auto& item : page.items()) seen.push_back(member(item, "name"));
      after = page.at("next") == "(absent)" ? "" : "&after=" + page.at("next");
    } while (!after.empty());
    EXPECT_THAT(seen, ElementsAre("PC1", "PC2", "PC3", "PC4", "PC5")) << path;
  }
}

TEST_F(AdminRoutes, DevicesAreFilteredByNameApprovalBlockAndCollection) {
  device(1, "WEB1");
  device(2, "WEB2", Approval::pending);
  device(3, "DB1");
  collection("Direct", fmt::format(R"(, "rules": [{{"kind": "direct", "target": "{}"}}])", device_id(3)));
  good("POST", "/devices/DB1/block");
  EXPECT_THAT(call("GET", "/devices?name=web").items(), SizeIs(2));
  EXPECT_THAT(call("GET", "/devices?approval=pending").items(), SizeIs(1));
  EXPECT_THAT(call("GET", "/devices?blocked=true").items(), SizeIs(1));
  EXPECT_THAT(call("GET", "/devices?blocked=false").items(), SizeIs(2));
  EXPECT_THAT(call("GET", "/devices?collection=Direct").items(), SizeIs(1));
  EXPECT_THAT(call("GET", "/devices?collection=direct&name=web").items(), IsEmpty());
}

TEST_F(AdminRoutes, WhatCameThroughAStatusPointIsShownAsUntrustedAndWithinOnesCollections) {
  device(1, "PC1");
  device(2, "PC2");
  const std::string mine = collection("Mine", fmt::format(R"(, "rules": [{{"kind": "direct", "target": "{}"}}])", device_id(1)));
  say(1, device_id(1), "pc1.corp.test");
  say(2, "", "pc2.corp.test");
  say(3, "", "stranger");
  const auto all = call("GET", "/fallback/messages").items();
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(member(all.at(0), "trusted"), "false");
  EXPECT_EQ(member(all.at(0), "topic"), "client communication");
  EXPECT_EQ(member(all.at(0), "state"), "cannot reach a management point");
  EXPECT_THAT(call("GET", "/fallback/messages?device=PC1").items(), SizeIs(1));
  EXPECT_THAT(call("GET", "/fallback/messages?device=pc2").items(), SizeIs(1));
  EXPECT_THAT(call("GET", "/fallback/messages?device=stranger").items(), SizeIs(1));
  EXPECT_THAT(call("GET", "/fallback/messages?device=nobody").items(), IsEmpty());
  const auto page = call("GET", "/fallback/messages?limit=2");
  EXPECT_THAT(call("GET", "/fallback/messages?limit=2&before=" + page.at("next")).items(), SizeIs(1));
  EXPECT_THAT(call("GET", "/devices/PC2").at("fallback"), HasSubstr("reason 2"));
  EXPECT_EQ(call("GET", "/fallback/messages?before=x").status, 400);

  administrator("anna", {"Full Administrator"}, {"All"}, {mine});
  EXPECT_THAT(call("GET", "/fallback/messages?device=PC1", {}, "anna").items(), SizeIs(1));
  for (const char* path : {"/fallback/messages", "/fallback/messages?device=PC2"})
    EXPECT_EQ(call("GET", path, {}, "anna").status, 403) << path;
  EXPECT_EQ(call("GET", "/fallback/messages?device=stranger", {}, "anna").status, 404);
}

TEST_F(AdminRoutes, AStatusPointIsACertificateAtAPlaceAndNothingElse) {
  const auto put = [&](const std::string& fingerprint, const std::string& link, const std::string& more = {}) {
    return call("PUT", "/fallback/points/fsp.test", fmt::format(R"({{"fingerprint": "{}", "link": "{}"{}}})", fingerprint, link, more)).status;
  };
  const std::string good(64, 'a');
  for (const char* link : {"", "https://fsp.test:1", "fsp.test", "fsp.test:0", "fsp.test:70000", "fsp.test:1/path", "a b:1", "u@fsp.test:1"})
    EXPECT_EQ(put(good, link), 400) << link;
  for (const std::string& fingerprint : {std::string(), std::string("aa"), std::string(64, 'x')}) EXPECT_EQ(put(fingerprint, "fsp.test:10443"), 400);
  EXPECT_EQ(put(good, "[2001:db8::1]:10443", R"(, "waiting": 3)"), 400);
  EXPECT_EQ(put(good, "[2001:db8::1]:10443", R"(, "url": "https://fsp.test")"), 400);
  EXPECT_EQ(put(good, "[2001:db8::1]:10443"), 200);
}

}  // namespace fp::admin
