#include "roles/sup/software_update_point.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/test_folder.hpp"
#include "base/text.hpp"
#include "roles/sup/synchronizer.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "wire/wsus_limits.hpp"
#include "wire/wsus_metadata.hpp"

namespace fp::sup {
namespace {

namespace wsus = wire::wsus;

class Point : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = store::open_sqlite(folder_.path() / "site.db", clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    put(1, "1.2");
    start();
  }
  void start() { point_ = std::make_unique<SoftwareUpdatePoint>(*store_, clock_, random_, PointSettings{"secret of the site"}); }
  void put(int n, const std::string& version) {
    const Status done = store_->write([&](store::Repositories& r) -> Status {
      SoftwareUpdate u;
      u.id = fmt::format("11111111-0000-8000-A000-{:012X}", n);
      u.package = fmt::format("package{}", n);
      u.version = version;
      u.architecture = "amd64";
      u.title = fmt::format("package{} {}", n, version);
      u.product = "Lab stable";
      u.file_name = "a.deb";
      u.url = "http://deb.vendor.test/pool/a.deb";
      u.sha256 = fmt::format("{:064x}", n);
      u.bytes = 77;
      FP_CHECK(r.updates.put(u));
      return r.site.set_value(kContentVersion, std::to_string(++version_));
    });
    ASSERT_TRUE(done) << done.error().message;
  }
  net::Response send(std::string_view path, std::string body, Door door = Door::internet_https, const char* method = "POST") {
    net::Request request;
    request.method = method;
    request.path = std::string(path);
    request.body = std::move(body);
    request.peer.door = door;
    request.peer.address = "192.0.2.7";
    return point_->handle(request);
  }
  static std::string text_of(const net::Response& response) {
    std::string out;
    for (const auto& segment : response.body) out += net::bytes_of(segment).value_or("");
    return out;
  }
  std::string good(const wsus::Request& request) {
    const auto encoded = wsus::encode_request(request);
    const auto response = send(encoded.path, encoded.body);
    EXPECT_EQ(response.status, 200) << text_of(response);
    return text_of(response);
  }
  std::optional<wsus::Problem> problem(const wsus::Request& request) {
    const auto encoded = wsus::encode_request(request);
    const auto response = send(encoded.path, encoded.body);
    EXPECT_EQ(response.status, 500);
    const auto fault = wsus::decode_fault(text_of(response));
    return fault ? std::optional(fault->problem) : std::nullopt;
  }
  wsus::Cookie begin() {
    const auto config = wsus::decode_config(good(wsus::GetConfig{"2.90"}));
    EXPECT_TRUE(config);
    const auto authorization = wsus::decode_authorization_cookie(good(wsus::GetAuthorizationCookie{"abc-1", "pc1", ""}));
    return *wsus::decode_cookie(good(wsus::GetCookie{"SimpleTargeting", *authorization, config->last_change, clock_.now(), "2.90"}));
  }

  TestFolder folder_;
  ManualClock clock_;
  SeededRandom random_{7};
  std::int64_t version_ = 0;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<SoftwareUpdatePoint> point_;
};

TEST_F(Point, AWholeScan) {
  const auto cookie = begin();
  good(wsus::RegisterComputer{cookie, "pc1", "Linux", "amd64"});
  const auto categories = good(wsus::StartCategoryScan{{std::string(kUpdates), "99999999-1111-4111-8111-111111111111"}});
  EXPECT_NE(categories.find("<preferredCategoryIds><guid>cd5ffd1e"), std::string::npos);
  EXPECT_NE(categories.find("<requestedCategoryIdsInError><guid>99999999"), std::string::npos);
  wsus::SyncUpdates sync;
  sync.cookie = cookie;
  std::vector<std::int64_t> leaves;
  for (int pass = 0; pass < 4; ++pass) {
    const auto info = wsus::decode_sync_info(good(sync));
    ASSERT_TRUE(info) << info.error().message;
    for (const auto& u : info->updates) {
      EXPECT_TRUE(wire::decode_core_fragment(u.fragment));
      EXPECT_EQ(u.install, u.leaf);
      (u.leaf ? sync.other_cached : sync.installed_non_leaf).push_back(u.number);
      if (u.leaf) leaves.push_back(u.number);
    }
    sync.cookie = info->cookie;
  }
  ASSERT_EQ(leaves.size(), 1U);
  const auto extended = wsus::decode_extended_info(good(wsus::GetExtendedUpdateInfo{sync.cookie, leaves}));
  ASSERT_EQ(extended->fragments.size(), 2U) << "two for each update";
  EXPECT_EQ(wire::decode_extended_fragment(extended->fragments[0].xml)->bytes, 77);
  EXPECT_EQ(*wire::decode_localized_fragment(extended->fragments[1].xml), "package1 1.2");
  EXPECT_EQ(extended->files.at(0).url, "http://deb.vendor.test/pool/a.deb") << "the vendor's";
  const auto located = good(wsus::GetFileLocations{sync.cookie, {extended->files[0].digest}});
  EXPECT_NE(located.find("http://deb.vendor.test/pool/a.deb"), std::string::npos);
  const auto refreshed = good(wsus::RefreshCache{sync.cookie, {{"11111111-0000-8000-A000-000000000001", 1}, {"11111111-0000-8000-A000-000000000001", 9}}});
  EXPECT_EQ(refreshed.find("<RevisionID>"), refreshed.rfind("<RevisionID>")) << "only the revision that is there";
  EXPECT_NE(good(wsus::ReportEventBatch{sync.cookie, {{147, 0, ""}}}).find("<ReportEventBatchResult>true"), std::string::npos);
  EXPECT_EQ(point_->counters().events, 1U);
}

TEST_F(Point, ANewRevisionIsDeliveredInPlaceOfTheOldOne) {
  wsus::SyncUpdates sync;
  sync.cookie = begin();
  for (int pass = 0; pass < 4; ++pass) {
    const auto page = wsus::decode_sync_info(good(sync));
    for (const auto& u : page->updates) (u.leaf ? sync.other_cached : sync.installed_non_leaf).push_back(u.number);
  }
  put(1, "1.3");
  const auto info = wsus::decode_sync_info(good(sync));
  ASSERT_EQ(info->updates.size(), 1U);
  EXPECT_EQ(info->out_of_scope, sync.other_cached);
  EXPECT_EQ(wire::decode_core_fragment(info->updates[0].fragment)->is_installable.version, "1.3");
}

TEST_F(Point, CookiesAreItsOwnLastAnHourAndAreNotMadeLongerByUse) {
  wsus::SyncUpdates sync;
  sync.cookie = begin();
  EXPECT_EQ(sync.cookie.expires_at.since_ms(clock_.now()), 3'600'000);
  clock_.advance_s(3000);
  sync.cookie = wsus::decode_sync_info(good(sync))->cookie;
  EXPECT_EQ(sync.cookie.expires_at.since_ms(clock_.now()), 600'000);
  clock_.advance_s(601);
  EXPECT_EQ(problem(sync), wsus::Problem::cookie_expired);
  sync.cookie = begin();
  sync.cookie.data[3] ^= 1;
  EXPECT_EQ(problem(sync), wsus::Problem::invalid_cookie);
  sync.cookie.data = "x";
  EXPECT_EQ(problem(sync), wsus::Problem::invalid_cookie);
  const auto authorization = *wsus::decode_authorization_cookie(good(wsus::GetAuthorizationCookie{"abc-1", "pc1", ""}));
  sync.cookie.data = authorization;
  EXPECT_EQ(problem(sync), wsus::Problem::invalid_cookie) << "an authorization is no session";
  sync.cookie = begin();
  point_ = std::make_unique<SoftwareUpdatePoint>(*store_, clock_, random_, PointSettings{"secret of another site"});
  EXPECT_EQ(problem(sync), wsus::Problem::invalid_cookie);
}

TEST_F(Point, AChangedConfigurationIsAskedForAgain) {
  const auto config = *wsus::decode_config(good(wsus::GetConfig{"2.90"}));
  const auto authorization = *wsus::decode_authorization_cookie(good(wsus::GetAuthorizationCookie{"abc-1", "pc1", ""}));
  EXPECT_EQ(problem(wsus::GetCookie{"SimpleTargeting", authorization, config.last_change.plus_s(-60), clock_.now(), "2.90"}), wsus::Problem::config_changed);
  EXPECT_EQ(problem(wsus::GetCookie{"SimpleTargeting", "made up", config.last_change, clock_.now(), "2.90"}), wsus::Problem::invalid_cookie);
}

TEST_F(Point, TooMuchAndNonsenseAreFaultsThatAreNotAskedAgain) {
  const auto cookie = begin();
  wsus::SyncUpdates sync;
  sync.cookie = cookie;
  sync.installed_non_leaf.resize(wire::wsus_limits::kInstalledIdsMax + 1, 1);
  EXPECT_EQ(problem(sync), wsus::Problem::invalid_parameters);
  EXPECT_EQ(problem(wsus::GetExtendedUpdateInfo{cookie, {12345}}), wsus::Problem::invalid_parameters);
  EXPECT_EQ(problem(wsus::GetFileLocations{cookie, {std::string(20, 'x')}}), wsus::Problem::invalid_parameters);
  EXPECT_EQ(problem(wsus::StartCategoryScan{std::vector<std::string>(wire::wsus_limits::kCategoriesMax + 1, std::string(kUpdates))}),
            wsus::Problem::invalid_parameters);
  EXPECT_EQ(send(wsus::kClientPath, "no soap").status, 500);
  EXPECT_GE(point_->counters().faults, 5U);
}

TEST_F(Point, AnswersAtItsPathsInAnyCaseAtEveryDoorAndToPostOnly) {
  const std::string body = wsus::encode_request(wsus::GetConfig{"2.90"}).body;
  for (const Door door : {Door::intranet_http, Door::intranet_https, Door::internet_https})
    EXPECT_EQ(send("/CLIENTWEBSERVICE/Client.ASMX", body, door).status, 200) << "no client certificate is asked for";
  const auto cookie = begin();
  EXPECT_EQ(send("/reportingwebservice/webservice.asmx", wsus::encode_request(wsus::ReportEventBatch{cookie, {}}).body).status, 200);
  EXPECT_EQ(send(wsus::kReportingPath, body).status, 500) << "GetConfig is of another service";
  const auto get = send(wsus::kClientPath, "", Door::internet_https, "GET");
  EXPECT_EQ(get.status, 405);
  EXPECT_FALSE(SoftwareUpdatePoint::owns("/ClientWebService/client.asmx/x"));
  EXPECT_FALSE(SoftwareUpdatePoint::owns("/Content/AB/ABCD.deb"));
  EXPECT_TRUE(wsus::decode_sync_info(good(wsus::SyncUpdates{cookie, {}, {}, true, true}))->updates.empty()) << "there are no drivers";
}

}  // namespace
}  // namespace fp::sup
