#include "roles/fsp/fallback_status_point.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "base/test_folder.hpp"
#include "base/text.hpp"
#include "crypto/cms.hpp"
#include "crypto/hash.hpp"
#include "roles/fsp/collector.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "wire/fallback.hpp"

namespace fp::fsp {
namespace {

constexpr const char* kClear = R"(<StateMessage><Topic Type="1000"/><State ID="2"/></StateMessage>)";
const std::string kSite(64, 'a');

std::string text_of(const net::Response& response) {
  std::string out;
  for (const auto& segment : response.body) out += std::get<std::string>(segment);
  return out;
}

std::string header_of(const net::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (iequals(key, name)) return value;
  return {};
}

class PointTest : public ::testing::Test {
 protected:
  void SetUp() override { make({}); }
  void make(const ThrottleLimits& throttle, const SpoolLimits& limits = {}) {
    point_.reset();
    spool_ = std::move(*Spool::open(dir_ / "spool", limits));
    point_ = std::make_unique<FallbackStatusPoint>(*spool_, clock_, random_, Settings{{kSite}, throttle});
  }
  net::Response ask(const std::string& method, const std::string& path, std::string body = {}, const std::string& type = "text/xml",
                    bool site = false, const std::string& address = "203.0.113.9") {
    net::Request request;
    request.method = method;
    request.path = request.target = path;
    request.headers = {{"Content-Type", type}};
    request.body = std::move(body);
    request.peer.door = site ? Door::intranet_https : Door::intranet_http;
    request.peer.address = address;
    if (site) request.peer.fingerprint = kSite;
    request.received_at = clock_.now();
    return point_->handle(request);
  }
  net::Response post(const std::string& body, const std::string& type = "text/xml") { return ask("POST", "/SMS_FSP/.sms_fsp", body, type); }

  TestFolder folder_;
  const Path dir_ = folder_.path();
  ManualClock clock_;
  SeededRandom random_{7};
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<FallbackStatusPoint> point_;
};

const site::SealingKey& sealing_key() {
  static const site::SealingKey key = [] {
    const TestFolder folder;
    auto made = site::open_sealing_key(folder.path(), "FP1", system_clock(), system_random());
    auto again = site::open_sealing_key(folder.path(), "FP1", system_clock(), system_random());
    EXPECT_TRUE(again && again->certificate.der() == made->certificate.der());
    return *made;
  }();
  return key;
}

}  // namespace

TEST_F(PointTest, AMessageIsKeptAndAnsweredWithItsReceiptAndNothingElse) {
  for (const char* path : {"/SMS_FSP/.sms_fsp", "/sms_fsp", "/SMS_FSP/x/y"}) {
    const auto response = ask("POST", path, kClear);
    EXPECT_EQ(response.status, 200) << path;
    EXPECT_TRUE(text_of(response).empty());
    EXPECT_EQ(header_of(response, "FPReceipt"), hex_lower(crypto::sha256(kClear)));
  }
  ASSERT_EQ(spool_->messages(), 3);
  EXPECT_EQ(spool_->oldest().front().body, kClear);
  EXPECT_EQ(spool_->oldest().front().address, "203.0.113.9");
}

TEST_F(PointTest, NothingElseIsAnswered) {
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PROPFIND", "CCM_POST", "BITS_POST", "TRACE", "post"}) {
    const auto response = ask(method, "/SMS_FSP/.sms_fsp", kClear);
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(header_of(response, "Allow"), "POST");
    EXPECT_TRUE(text_of(response).empty());
  }
  for (const char* path : {"/", "/SMS_MP/.sms_aut", "/SMS_DP_SMSPKG$/x", "/admin/v1/devices", "/SMS_FSPX", "/farpoint/dp/v1/status"})
    EXPECT_EQ(ask("POST", path, kClear).status, 404) << path;
  EXPECT_EQ(spool_->messages(), 0);
  net::Request head;
  head.method = "POST";
  head.path = "/SMS_FSP";
  EXPECT_EQ(FallbackStatusPoint::body_bytes_max(head), limits::kFallbackBodyBytesMax);
  head.path = "/else";
  EXPECT_EQ(FallbackStatusPoint::body_bytes_max(head), 0U);
}

TEST_F(PointTest, GarbageIsRefusedAndTakesNothingFromTheThrottle) {
  make({2, 0, 3600});
  for (int n = 0; n < 5; ++n) {
    EXPECT_EQ(post("garbage").status, 400);
    EXPECT_EQ(post("garbage", std::string(wire::kSealedFallbackType)).status, 400);
    EXPECT_EQ(post(std::string(limits::kFallbackBodyBytesMax + 1, ' ')).status, 413);
  }
  EXPECT_EQ(post(kClear).status, 200);
  EXPECT_EQ(spool_->messages(), 1);
}

TEST_F(PointTest, MoreThanTheThrottleAllowsIsToldToComeLater) {
  make({3, 0, 3600});
  for (int n = 0; n < 3; ++n) EXPECT_EQ(post(kClear).status, 200);
  const auto refused = post(kClear);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(header_of(refused, "Retry-After"), "3600");
  EXPECT_NE(text_of(refused).find("throttled"), std::string::npos);
  clock_.advance_s(3600);
  EXPECT_EQ(post(kClear).status, 200);
  make({0, 2, 3600});
  for (int n = 0; n < 2; ++n) EXPECT_EQ(post(kClear).status, 200);
  EXPECT_EQ(post(kClear).status, 429);
  EXPECT_EQ(ask("POST", "/SMS_FSP", kClear, "text/xml", false, "203.0.113.10").status, 200);
}

TEST_F(PointTest, AFullSpoolSaysSoAndKeepsWhatItHas) {
  make({}, {2, 1 << 20});
  EXPECT_EQ(post(kClear).status, 200);
  EXPECT_EQ(post(kClear).status, 200);
  const auto refused = post(kClear);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(header_of(refused, "Retry-After"), "600");
  EXPECT_EQ(spool_->messages(), 2);
}

TEST_F(PointTest, OnlyTheSiteFetchesAndOnlyItsReceiptRemoves) {
  EXPECT_EQ(post(kClear).status, 200);
  EXPECT_EQ(ask("GET", "/farpoint/fsp/v1/messages").status, 404);  // not at the clients' door
  const auto batch = wire::decode_spool_batch(text_of(ask("GET", "/farpoint/fsp/v1/messages", {}, "", true)));
  ASSERT_TRUE(batch) << batch.error().message;
  ASSERT_EQ(batch->messages.size(), 1U);
  EXPECT_EQ(batch->counts.accepted, 1);
  EXPECT_EQ(spool_->messages(), 1);
  const std::string receipt = wire::encode_receipts({batch->messages[0].id});
  net::Request stranger;
  stranger.method = "POST";
  stranger.path = "/farpoint/fsp/v1/receipts";
  stranger.body = receipt;
  stranger.peer.door = Door::intranet_https;
  stranger.peer.fingerprint = std::string(64, 'b');
  EXPECT_EQ(point_->handle(stranger).status, 403);
  EXPECT_EQ(spool_->messages(), 1);
  EXPECT_EQ(ask("POST", "/farpoint/fsp/v1/receipts", receipt, "", true).status, 204);
  EXPECT_EQ(ask("POST", "/farpoint/fsp/v1/receipts", receipt, "", true).status, 204);
  EXPECT_EQ(spool_->messages(), 0);
  EXPECT_EQ(ask("POST", "/farpoint/fsp/v1/receipts", "{", "", true).status, 400);
  EXPECT_EQ(ask("GET", "/farpoint/fsp/v1/else", {}, "", true).status, 404);
}

TEST_F(PointTest, ASealedMessageIsKeptUnreadAndOnlyTheSiteOpensIt) {
  const auto der = crypto::seal(kClear, sealing_key().certificate.der());
  ASSERT_TRUE(der);
  EXPECT_EQ(post(*der, std::string(wire::kSealedFallbackType)).status, 200);
  const auto kept = spool_->oldest();
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].body.find("StateMessage"), std::string::npos);

  auto store = store::open_sqlite(dir_ / "site.db", clock_);
  ASSERT_TRUE(store) << store.error().message;
  const Collector site(**store, clock_, {}, sealing_key());
  const auto read = site.read(kept[0], "fsp.test");
  ASSERT_EQ(read.size(), 1U);
  EXPECT_TRUE(read[0].sealed);
  EXPECT_EQ(read[0].topic_type, 1000);
  EXPECT_EQ(read[0].fsp, "fsp.test");
  EXPECT_EQ(read[0].message_id, kept[0].id);
  const Collector other(**store, clock_, {}, std::nullopt);
  EXPECT_EQ(other.read(kept[0], "fsp.test")[0].topic_type, 0);
  auto spoilt = kept[0];
  spoilt.body[spoilt.body.size() / 2] ^= 1;
  EXPECT_EQ(site.read(spoilt, "fsp.test")[0].topic_type, 0);
  EXPECT_NE(site.read(spoilt, "fsp.test")[0].details.find("cannot be"), std::string::npos);
}

TEST_F(PointTest, WhatTheLinkDoesNotReachIsNotedWithTheReason) {
  auto store = store::open_sqlite(dir_ / "site.db", clock_);
  ASSERT_TRUE(store);
  FallbackPoint point;
  point.name = "fsp.test";
  ASSERT_TRUE((*store)->write([&](store::Repositories& r) { return r.fallback.put_point(point); }));
  const auto noted = [&](Ask ask) {
    Collector collector(**store, clock_, std::move(ask), std::nullopt);
    EXPECT_TRUE(collector.run_once());
    const auto now = (*store)->read([](store::Repositories& r) { return r.fallback.find_point("fsp.test"); });
    EXPECT_EQ(now->asked_at, clock_.now());
    EXPECT_EQ(now->answered_at.ms, 0);
    return now->problem;
  };
  EXPECT_NE(noted({}).find("admin.link_certificate"), std::string::npos);
  EXPECT_EQ(noted([](const std::string&, net::Request&) -> Result<net::Response> { return fail(Code::unavailable, "the link is down"); }),
            "the link is down");
  EXPECT_NE(noted([](const std::string&, net::Request&) { return net::Response::empty(404); }).find("no fallback status point"), std::string::npos);
}

TEST_F(PointTest, OverTheLinkEverythingIsFetchedOnceAlsoAfterAReceiptThatDidNotArrive) {
  auto store = store::open_sqlite(dir_ / "site.db", clock_);
  ASSERT_TRUE(store);
  FallbackPoint point;
  point.name = "fsp.test";
  ASSERT_TRUE((*store)->write([&](store::Repositories& r) { return r.fallback.put_point(point); }));
  bool receipts_arrive = false;
  Collector collector(**store, clock_, [&](const std::string& name, net::Request& request) -> Result<net::Response> {
    EXPECT_EQ(name, "fsp.test");
    if (request.method == "POST" && !receipts_arrive) return fail(Code::unavailable, "cut");
    request.path = request.target;
    request.peer.fingerprint = kSite;
    return point_->handle(request);
  }, std::nullopt);
  for (int n = 0; n < 3; ++n) EXPECT_EQ(post(kClear).status, 200);
  EXPECT_EQ(collector.run_once().value(), 3);
  EXPECT_EQ(spool_->messages(), 3);
  receipts_arrive = true;
  EXPECT_EQ(collector.run_once().value(), 0);
  EXPECT_EQ(spool_->messages(), 0);
  const auto kept = (*store)->read([](store::Repositories& r) { return r.fallback.messages({}); });
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->size(), 3U);
}

}  // namespace fp::fsp
