#include "wire/wsus.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "wire/wsus_limits.hpp"
#include "wire/wsus_metadata.hpp"
#include "wire/xml.hpp"

namespace fp::wire::wsus {
namespace {

constexpr const char* kId = "11111111-2222-4333-8444-555555555555";

std::string soap(const std::string& inside) {
  return "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>" + inside +
         "</soap:Body></soap:Envelope>";
}

template <class R>
R request_as(Service service, const std::string& body) {
  const auto request = decode_request(service, body);
  EXPECT_TRUE(request) << (request ? "" : request.error().message);
  return request && std::holds_alternative<R>(*request) ? std::get<R>(*request) : R{};
}

template <class R>
R round_trip(Service service, const R& request) {
  const auto encoded = encode_request(request);
  EXPECT_TRUE(encoded.action.starts_with("\"http://www.microsoft.com/SoftwareDistribution"));
  return request_as<R>(service, encoded.body);
}

const Cookie kCookie{{1'795'359'600'000}, std::string("\0\x01|secret", 9)};

// As MS-WUSP 4 has it: elements that are not in its WSDL among those that are, lists of both shapes.
TEST(Wsus, ASyncOfANativeAgentIsReadInBothShapesOfLists) {
  const std::string cookie = "<cookie><Expiration>2026-11-27T16:00:00Z</Expiration><EncryptedData>AAECAw==</EncryptedData></cookie>";
  const auto literal = request_as<SyncUpdates>(Service::client, soap(
      "<SyncUpdates xmlns=\"http://www.microsoft.com/SoftwareDistribution/Server/ClientWebService\">" + cookie +
      "<parameters><ExpressQuery>false</ExpressQuery><InstalledNonLeafUpdateIDs><int>7</int><int>8</int></InstalledNonLeafUpdateIDs>"
      "<OtherCachedUpdateIDs><int>9</int></OtherCachedUpdateIDs><SkipSoftwareSync>false</SkipSoftwareSync><NeedTwoGroupOutOfScopeUpdates>true"
      "</NeedTwoGroupOutOfScopeUpdates><AlsoPerformRegularSync>false</AlsoPerformRegularSync><ComputerSpec/><FeatureScoreMatchingKey/>"
      "<ProductsParameters><DeviceAttributes>E:a=b;</DeviceAttributes></ProductsParameters></parameters></SyncUpdates>"));
  const auto encoded = request_as<SyncUpdates>(Service::client, soap(
      "<q1:SyncUpdates xmlns:q1=\"http://www.microsoft.com/SoftwareDistribution/Server/ClientWebService\" xmlns:enc=\"http://schemas.xmlsoap.org/soap/encoding/\" "
      "xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">" + cookie +
      "<parameters><ExpressQuery xsi:nil=\"true\"/><InstalledNonLeafUpdateIDs enc:arrayType=\"xsd:int[2]\"><Item xsi:type=\"xsd:int\">7</Item>"
      "<Item xsi:type=\"xsd:int\">8</Item></InstalledNonLeafUpdateIDs><OtherCachedUpdateIDs enc:arrayType=\"xsd:int[1]\"><Item>9</Item>"
      "</OtherCachedUpdateIDs></parameters></q1:SyncUpdates>"));
  for (const auto& r : {literal, encoded}) {
    EXPECT_EQ(r.cookie.data, std::string("\0\x01\x02\x03", 4));
    EXPECT_EQ(r.installed_non_leaf, (std::vector<std::int64_t>{7, 8}));
    EXPECT_EQ(r.other_cached, std::vector<std::int64_t>{9});
    EXPECT_FALSE(r.drivers);
  }
  EXPECT_TRUE(request_as<SyncUpdates>(Service::client, soap("<SyncUpdates>" + cookie + "<parameters><SystemSpec><Item>x</Item></SystemSpec></parameters></SyncUpdates>")).drivers);
}

TEST(Wsus, EveryRequestComesBackAsItWasSent) {
  EXPECT_EQ(round_trip(Service::client, GetConfig{"2.90"}).protocol_version, "2.90");
  EXPECT_EQ(round_trip(Service::authorization, GetAuthorizationCookie{"abc-1", "pc1.corp.test", "group"}).target_group, "group");
  const auto cookie = round_trip(Service::client, GetCookie{"SimpleTargeting", "raw", {1'795'359'600'000}, {1'795'359'601'000}, "2.90"});
  EXPECT_EQ(cookie.authorization, "raw");
  EXPECT_EQ(cookie.last_change.ms, 1'795'359'600'000);
  EXPECT_EQ(round_trip(Service::client, RegisterComputer{kCookie, "pc1", "Linux", "amd64"}).cookie.data, kCookie.data);
  EXPECT_EQ(round_trip(Service::client, StartCategoryScan{{kId}}).category_ids, std::vector<std::string>{kId});
  EXPECT_EQ(round_trip(Service::client, GetExtendedUpdateInfo{kCookie, {1, 2}}).revisions.size(), 2U);
  EXPECT_EQ(round_trip(Service::client, GetFileLocations{kCookie, {std::string(32, 'x')}}).digests[0].size(), 32U);
  EXPECT_EQ(round_trip(Service::client, RefreshCache{kCookie, {{kId, 3}}}).names[0].revision, 3);
  const auto events = round_trip(Service::reporting, ReportEventBatch{kCookie, {{147, -5, kId}}});
  EXPECT_EQ(events.events[0].id, 147);
  EXPECT_EQ(events.events[0].result, -5);
  EXPECT_EQ(events.events[0].update_id, kId);
}

TEST(Wsus, EveryReplyComesBackAsItWasSent) {
  EXPECT_EQ(decode_config(encode_config({{1'795'359'600'000}, true, "SimpleAuthWebService/SimpleAuth.asmx"}))->authorization_path,
            "SimpleAuthWebService/SimpleAuth.asmx");
  EXPECT_EQ(*decode_authorization_cookie(encode_authorization_cookie("raw")), "raw");
  EXPECT_EQ(decode_cookie(encode_cookie(kCookie))->data, kCookie.data);
  SyncInfo info;
  info.updates.push_back({5, false, false, {1'795'359'600'000}, "<a b=\"1\"/><c/>"});
  info.out_of_scope = {3};
  info.truncated = true;
  info.cookie = kCookie;
  const auto back = decode_sync_info(encode_sync_info(info));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->updates[0].fragment, "<a b=\"1\"/><c/>");
  EXPECT_FALSE(back->updates[0].leaf || back->updates[0].install);
  EXPECT_EQ(back->out_of_scope, std::vector<std::int64_t>{3});
  EXPECT_TRUE(back->truncated);
  const auto extended = decode_extended_info(encode_extended_info({{{5, "<x/>"}}, {{std::string(32, 'd'), "http://vendor.test/a.deb"}}}));
  EXPECT_EQ(extended->files[0].url, "http://vendor.test/a.deb");
  EXPECT_EQ(extended->fragments[0].xml, "<x/>");
}

// Golden: what a native agent looks for in the first answer, and what made one abort where it was missing.
TEST(Wsus, TheShapesThatNativeAgentsDependOn) {
  const std::string config = encode_config({{1'795'359'600'000}, true, "SimpleAuthWebService/SimpleAuth.asmx"});
  EXPECT_NE(config.find("<GetConfigResponse xmlns=\"http://www.microsoft.com/SoftwareDistribution/Server/ClientWebService\"><GetConfigResult>"
                        "<LastChange>2026-11-22T15:00:00.000Z</LastChange><IsRegistrationRequired>true</IsRegistrationRequired><AuthInfo><AuthPlugInInfo>"
                        "<PlugInID>SimpleTargeting</PlugInID><ServiceUrl>SimpleAuthWebService/SimpleAuth.asmx</ServiceUrl><Parameter/>"),
            std::string::npos)
      << config;
  EXPECT_NE(config.find("<Name>ProtocolVersion</Name><Value>3.2</Value>"), std::string::npos);
  SyncInfo info;
  info.updates.push_back({5, true, true, {1'795'359'600'000}, "<a/>"});
  EXPECT_NE(encode_sync_info(info).find("<UpdateInfo><ID>5</ID><Deployment><ID>5</ID><Action>Install</Action><IsAssigned>true</IsAssigned>"
                                        "<LastChangeTime>2026-11-22</LastChangeTime><AutoSelect>0</AutoSelect><AutoDownload>0</AutoDownload>"
                                        "<SupersedenceBehavior>0</SupersedenceBehavior></Deployment><IsLeaf>true</IsLeaf><Xml>&lt;a/&gt;</Xml></UpdateInfo>"),
            std::string::npos);
}

TEST(Wsus, WhatIsNoRequestIsRefusedAndOverALimitToo) {
  EXPECT_FALSE(decode_request(Service::client, "hello"));
  EXPECT_FALSE(decode_request(Service::client, soap("")));
  EXPECT_EQ(decode_request(Service::client, soap("<FormatDisk/>")).error().code, Code::not_found);
  EXPECT_EQ(decode_request(Service::reporting, soap("<GetConfig/>")).error().code, Code::not_found) << "it is of another service";
  EXPECT_FALSE(decode_request(Service::authorization, soap("<GetAuthorizationCookie><clientId>../x</clientId></GetAuthorizationCookie>")));
  EXPECT_FALSE(decode_request(Service::client, soap("<GetCookie><authCookies/></GetCookie>")));
  SyncUpdates r;
  for (std::size_t i = 0; i <= wsus_limits::kInstalledIdsMax; ++i) r.installed_non_leaf.push_back(static_cast<std::int64_t>(i));
  EXPECT_EQ(decode_request(Service::client, encode_request(r).body).error().code, Code::too_large);
  GetExtendedUpdateInfo more;
  more.revisions.resize(wsus_limits::kExtendedIdsMax + 1, 1);
  EXPECT_FALSE(decode_request(Service::client, encode_request(more).body));
}

TEST(Wsus, FaultsCarryTheirCodeAndBothSpellingsAreRead) {
  const std::string body = encode_fault({Problem::file_location_changed, "moved", kId, "GetFileLocations"});
  EXPECT_NE(body.find("<detail><ErrorCode>FileLocationsChanged</ErrorCode><Message>moved</Message><ID>"), std::string::npos);
  EXPECT_EQ(decode_fault(body)->problem, Problem::file_location_changed);
  EXPECT_EQ(decode_fault(soap("<soap:Fault><detail><ErrorCode>InvalidParameter</ErrorCode></detail></soap:Fault>"))->problem, Problem::invalid_parameters);
  EXPECT_EQ(decode_fault(soap("<soap:Fault><faultstring>x</faultstring></soap:Fault>"))->problem, Problem::internal_server_error);
  EXPECT_FALSE(decode_fault(encode_cookie(kCookie)));
  EXPECT_FALSE(decode_fault("<html/>"));
}

UpdateRule rule(RuleOp op, std::vector<UpdateRule> operands = {}) {
  UpdateRule r;
  r.op = op;
  r.operands = std::move(operands);
  return r;
}

TEST(WsusMetadata, ACoreFragmentComesBackWithItsRules) {
  UpdateRule package = rule(RuleOp::package), architecture = rule(RuleOp::architecture);
  package.name = "lib<x>";
  package.architecture = "amd64";
  package.comparison = "GreaterThanOrEqualTo";
  package.version = "1:2~rc";
  architecture.architecture = "all";
  UpdateMetadata u{kId, 4, UpdateKind::software, {{kId}, {kId, "0FA1201D-4330-4FA8-8AE9-B877473B6441"}}, {}, package};
  u.is_installed = rule(RuleOp::all, {rule(RuleOp::any, {package, architecture}), rule(RuleOp::negation, {rule(RuleOp::never)}), rule(RuleOp::always)});
  const std::string text = encode_core_fragment(u);
  EXPECT_TRUE(text.starts_with("<UpdateIdentity UpdateID=\"11111111-2222-4333-8444-555555555555\" RevisionNumber=\"4\"/><Properties UpdateType=\"Software\""));
  const auto back = decode_core_fragment(text);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(encode_core_fragment(*back), text);
  EXPECT_EQ(back->prerequisites, u.prerequisites);
  EXPECT_EQ(back->is_installable.name, "lib<x>");
}

TEST(WsusMetadata, ARuleThatIsNotKnownOrTooDeepIsRefused) {
  const auto with = [](const std::string& inside) {
    return "<UpdateIdentity UpdateID=\"" + std::string(kId) + "\" RevisionNumber=\"1\"/><Properties UpdateType=\"Software\"/><ApplicabilityRules><IsInstalled>" + inside +
           "</IsInstalled></ApplicabilityRules>";
  };
  EXPECT_TRUE(decode_core_fragment(with("<True/>")));
  EXPECT_TRUE(decode_core_fragment(with("")));
  for (const char* bad : {"<b.RegSz/>", "<Not/>", "<dpkg.Package/>", "<dpkg.Package Name=\"a\" Comparison=\"Like\" Version=\"1\"/>"})
    EXPECT_FALSE(decode_core_fragment(with(bad))) << bad;
  std::string deep = "<True/>";
  for (int i = 0; i < wsus_limits::kRuleDepthMax + 1; ++i) deep = "<Not>" + deep + "</Not>";
  EXPECT_FALSE(decode_core_fragment(with(deep)));
  EXPECT_FALSE(decode_core_fragment("<UpdateIdentity UpdateID=\"x\" RevisionNumber=\"1\"/>"));
  EXPECT_FALSE(decode_core_fragment("</fragment><fragment>"));
}

TEST(WsusMetadata, TheFileAndTheTitleComeBack) {
  const UpdateFile file{"a_1.deb", hex_lower(std::string(32, 'x')), 1234};
  const auto back = decode_extended_fragment(encode_extended_fragment(file));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->sha256, file.sha256);
  EXPECT_EQ(back->bytes, 1234);
  EXPECT_EQ(*decode_localized_fragment(encode_localized_fragment("a <b> & c", "x")), "a <b> & c");
}

}  // namespace
}  // namespace fp::wire::wsus
