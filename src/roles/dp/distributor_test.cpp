#include "roles/dp/distributor.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>

#include "net/server.hpp"
#include "pki/issue.hpp"
#include "roles/dp/distribution_point.hpp"
#include "roles/dp/pull_worker.hpp"
#include "roles/dp/test_site.hpp"
#include "roles/dp/trust_courier.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "wire/capability.hpp"

namespace fp::dp {
namespace {

using store::Repositories;

// A distribution point on a real TLS socket, with a library of its own.
struct RunningDp {
  std::unique_ptr<content::Library> library;
  std::unique_ptr<PullOrders> pulls;
  std::shared_ptr<DeliveredTrust> delivered;
  std::unique_ptr<DistributionPoint> role;
  std::unique_ptr<net::Server> server;
  std::atomic<int> chunks{0};  // PUTs of chunks that came
  std::atomic<int> gets{0};
  [[nodiscard]] std::string url() const { return fmt::format("https://127.0.0.1:{}", server->port()); }
};

class DistributorTest : public TestSite {
 protected:
  static void SetUpTestSuite() {
    const Instant now = system_clock().now();
    auto root = pki::make_root(
        {.common_name = "Test Root", .not_before = now.plus_s(-60), .not_after = now.plus_s(86400), .key_bits = 2048},
        system_random());
    ASSERT_TRUE(root) << root.error().message;
    const auto issue = [&](pki::Profile profile, const std::string& name) {
      pki::Order order;
      order.profile = profile;
      order.common_name = name;
      order.dns_names = {"localhost"};
      order.ip_addresses = {"127.0.0.1"};
      order.not_before = now.plus_s(-60);
      order.not_after = now.plus_s(80000);
      return pki::issue_with_new_key(*root, order, system_random()).value();
    };
    root_pem_ = new std::string(root->certificate.pem());
    dp_identity_ = new pki::Identity(issue(pki::Profile::server, "dp"));
    site_identity_ = new pki::Identity(issue(pki::Profile::client, "site"));
  }
  static void TearDownTestSuite() {
    delete root_pem_;
    delete dp_identity_;
    delete site_identity_;
  }

  void SetUp() override {
    TestSite::SetUp();
    const auto save = [&](const char* name, const std::string& bytes) { ASSERT_TRUE(write_file(root_ / name, bytes, 0600)); };
    save("root.pem", *root_pem_);
    save("dp.pem", dp_identity_->certificate.pem());
    save("dp.key", dp_identity_->key.to_pem().value());
    save("site.pem", site_identity_->certificate.pem());
    save("site.key", site_identity_->key.to_pem().value());
    store_ = store::open_sqlite(root_ / "site.db", clock_).value();
    options_.identity.tls = {
        .certificate_file = root_ / "site.pem", .key_file = root_ / "site.key", .ca_file = root_ / "root.pem"};
    distributor_ = std::make_unique<Distributor>(*store_, *library_, clock_, random_, options_);
    manifest_ = library_->add("LAB00002.1", source_).value();
    put([&](Repositories& r) {
      return r.contents.put(
          {"LAB00002.1", "LAB00002", manifest_.total_bytes(), 3, manifest_.root_hash, source_.native(), clock_.now()});
    });
  }
  void TearDown() override {
    for (auto& dp : dps_) dp->server->stop();
    distributor_.reset();
    store_.reset();
    dps_.clear();
    TestSite::TearDown();
  }
  template <class F>
  void put(F&& fn) {
    const Status done = store_->write(std::forward<F>(fn));
    ASSERT_TRUE(done) << done.error().message;
  }
  // `library` empty: the site's own.
  RunningDp& start(const std::string& name, const std::string& library, bool pull = false) {
    auto dp = std::make_unique<RunningDp>();
    if (!library.empty()) dp->library = open_library(library);
    dp->pulls = PullOrders::open(root_ / (name + "-pulls")).value();
    Settings settings;
    settings.site_fingerprints = {site_identity_->certificate.fingerprint()};
    if (!library.empty()) settings.delivered = dp->delivered = DeliveredTrust::open(root_ / (name + "-trust.json")).value();
    dp->role = std::make_unique<DistributionPoint>(library.empty() ? *library_ : *dp->library, clock_, settings, dp->pulls.get());
    net::ServerOptions options;
    net::ListenerOptions listener;
    listener.address = "127.0.0.1";
    listener.door = Door::intranet_https;
    listener.tls = net::TlsSettings{.certificate_file = root_ / "dp.pem", .key_file = root_ / "dp.key"};
    options.listeners = {listener};
    options.io_threads = 1;
    options.worker_threads = 2;
    options.body_limit = DistributionPoint::body_bytes_max;
    options.verifier = [](std::string_view, const std::vector<std::string>&) {
      net::CertificateVerdict verdict;
      verdict.check.problem = CertificateProblem::none;
      return verdict;
    };
    options.handler = [raw = dp.get()](net::Request& request) {
      if (request.method == "PUT" && request.path.find("/chunks/") != std::string::npos) ++raw->chunks;
      if (request.method == "GET") ++raw->gets;
      return raw->role->handle(request);
    };
    dp->server = net::Server::start(std::move(options)).value();
    fp::DistributionPoint stored;
    stored.name = name;
    stored.local = library.empty();
    stored.pull = pull;
    stored.intranet_url = dp->url();
    put([&](Repositories& r) { return r.contents.put_dp(stored); });
    dps_.push_back(std::move(dp));
    return *dps_.back();
  }
  Distribution state_of(const std::string& dp) {
    const auto all = store_->read([&](Repositories& r) { return r.contents.distributions("LAB00002.1"); });
    for (const auto& d : all.value())
      if (d.dp == dp) return d;
    return {};
  }
  void damage(const std::string& library) {
    const std::string name = upper(hash_of(large_));
    const Path path = root_ / library / "FileLib" / name.substr(0, 4) / name;
    ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
    ASSERT_TRUE(write_file(path, std::string(large_.size(), 'X')));
  }

  static inline std::string* root_pem_ = nullptr;
  static inline pki::Identity* dp_identity_ = nullptr;
  static inline pki::Identity* site_identity_ = nullptr;
  SeededRandom random_{1};
  DistributorOptions options_;
  Manifest manifest_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Distributor> distributor_;
  std::vector<std::unique_ptr<RunningDp>> dps_;
};

TEST_F(DistributorTest, APushBringsTheContentAndNotesIt) {
  auto& dp = start("dp2", "remote");
  ASSERT_TRUE(distributor_->distribute("LAB00002.1", "dp2"));
  EXPECT_EQ(distributor_->run_once().value(), 1);
  EXPECT_EQ(state_of("dp2").state, DistributionState::ok) << state_of("dp2").detail;
  EXPECT_EQ(state_of("dp2").bytes_done, manifest_.total_bytes());
  EXPECT_EQ(dp.library->find("LAB00002.1").value()->manifest().root_hash, manifest_.root_hash);
  EXPECT_TRUE(dp.library->validate()->empty());
  EXPECT_EQ(distributor_->run_once().value(), 0);
}

TEST_F(DistributorTest, AStoppedPushGoesOnWithoutSendingAChunkTwice) {
  auto& dp = start("dp2", "remote");
  ASSERT_TRUE(distributor_->distribute("LAB00002.1", "dp2"));
  EXPECT_EQ(distributor_->run_once([&] { return dp.chunks == 2; }).value(), 0);
  EXPECT_EQ(state_of("dp2").state, DistributionState::transferring);
  EXPECT_FALSE(dp.library->find("LAB00002.1"));
  EXPECT_EQ(distributor_->run_once().value(), 1);
  EXPECT_EQ(dp.chunks, 4);
}

TEST_F(DistributorTest, ContentTakenOffDuringItsPushIsNotBroughtBack) {
  auto& dp = start("dp2", "remote");
  ASSERT_TRUE(distributor_->distribute("LAB00002.1", "dp2"));
  bool taken_off = false;
  const auto take_off_meanwhile = [&] {
    if (dp.chunks == 1) taken_off = distributor_->withdraw("LAB00002.1", "dp2").has_value();
    return false;
  };
  EXPECT_EQ(distributor_->run_once(take_off_meanwhile).value(), 0);
  EXPECT_TRUE(taken_off);
  EXPECT_EQ(state_of("dp2").state, DistributionState::removing);
  EXPECT_EQ(distributor_->run_once().value(), 1);
  EXPECT_TRUE(dp.library->contents().empty());
  EXPECT_TRUE(store_->read([](Repositories& r) { return r.contents.distributions({}); })->empty());
}

TEST_F(DistributorTest, WhatTheSiteKnowsNoMoreGoesFromEveryLibraryInWhateverOrder) {
  start("a-site", "");
  auto& dp = start("dp2", "remote");
  for (const char* name : {"a-site", "dp2"}) ASSERT_TRUE(distributor_->distribute("LAB00002.1", name));
  ASSERT_EQ(distributor_->run_once().value(), 2);
  put([](Repositories& r) { return r.contents.remove("LAB00002.1"); });
  for (const char* name : {"a-site", "dp2"}) ASSERT_TRUE(distributor_->withdraw("LAB00002.1", name));
  EXPECT_EQ(distributor_->run_once().value(), 2);
  EXPECT_TRUE(dp.library->contents().empty());
  EXPECT_TRUE(library_->contents().empty());
  EXPECT_TRUE(store_->read([](Repositories& r) { return r.contents.distributions({}); })->empty());
}

TEST_F(DistributorTest, APullThatFailsSaysWhyAndIsTriedAgainLater) {
  start("site", "");
  auto& pull = start("pull", "pull", true);
  ASSERT_TRUE(distributor_->distribute("LAB00002.1", "site"));
  ASSERT_TRUE(distributor_->distribute("LAB00002.1", "pull"));
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(distributor_->run_once());  // the site itself, then the order
  dps_[0]->server->stop();
  PullWorker worker(*pull.library, options_.identity);
  EXPECT_EQ(worker.run_once(*pull.pulls, clock_), 0);
  EXPECT_FALSE(pull.pulls->due("LAB00002.1", clock_.steady_ms()));
  ASSERT_TRUE(distributor_->run_once());
  EXPECT_EQ(state_of("pull").state, DistributionState::failed);
  EXPECT_NE(state_of("pull").detail.find("could not be pulled"), std::string::npos) << state_of("pull").detail;
  clock_.advance_s(3600);
  EXPECT_TRUE(pull.pulls->due("LAB00002.1", clock_.steady_ms()));
}

TEST_F(DistributorTest, ACorruptFileIsNamedAndSentAgain) {
  auto& dp = start("dp2", "remote");
  ASSERT_TRUE(distributor_->distribute("LAB00002.1", "dp2"));
  ASSERT_EQ(distributor_->run_once().value(), 1);
  damage("remote");
  clock_.advance_s(200 * 3600);
  const auto findings = distributor_->validate_due();
  ASSERT_TRUE(findings) << findings.error().message;
  ASSERT_EQ(findings->size(), 1U);
  EXPECT_EQ((*findings)[0].path, "sub/large.bin");
  EXPECT_EQ(state_of("dp2").state, DistributionState::corrupt);
  EXPECT_EQ(state_of("dp2").detail, "sub/large.bin: wrong hash");
  const auto events = store_->read([](Repositories& r) { return r.states.events({}, 10); });
  ASSERT_EQ(events->size(), 1U);
  EXPECT_NE((*events)[0].text.find("LAB00002.1 on dp2: sub/large.bin is corrupt"), std::string::npos);
  dp.chunks = 0;
  EXPECT_EQ(distributor_->run_once().value(), 1);
  EXPECT_EQ(dp.chunks, 3);
  EXPECT_EQ(state_of("dp2").state, DistributionState::ok);
  EXPECT_TRUE(dp.library->validate()->empty());
  EXPECT_TRUE(distributor_->validate_due()->empty());
}

TEST_F(DistributorTest, TheLocalLibraryIsRepairedFromAnotherDistributionPoint) {
  start("site", "");
  start("dp2", "remote");
  ASSERT_TRUE(distributor_->distribute("LAB00002.1", "site"));
  ASSERT_TRUE(distributor_->distribute("LAB00002.1", "dp2"));
  ASSERT_EQ(distributor_->run_once().value(), 2);
  std::filesystem::remove_all(source_);
  damage("library");
  ASSERT_EQ(distributor_->validate("site")->size(), 1U);
  EXPECT_EQ(state_of("site").state, DistributionState::corrupt);
  EXPECT_EQ(distributor_->run_once().value(), 1);
  EXPECT_EQ(state_of("site").state, DistributionState::ok) << state_of("site").detail;
  EXPECT_TRUE(library_->validate()->empty());
}

TEST_F(DistributorTest, TheLocalLibraryIsRepairedFromItsSourceWhereNobodyElseHasIt) {
  start("site", "");
  ASSERT_TRUE(distributor_->distribute("LAB00002.1", "site"));
  ASSERT_EQ(distributor_->run_once().value(), 1);
  damage("library");
  ASSERT_EQ(distributor_->validate("site")->size(), 1U);
  EXPECT_EQ(distributor_->run_once().value(), 1);
  EXPECT_TRUE(library_->validate()->empty());
}

TEST_F(DistributorTest, APullPointFetchesFromItsSourceAndGoesOnAfterARestart) {
  auto& site = start("site", "");
  auto& pull = start("pull", "pull", true);
  ASSERT_TRUE(distributor_->distribute("LAB00002.1", "pull"));
  EXPECT_EQ(distributor_->run_once().value(), 0);  // no source has it yet
  EXPECT_NE(state_of("pull").detail.find("sources"), std::string::npos);
  ASSERT_TRUE(distributor_->distribute("LAB00002.1", "site"));
  clock_.advance_s(3600);
  ASSERT_TRUE(distributor_->run_once());
  clock_.advance_s(3600);
  ASSERT_TRUE(distributor_->run_once());
  EXPECT_EQ(state_of("pull").state, DistributionState::transferring);
  PullWorker worker(*pull.library, options_.identity);
  const wire::PullOrder order = pull.pulls->all().at(0);
  EXPECT_FALSE(worker.fetch(order, [](const content::Progress& p) { return p.bytes_done < (1 << 20); }));
  EXPECT_FALSE(pull.library->find("LAB00002.1"));
  site.gets = 0;
  EXPECT_EQ(worker.run_once(*pull.pulls, clock_), 1);
  EXPECT_LE(site.gets, 3);  // the manifest and what was missing
  EXPECT_TRUE(pull.library->validate()->empty());
  EXPECT_EQ(distributor_->run_once().value(), 1);
  EXPECT_EQ(state_of("pull").state, DistributionState::ok);
}

TEST_F(DistributorTest, APullFromASourceWithOtherFilesCommitsNothing) {
  auto& site = start("site", "");
  auto target = open_library("target");
  PullWorker worker(*target, options_.identity);
  const Status pulled = worker.fetch({"LAB00002.1", std::string(64, '0'), {site.url()}});
  ASSERT_FALSE(pulled);
  EXPECT_NE(pulled.error().message.find("root hash"), std::string::npos);
  EXPECT_TRUE(target->contents().empty());
  EXPECT_TRUE(worker.fetch({"LAB00002.1", manifest_.root_hash, {"https://127.0.0.1:1", site.url()}}));
}

TEST_F(DistributorTest, AnUnreachablePointFailsWithTheReasonAndIsTriedAgainLater) {
  fp::DistributionPoint gone;
  gone.name = "gone";
  gone.intranet_url = "https://127.0.0.1:1";
  put([&](Repositories& r) { return r.contents.put_dp(gone); });
  ASSERT_TRUE(distributor_->distribute("LAB00002.1", "gone"));
  EXPECT_EQ(distributor_->run_once().value(), 0);
  EXPECT_EQ(state_of("gone").state, DistributionState::failed);
  EXPECT_FALSE(state_of("gone").detail.empty());
  EXPECT_EQ(state_of("gone").attempts, 1);
  ASSERT_TRUE(distributor_->run_once());
  EXPECT_EQ(state_of("gone").attempts, 1);  // not yet
  clock_.advance_s(3600);
  ASSERT_TRUE(distributor_->run_once());
  EXPECT_EQ(state_of("gone").attempts, 2);
}

TEST_F(DistributorTest, WithdrawnContentGoesFromThePointAndFromTheList) {
  auto& dp = start("dp2", "remote");
  ASSERT_TRUE(distributor_->distribute("LAB00002.1", "dp2"));
  ASSERT_EQ(distributor_->run_once().value(), 1);
  ASSERT_TRUE(distributor_->withdraw("LAB00002.1", "dp2"));
  EXPECT_EQ(distributor_->run_once().value(), 1);
  EXPECT_FALSE(dp.library->find("LAB00002.1"));
  EXPECT_TRUE(store_->read([](Repositories& r) { return r.contents.distributions({}); })->empty());
  EXPECT_TRUE(library_->find("LAB00002.1"));
}

TEST_F(DistributorTest, EveryPointAwayFromTheSiteIsToldItsKeyAndWhoIsBlocked) {
  const std::string secret(32, 's'), client = "GUID:00112233-4455-6677-8899-AABBCCDDEEFF";
  auto& dp = start("dp2", "remote");
  start("own", "");
  TrustCourier courier(*store_, clock_, random_, {options_.identity, secret});
  EXPECT_EQ(courier.run_once().value(), 1);
  EXPECT_EQ(dp.delivered->key(), wire::capability_key_of(secret, "dp2"));
  EXPECT_EQ(courier.run_once().value(), 0);  // nothing changed
  put([&](Repositories& r) {
    Device device;
    device.client_id = client;
    device.name = "PC1";
    device.key_fingerprint = std::string(64, '1');
    device.tls_fingerprint = std::string(64, '2');
    device.blocked = true;
    return r.devices.put(device);
  });
  EXPECT_EQ(courier.run_once().value(), 1);
  EXPECT_TRUE(dp.delivered->blocked(client));
  EXPECT_EQ(dp.delivered->fingerprints(), (std::set<std::string>{std::string(64, '1'), std::string(64, '2')}));
  clock_.advance_s(11 * 60);
  EXPECT_EQ(courier.run_once().value(), 1);  // now and then anew
}

TEST_F(DistributorTest, APointThatIsAwayIsToldLater) {
  put([&](Repositories& r) { return r.contents.put_dp({.name = "gone", .intranet_url = "https://127.0.0.1:1"}); });
  TrustCourier courier(*store_, clock_, random_, {options_.identity, std::string(32, 's')});
  EXPECT_EQ(courier.run_once().value(), 0);
  auto& dp = start("gone", "late");
  for (int i = 0; i < 100 && dp.delivered->key().empty(); ++i) {
    clock_.advance_s(10);
    ASSERT_TRUE(courier.run_once());
  }
  EXPECT_EQ(dp.delivered->key(), wire::capability_key_of(std::string(32, 's'), "gone"));
}

}  // namespace
}  // namespace fp::dp
