#include "roles/dp/distribution_point.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "roles/dp/test_site.hpp"
#include "wire/capability.hpp"
#include "wire/dav.hpp"
#include "wire/dp_link.hpp"
#include "wire/ini.hpp"
#include "wire/manifest.hpp"

namespace fp::dp {
namespace {

class DistributionPointTest : public TestSite {
 protected:
  static constexpr const char* kBase = "/SMS_DP_SMSPKG$/LAB00002.1";

  void SetUp() override {
    TestSite::SetUp();
    manifest_ = library_->add("LAB00002.1", source_).value();
    make({});
  }
  void make(Settings settings) {
    settings.host = "dp.example";
    settings.site_fingerprints = {kSite};
    settings.capability_key = std::string(32, 'k');
    settings.blocked = [this](const std::string&) { return blocked_; };
    role_ = std::make_unique<DistributionPoint>(*library_, clock_, settings, pulls_.get());
  }
  net::Response ask(std::string method, const std::string& target, net::Headers headers = {}, std::string body = {}) {
    net::Request request = request_of(std::move(method), target, std::move(headers), std::move(body));
    request.peer = peer_;
    return role_->handle(request);
  }
  void as_anonymous(Door door) {
    peer_ = {};
    peer_.door = door;
  }

  Manifest manifest_;
  std::unique_ptr<DistributionPoint> role_;
  Peer peer_ = client_peer(Door::intranet_https);
  bool blocked_ = false;
};

TEST_F(DistributionPointTest, AFileIsServedWithStrongValidators) {
  const auto reply = ask("GET", std::string(kBase) + "/readme.txt");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(text_of(reply), "0123456789abcdef");
  EXPECT_EQ(header_of(reply, "ETag"), "\"" + hash_of("0123456789abcdef") + "\"");
  EXPECT_EQ(header_of(reply, "Accept-Ranges"), "bytes");
  EXPECT_TRUE(parse_http_date(header_of(reply, "Last-Modified")));
  EXPECT_EQ(header_of(reply, "Content-Encoding"), "");
}

TEST_F(DistributionPointTest, PathsAreFoundWhateverCaseAndEncoding) {
  for (const char* target : {"/sms_dp_smspkg$/lab00002.1/README.TXT", "/SMS_DP_SMSPKG%24/LAB00002.1/readme%2Etxt",
                             "/SMS_DP_SMSPKG$/LAB00002/readme.txt", "/SMS_DP_SMSPKG$/LAB00002.1/sccm?/readme.txt",
                             "/SMS_DP_SMSPKG$/LAB00002.1/sccm%3F/readme.txt"})
    EXPECT_EQ(text_of(ask("GET", target)), "0123456789abcdef") << target;
  EXPECT_EQ(ask("GET", std::string(kBase) + "/sccm?/").status, 200);
}

TEST_F(DistributionPointTest, WhatIsNotThereIs404) {
  for (const char* target : {"/SMS_DP_SMSPKG$/nonsense", "/SMS_DP_SMSPKG$/LAB00009.1/", "/SMS_DP_SMSPKG$/LAB00002.1/none",
                             "/SMS_DP_SMSPKG$/LAB00002.1/../LAB00002.1/readme.txt", "/SMS_DP_SMSSIG$/LAB00002.1.tar",
                             "/NOCERT_SMS_DP_SMSPKG$/LAB00002.1/readme.txt", "/CCMTOKENAUTH_SMS_DP_SMSPKG$/LAB00002.1/readme.txt",
                             "/SMS_DP_SMSPKG$/FileLib/0000", "/SMS_DP_SMSPKG$/Datalib/LAB00002.1/none.INI"})
    EXPECT_EQ(ask("GET", target).status, 404) << target;
}

TEST_F(DistributionPointTest, HeadSaysTheLengthAndSendsNothing) {
  const auto reply = ask("HEAD", std::string(kBase) + "/sub/large.bin", {{"Range", "bytes=0-9"}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.head_length, static_cast<std::int64_t>(large_.size()));
  EXPECT_TRUE(reply.body.empty());
}

TEST_F(DistributionPointTest, OneRangeIs206WithItsPlace) {
  const auto reply = ask("GET", std::string(kBase) + "/sub/large.bin", {{"Range", "bytes=2500000-"}});
  EXPECT_EQ(reply.status, 206);
  EXPECT_EQ(text_of(reply), "end");
  EXPECT_EQ(header_of(reply, "Content-Range"), "bytes 2500000-2500002/2500003");
}

TEST_F(DistributionPointTest, SeveralRangesAreMultipartInTheirOrder) {
  const auto reply = ask("GET", std::string(kBase) + "/readme.txt", {{"Range", "bytes=10-11,0-1"}});
  EXPECT_EQ(reply.status, 206);
  const std::string type = header_of(reply, "Content-Type");
  ASSERT_TRUE(type.starts_with("multipart/byteranges; boundary="));
  const std::string boundary = type.substr(type.find('=') + 1);
  EXPECT_EQ(text_of(reply),
            "--" + boundary + "\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes 10-11/16\r\n\r\nab\r\n--" +
                boundary + "\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes 0-1/16\r\n\r\n01\r\n--" +
                boundary + "--\r\n");
}

TEST_F(DistributionPointTest, RangesAndConditionsFollowTheRfc) {
  const std::string file = std::string(kBase) + "/readme.txt";
  const std::string etag = "\"" + hash_of("0123456789abcdef") + "\"";
  const auto behind = ask("GET", file, {{"Range", "bytes=16-"}});
  EXPECT_EQ(behind.status, 416);
  EXPECT_EQ(header_of(behind, "Content-Range"), "bytes */16");
  EXPECT_EQ(ask("GET", file, {{"Range", "bytes=x"}}).status, 200);
  EXPECT_EQ(ask("GET", file, {{"Range", "bytes=0-1"}, {"If-Range", etag}}).status, 206);
  EXPECT_EQ(ask("GET", file, {{"Range", "bytes=0-1"}, {"If-Range", "\"other\""}}).status, 200);
  EXPECT_EQ(ask("GET", file, {{"If-None-Match", etag}}).status, 304);
  EXPECT_EQ(ask("GET", file, {{"If-Match", "\"other\""}, {"Range", "bytes=0-1"}}).status, 412);
  const auto empty = ask("GET", std::string(kBase) + "/empty.bin");
  EXPECT_EQ(empty.status, 200);
  EXPECT_EQ(text_of(empty), "");
}

TEST_F(DistributionPointTest, AFolderIsAPageOfAbsoluteLinks) {
  as_anonymous(Door::intranet_http);
  make({.anonymous_intranet = true});
  const auto reply = ask("GET", std::string(kBase) + "/", {{"Host", "dp1:8080"}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_NE(text_of(reply).find(" 16 <a href=\"http://dp1:8080/SMS_DP_SMSPKG$/LAB00002.1/readme.txt\">"), std::string::npos);
  EXPECT_NE(text_of(reply).find("&lt;dir&gt <a href=\"http://dp1:8080/SMS_DP_SMSPKG$/LAB00002.1/sub\">"), std::string::npos);
  const auto forged = ask("GET", std::string(kBase) + "/", {{"Host", "x\"><script>"}});
  EXPECT_NE(text_of(forged).find("http://dp.example/SMS_DP_SMSPKG$"), std::string::npos);
}

TEST_F(DistributionPointTest, TheViewsOfOtherReadersAreThere) {
  const std::string datalib = text_of(ask("GET", "/SMS_DP_SMSPKG$/Datalib"));
  EXPECT_NE(datalib.find("/SMS_DP_SMSPKG$/Datalib/LAB00002.1\">"), std::string::npos);
  EXPECT_NE(datalib.find("/SMS_DP_SMSPKG$/Datalib/LAB00002.1.INI\">"), std::string::npos);
  const auto ini = wire::decode_file_ini(text_of(ask("GET", "/sms_dp_smspkg$/datalib/LAB00002.1/sub/large.bin.INI")));
  ASSERT_TRUE(ini);
  EXPECT_EQ(ini->sha256, hash_of(large_));
  const std::string name = upper(ini->sha256);
  EXPECT_EQ(text_of(ask("GET", "/SMS_DP_SMSPKG$/FileLib/" + name.substr(0, 4) + "/" + name)), large_);
  EXPECT_EQ(text_of(ask("GET", "/SMS_DP_SMSPKG$/FileLib/" + name.substr(0, 4) + "/" + name + ".INI")),
            "[Users]\r\nLAB00002.1=\r\n");
  EXPECT_EQ(text_of(ask("GET", "/SMS_DP_SMSPKG$/PkgLib/LAB00002.INI")), "[Packages]\r\nLAB00002.1=\r\n");
  EXPECT_NE(text_of(ask("GET", "/SMS_DP_SMSPKG$/")).find("Datalib"), std::string::npos);
}

TEST_F(DistributionPointTest, TheManifestProvesItself) {
  const auto reply = ask("GET", std::string(kBase) + ".manifest");
  EXPECT_EQ(header_of(reply, "Content-Type"), "application/json");
  const auto manifest = wire::decode_manifest(text_of(reply));
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->root_hash, manifest_.root_hash);
}

TEST_F(DistributionPointTest, PropfindListsOneLevelTheCollectionFirst) {
  const auto reply = ask("PROPFIND", std::string(kBase), {{"Host", "dp1"}});  // no Depth: one
  EXPECT_EQ(reply.status, 207);
  const auto list = wire::decode_multistatus(text_of(reply)).value();
  ASSERT_EQ(list.size(), 4U);
  EXPECT_EQ(list[0].href, "https://dp1/SMS_DP_SMSPKG$/LAB00002.1/");
  EXPECT_TRUE(list[0].collection);
  EXPECT_EQ(list[1].href, "https://dp1/SMS_DP_SMSPKG$/LAB00002.1/sub/");
  EXPECT_EQ(list[3].name, "readme.txt");
  EXPECT_EQ(list[3].size_bytes, 16);
  EXPECT_EQ(list[3].etag, "\"" + hash_of("0123456789abcdef") + "\"");
  const auto zero = ask("PROPFIND", std::string(kBase) + "/readme.txt", {{"Depth", "0"}});
  EXPECT_EQ(wire::decode_multistatus(text_of(zero))->size(), 1U);
  const auto infinite = ask("PROPFIND", kBase, {{"Depth", "infinity"}});
  EXPECT_EQ(infinite.status, 403);
  EXPECT_NE(text_of(infinite).find("propfind-finite-depth"), std::string::npos);
  EXPECT_EQ(ask("PROPFIND", kBase, {}, "<broken").status, 400);
  EXPECT_EQ(ask("PROPFIND", std::string(kBase) + "/none").status, 404);
}

TEST_F(DistributionPointTest, OptionsAndOtherVerbsNameWhatIsAllowed) {
  const auto options = ask("OPTIONS", "/SMS_DP_SMSPKG$/");
  EXPECT_EQ(options.status, 200);
  EXPECT_EQ(header_of(options, "DAV"), "1,2");
  for (const char* verb : {"PUT", "DELETE", "MKCOL", "POST", "LOCK"}) {
    const auto reply = ask(verb, kBase);
    EXPECT_EQ(reply.status, 405) << verb;
    EXPECT_EQ(header_of(reply, "Allow"), "GET, HEAD, PROPFIND, OPTIONS");
  }
  EXPECT_EQ(ask("CCM_POST", kBase).status, 400);  // a message elsewhere (wire.md §16)
}

TEST_F(DistributionPointTest, WithoutACertificateEveryPathIs403) {
  for (const Door door : {Door::intranet_https, Door::internet_https, Door::intranet_http}) {
    as_anonymous(door);
    for (const char* target :
         {"/SMS_DP_SMSPKG$/nonsense", "/SMS_DP_SMSPKG$/LAB00002.1/readme.txt", "/SMS_DP_SMSPKG$/LAB00002.1.manifest"}) {
      const auto reply = ask("GET", target);
      EXPECT_EQ(reply.status, 403) << target;
      EXPECT_EQ(reply.reason, "Client certificate required");
    }
  }
  peer_ = client_peer(Door::internet_https);
  peer_.check.problem = CertificateProblem::revoked;
  EXPECT_EQ(ask("GET", kBase).status, 403);
}

TEST_F(DistributionPointTest, AnonymousNeverOpensTheInternet) {
  make({.anonymous_intranet = true});
  as_anonymous(Door::intranet_http);
  EXPECT_EQ(ask("GET", "/SMS_DP_SMSPKG$/nonsense").status, 404);
  EXPECT_EQ(ask("GET", kBase).status, 200);
  as_anonymous(Door::internet_https);
  EXPECT_EQ(ask("GET", kBase).status, 403);
}

TEST_F(DistributionPointTest, APinnedProxyNeedsACapabilityOfTheContent) {
  peer_ = client_peer(Door::internet_https);
  peer_.pinned_proxy = true;
  const wire::ContentCapability good{"LAB00002.1", "GUID:00112233-4455-6677-8899-AABBCCDDEEFF", clock_.now().plus_s(600)};
  const std::string cap = wire::encode_capability(good, std::string(32, 'k'));
  const std::string url = "/SMS_DP_SMSPKG$/" + cap + "/LAB00002.1";
  EXPECT_EQ(ask("GET", std::string(kBase) + "/readme.txt").status, 403);
  EXPECT_EQ(text_of(ask("GET", url + "/readme.txt")), "0123456789abcdef");
  EXPECT_EQ(ask("GET", url + ".manifest").status, 200);
  const auto list = wire::decode_multistatus(text_of(ask("PROPFIND", url, {{"Host", "dp"}}))).value();
  EXPECT_EQ(list[0].href, "https://dp" + url + "/");
  EXPECT_EQ(ask("GET", "/SMS_DP_SMSPKG$/" + cap + "/Datalib").status, 403);
  EXPECT_EQ(ask("GET", "/SMS_DP_SMSPKG$/" + cap + "/LAB00003.1/x").status, 403);
  blocked_ = true;
  EXPECT_EQ(ask("GET", url + "/readme.txt").status, 403);
  blocked_ = false;
  clock_.advance_s(601);
  EXPECT_EQ(ask("GET", url + "/readme.txt").status, 403);
  as_anonymous(Door::internet_https);  // a capability is worth nothing without the proxy
  EXPECT_EQ(ask("GET", url + "/readme.txt").status, 403);
}

TEST_F(DistributionPointTest, AwayFromTheSiteTheProxyIsServedByWhatTheSiteDelivered) {
  const std::string client = "GUID:00112233-4455-6677-8899-AABBCCDDEEFF", key(32, 'd');
  Settings settings;
  settings.site_fingerprints = {kSite};
  settings.delivered = std::shared_ptr<DeliveredTrust>(DeliveredTrust::open(root_ / "trust.json").value());
  DistributionPoint away(*library_, clock_, settings);
  Peer proxy = client_peer(Door::internet_https), site = proxy;
  proxy.pinned_proxy = true;
  site.fingerprint = kSite;
  const auto ask_as = [&](const Peer& peer, const std::string& method, const std::string& target, const std::string& body = {}) {
    net::Request request = request_of(method, target, {}, body);
    request.peer = peer;
    return away.handle(request).status;
  };
  const std::string cap = wire::encode_capability({"LAB00002.1", client, clock_.now().plus_s(600)}, key);
  const std::string file = "/SMS_DP_SMSPKG$/" + cap + "/LAB00002.1/readme.txt";
  EXPECT_EQ(ask_as(proxy, "GET", file), 403);  // nothing delivered yet
  int changes = 0;
  settings.delivered->on_change([&] { ++changes; });
  const std::string told = wire::encode_dp_trust({key, {}, {}});
  EXPECT_EQ(ask_as(proxy, "PUT", "/farpoint/dp/v1/trust", told), 403);  // only the site speaks
  EXPECT_EQ(ask_as(site, "PUT", "/farpoint/dp/v1/trust", "{}"), 400);
  EXPECT_EQ(ask_as(site, "PUT", "/farpoint/dp/v1/trust", told), 204);
  EXPECT_EQ(ask_as(proxy, "GET", file), 200);
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(std::filesystem::status(root_ / "trust.json").permissions(), std::filesystem::perms(0600));
  EXPECT_EQ(ask_as(site, "PUT", "/farpoint/dp/v1/trust", wire::encode_dp_trust({key, {client}, {std::string(64, 'b')}})), 204);
  EXPECT_EQ(ask_as(proxy, "GET", file), 403);
  const auto again = DeliveredTrust::open(root_ / "trust.json").value();  // and after a restart
  EXPECT_EQ(again->key(), key);
  EXPECT_TRUE(again->blocked(client));
  EXPECT_TRUE(again->fingerprints().contains(std::string(64, 'b')));
  ASSERT_TRUE(write_file(root_ / "trust.json", "{"));
  EXPECT_EQ(DeliveredTrust::open(root_ / "trust.json").error().code, Code::corrupt);
}

TEST_F(DistributionPointTest, ACorruptFileIsNeverServed) {
  const std::string name = upper(hash_of(large_));
  const auto path = root_ / "library/FileLib" / name.substr(0, 4) / name;
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  ASSERT_TRUE(write_file(path, std::string(large_.size(), 'X')));
  ASSERT_EQ(library_->validate()->size(), 1U);
  const auto reply = ask("GET", std::string(kBase) + "/sub/large.bin");
  EXPECT_EQ(reply.status, 503);
  EXPECT_NE(header_of(reply, "Retry-After"), "");
  EXPECT_EQ(ask("GET", std::string(kBase) + "/readme.txt").status, 200);
}

TEST_F(DistributionPointTest, OnlyTheSiteServerMayPush) {
  const std::string url = "/farpoint/dp/v1/contents/LAB00002.1";
  EXPECT_EQ(ask("DELETE", url).status, 403);
  EXPECT_EQ(ask("GET", "/farpoint/dp/v1/status").status, 403);
  as_anonymous(Door::intranet_http);
  EXPECT_EQ(ask("DELETE", url).status, 404);
  EXPECT_TRUE(library_->find("LAB00002.1"));
  peer_ = client_peer(Door::intranet_https);
  peer_.fingerprint = kSite;
  EXPECT_EQ(wire::decode_held(text_of(ask("GET", url)))->state, "ok");
  EXPECT_EQ(wire::decode_dp_status(text_of(ask("GET", "/farpoint/dp/v1/status")))->contents.size(), 1U);
  EXPECT_EQ(ask("GET", "/farpoint/dp/v1/contents/none").status, 400);
  EXPECT_EQ(ask("GET", "/farpoint/dp/v2/status").status, 404);
  EXPECT_EQ(ask("DELETE", url).status, 204);
  EXPECT_FALSE(library_->find("LAB00002.1"));
}

TEST_F(DistributionPointTest, TheSitePushesAContentChunkByChunk) {
  ASSERT_TRUE(library_->remove("LAB00002.1"));
  peer_.fingerprint = kSite;
  const std::string url = "/farpoint/dp/v1/contents/LAB00002.1";
  EXPECT_EQ(ask("PUT", url + "/manifest", {}, "{}").status, 400);
  EXPECT_EQ(ask("PUT", url + "/manifest", {}, wire::encode_manifest(manifest_)).status, 204);
  EXPECT_EQ(ask("POST", url + "/commit").status, 409);
  EXPECT_EQ(wire::decode_held(text_of(ask("GET", url)))->state, "receiving");
  const auto missing = wire::decode_missing(text_of(ask("POST", url + "/missing"))).value();
  for (const auto& file : missing)
    for (const auto& run : file.runs)
      for (std::int64_t i = run.first; i < run.first + run.count; ++i) {
        const std::string& bytes = file.sha256 == hash_of(large_) ? large_ : small_;
        const std::string chunk_url = fmt::format("{}/chunks/{}/{}", url, file.sha256, i);
        EXPECT_EQ(ask("PUT", chunk_url, {}, "wrong").status, 422);
        EXPECT_EQ(ask("PUT", chunk_url, {}, bytes.substr(static_cast<std::size_t>(i) << 20, 1 << 20)).status, 204);
      }
  EXPECT_EQ(ask("POST", url + "/commit").status, 204);
  EXPECT_EQ(text_of(ask("GET", std::string(kBase) + "/sub/large.bin")), large_);
  EXPECT_TRUE(wire::decode_findings(text_of(ask("POST", url + "/validate")))->empty());
}

TEST_F(DistributionPointTest, APullOrderIsKept) {
  peer_.fingerprint = kSite;
  const std::string order = wire::encode_pull_order({"LAB00005.1", manifest_.root_hash, {"https://dp2"}});
  EXPECT_EQ(ask("POST", "/farpoint/dp/v1/contents/LAB00005.1/pull", {}, order).status, 204);
  EXPECT_EQ(ask("POST", "/farpoint/dp/v1/contents/LAB00006.1/pull", {}, order).status, 400);
  EXPECT_EQ(wire::decode_held(text_of(ask("GET", "/farpoint/dp/v1/contents/LAB00005.1")))->state, "pulling");
  const auto again = PullOrders::open(root_ / "pulls").value();
  ASSERT_EQ(again->all().size(), 1U);
  EXPECT_EQ(again->all()[0].source_urls, std::vector<std::string>{"https://dp2"});
}

TEST_F(DistributionPointTest, BodiesAreLimitedBeforeTheyAreRead) {
  net::Request head = request_of("PUT", "/farpoint/dp/v1/contents/LAB00002.1/manifest");
  EXPECT_EQ(DistributionPoint::body_bytes_max(head), 64U << 10);
  head.peer.fingerprint = kSite;
  EXPECT_EQ(DistributionPoint::body_bytes_max(head), 64U << 20);
  EXPECT_TRUE(DistributionPoint::owns("/sms_dp_smspkg$/x"));
  EXPECT_FALSE(DistributionPoint::owns("/SMS_MP/.sms_aut"));
}

}  // namespace
}  // namespace fp::dp
