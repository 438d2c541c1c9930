// Changes: what is refused, what is written beside them (policy, audit), what is never shown.
#include "roles/admin/admin_site_test.hpp"
#include "roles/admin/staging.hpp"
#include "site/settings.hpp"
#include "store/audit.hpp"

namespace fp::admin {

class AdminChanges : public AdminSite {
 protected:
  void refused(int status, const std::string& method, const std::string& path, const std::string& body,
               const std::string& because) {
    const auto reply = call(method, path, body);
    EXPECT_EQ(reply.status, status) << method << " " << path << " " << body.substr(0, 200) << ": " << reply.text;
    EXPECT_THAT(reply.message(), HasSubstr(because)) << method << " " << path;
  }
  std::vector<Policy> policies_of(const std::string& source) {
    return read([&](store::Repositories& r) { return r.policies.list_by_source(source); });
  }
  std::vector<AuditLine> lines() {
    return read([](store::Repositories& r) { return r.administration.audit_lines(0, 1000); });
  }
  std::string last_line() {
    const auto all = lines();
    return all.empty() ? "" : fmt::format("{} {} {} {}", all[0].who, all[0].action, all[0].object_kind, all[0].object_id);
  }
};

TEST_F(AdminChanges, BadBodiesAreNamedByFieldAndReason) {
  refused(400, "POST", "/collections", "{", "the body is not JSON");
  refused(400, "POST", "/collections", "", "the body is not JSON");
  refused(400, "POST", "/collections", "[]", "must be an object");
  refused(400, "POST", "/collections", R"({"name": "X", "colour": "red"})", "colour: is not a known field");
  refused(400, "POST", "/collections", R"({"comment": "no name"})", "name: is required");
  refused(400, "POST", "/collections", fmt::format(R"({{"name": "{}"}})", std::string(300, 'x')),
          "name: must have at most 256 bytes");
  refused(400, "POST", "/collections", R"({"name": "X", "id": "FP100009"})", "id: is given by the site");
  refused(400, "POST", "/collections", R"({"name": "X", "rules": [{"kind": "query", "wql": "select"}]})", "rule");
  refused(404, "POST", "/collections", R"({"name": "X", "limiting_id": "FP1FFFFF"})", "FP1FFFFF");
  refused(400, "POST", "/applications", R"({"name": "X", "types": [{"name": "T", "technology": "msi"}]})",
          "types[0].technology: must be one of deb");
  refused(400, "POST", "/applications", R"({"name": "X"})", "at least one deployment type");
  refused(400, "POST", "/administrators",
          fmt::format(R"({{"name": "{}", "roles": ["Asset Manager"]}})", std::string(65, 'x')),
          "at most 64 bytes");
  refused(400, "POST", "/content", R"({"staging": "x", "mode": 1})", "there is no field mode");
  refused(400, "POST", "/content", R"({})", "either staging or source_path");
  refused(400, "POST", "/queries/run", R"({"sql": ""})", "wql: must be a text");
  refused(400, "POST", "/queries/run", R"({"wql": "delete from SMS_R_System"})", "");
  refused(400, "POST", "/devices/PC1/block", R"({"why": 1})", "reason: must be a text");
  EXPECT_THAT(lines(), IsEmpty());
}

TEST_F(AdminChanges, BadIdsAndArgumentsAreRefused) {
  refused(400, "GET", "/content/nonsense", "", "not a content id");
  refused(404, "GET", "/collections/nonsense", "", "there is no collection nonsense");
  refused(404, "GET", "/devices/" + device_id(9), "", "");
  refused(400, "GET", "/devices/a%01b", "", "control character");
  refused(400, "GET", "/devices?limit=0", "", "limit: must be a whole number from 1 to 1000");
  refused(400, "GET", "/devices?limit=1001", "", "limit");
  refused(400, "GET", "/devices?limit=ten", "", "limit");
  refused(400, "GET", "/devices?approval=maybe", "", "approval: must be");
  refused(400, "GET", "/devices?blocked=perhaps", "", "blocked: must be");
  refused(400, "GET", "/devices?after=x", "", "not a client id");
  refused(400, "GET", "/audit?before=-1", "", "before");
  refused(400, "PUT", "/distribution-points/a%20b", R"({"name": "a"})", "not a host name");
  refused(400, "PUT", "/distribution-points/a", R"({"name": "b"})", "name: is b here");
  refused(400, "PUT", "/distribution-points/a", R"({"name": "a"})", "push_url");
  refused(404, "PUT", "/distribution-points/a", R"({"name": "a", "push_url": "https://a", "pull": true, "pull_sources": ["b"]})", "pull source b");
}

TEST_F(AdminChanges, SettingsAreCheckedAgainstTheirRanges) {
  refused(400, "POST", "/settings", R"({"name": "S", "priority": 1, "values": {"cache.size": "1"}})",
          "there is no client setting cache.size");
  refused(400, "POST", "/settings", R"({"name": "S", "priority": 1, "values": {"cache.size_mb": "0"}})",
          "cache.size_mb: must be a whole number from 1");
  refused(400, "POST", "/settings", R"({"name": "S", "priority": 10000})", "priority: must be from 1");
  refused(400, "POST", "/settings", R"({"name": "S", "priority": 1, "users": ["alice"]})", "must be an account with its domain");
  refused(400, "POST", "/settings", R"({"name": "S", "priority": 1, "users": ["*"], "values": {"cache.size_mb": "10"}})", "is a setting of devices");
  refused(400, "POST", "/settings", R"({"name": "S", "priority": 1, "values": {"user_device_affinity.user_defined": "true"}})",
          "is a setting of users");
  refused(400, "POST", "/settings", R"({"name": "S", "priority": 1, "users": ["*"], "collections": ["SMS00001"]})", "not at both");
  write([](store::Repositories& r) { return r.administration.put_settings(site::default_client_settings("FP1")); });
  refused(400, "PUT", "/settings/FP100000", R"({"name": "D", "users": ["*"]})", "apply to devices");
  good("POST", "/settings", R"({"name": "S", "priority": 1})");
  refused(409, "POST", "/settings", R"({"name": "s", "priority": 2})", "already");
}

TEST_F(AdminChanges, TheDefaultSettingsStayAndReachEveryDevice) {
  write([](store::Repositories& r) {
    ClientSettings s;
    s.id = "FP100000";
    s.name = "Default Client Settings";
    s.priority = 10000;
    return r.administration.put_settings(s);
  });
  refused(400, "DELETE", "/settings/FP100000", "", "the default settings stay");
  refused(400, "PUT", "/settings/FP100000", R"({"name": "D", "collections": ["SMS00001"]})", "apply to every device");
  device(1, "PC1");
  EXPECT_EQ(
      good("PUT", "/settings/FP100000", R"({"name": "D", "values": {"cache.size_mb": "100"}})").at("name"),
      "Default Client Settings");
  EXPECT_THAT(call("GET", "/devices/PC1/policies").items(), SizeIs(1));
}

TEST_F(AdminChanges, DeploymentsThatCannotWorkAreRefused) {
  application("Editor");
  package("Fonts");
  refused(404, "POST", "/deployments", R"({"target_id": "Nothing", "collection_id": "SMS00001"})",
          "there is no application Nothing");
  refused(404, "POST", "/deployments", R"({"target_id": "Editor", "collection_id": "Nowhere"})",
          "there is no collection Nowhere");
  refused(
      400, "POST", "/deployments",
      R"({"target_id": "Editor", "collection_id": "SMS00001", "purpose": "available", "action": "uninstall"})",
      "purpose");
  refused(
      400, "POST", "/deployments",
      R"({"target_id": "Editor", "collection_id": "SMS00001", "purpose": "available", "deadline": "2030-01-01T00:00:00Z"})",
      "deadline");
  refused(400, "POST", "/deployments", R"({"kind": "package", "target_id": "Fonts", "collection_id": "SMS00001"})", "program");
  refused(400, "POST", "/deployments",
          R"({"kind": "package", "target_id": "Fonts", "program": "walk", "collection_id": "SMS00001"})",
          "no program walk");
  deployment("Fonts", "SMS00001", R"(, "kind": "package", "program": "run")");
  refused(409, "PUT", "/packages/Fonts", R"({"name": "Fonts", "programs": []})", "runs the program run");
}

TEST_F(AdminChanges, ADeploymentMakesItsPolicyInTheSameTransaction) {
  device(1, "PC1");
  const std::string app = application("Editor"), id = deployment(app, "SMS00001");
  ASSERT_THAT(policies_of(id), SizeIs(1));
  EXPECT_EQ(policies_of(id)[0].version, "1.00");
  EXPECT_THAT(policies_of(id)[0].body, HasSubstr("Editor"));
  EXPECT_FALSE(policies_of(id)[0].signature.empty());

  good("PUT", "/applications/" + app, application_text("Editor", R"(, "version": "2")"));
  EXPECT_EQ(policies_of(id)[0].version, "2.00");

  const Instant before = read([](store::Repositories& r) { return r.policies.latest_change(device_id(1)); });
  good("DELETE", "/deployments/" + id);
  EXPECT_THAT(policies_of(id), IsEmpty());
  const auto delta = read([&](store::Repositories& r) { return r.policies.for_device_since(device_id(1), before); });
  ASSERT_THAT(delta, SizeIs(1));
  EXPECT_TRUE(delta[0].tombstone);
}

TEST_F(AdminChanges, ARefusedDeploymentLeavesNeitherPolicyNorAuditLine) {
  application("Editor");
  const auto count = lines().size();
  refused(404, "POST", "/deployments", R"({"target_id": "Editor", "collection_id": "FP1FFFFF"})", "");
  EXPECT_EQ(lines().size(), count);
  EXPECT_THAT(call("GET", "/deployments").items(), IsEmpty());
}

TEST_F(AdminChanges, AStaleRevisionIsAConflict) {
  const std::string id = collection("Desks"), body = R"({"name": "Desks", "limiting_id": "SMS00001", "comment": "x"})";
  EXPECT_EQ(call("PUT", "/collections/" + id, body, "root", "\"1\"").header("ETag"), "\"2\"");
  const auto stale = call("PUT", "/collections/" + id, body, "root", "\"1\"");
  EXPECT_EQ(stale.status, 409);
  EXPECT_THAT(stale.message(), HasSubstr("it has revision 2 now"));
  const std::string app = application("Editor");
  EXPECT_EQ(call("PUT", "/applications/" + app, application_text("Editor"), "root", "\"7\"").status, 409);
  const std::string deployed = deployment(app, id);
  EXPECT_EQ(call("PUT", "/deployments/" + deployed,
                 fmt::format(R"({{"target_id": "{}", "collection_id": "{}"}})", app, id), "root", "\"7\"")
                .status,
            409);
}

TEST_F(AdminChanges, NamesAreGivenOnce) {
  collection("Desks");
  collection("Tables");
  application("Editor");
  refused(409, "POST", "/collections", R"({"name": "desks"})", "already");
  refused(409, "PUT", "/collections/Tables", R"({"name": "Desks", "limiting_id": "SMS00001"})", "already");
  refused(409, "POST", "/applications", application_text("Editor"), "already");
  refused(409, "POST", "/administrators", R"({"name": "root", "roles": ["Asset Manager"]})", "already");
}

TEST_F(AdminChanges, WhatIsInUseIsNotDeleted) {
  const std::string target = collection("Desks"), inner = collection("Inner", fmt::format(R"(, "limiting_id": "{}")", target));
  const std::string base = application("Base");
  const std::string top = application("Top", fmt::format(R"(, "supersedes": [{{"application_id": "{}"}}])", base));
  refused(409, "DELETE", "/collections/" + target, "", "Inner");
  good("DELETE", "/collections/" + inner);
  const std::string id = deployment(top, target);
  refused(409, "DELETE", "/collections/" + target, "", "deployment " + id);
  refused(409, "DELETE", "/applications/" + top, "", "deployment " + id);
  refused(409, "DELETE", "/applications/" + base, "", "application Top refers to it");
  refused(400, "DELETE", "/collections/SMS00001", "", "All Systems is the root");
  const std::string fonts = package("Fonts");
  const std::string content =
      good("POST", "/content", fmt::format(R"({{"staging": "{}", "package": "{}"}})", staged(), fonts))
          .at("content_id");
  EXPECT_EQ(content, fonts + ".1");
  refused(409, "DELETE", "/content/" + content, "", "it is the content of package Fonts");
  good("DELETE", "/deployments/" + id);
  good("DELETE", "/applications/" + top);
  good("DELETE", "/applications/" + base);
  good("DELETE", "/collections/" + target);
}

TEST_F(AdminChanges, CollectionsMayNotGoRoundInCircles) {
  const std::string a = collection("A"), b = collection("B", fmt::format(R"(, "limiting_id": "{}")", a));
  refused(409, "PUT", "/collections/" + a, fmt::format(R"({{"name": "A", "limiting_id": "{}"}})", b), "");
  refused(400, "PUT", "/collections/SMS00001",
          fmt::format(R"({{"name": "All Systems", "limiting_id": "{}"}})", a), "nothing limits All Systems");
}

TEST_F(AdminChanges, EachChangeIsOneLineOfAnUnbrokenChain) {
  device(1, "PC1");
  good("POST", "/devices/PC1/block", R"({"reason": "stolen"})");
  EXPECT_EQ(last_line(), "root block device " + device_id(1));
  const std::string c = collection("Desks");
  EXPECT_EQ(last_line(), "root create collection " + c);
  good("PUT", "/collections/" + c, R"({"name": "Desks", "limiting_id": "SMS00001"})");
  EXPECT_EQ(last_line(), "root change collection " + c);
  good("POST", "/collections/" + c + "/evaluate");
  EXPECT_EQ(last_line(), "root evaluate collection " + c);
  const std::string a = application("Editor");
  EXPECT_EQ(last_line(), "root create application " + a);
  const std::string d = deployment(a, c);
  EXPECT_EQ(last_line(), "root create deployment " + d);
  good("DELETE", "/deployments/" + d);
  EXPECT_EQ(last_line(), "root delete deployment " + d);
  distribution_point("dp1.example");
  EXPECT_EQ(last_line(), "root change distribution point dp1.example");
  good("POST", "/administrators", R"({"name": "eve", "roles": ["Asset Manager"]})");
  EXPECT_EQ(last_line(), "root create administrator eve");
  EXPECT_THAT(lines(), SizeIs(9));
  EXPECT_TRUE(store::verify_audit(lines()));
  const auto page = call("GET", "/audit?limit=4");
  EXPECT_THAT(page.items(), SizeIs(4));
  EXPECT_THAT(call("GET", "/audit?limit=1000&before=" + page.at("next")).items(), SizeIs(5));
}

TEST_F(AdminChanges, SecretVariablesAreNeverShownAndStayWhenTheyComeBackEmpty) {
  const auto made =
      good("POST", "/collections",
           R"({"name": "Desks", "variables": [{"name": "Key", "value": "s3cret", "secret": true}]})");
  const std::string path = "/collections/" + made.at("id");
  EXPECT_THAT(made.text, Not(HasSubstr("s3cret")));
  const auto shown = good("GET", path);
  EXPECT_THAT(shown.text, Not(HasSubstr("s3cret")));
  EXPECT_THAT(good("PUT", path, shown.text).text, Not(HasSubstr("s3cret")));
  EXPECT_THAT(good("GET", "/audit").text, Not(HasSubstr("s3cret")));
  const auto stored = read([&](store::Repositories& r) { return r.collections.find(made.at("id")); });
  EXPECT_EQ(stored.variables.at(0).value, "s3cret");
  ASSERT_THAT(policies_of(made.at("id")), SizeIs(1));
  EXPECT_THAT(policies_of(made.at("id"))[0].body, Not(HasSubstr("s3cret")));
  EXPECT_NE(policies_of(made.at("id"))[0].flags & policy_flag::kSecret, 0U);
  good(
      "PUT", path,
      R"({"name": "Desks", "limiting_id": "SMS00001", "variables": [{"name": "Key", "value": "", "secret": false}]})");
  EXPECT_THAT(good("GET", path).text, Not(HasSubstr("s3cret")));
}

TEST_F(AdminChanges, DevicesWithATrustedCertificateNeedNoApproval) {
  device(1, "PC1", Approval::not_applicable);
  write([](store::Repositories& r) -> Status {
    FP_TRY(d, r.devices.find(device_id(1)));
    d.pki = true;
    return r.devices.put(d);
  });
  refused(409, "POST", "/devices/PC1/approve", "", "needs no approval");
  refused(409, "POST", "/devices/PC1/reject", "", "block it instead");
}

TEST_F(AdminChanges, TwoDevicesOfOneNameAreToldApart) {
  device(1, "PC1");
  device(2, "pc1");
  refused(409, "GET", "/devices/PC1", "", device_id(2));
  EXPECT_EQ(good("GET", "/devices/" + device_id(2).substr(5)).at("name"), "pc1");
}

TEST_F(AdminChanges, ASourceIsStagedInPiecesAndResumed) {
  const std::string id = new_staging(), file = "/content/staging/" + id + "/bin/100%25%20good.sh";
  EXPECT_EQ(good("GET", file).at("size"), "0");
  EXPECT_EQ(good("PUT", file + "?offset=0&executable=true", "abc").at("size"), "3");
  refused(409, "PUT", file + "?offset=9", "xyz", "the next piece begins at 3, not at 9");
  EXPECT_EQ(good("PUT", file + "?offset=3", "def").at("size"), "6");
  EXPECT_EQ(good("PUT", file + "?offset=3", "dEF").at("size"), "6");  // sent again
  const Path on_disk = dir_ / "data" / "staging" / id / "bin" / "100% good.sh";
  EXPECT_EQ(read_file(on_disk).value_or("?"), "abcdEF");
  EXPECT_NE(std::filesystem::status(on_disk).permissions() & std::filesystem::perms::owner_exec, std::filesystem::perms::none);
  EXPECT_EQ(good("PUT", file + "?offset=0", "z").at("size"), "1");
  EXPECT_EQ(read_file(on_disk).value_or("?"), "z");
  refused(409, "PUT", "/content/staging/" + id + "/bin", "x", "taken");
  refused(400, "PUT", file + "?offset=-1", "x", "offset");
}

TEST_F(AdminChanges, ASourceForWhichThereIsNoRoomIsRefusedWithWhatItNeeds) {
  const std::string file = "/content/staging/" + new_staging() + "/file.bin";
  refused(500, "PUT", file + "?total=9000000000000000000", "x", "9000000000000000000 bytes needed");
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "data" / "staging"));
  refused(400, "PUT", file + "?total=-1", "x", "total");
}

TEST_F(AdminChanges, StagedSourcesAreBoundedAndEndAfterSevenQuietDays) {
  for (std::size_t n = 0; n < kStagedSourcesMax; ++n) staged();
  refused(503, "PUT", "/content/staging/" + new_staging() + "/file.bin", "x", "staged already");
  const Path staging = dir_ / "data" / "staging";
  EXPECT_EQ(expire_staged(staging, system_clock().now().plus_ms(kStagedLifeMs - 60'000)).value(), 0);
  EXPECT_EQ(expire_staged(staging, system_clock().now().plus_ms(kStagedLifeMs + 60'000)).value(), static_cast<int>(kStagedSourcesMax));
  EXPECT_TRUE(std::filesystem::is_empty(staging));
  staged();
  EXPECT_EQ(expire_staged(dir_ / "absent", clock_.now()).value(), 0);
}

TEST_F(AdminChanges, AStagedNameNeverLeavesItsFolder) {
  const std::string root = "/content/staging/" + new_staging();
  for (const auto* path : {"/../x", "/a/../../x", "/..%2F..%2Fx", "/%2e%2e/x", "/%2Fetc/passwd",
                           "//etc/passwd", "/a%5Cb", "/a%00b", "/."})
    EXPECT_EQ(call("PUT", root + path, "x").status, 400) << path;
  EXPECT_EQ(call("PUT", "/content/staging/..%2F../x", "x").status, 400);
  EXPECT_EQ(call("DELETE", "/content/staging/..").status, 400);
  EXPECT_FALSE(file_exists(dir_ / "data" / "x"));
}

TEST_F(AdminChanges, ContentGoesToOneDeploymentTypeAndItsNumberIsNeverUsedTwice) {
  const std::string app = application("Editor");
  const auto content = good("POST", "/content", fmt::format(R"({{"staging": "{}", "application": "editor"}})", staged()));
  EXPECT_EQ(content.at("owner_id"), app);
  EXPECT_THAT(good("GET", "/applications/" + app).text, HasSubstr(content.at("content_id")));
  refused(404, "POST", "/content",
          fmt::format(R"({{"staging": "{}", "application": "Editor", "type": "Other"}})", staged()),
          "no deployment type Other");
  const std::string fonts = package("Fonts");
  refused(404, "POST", "/content", fmt::format(R"({{"staging": "{}", "package": "Fonts"}})", new_staging()), "there is no");
  EXPECT_EQ(good("POST", "/content", fmt::format(R"({{"staging": "{}", "package": "Fonts"}})", staged()))
                .at("content_id"),
            fonts + ".2");
  EXPECT_EQ(good("GET", "/packages/Fonts").at("content_version"), "2");
}

TEST_F(AdminChanges, ContentThatADeploymentUsesIsNotDeletedAndTheRefusalNamesIt) {
  const auto app = application("Editor");
  const auto content = good("POST", "/content", fmt::format(R"({{"staging": "{}", "application": "editor"}})", staged())).at("content_id");
  const std::string made = deployment(app, "SMS00001");
  refused(409, "DELETE", "/content/" + content, "", "of Editor uses it (deployed to All Systems by deployment " + made);
  EXPECT_EQ(good("GET", "/content/" + content).at("content_id"), content);
}

TEST_F(AdminChanges, DeletedContentIsForgottenAtOnceAndGoesFromWhereItLies) {
  distribution_point("dp1.example");
  const std::string id = good("POST", "/content", fmt::format(R"({{"staging": "{}"}})", staged())).at("content_id");
  refused(404, "POST", "/content/" + id + "/distribute", R"({"dps": ["dp9.example"]})", "");
  good("POST", "/content/" + id + "/distribute", R"({"dps": ["dp1.example"]})");
  good("DELETE", "/content/" + id);
  EXPECT_EQ(member(good("GET", "/content/" + id + "/distributions").items().at(0), "state"), "removing");
  EXPECT_EQ(call("GET", "/content/" + id).status, 404);
  refused(404, "POST", "/content/" + id + "/distribute", "", "");
  const std::string nowhere = good("POST", "/content", fmt::format(R"({{"staging": "{}"}})", staged())).at("content_id");
  good("DELETE", "/content/" + nowhere);
  EXPECT_EQ(member(good("GET", "/content/" + nowhere + "/distributions").items().at(0), "dp"), "site library");
}

}  // namespace fp::admin
