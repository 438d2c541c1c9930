#include "wire/location.hpp"

#include <algorithm>
#include <set>

#include "roles/mp/test_site.hpp"
#include "wire/authority.hpp"
#include "wire/capability.hpp"

namespace fp::mp {
namespace {

const Keys& keys() { return Keys::shared(); }

class LocationTest : public testing::Test {
 protected:
  LocationTest() {
    EXPECT_TRUE(site.store->write([](store::Repositories& r) -> Status {
      FP_CHECK(r.site.put_management_point({.name = "mp1.lab.test",
                                            .intranet_url = "http://mp1.lab.test",
                                            .internet_url = {},
                                            .connections = Connections::intranet}));
      FP_CHECK(r.site.put_management_point({.name = "mp2.example.org",
                                            .intranet_url = {},
                                            .internet_url = "https://mp2.example.org",
                                            .connections = Connections::internet}));
      for (int i = 0; i < 6; ++i) {
        const std::string name = fmt::format("dp{}.example.org", i);
        FP_CHECK(r.contents.put_dp({.name = name,
                                    .intranet_url = i < 4 ? "http://" + name : "",
                                    .internet_url = i > 1 ? "https://" + name : "",
                                    .connections = i < 2   ? Connections::intranet
                                                   : i < 4 ? Connections::both
                                                           : Connections::internet}));
        FP_CHECK(
            r.contents.put_distribution({.dp = name,
                                         .content_id = "LAB00002.1",
                                         .state = i == 5 ? DistributionState::failed : DistributionState::ok,
                                         .detail = {}}));
      }
      FP_CHECK(r.contents.put(
          {.content_id = "LAB00002.1", .owner_id = "LAB00002", .root_hash = {}, .source_path = {}}));
      return {};
    }));
  }
  std::string ask(const wire::LocationRequest& request, const Peer& from) {
    return document_of(site.post(
        pc.message("MP_LocationManager", wire::encode_location_request(request), !pc.id.empty()), from));
  }
  std::vector<wire::ContentLocation> content(const Peer& from, bool use_internet_dp = false,
                                             const std::string& id = "LAB00002.1") {
    wire::ContentLocationRequest request{.site_code = "LAB",
                                         .content_id = id,
                                         .package_id = "LAB00002",
                                         .version = id.ends_with(".1") ? 1 : 0};
    request.where.internet = use_internet_dp;
    const auto reply = wire::decode_content_locations(ask(request, from));
    EXPECT_TRUE(reply) << site.reason();
    return reply ? reply->locations : std::vector<wire::ContentLocation>();
  }
  std::vector<std::string> fqdns(const std::string& query, const Peer& from) {
    std::vector<std::string> out;
    const auto list = wire::decode_mp_list(text_of(site.get("/SMS_MP/.sms_aut?" + query, from)));
    EXPECT_TRUE(list);
    for (const auto& entry : list.value_or(std::vector<wire::MpEntry>())) out.push_back(entry.fqdn);
    return out;
  }

  TestSite site{ApprovalMode::all};
  Peer http = site.peer(Door::intranet_http);
  Peer internet = site.peer(Door::internet_https, &keys().pki_client);
  TestClient pc{site, keys().pki_client};
};

TEST_F(LocationTest, EachDoorNamesItsOwnManagementPoints) {
  EXPECT_EQ(fqdns("MPLIST", http), std::vector<std::string>{"mp1.lab.test"});
  EXPECT_EQ(fqdns("mplist", internet), std::vector<std::string>{"mp2.example.org"});
  EXPECT_EQ(fqdns("MPLIST2", http), std::vector<std::string>{"mp2.example.org"});
  EXPECT_EQ(fqdns("MPLIST1&LAB", http), std::vector<std::string>{"mp1.lab.test"});
  EXPECT_TRUE(fqdns("MPLIST1&XYZ", http).empty());
  EXPECT_EQ(text_of(site.get("/SMS_MP/.sms_aut?MPLIST", internet)).find("mp1.lab.test"), std::string::npos);
}

TEST_F(LocationTest, TheProxyManagementPointOfASecondarySiteIsForThoseAtItsLocationOnly) {
  ASSERT_TRUE(site.store->write([](store::Repositories& r) {
    ManagementPoint branch{.name = "mp.branch.test", .intranet_url = "https://mp.branch.test:443", .internet_url = "https://mp.branch.test:443"};
    branch.connections = Connections::both;  // whatever is stored: nobody outside is told
    branch.site_code = "BR1";
    branch.subnets = {"192.0.2.0/24"};
    return r.site.put_management_point(branch);
  }));
  const auto list = wire::decode_mp_list(text_of(site.get("/SMS_MP/.sms_aut?MPLIST", http)));
  ASSERT_TRUE(list);
  const auto proxy = std::ranges::find(*list, "mp.branch.test", &wire::MpEntry::fqdn);
  ASSERT_NE(proxy, list->end());
  EXPECT_EQ(proxy->category, 0);
  Peer elsewhere = http;
  elsewhere.address = "198.51.100.7";
  EXPECT_EQ(fqdns("MPLIST", elsewhere), std::vector<std::string>{"mp1.lab.test"});
  EXPECT_EQ(fqdns("MPLIST", internet), std::vector<std::string>{"mp2.example.org"});
  EXPECT_EQ(fqdns("MPLIST2", http), std::vector<std::string>{"mp2.example.org"});
}

TEST_F(LocationTest, AGatewayIsNamedOutsideWhereItsTrafficIsAllowedAndNowhereElse) {
  ASSERT_TRUE(site.store->write([](store::Repositories& r) {
    ManagementPoint gateway{.name = "gw.example.org", .internet_url = "https://gw.example.org:443", .connections = Connections::internet};
    gateway.gateway = true;
    return r.site.put_management_point(gateway);
  }));
  EXPECT_EQ(fqdns("MPLIST", internet), std::vector<std::string>{"mp2.example.org"});
  site.settings.gateway_traffic = true;
  site.restart();
  EXPECT_EQ(fqdns("MPLIST", internet), (std::vector<std::string>{"gw.example.org", "mp2.example.org"}));
  EXPECT_EQ(fqdns("MPLIST", http), std::vector<std::string>{"mp1.lab.test"});
  EXPECT_EQ(text_of(site.get("/SMS_MP/.sms_aut?MPLIST", http)).find("gw.example.org"), std::string::npos);
}

TEST_F(LocationTest, TheListIsNeverEmpty) {
  ASSERT_TRUE(site.store->write([](store::Repositories& r) -> Status {
    FP_CHECK(r.site.remove_management_point("mp1.lab.test"));
    return r.site.remove_management_point("mp2.example.org");
  }));
  EXPECT_EQ(fqdns("MPLIST", http), std::vector<std::string>{"mp1.lab.test"});
}

TEST_F(LocationTest, EveryKeywordAnswersAndAnUnknownOneIs404) {
  for (const char* keyword :
       {"MPLIST", "MPLIST1&LAB", "MPLIST2", "MPCERT", "MPCERT2", "MPKEYINFORMATION", "MPKEYINFORMATIONEX",
        "MPKEYINFORMATIONMEDIA", "SITESIGNCERT", "MPTRK", "MPLOCATION", "SMSTRC"}) {
    const auto response = site.get(std::string("/SMS_MP/.sms_aut?") + keyword, http);
    EXPECT_EQ(response.status, 200) << keyword << " " << site.reason();
    const auto head = site.get(std::string("/SMS_MP/.sms_aut?") + keyword, http, {}, "HEAD");
    EXPECT_EQ(head.head_length, static_cast<std::int64_t>(text_of(response).size())) << keyword;
  }
  EXPECT_EQ(site.get("/SMS_MP/.sms_aut?WHATEVER", http).status, 404);
  EXPECT_EQ(site.get("/SMS_MP/.sms_aut", http).status, 404);
  EXPECT_EQ(site.get("/SMS_MP/.sms_aut?SMSTRC", site.peer(Door::intranet_https)).status, 403);
  EXPECT_EQ(site.get("/SMS_MP/.sms_aut?SMSTRC", site.peer(Door::internet_https)).status, 403);
}

TEST_F(LocationTest, AffinityIsToldToTheDeviceItselfOnly) {
  pc.enrol(http);
  const std::string url = "/SMS_MP/.sms_aut?GETCLIENTAFFINITY&" + pc.id;
  EXPECT_EQ(site.get(url, http).status, 403);
  EXPECT_EQ(site.get(url, http, pc.identity_headers()).status, 200);
  EXPECT_EQ(site.get("/SMS_MP/.sms_aut?GETCLIENTAFFINITY&GUID:99999999-2222-3333-4444-555555555555", http,
                     pc.identity_headers())
                .status,
            403);
}

TEST_F(LocationTest, SiteInformationAndAssignedSite) {
  const auto own = wire::decode_site_information(ask(wire::SiteInformationRequest{"LAB"}, http));
  ASSERT_TRUE(own && own->size() == 1);
  EXPECT_EQ(own->front().build_number, "9128");
  EXPECT_TRUE(wire::decode_site_information(ask(wire::SiteInformationRequest{"XYZ"}, http))->empty());
  EXPECT_EQ(wire::decode_assigned_site(ask(wire::AssignedSiteRequest{}, http)).value_or(""), "LAB");
  EXPECT_EQ(wire::decode_mp_locations(ask(wire::MpLocationRequest{}, internet))->size(), 1U);
  EXPECT_TRUE(wire::decode_wsus_locations(
                  ask(wire::WsusLocationRequest{"9A2E0B1C-2222-3333-4444-555555555555", 1, {}}, http))
                  ->empty());
}

TEST_F(LocationTest, ScansAreSentToThePointsOfTheClientsPlaceAndTlsOnlyOnTheInternet) {
  EXPECT_TRUE(site.store->write([](store::Repositories& r) -> Status {
    FP_CHECK(r.site.set_value("updates.content_version", "7"));
    FP_CHECK(r.updates.put_point({"in.lab.test", "http://in.lab.test:8530", "", Connections::intranet}));
    FP_CHECK(r.updates.put_point({"both.lab.test", "https://both.lab.test:8531", "https://both.example.org:8531/", Connections::both}));
    FP_CHECK(r.updates.put_point({"plain.lab.test", "", "http://plain.example.org:8530", Connections::internet}));
    return r.updates.put_point({"out.lab.test", "https://out.lab.test", "https://out.example.org", Connections::internet});
  }));
  const auto points = [&](const Peer& from, bool says_internet) {
    wire::WsusLocationRequest request{"9A2E0B1C-2222-3333-4444-555555555555", 1, {}};
    request.where.internet = says_internet;
    std::set<std::string> out;
    const auto reply = wire::decode_wsus_locations(ask(request, from));
    EXPECT_TRUE(reply) << site.reason();
    for (const auto& l : *reply) {
      EXPECT_EQ(l.version, 7) << "the catalogue's version, whatever was asked for";
      out.insert(l.url);
    }
    return out;
  };
  EXPECT_EQ(points(http, false), (std::set<std::string>{"http://in.lab.test:8530", "https://both.lab.test:8531"}));
  const std::set<std::string> outside{"https://both.example.org:8531", "https://out.example.org"};
  EXPECT_EQ(points(internet, false), outside) << "the door says where the client is";
  EXPECT_EQ(points(http, true), outside);
}

TEST_F(LocationTest, ContentIsNamedOnlyWhereItIsAndForThisDoor) {
  const auto inside = content(http);
  ASSERT_EQ(inside.size(), 4U);
  const auto first = std::ranges::find(inside, "dp0.example.org", &wire::ContentLocation::server_name);
  ASSERT_NE(first, inside.end());
  EXPECT_EQ(first->url, "http://dp0.example.org/SMS_DP_SMSPKG$/LAB00002.1");
  EXPECT_EQ(first->signature_url, "http://dp0.example.org/SMS_DP_SMSSIG$/LAB00002.1.tar");
  EXPECT_EQ(first->locality, "LOCAL");
  EXPECT_EQ(content(http, true).size(), 3U);
  const auto outside = content(internet);
  ASSERT_EQ(outside.size(), 3U);
  for (const auto& location : outside) EXPECT_TRUE(location.url.starts_with("https://")) << location.url;
  EXPECT_EQ(content(http, false, "LAB00002").size(), 4U);
  EXPECT_TRUE(content(http, false, "LAB00009.1").empty());
}

TEST_F(LocationTest, OnTheInternetTheOrderIsRandom) {
  std::set<std::string> first;
  for (int i = 0; i < 64 && first.size() < 3; ++i) first.insert(content(internet)[0].server_name);
  EXPECT_EQ(first.size(), 3U);
}

class BoundaryTest : public LocationTest {
 protected:
  // dp0 and mp1 are near 10.1.0.0/16; dp1 is a neighbour's, after an hour; dp2 and dp3 are in no group.
  BoundaryTest() {
    EXPECT_TRUE(site.store->write([](store::Repositories& r) -> Status {
      FP_CHECK(r.boundaries.put({.id = "LAB00010", .name = "Office", .value = "10.1.0.0/16"}));
      FP_CHECK(r.boundaries.put_group({.id = "LAB00011",
                                       .name = "Office",
                                       .boundaries = {"LAB00010"},
                                       .distribution_points = {"dp0.example.org"},
                                       .management_points = {"mp1.lab.test"},
                                       .assigned_site = "LAB",
                                       .neighbours = {{"LAB00012", 60, 0}}}));
      FP_CHECK(r.boundaries.put_group({.id = "LAB00012", .name = "Branch", .distribution_points = {"dp1.example.org"}}));
      FP_CHECK(r.boundaries.put_settings({.prefer_management_points = true}));
      return r.site.put_management_point({.name = "a0.lab.test", .intranet_url = "http://a0.lab.test"});
    }));
  }
  wire::ContentLocationReply asked(const std::string& address, std::int64_t waited_min, const Peer& from) {
    wire::ContentLocationRequest request{.site_code = "LAB", .content_id = "LAB00002.1", .package_id = "LAB00002", .version = 1};
    request.where.addresses = {{"", address}};
    request.waited_min = waited_min;
    Peer there = from;
    there.address = address;
    return wire::decode_content_locations(ask(request, there)).value_or(wire::ContentLocationReply());
  }
  std::string names(const wire::ContentLocationReply& reply) {
    std::string out;
    for (const auto& l : reply.locations) out += l.server_name.substr(0, 3) + (l.locality == "LOCAL" ? "! " : " ");
    return out;
  }
};

TEST_F(BoundaryTest, TheNearestFirstAndOthersAfterTheirTime) {
  const auto at_once = asked("10.1.0.7", 0, http);
  EXPECT_EQ(names(at_once), "dp0! ");
  EXPECT_EQ(at_once.more_in_min, 60);
  const auto after_an_hour = asked("10.1.0.7", 60, http);
  EXPECT_EQ(names(after_an_hour), "dp0! dp1 ");
  EXPECT_EQ(after_an_hour.more_in_min, 120);
  const auto at_last = asked("10.1.0.7", 120, http);
  EXPECT_EQ(at_last.locations.size(), 4U);
  EXPECT_EQ(names(at_last).substr(0, 9), "dp0! dp1 ");
  EXPECT_EQ(at_last.more_in_min, -1);
}

TEST_F(BoundaryTest, OutsideEveryBoundaryTheDefaultGroupServesAndOnTheInternetNobodyIsSorted) {
  EXPECT_EQ(asked("172.16.0.1", 0, http).locations.size(), 2U);  // dp2 and dp3
  EXPECT_EQ(asked("10.1.0.7", 0, internet).locations.size(), 3U);
  for (const auto& l : asked("10.1.0.7", 0, internet).locations) EXPECT_EQ(l.locality, "INTERNET");
}

TEST_F(BoundaryTest, ManagementPointsOfTheGroupComeFirstByAddressOrByWhatTheClientSays) {
  Peer near = http;
  near.address = "10.1.0.7";
  EXPECT_EQ(fqdns("MPLIST", near), (std::vector<std::string>{"mp1.lab.test", "a0.lab.test"}));
  EXPECT_EQ(fqdns("MPLIST", http), (std::vector<std::string>{"a0.lab.test", "mp1.lab.test"}));
  EXPECT_EQ(fqdns("MPLIST2", near), std::vector<std::string>{"mp2.example.org"});
  wire::MpLocationRequest request;
  request.where.addresses = {{"", "172.16.0.1"}, {"", "10.1.0.7"}};
  Peer on_the_other_card = http;
  on_the_other_card.address = "172.16.0.1";
  const auto list = wire::decode_mp_locations(ask(request, on_the_other_card));
  ASSERT_TRUE(list && list->size() == 2);
  EXPECT_EQ(list->front().fqdn, "mp1.lab.test");
  EXPECT_EQ(list->front().category, 1);
  EXPECT_EQ(list->front().locality, 3);
  EXPECT_EQ(list->back().category, 1);  // in no group: the default group of the site
  EXPECT_EQ(list->back().locality, 1);
}

TEST_F(BoundaryTest, WhoClaimsAnAddressThatItDoesNotComeFromIsWhereItComesFrom) {
  Peer elsewhere = http;
  elsewhere.address = "172.16.0.1";
  wire::ContentLocationRequest request{.site_code = "LAB", .content_id = "LAB00002.1", .package_id = "LAB00002", .version = 1};
  request.where.addresses = {{"10.1.0.0", "10.1.0.7"}};
  const auto near = [&](const Peer& from) {
    return names(wire::decode_content_locations(ask(request, from)).value_or(wire::ContentLocationReply()));
  };
  EXPECT_EQ(near(elsewhere).find("dp0"), std::string::npos);
  // Behind a bridge the connection says nothing about the client, and a loopback one says nothing at all.
  Peer bridge = elsewhere;
  bridge.pinned_proxy = true;
  EXPECT_EQ(near(bridge), "dp0! ");
  elsewhere.address = "127.0.0.1";
  EXPECT_EQ(near(elsewhere), "dp0! ");
}

TEST_F(BoundaryTest, ASiteIsAssignedByTheGroupAndNeverOnTheInternet) {
  const auto site_of = [&](const std::string& address, const Peer& from) {
    wire::AssignedSiteRequest request;
    request.where.addresses = {{"", address}};
    Peer there = from;
    there.address = address;
    return wire::decode_assigned_site(ask(request, there)).value_or("?");
  };
  EXPECT_EQ(site_of("10.1.0.7", http), "LAB");
  EXPECT_EQ(site_of("172.16.0.1", http), "");
  EXPECT_EQ(site_of("10.1.0.7", internet), "");
  ASSERT_TRUE(site.store->write([](store::Repositories& r) { return r.boundaries.put_settings({.fallback_site = "XYZ"}); }));
  EXPECT_EQ(site_of("172.16.0.1", http), "XYZ");
}

TEST_F(LocationTest, OnlyAProvedClientGetsACapability) {
  EXPECT_EQ(content(internet)[0].url.find(".cap-"), std::string::npos);
  pc.enrol(internet);
  const std::string url = content(internet)[0].url;
  const std::size_t at = url.find(".cap-");
  ASSERT_NE(at, std::string::npos) << url;
  const std::string segment = url.substr(at, url.rfind('/') - at);
  const auto holds_for = [&](std::string_view dp) {
    const std::string key = wire::capability_key_of(site.settings.capability_key, dp);
    return wire::check_capability(segment, "LAB00002.1", key, site.clock.now()).has_value();
  };
  const auto host = url.substr(8, url.find('/', 8) - 8);  // each distribution point has its own key
  EXPECT_TRUE(holds_for(host)) << host;
  EXPECT_FALSE(holds_for("dp1.example.org"));
  site.change(pc.id, [](Device& d) { d.blocked = true; });
  EXPECT_EQ(content(internet)[0].url.find(".cap-"), std::string::npos);
}

TEST_F(LocationTest, AMachineIsOnlyToldItsOwnId) {
  pc.enrol(http);
  const std::string question =
      wire::encode_client_id_request({.smbios_guid = {}, .mac_address = "00:15:5D:01:02:03"});
  EXPECT_EQ(text_of(site.post(pc.message("MP_ClientIdManager", question, false), http)), "");
  EXPECT_EQ(
      wire::decode_client_id_reply(document_of(site.post(pc.message("MP_ClientIdManager", question), http)))
          ->client_id,
      "");
  ASSERT_TRUE(site.store->write([&](store::Repositories& r) {
    return r.inventory.apply({.client_id = pc.id,
                              .type = ReportType::full,
                              .made_at = site.clock.now(),
                              .sequence = 1,
                              .instances = {{.class_name = "NETWORK_ADAPTER",
                                             .properties = {{"MACAddress", "00:15:5D:01:02:03"}},
                                             .key = "eth0"}}},
                             "hardware");
  }));
  EXPECT_EQ(
      wire::decode_client_id_reply(document_of(site.post(pc.message("MP_ClientIdManager", question), http)))
          ->client_id,
      pc.id);
}

}  // namespace
}  // namespace fp::mp
