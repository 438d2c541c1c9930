// Who gets in, and what each role, scope and collection allows.
#include "roles/admin/admin_site_test.hpp"

namespace fp::admin {

using AdminAccess = AdminSite;

TEST_F(AdminAccess, WithoutATokenNothingIsAnswered) {
  const auto reply = call("GET", "/site", {}, "");
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.header("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(send("GET", "/admin/v1/site", "", {{"Authorization", "Basic cm9vdDpyb290"}}).status, 401);
}

TEST_F(AdminAccess, AWrongTokenIsRefused) { EXPECT_EQ(call("GET", "/site", {}, "nobody").status, 401); }

TEST_F(AdminAccess, ATokenInAnyCaseOfBearerIsTaken) {
  EXPECT_EQ(send("GET", "/admin/v1/site", "", {{"authorization", "bearer  " + token_of("root") + " "}}).status, 200);
}

TEST_F(AdminAccess, ADisabledAdministratorIsRefusedLikeAWrongToken) {
  administrator("gone", {"Full Administrator"}, {"All"}, {kAllSystems}, false);
  EXPECT_EQ(call("GET", "/site", {}, "gone").status, 401);
}

TEST_F(AdminAccess, TenWrongTokensFromAnAddressCloseItForAMinute) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(call("GET", "/site", {}, "nobody").status, 401);
  const auto reply = call("GET", "/site");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.header("Retry-After"), "60");
  clock_.advance_s(61);
  EXPECT_EQ(call("GET", "/site").status, 200);
}

TEST_F(AdminAccess, TheApiIsNotThereOnAPlainDoor) {
  door_ = Door::intranet_http;
  EXPECT_EQ(call("GET", "/site").status, 404);
}

TEST_F(AdminAccess, AnUnknownPathIs404AndAWrongMethod405) {
  EXPECT_EQ(call("GET", "/nothing").status, 404);
  EXPECT_EQ(send("GET", "/elsewhere", "", {}).status, 404);
  const auto reply = call("PATCH", "/collections/SMS00001");
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.header("Allow"), "GET, PUT, DELETE");
}

TEST_F(AdminAccess, TheLastTimeSomebodyWasHereIsNoted) {
  EXPECT_EQ(call("GET", "/site").status, 200);
  write([](store::Repositories&) { return Status{}; });  // commits what was not waited for
  EXPECT_NE(member(call("GET", "/administrators").items().at(0), "last_seen_at"), "null");
}

TEST_F(AdminAccess, RolesDecideAndTheRefusalNamesTheRolesThatMay) {
  administrator("reader", {"Read-only Analyst"});
  administrator("author", {"Application Author"});
  administrator("security", {"Security Administrator"});
  administrator("remote", {"Remote Tools Operator"});
  EXPECT_EQ(call("GET", "/applications", {}, "reader").status, 200);
  const auto refused = call("POST", "/applications", application_text("Editor"), "reader");
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.message(), HasSubstr("create application: needs one of the roles Application Administrator"));
  EXPECT_EQ(call("POST", "/applications", application_text("Editor"), "author").status, 201);
  EXPECT_EQ(call("GET", "/devices", {}, "author").status, 403);
  EXPECT_EQ(call("POST", "/deployments", "{}", "author").status, 403);
  EXPECT_EQ(call("GET", "/audit", {}, "author").status, 403);
  EXPECT_EQ(call("GET", "/audit", {}, "security").status, 200);
  EXPECT_EQ(call("POST", "/collections", R"({"name": "X"})", "security").status, 403);
  EXPECT_EQ(call("GET", "/events", {}, "remote").status, 403);
}

TEST_F(AdminAccess, SoftwareInAForeignScopeIsNeitherShownNorChanged) {
  const std::string id = application("Ledger", R"(, "scope": "Finance")");
  application("Editor");
  administrator("bob", {"Application Administrator"}, {"Default"});
  EXPECT_THAT(call("GET", "/applications", {}, "bob").items(), SizeIs(1));
  const auto refused = call("GET", "/applications/" + id, {}, "bob");
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.message(), HasSubstr("security scope Finance"));
  EXPECT_EQ(call("DELETE", "/applications/" + id, {}, "bob").status, 403);
  EXPECT_EQ(call("PUT", "/applications/Editor", application_text("Editor", R"(, "scope": "Finance")"), "bob").status, 403);
  EXPECT_EQ(call("POST", "/packages", R"({"name": "P", "scope": "Finance"})", "bob").status, 403);
  EXPECT_EQ(call("POST", "/deployments",
                 fmt::format(R"({{"target_id": "{}", "collection_id": "SMS00001"}})", id), "bob")
                .status,
            403);
}

TEST_F(AdminAccess, NothingIsPutIntoTheScopeAll) {
  EXPECT_EQ(call("POST", "/applications", application_text("Editor", R"(, "scope": "All")")).status, 400);
}

TEST_F(AdminAccess, ALimitedAdministratorDeploysOnlyToItsCollectionsAndWhatTheyLimit) {
  const std::string own = collection("Web servers"), foreign = collection("Database servers");
  const std::string inner = collection("Web servers in Oslo", fmt::format(R"(, "limiting_id": "{}")", own));
  application("Editor");
  administrator("bob", {"Application Administrator"}, {"Default"}, {own});
  const auto aim = [&](const std::string& id) {
    return call("POST", "/deployments", fmt::format(R"({{"target_id": "Editor", "collection_id": "{}"}})", id), "bob");
  };
  EXPECT_EQ(aim(own).status, 201);
  EXPECT_EQ(aim(inner).status, 201);
  EXPECT_EQ(aim(foreign).status, 403);
  EXPECT_EQ(aim("SMS00001").status, 403);
  EXPECT_EQ(call("POST", "/collections", R"({"name": "Mine"})", "bob").status, 403);
  EXPECT_EQ(call("POST", "/collections", fmt::format(R"({{"name": "Mine", "limiting_id": "{}"}})", own), "bob").status, 201);
  EXPECT_EQ(call("DELETE", "/collections/" + foreign, {}, "bob").status, 403);
}

TEST_F(AdminAccess, ALimitedAdministratorDecidesOnlyAboutDevicesOfItsCollections) {
  device(1, "WEB1");
  device(2, "DB1");
  const std::string own = collection(
      "Web servers", fmt::format(R"(, "rules": [{{"kind": "direct", "target": "{}"}}])", device_id(1)));
  administrator("bob", {"Operations Administrator"}, {"Default"}, {own});
  EXPECT_EQ(call("POST", "/devices/WEB1/block", R"({"reason": "lost"})", "bob").status, 200);
  EXPECT_EQ(call("POST", "/devices/DB1/block", R"({"reason": "lost"})", "bob").status, 403);
  EXPECT_EQ(call("DELETE", "/devices/DB1", {}, "bob").status, 403);
}

TEST_F(AdminAccess, OnlyWhoRunsTheSiteNamesAFolderOfTheServerAndNeverTheSitesOwn) {
  administrator("author", {"Application Author"});
  ASSERT_TRUE(make_dirs(dir_ / "share"));
  ASSERT_TRUE(make_dirs(dir_ / "data" / "keys"));
  ASSERT_TRUE(write_file(dir_ / "share" / "a.txt", "a"));
  const auto body = [&](const Path& p) { return fmt::format(R"({{"source_path": "{}"}})", p.native()); };
  EXPECT_EQ(call("POST", "/content", body(dir_ / "share"), "author").status, 403);
  EXPECT_EQ(call("POST", "/content", body(dir_ / "share")).status, 201);
  EXPECT_EQ(call("POST", "/content", body(dir_ / "data" / "keys")).status, 403);
  EXPECT_EQ(call("POST", "/content", body(dir_)).status, 403);
  EXPECT_EQ(call("POST", "/content", body(dir_ / "share" / ".." / "data")).status, 403);
  EXPECT_EQ(call("POST", "/content", R"({"source_path": "share"})").status, 400);
}

TEST_F(AdminAccess, NobodyGivesWhatTheyDoNotHave) {
  administrator("security", {"Security Administrator"}, {"Default"}, {kAllSystems});
  const auto add = [&](const std::string& role, const std::string& scope) {
    return call("POST", "/administrators",
                fmt::format(R"({{"name": "new", "roles": ["{}"], "scopes": ["{}"]}})", role, scope),
                "security");
  };
  EXPECT_EQ(add("Full Administrator", "Default").status, 403);
  EXPECT_EQ(add("Read-only Analyst", "Finance").status, 403);
  EXPECT_EQ(add("Chief", "Default").status, 400);
  EXPECT_EQ(call("PUT", "/administrators/root", R"({"name": "root", "roles": ["Read-only Analyst"]})", "security").status, 403);
  EXPECT_EQ(call("DELETE", "/administrators/root", {}, "security").status, 403);
  EXPECT_EQ(add("Read-only Analyst", "Default").status, 201);
}

TEST_F(AdminAccess, TheLastFullAdministratorStays) {
  EXPECT_EQ(call("DELETE", "/administrators/root").status, 409);
  EXPECT_EQ(call("PUT", "/administrators/root",
                 R"({"name": "root", "roles": ["Full Administrator"], "enabled": false})")
                .status,
            409);
  const auto demoted = call("PUT", "/administrators/root", R"({"name": "root", "roles": ["Read-only Analyst"]})");
  EXPECT_EQ(demoted.status, 409);
  EXPECT_THAT(demoted.message(), HasSubstr("last Full Administrator"));
}

TEST_F(AdminAccess, ARoleIsCopiedChangedAndThenDecides) {
  device(1, "PC1");
  good("POST", "/roles", R"({"name": "Helpdesk", "copied_from": "Read-only Analyst"})");
  administrator("hanna", {"Helpdesk"});
  EXPECT_EQ(call("GET", "/devices", {}, "hanna").status, 200);
  EXPECT_EQ(call("POST", "/devices/PC1/block", R"({"reason": "lost"})", "hanna").status, 403);
  good("PUT", "/roles/Helpdesk",
       R"({"name": "Helpdesk", "copied_from": "Read-only Analyst", "permissions": {"device": ["read", "approve"]}})");
  EXPECT_EQ(call("POST", "/devices/PC1/block", R"({"reason": "lost"})", "hanna").status, 200);
  EXPECT_EQ(call("GET", "/applications", {}, "hanna").status, 403);
  const auto used = call("DELETE", "/roles/Helpdesk");
  EXPECT_EQ(used.status, 409);
  EXPECT_THAT(used.message(), HasSubstr("hanna"));
}

TEST_F(AdminAccess, BuiltInRolesStayAndNamesAreTakenOnce) {
  EXPECT_EQ(call("PUT", "/roles/Asset%20Manager", R"({"name": "Asset Manager", "copied_from": "Asset Manager"})").status, 409);
  EXPECT_EQ(call("DELETE", "/roles/Asset%20Manager").status, 409);
  EXPECT_EQ(call("POST", "/roles", R"({"name": "asset manager", "copied_from": "Asset Manager"})").status, 409);
  EXPECT_EQ(call("POST", "/roles", R"({"name": "Mine", "copied_from": "Chief"})").status, 400);
  EXPECT_EQ(call("DELETE", "/roles/Nobody").status, 404);
  const auto wrong =
      call("POST", "/roles",
           R"({"name": "Mine", "copied_from": "Asset Manager", "permissions": {"device": ["fly"]}})");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_THAT(wrong.message(), HasSubstr("fly"));
}

TEST_F(AdminAccess, NobodyMakesARoleThatMayMoreThanTheyAndItsSource) {
  administrator("security", {"Security Administrator"});
  const auto make = [&](const std::string& source, const std::string& permissions) {
    return call("POST", "/roles",
                fmt::format(R"({{"name": "New", "copied_from": "{}", "permissions": {}}})", source,
                            permissions),
                "security")
        .status;
  };
  EXPECT_EQ(make("Full Administrator", R"({"administrator": ["read", "approve"]})"), 403);
  EXPECT_EQ(make("Read-only Analyst", R"({"device": ["read", "delete"]})"), 403);
  EXPECT_EQ(make("Read-only Analyst", R"({"device": ["read"], "administrator": ["read", "create"]})"), 201);
  good("POST", "/roles", R"({"name": "All of it", "copied_from": "Full Administrator"})");
  const auto given = call("POST", "/administrators",
                          R"({"name": "eve", "roles": ["All of it"], "scopes": ["Default"]})", "security");
  EXPECT_EQ(given.status, 403);
  EXPECT_THAT(given.message(), HasSubstr("administrators, which you may not"));
}

TEST_F(AdminAccess, ALimitedAdministratorSeesOnlyItsCollectionsDevicesAndDeployments) {
  for (int n = 1; n <= 5; ++n) device(n, fmt::format("PC{}", n));
  const auto holding = [](const char* first, const std::string& a, const std::string& b) {
    return fmt::format(
        R"(, "rules": [{{"kind": "direct", "target": "{}"}}, {{"kind": "direct", "target": "{}"}}]{})", a, b,
        first);
  };
  const std::string own = collection("Own", holding("", device_id(2), device_id(5)));
  const std::string foreign = collection("Foreign", holding("", device_id(1), device_id(2)));
  application("Editor");
  const auto aim = [&](const std::string& id) {
    return good("POST", "/deployments", fmt::format(R"({{"target_id": "Editor", "collection_id": "{}"}})", id)).at("id");
  };
  const std::string ours = aim(own), theirs = aim(foreign);
  administrator("bob", {"Read-only Analyst"}, {"All"}, {own});
  const auto names = [&](const Reply& reply, const char* key) {
    std::vector<std::string> out;
    for (const auto& item : reply.items()) out.push_back(member(item, key));
    return out;
  };
  EXPECT_THAT(names(call("GET", "/devices", {}, "bob"), "name"), ElementsAre("PC2", "PC5"));
  const auto page = call("GET", "/devices?limit=1", {}, "bob");
  EXPECT_THAT(names(page, "name"), ElementsAre("PC2"));
  EXPECT_THAT(names(call("GET", "/devices?limit=1&after=" + page.at("next"), {}, "bob"), "name"), ElementsAre("PC5"));
  EXPECT_THAT(names(call("POST", "/queries/run", R"({"wql": "select * from SMS_R_System"})", "bob"), "name"),
              ElementsAre("PC2", "PC5"));
  EXPECT_THAT(names(call("GET", "/collections", {}, "bob"), "id"), ElementsAre(own));
  EXPECT_THAT(names(call("GET", "/deployments", {}, "bob"), "id"), ElementsAre(ours));
  for (const auto* path : {"/devices/PC2", "/devices/PC2/inventory", "/devices/PC2/states", "/devices/PC2/collections"})
    EXPECT_EQ(call("GET", path, {}, "bob").status, 200) << path;
  for (const auto& path : {std::string("/devices/PC1"), std::string("/devices/PC1/inventory"),
                           std::string("/devices/PC1/policies"), "/collections/" + foreign,
                           "/collections/" + foreign + "/members", "/deployments/" + theirs,
                           "/deployments/" + theirs + "/states", std::string("/events?device=PC1")})
    EXPECT_EQ(call("GET", path, {}, "bob").status, 403) << path;
}

TEST_F(AdminAccess, ANewTokenIsShownOnceAndOpensTheDoor) {
  const auto made = good("POST", "/administrators", R"({"name": "eve", "roles": ["Read-only Analyst"]})");
  const std::string token = made.at("token");
  EXPECT_TRUE(token.starts_with("fpa_"));
  EXPECT_EQ(send("GET", "/admin/v1/site", "", {{"Authorization", "Bearer " + token}}).at("administrator"), "eve");
  const auto list = call("GET", "/administrators").text;
  EXPECT_THAT(list, Not(HasSubstr(token)));
  EXPECT_THAT(list, Not(HasSubstr("token_hash")));
}

}  // namespace fp::admin
