#include "wire/location.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/text.hpp"
#include "wire/envelope.hpp"

namespace fp::wire {
namespace {

template <class T>
T request_as(std::string_view document) {
  auto r = decode_location_request(document);
  EXPECT_TRUE(r) << r.error().message;
  if (!r || !std::holds_alternative<T>(*r)) {
    ADD_FAILURE() << "another request: " << document;
    return {};
  }
  return std::get<T>(*r);
}

ClientLocation outside() {
  ClientLocation w;
  w.internet = true;
  w.ad_site = "Default-First-Site-Name";
  w.domain = "lab.test";
  w.addresses = {{"10.0.0.0", "10.0.0.7"}, {"", "2001:db8::1"}};
  w.boundary_groups = {"16777217"};
  return w;
}

TEST(Location, ReadsAContentRequestAsToolsSendIt) {
  auto bytes = read_file(Path(FARPOINT_SOURCE_DIR) / "tests/data/wire/contentlocation.bin");
  ASSERT_TRUE(bytes);
  const auto envelope = decode_envelope(kMultipartType, *bytes);
  ASSERT_TRUE(envelope);
  const auto r = request_as<ContentLocationRequest>(open_documents(*envelope)->body());
  EXPECT_EQ(r.site_code, "LAB");
  EXPECT_EQ(r.package_id, "LAB00002");
  EXPECT_EQ(r.content_id, "LAB00002.1");
  EXPECT_EQ(r.version, 1);
  EXPECT_FALSE(r.client_package);
  EXPECT_TRUE(r.where.internet);
  EXPECT_EQ(r.where.location_type, "SMSPACKAGE");
  EXPECT_EQ(r.where.forest, "lab.test");
  ASSERT_EQ(r.where.addresses.size(), 1U);
  EXPECT_EQ(r.where.addresses[0].address, "10.0.0.7");
  EXPECT_EQ(r.where.boundary_groups, std::vector<std::string>{"16777217"});
}

TEST(Location, ContentIdsHaveManyForms) {
  const auto asked = [](const std::string& package) {
    return decode_location_request("<ContentLocationRequest><AssignedSite SiteCode=\"lab\"/>" + package +
                                   "</ContentLocationRequest>");
  };
  const auto id = [&](const std::string& package) {
    auto r = asked(package);
    return r ? std::get<ContentLocationRequest>(*r).content_id : "refused";
  };
  EXPECT_EQ(id("<Package ID='LAB00002' Version='3'/>"), "LAB00002.3");
  EXPECT_EQ(id("<Package ID='LAB00002.2' Version=''/>"), "LAB00002.2");
  EXPECT_EQ(id("<Package ID='lab00002'/>"), "LAB00002");
  EXPECT_EQ(id("<Package ID='UID:Content_0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9' Version='1'/>"),
            "Content_0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9.1");
  EXPECT_EQ(id("<Package ID='0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9'/>"), "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9");
  EXPECT_TRUE(
      std::get<ContentLocationRequest>(*asked("<ClientPackage RequestForLatest='0' DeploymentFlags='4098'/>")).client_package);
  for (const char* bad : {"", "<Package ID=''/>", "<Package ID=\"LAB00002' OR 1=1\"/>", "<Package ID='LAB00002' Version='-1'/>",
                          "<Package ID='LAB00002' Version='x'/>", "<Package ID='../../etc'/>"})
    EXPECT_FALSE(asked(bad)) << bad;
}

TEST(Location, EveryRequestIsReadBack) {
  EXPECT_EQ(request_as<SiteInformationRequest>(encode_location_request(SiteInformationRequest{"LAB"})).site_code, "LAB");
  EXPECT_TRUE(request_as<AssignedSiteRequest>(encode_location_request(AssignedSiteRequest{outside()})).where.internet);
  EXPECT_EQ(request_as<MpLocationRequest>(encode_location_request(MpLocationRequest{"LAB", outside()})).site_code, "LAB");
  ContentLocationRequest content;
  content.site_code = "LAB";
  content.content_id = "Content_0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9.2";
  content.where = outside();
  const auto back = request_as<ContentLocationRequest>(encode_location_request(content));
  EXPECT_EQ(back.content_id, content.content_id);
  EXPECT_EQ(back.version, 2);
  EXPECT_EQ(back.where.addresses.size(), 2U);
  EXPECT_EQ(back.where.ad_site, "Default-First-Site-Name");
  ContentLocationRequest client;
  client.site_code = "LAB";
  client.client_package = true;
  EXPECT_TRUE(request_as<ContentLocationRequest>(encode_location_request(client)).client_package);
  const auto wsus = request_as<WsusLocationRequest>(
      encode_location_request(WsusLocationRequest{"0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9", 4, outside()}));
  EXPECT_EQ(wsus.content_id, "0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9");
  EXPECT_EQ(wsus.version, 4);
  EXPECT_TRUE(wsus.where.internet);
  request_as<TokenServicesRequest>(encode_location_request(TokenServicesRequest{}));
  EXPECT_EQ(request_as<UpdateSubFilesRequest>(
                encode_location_request(UpdateSubFilesRequest{"0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", 1, {}}))
                .version,
            1);
}

TEST(Location, HowLongAJobHasLookedIsADuration) {
  const auto waited = [](const std::string& text) {
    return request_as<ContentLocationRequest>("<ContentLocationRequest ClientInOperation='" + text +
                                              "'><Package ID='LAB00002'/></ContentLocationRequest>")
        .waited_min;
  };
  EXPECT_EQ(waited("PT0M"), 0);
  EXPECT_EQ(waited("PT90M"), 90);
  EXPECT_EQ(waited("PT1H30M"), 90);
  EXPECT_EQ(waited("P1DT2H"), 26 * 60);
  EXPECT_EQ(waited("PT119S"), 1);
  for (const char* bad : {"", "90", "PT", "PTM", "P1M", "PT5", "PT-5M", "PT99999999999M", "P1DT2X"}) EXPECT_EQ(waited(bad), 0) << bad;
}

TEST(Location, TunnelsAndTheWayToTheNextGroupComeBack) {
  ContentLocationRequest request;
  request.content_id = "LAB00002.1";
  request.waited_min = 61;
  request.where.adapters = {{"wg0", "company", ClientLocation::kTunnelAdapter}};
  const auto back = request_as<ContentLocationRequest>(encode_location_request(request));
  EXPECT_EQ(back.waited_min, 61);
  ASSERT_EQ(back.where.adapters.size(), 1U);
  EXPECT_EQ(back.where.adapters[0].name, "wg0");
  EXPECT_EQ(back.where.adapters[0].description, "company");
  EXPECT_EQ(back.where.adapters[0].if_type, ClientLocation::kTunnelAdapter);
  ContentLocationReply reply{.site_code = "LAB"};
  reply.more_in_min = 60;
  EXPECT_EQ(decode_content_locations(encode_content_locations(reply))->more_in_min, 60);
  reply.more_in_min = -1;
  EXPECT_EQ(encode_content_locations(reply).find("FPMoreInMinutes"), std::string::npos);
  MpEntry mp{.name = "MP1", .fqdn = "mp1"};
  EXPECT_EQ(encode_mp_list({mp}).find("FPCategory"), std::string::npos);
  mp.category = 1;
  mp.locality = 2;
  const auto list = decode_mp_list(encode_mp_list({mp}));
  EXPECT_EQ((*list)[0].category, 1);
  EXPECT_EQ((*list)[0].locality, 2);
  EXPECT_EQ(decode_assigned_site(encode_assigned_site("")).value_or("?"), "");
}

TEST(Location, UnknownAndMalformedRequestsAreTold) {
  EXPECT_EQ(decode_location_request("<NewRequest/>").error().code, Code::not_found);
  EXPECT_EQ(decode_location_request("<SiteInformationRequest><SiteCode Name='LAB2'/></SiteInformationRequest>").error().code,
            Code::invalid);
  EXPECT_EQ(decode_location_request("not xml").error().code, Code::invalid);
  EXPECT_EQ(decode_location_request("<SiteInformationRequest>" + std::string(300 << 10, ' ') + "</SiteInformationRequest>")
                .error()
                .code,
            Code::too_large);
}

TEST(Location, HintsThatLookWrongAreDropped) {
  const auto r = request_as<AssignedSiteRequest>(
      "<AssignedSiteRequest><ClientLocationInfo UseInternetDP='TRUE' AllowHTTP='false'><ADSite Name='a&#10;b'/><IPAddresses>"
      "<IPAddress Address='10.0.0.1; DROP'/><IPAddress Address='10.0.0.2'/></IPAddresses><BoundaryGroups><BoundaryGroup "
      "GroupID='x'/>"
      "</BoundaryGroups></ClientLocationInfo></AssignedSiteRequest>");
  EXPECT_TRUE(r.where.internet);
  EXPECT_FALSE(r.where.allow_http);
  EXPECT_EQ(r.where.ad_site, "");
  ASSERT_EQ(r.where.addresses.size(), 1U);
  EXPECT_EQ(r.where.addresses[0].address, "10.0.0.2");
  EXPECT_TRUE(r.where.boundary_groups.empty());
}

TEST(Location, RepliesHaveTheShapeThatToolsRead) {
  EXPECT_EQ(encode_site_information({{"LAB", "5.00.9128.1000", "9128"}}),
            "<SiteInfoReply SchemaVersion=\"1.00\"><Sites><Site><SiteCode>LAB</SiteCode><Version>5.00.9128.1000</Version>"
            "<BuildNumber>9128</BuildNumber></Site></Sites></SiteInfoReply>");
  ContentLocationReply reply{
      "LAB", {{"http://dp1/SMS_DP_SMSPKG$/LAB00002.1", "http://dp1/SMS_DP_SMSSIG$/LAB00002.1.tar", "dp1.lab.test"}}};
  EXPECT_EQ(
      encode_content_locations(reply),
      "<ContentLocationReply SchemaVersion=\"1.00\"><ContentInfo "
      "PackageFlags=\"0\"><ContentHashValues/></ContentInfo><Sites><Site>"
      "<MPSite SiteCode=\"LAB\" MasterSiteCode=\"LAB\" SiteLocality=\"LOCAL\" IISPreferedPort=\"80\" IISSSLPreferedPort=\"443\"/>"
      "<LocationRecords><LocationRecord><URL Name=\"http://dp1/SMS_DP_SMSPKG$/LAB00002.1\" "
      "Signature=\"http://dp1/SMS_DP_SMSSIG$/LAB00002.1.tar\"/><ADSite Name=\"\"/><IPSubnets><IPSubnet Address=\"\"/></IPSubnets>"
      "<Metric Value=\"\"/><Version>9128</Version><Capabilities SchemaVersion=\"1.0\"><Property Name=\"SSLState\" Value=\"63\"/>"
      "</Capabilities><ServerRemoteName>dp1.lab.test</ServerRemoteName><DPType>SERVER</DPType><Windows Trust=\"1\"/>"
      "<Locality>LOCAL</Locality></LocationRecord></LocationRecords></Site></Sites><RelatedContentIDs/></ContentLocationReply>");
}

TEST(Location, EveryReplyIsReadBack) {
  const auto sites = decode_site_information(encode_site_information({{"LAB", "5.00", "1"}, {"FP2", "", ""}}));
  ASSERT_TRUE(sites);
  EXPECT_EQ((*sites)[1].site_code, "FP2");
  EXPECT_EQ(*decode_assigned_site(encode_assigned_site("LAB")), "LAB");
  MpEntry mp{"MP1", "mp1.lab.test"};
  mp.internet_url = "https://mp1.lab.test:443";
  const auto mps = decode_mp_locations(encode_mp_locations({mp}, "LAB"));
  ASSERT_TRUE(mps && mps->size() == 1);
  EXPECT_EQ((*mps)[0].internet_url, mp.internet_url);
  ContentLocationReply sent{"LAB",
                            {{"https://dp1/SMS_DP_SMSPKG$/cap.abc/LAB00002.1", "", "dp1.lab.test", 0, "SERVER", "REMOTE"}}};
  const auto content = decode_content_locations(encode_content_locations(sent));
  ASSERT_TRUE(content && content->locations.size() == 1) << content.error().message;
  EXPECT_EQ(content->site_code, "LAB");
  EXPECT_EQ(content->locations[0].url, sent.locations[0].url);
  EXPECT_EQ(content->locations[0].ssl_state, 0U);
  EXPECT_EQ(content->locations[0].locality, "REMOTE");
  const auto wsus = decode_wsus_locations(encode_wsus_locations({{"https://sup:8531", "sup.lab.test", 3}}));
  ASSERT_TRUE(wsus && wsus->size() == 1);
  EXPECT_EQ((*wsus)[0].version, 3);
  EXPECT_EQ(encode_token_services(), "<TokenServicesReply SchemaVersion=\"1.00\"/>");
  EXPECT_EQ(encode_update_sub_files(), "<UpdateSFReply SchemaVersion=\"1.00\"/>");
}

TEST(Location, RepliesThatNameOtherThingsThanUrlsAreRefused) {
  for (const char* url : {"", "file:///etc/passwd", "ftp://x", "https://a b"}) {
    ContentLocationReply reply{"LAB", {{url, "", "dp1"}}};
    EXPECT_FALSE(decode_content_locations(encode_content_locations(reply))) << url;
  }
  EXPECT_FALSE(decode_content_locations("<SiteInfoReply/>"));
  EXPECT_FALSE(decode_assigned_site("<AssignedSiteReply/>"));
}

TEST(ClientId, IsReadBothWays) {
  const auto r = decode_client_id_request(
      "<ClientIDRequest><Identification><Machine><SMBIOS>{0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9}</SMBIOS>"
      "<MacAddress>00-15-5d-01-02-0a</MacAddress></Machine></Identification></ClientIDRequest>");
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->smbios_guid, "0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9");
  EXPECT_EQ(r->mac_address, "00:15:5D:01:02:0A");
  EXPECT_EQ(decode_client_id_request(encode_client_id_request(*r))->mac_address, r->mac_address);
  EXPECT_FALSE(decode_client_id_request("<ClientIDRequest/>"));
  EXPECT_FALSE(decode_client_id_request(encode_client_id_request({"x", ""})));
  EXPECT_FALSE(decode_client_id_request(encode_client_id_request({"", "00:15:5D:01:02"})));
  const auto reply = decode_client_id_reply(encode_client_id_reply({"GUID:0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9", "PC1"}));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->netbios_name, "PC1");
  EXPECT_EQ(decode_client_id_reply(encode_client_id_reply({}))->client_id, "");
}

TEST(Authority, ReadsEveryKeywordInAnyCase) {
  for (const auto& [text, keyword] :
       std::vector<std::pair<std::string, AuthorityKeyword>>{{"MPLIST", AuthorityKeyword::mp_list},
                                                             {"mplist1", AuthorityKeyword::mp_list_site},
                                                             {"MPList2", AuthorityKeyword::mp_list_internet},
                                                             {"MPCERT", AuthorityKeyword::mp_certificate},
                                                             {"MPCERT2", AuthorityKeyword::mp_certificate2},
                                                             {"MPKEYINFORMATION", AuthorityKeyword::key_information},
                                                             {"MPKEYINFORMATIONEX", AuthorityKeyword::key_information_ex},
                                                             {"MPKEYINFORMATIONMEDIA", AuthorityKeyword::key_information_media},
                                                             {"SITESIGNCERT", AuthorityKeyword::site_sign_certificate},
                                                             {"MPTRK", AuthorityKeyword::trusted_root_key},
                                                             {"MPLOCATION", AuthorityKeyword::mp_location},
                                                             {"SMSTRC", AuthorityKeyword::trace},
                                                             {"MPLIST&x=y", AuthorityKeyword::mp_list}}) {
    const auto q = parse_authority_query(text);
    ASSERT_TRUE(q) << text;
    EXPECT_EQ(q->keyword, keyword) << text;
  }
  EXPECT_EQ(parse_authority_query("MPLIST1&lab")->site_code, "LAB");
  EXPECT_EQ(parse_authority_query("GETCLIENTAFFINITY&GUID%3A0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9")->client_id,
            "GUID:0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9");
  EXPECT_EQ(parse_authority_query("").error().code, Code::not_found);
  EXPECT_EQ(parse_authority_query("MPLIST3").error().code, Code::not_found);
  EXPECT_EQ(parse_authority_query("MPLIST1&LABS").error().code, Code::invalid);
  EXPECT_EQ(parse_authority_query("GETCLIENTAFFINITY").error().code, Code::invalid);
  EXPECT_EQ(parse_authority_query("MPLIST&%").error().code, Code::invalid);
  EXPECT_EQ(parse_authority_query(std::string(2000, 'M')).error().code, Code::too_large);
  EXPECT_EQ(parse_authority_query("MPLIST" + std::string(30, '&')).error().code, Code::too_large);
}

TEST(Authority, RepliesHaveTheShapeThatToolsRead) {
  EXPECT_EQ(encode_mp_list({{"MP1.LAB.TEST", "mp1.lab.test", "", 9128, 0}}),
            "<MPList><MP Name=\"MP1.LAB.TEST\" FQDN=\"mp1.lab.test\"><Version>9128</Version><Capabilities SchemaVersion=\"1.0\">"
            "<Property Name=\"SSLState\" Value=\"0\"/></Capabilities></MP></MPList>");
  EXPECT_EQ(encode_site_sign_certificate("\x30\x01"),
            "<SiteSignCert><X509Certificate Encoding=\"HexBinary\">3001</X509Certificate></SiteSignCert>");
  EXPECT_EQ(encode_mp_certificate("\x30\x01"), "<MPCertificate>3001</MPCertificate>");
  const KeyInformation k{"MP1",
                         "mp1.lab.test",
                         "LAB",
                         "LAB",
                         "\x30",
                         "\x31",
                         "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
                         "1a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"};
  const std::string common =
      "<MPKEYINFORMATION><MACHINENAME>MP1</MACHINENAME><FQDN>mp1.lab.test</FQDN><SITECODE>LAB</SITECODE>"
      "<ASSIGNEDSITECODE>LAB</ASSIGNEDSITECODE><CERTIFICATE>30</CERTIFICATE><TRUSTEDROOTKEY>31</TRUSTEDROOTKEY>";
  EXPECT_EQ(encode_key_information(k, AuthorityKeyword::key_information), common + "</MPKEYINFORMATION>");
  EXPECT_EQ(encode_key_information(k, AuthorityKeyword::key_information_media),
            common +
                "<UnknownMachines x86UnknownMachineGUID=\"0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9\" "
                "x64UnknownMachineGUID=\"1A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9\"/></MPKEYINFORMATION>");
}

TEST(Authority, RepliesAreReadBack) {
  MpEntry mp{"MP1", "mp1.lab.test", "LAB", 9200, ssl_state::kHttps};
  mp.intranet_url = "https://mp1.lab.test:8443";
  const auto list = decode_mp_list(encode_mp_list({mp, {"MP2", "mp2.lab.test"}}));
  ASSERT_TRUE(list && list->size() == 2);
  EXPECT_EQ((*list)[0].site_code, "LAB");
  EXPECT_EQ((*list)[0].version, 9200);
  EXPECT_EQ((*list)[0].intranet_url, mp.intranet_url);
  EXPECT_EQ((*list)[1].fqdn, "mp2.lab.test");
  KeyInformation k{"MP1", "mp1.lab.test", "LAB", "LAB", "\x30", "\x31"};
  k.unknown_x64 = "1A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9";
  const auto back = decode_key_information(encode_key_information(k, AuthorityKeyword::key_information_ex));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->trusted_root_key, "\x31");
  EXPECT_EQ(back->unknown_x64, k.unknown_x64);
  EXPECT_EQ(*decode_mp_certificate(encode_mp_certificate("\x30")), "\x30");
  EXPECT_EQ(*decode_site_sign_certificate(encode_site_sign_certificate("\x30")), "\x30");
  EXPECT_EQ(*decode_trusted_root_key(encode_trusted_root_key("\x30")), "\x30");
  EXPECT_EQ(decode_mp_location(encode_mp_location({"mp1.lab.test", "LAB", "\x30", "\x31"}))->site_sign_certificate_der, "\x31");
  EXPECT_FALSE(decode_mp_location(encode_mp_location({"", "", "", ""})));
  EXPECT_FALSE(decode_mp_certificate("<MPCertificate/>"));
  EXPECT_FALSE(decode_site_sign_certificate("<x/>"));
  EXPECT_FALSE(decode_mp_list("<MPList><MP/></MPList>"));
  EXPECT_FALSE(decode_mp_list("<x/>"));
  EXPECT_EQ(encode_client_affinity("LAB\\user"), "<ClientAffinity><User>LAB\\user</User></ClientAffinity>");
  EXPECT_EQ(encode_trace(), "<SMSTRC/>");
}

}  // namespace
}  // namespace fp::wire
