// Bundles, pushes, wake-up packets, and every refusal with its code and reason.
#include "roles/admin/admin_site_test.hpp"

namespace fp::admin {

class Clients : public AdminSite {
 protected:
  void place(int n, const std::string& name, ConnectionType connection, const std::string& fqdn = {}) {
    device(n, name);
    write([&](store::Repositories& r) -> Status {
      FP_TRY(d, r.devices.find(device_id(n)));
      d.connection = connection;
      d.last_policy_at = clock_.now();
      d.fqdn = fqdn;
      FP_CHECK(r.devices.put(d));
      InventoryReport report;
      report.client_id = d.client_id;
      report.instances = {{"NETWORK_ADAPTER_CONFIGURATION", InstanceContent::fresh,
                           {{"MACAddress", "02:00:00:00:00:01"}, {"IPAddress", "10.0.0.7/24"}}, "eth0"}};
      return r.inventory.apply(report, "hardware");
    });
  }
  // Refused as a feature: 409, the code, the feature, a reason.
  void refused(const Reply& reply, std::string_view code, std::string_view feature, std::string_view because) {
    EXPECT_EQ(reply.status, 409) << reply.text;
    const auto& error = reply.body.as_object().at("error");
    EXPECT_EQ(member(error, "code"), code);
    EXPECT_EQ(member(error, "feature"), feature);
    EXPECT_THAT(reply.message(), HasSubstr(std::string(because)));
    EXPECT_FALSE(member(error, "seed").empty());
  }
};

TEST_F(Clients, EveryFeatureIsToldForADeviceWithItsReason) {
  place(1, "OUT", ConnectionType::currently_internet);
  place(2, "IN", ConnectionType::currently_intranet);
  const auto out = call("GET", "/devices/OUT/features");
  EXPECT_THAT(out.at("place"), HasSubstr("OUT is currently on the internet"));
  for (const auto& item : out.items()) EXPECT_EQ(member(item, "offered"), "false") << member(item, "feature");
  int offered = 0;
  for (const auto& item : call("GET", "/devices/IN/features").items()) offered += member(item, "offered") == "true" ? 1 : 0;
  EXPECT_EQ(offered, 4);
  clock_.advance_s(8 * 86400);
  EXPECT_THAT(call("GET", "/devices/IN/features").at("place"), HasSubstr("not known, which counts as the internet"));
}

TEST_F(Clients, ADeviceIsFoundByItsFullNameToo) {
  place(1, "PC1", ConnectionType::currently_intranet, "pc1.corp.test");
  EXPECT_EQ(call("GET", "/devices/PC1.corp.TEST").at("client_id"), device_id(1));
  EXPECT_EQ(call("GET", "/devices/pc1.other.test").status, 404);
}

TEST_F(Clients, WakingIsForDevicesInsideAndLeavesItsTrace) {
  place(1, "OUT", ConnectionType::always_internet);
  place(2, "IN", ConnectionType::currently_intranet);
  place(3, "LOST", ConnectionType::unknown);
  refused(call("POST", "/devices/OUT/wake"), "unsupported_on_internet", "wake-on-lan", "OUT is always on the internet");
  refused(call("POST", "/devices/LOST/wake"), "unsupported_on_internet", "wake-on-lan", "unknown place");
  EXPECT_THAT(calls_, IsEmpty());
  const auto woken = good("POST", "/devices/IN/wake");
  EXPECT_THAT(woken.text, HasSubstr("10.0.0.255"));
  EXPECT_THAT(calls_, ElementsAre("wake 02:00:00:00:00:01 by 10.0.0.255"));
  EXPECT_THAT(call("GET", "/audit").text, HasSubstr("IN: 02:00:00:00:00:01 by 10.0.0.255"));
  EXPECT_THAT(call("GET", "/events?device=OUT").text, HasSubstr("asked by root"));
  device(4, "BARE");
  write([&](store::Repositories& r) -> Status {
    FP_TRY(d, r.devices.find(device_id(4)));
    d.connection = ConnectionType::currently_intranet;
    d.last_policy_at = clock_.now();
    return r.devices.put(d);
  });
  EXPECT_THAT(call("POST", "/devices/BARE/wake").message(), HasSubstr("no hardware inventory"));
}

TEST_F(Clients, WhatFarpointDoesNotOfferYetIsRefusedInsideTooAndSaysSo) {
  place(1, "OUT", ConnectionType::currently_internet);
  place(2, "IN", ConnectionType::currently_intranet);
  refused(call("POST", "/devices/OUT/remote-control"), "unsupported_on_internet", "remote-control", "public network");
  refused(call("POST", "/devices/IN/remote-control"), "not_offered", "remote-control", "it comes later");
  refused(call("POST", "/devices/OUT/os-deployment"), "unsupported_on_internet", "os-deployment", "currently on the internet");
  refused(call("POST", "/devices/IN/os-deployment"), "not_offered", "os-deployment", "it comes later");
  refused(call("POST", "/clients/update-based-installation"), "not_offered", "update-based-installation", "farpoint client bundle");
}

TEST_F(Clients, DeploymentsToPeopleAndOfOperatingSystemsAreRefusedWhenTheyAreMade) {
  application("Editor");
  for (const auto* target : {R"("collection_id": "All Systems", "user": "ola")", R"("user_collection_id": "FP100009", "collection_id": "x")",
                             R"("collection_id": "All Users")", R"("collection_id": "SMS00004")"})
    refused(call("POST", "/deployments", fmt::format(R"({{"target_id": "Editor", {}}})", target)), "not_offered", "deployment-to-users",
            "deploys to collections of devices only");
  refused(call("POST", "/deployments", R"({"kind": "operating_system", "target_id": "x", "collection_id": "All Systems"})"), "not_offered",
          "os-deployment", "it comes later");
  const auto id = deployment("Editor", "All Systems");
  refused(call("PUT", "/deployments/" + id, R"({"target_id": "Editor", "collection_id": "All Users"})"), "not_offered", "deployment-to-users", "devices only");
}

TEST_F(Clients, WhyAnswersForFeaturesToo) {
  place(1, "OUT", ConnectionType::currently_internet);
  const auto why = good("GET", "/devices/OUT/why/wake-on-lan");
  EXPECT_THAT(why.at("conclusion"), HasSubstr("Wake-on-LAN is refused: OUT is currently on the internet"));
  EXPECT_THAT(why.text, HasSubstr("reaches no subnet of the internet"));
  application("Editor");
  const auto id = deployment("Editor", "All Systems", R"(, "send_wake_up": true, "deadline": "2036-01-01T00:00:00Z")");
  EXPECT_THAT(good("GET", "/devices/OUT/why/" + id).text, HasSubstr("wake-up"));
  EXPECT_THAT(call("POST", "/deployments", R"({"target_id": "Editor", "collection_id": "All Systems", "purpose": "available", "send_wake_up": true})").message(),
              HasSubstr("required deployments only"));
}

TEST_F(Clients, APushGoesToHostsInsideOnlyAndOnlyOnce) {
  place(1, "OUT", ConnectionType::currently_internet, "out.corp.test");
  refused(call("POST", "/clients/pushes", R"({"host": "out.corp.test", "key": "pem"})"), "unsupported_on_internet", "client-push",
          "OUT is currently on the internet");
  refused(call("POST", "/clients/pushes", R"({"host": "kiosk.home.test", "key": "pem"})"), "unsupported_on_internet", "client-push",
          "203.0.113.7 is in no boundary");
  EXPECT_THAT(call("POST", "/clients/pushes", R"({"host": "new.corp.test"})").message(), HasSubstr("key: is needed"));
  EXPECT_THAT(calls_, IsEmpty());
  const auto made = good("POST", "/clients/pushes", R"({"host": "NEW.corp.test", "key": "pem", "user": "ops"})");
  EXPECT_EQ(made.at("host"), "new.corp.test");
  EXPECT_EQ(made.at("kind"), "intranet");
  EXPECT_EQ(made.at("created_by"), "root");
  EXPECT_THAT(calls_, ElementsAre("key " + made.at("id"), "push"));
  EXPECT_EQ(call("POST", "/clients/pushes", R"({"host": "new.corp.test", "key": "pem"})").status, 409);
  EXPECT_EQ(good("POST", "/clients/pushes", R"({"host": "new.corp.test", "now": true})").at("id"), made.at("id"));
  EXPECT_THAT(call("GET", "/audit").text, Not(HasSubstr("pem")));
  EXPECT_EQ(good("POST", "/clients/pushes/" + made.at("id") + "/cancel").at("state"), "cancelled");
  EXPECT_THAT(calls_, Contains("forget " + made.at("id")));
  EXPECT_EQ(call("POST", "/clients/pushes/" + made.at("id") + "/retry").status, 409);
}

TEST_F(Clients, WhatCouldBeMistakenForAnOptionOrAShellIsRefused) {
  for (const auto* body : {R"({"host": "-oProxyCommand=x", "key": "p"})", R"({"host": "a b.corp.test", "key": "p"})", R"({"host": "new", "key": "p"})",
                           R"({"host": "new.corp.test", "key": "p", "user": "-x"})", R"({"host": "new.corp.test", "key": "p", "user": "a;b"})",
                           R"({"host": "new.corp.test", "key": "p", "fingerprint": "SHA256:$id"})", R"({"host": "new.corp.test", "key": "p", "port": 0})",
                           R"({"host": "new.corp.test", "key": "p", "kind": "internet_only"})", R"({"host": "new.corp.test", "key": "p", "state": "failed"})"})
    EXPECT_EQ(call("POST", "/clients/pushes", body).status, 400) << body;
  for (const auto* body : {R"({"kind": "both"})", R"({"kind": "dual", "fsp": "a b"})", R"({"kind": "dual", "name": "$(id).corp.test"})",
                           R"({"kind": "dual", "management_points": ["x;y"]})", R"({"kind": "dual", "unknown": 1})", R"({"kind": "dual", "issue": "yes"})"})
    EXPECT_EQ(call("POST", "/clients/bundle", body).status, 400) << body;
}

TEST_F(Clients, MakingClientsAndWakingNeedPermissionAndScope) {
  place(1, "IN", ConnectionType::currently_intranet, "in.corp.test");
  administrator("analyst", {"Read-only Analyst"});
  for (const auto& [method, path] : {std::pair{"POST", "/clients/bundle"}, {"POST", "/clients/pushes"}, {"POST", "/devices/IN/wake"}})
    EXPECT_EQ(call(method, path, R"({"kind": "dual"})", "analyst").status, 403) << path;
  const auto some = collection("Some");
  administrator("local", {"Full Administrator"}, {"All"}, {some});
  EXPECT_EQ(call("POST", "/devices/IN/wake", "", "local").status, 403);
  EXPECT_EQ(call("GET", "/devices/IN/features", "", "local").status, 403);
  EXPECT_EQ(call("POST", "/clients/pushes", R"({"host": "in.corp.test", "key": "p"})", "local").status, 403);
  EXPECT_THAT(call("POST", "/clients/pushes", R"({"host": "new.corp.test", "key": "p"})", "local").message(), HasSubstr("All Systems"));
  good("POST", "/clients/pushes", R"({"host": "in.corp.test", "key": "p"})");
  EXPECT_THAT(call("GET", "/clients/pushes", "", "local").items(), IsEmpty());
  EXPECT_THAT(calls_, Not(Contains(HasSubstr("wake"))));
}

TEST_F(Clients, ABundleIsAuditedWithTheNameThatACertificateWasIssuedFor) {
  const auto made = good("POST", "/clients/bundle", R"({"kind": "internet-only", "name": "till.corp.test", "issue": true, "fsp": "fsp.example.test"})");
  EXPECT_EQ(made.at("kind"), "internet-only");
  EXPECT_THAT(made.text, HasSubstr("\"base64\":\"dHJ1ZQo=\""));
  EXPECT_THAT(calls_, ElementsAre("bundle internet-only till.corp.test fsp.example.test"));
  EXPECT_THAT(call("GET", "/audit").text, HasSubstr("internet-only, with a certificate issued for till.corp.test"));
}

}  // namespace fp::admin
