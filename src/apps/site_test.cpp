// The site's own work (src/site) on a real store: policy making, collection evaluation, keys.
#include <gtest/gtest.h>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "crypto/signature.hpp"
#include "site/collections.hpp"
#include "site/keys.hpp"
#include "site/policy_maker.hpp"
#include "site/settings.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "wire/policy.hpp"
#include "wire/policy_body.hpp"

namespace fp::site {
namespace {

class SiteTest : public testing::Test {
 protected:
  SiteTest() {
    EXPECT_TRUE(make_dirs(folder_));
    store_ = *store::open_sqlite(folder_ / "site.db", clock_);
    keys_.emplace(*make_site_keys(folder_ / "keys", "FP1", "site.corp.test", clock_, random_));
    maker_.emplace("FP1", [this](std::string_view text) {
      ++signatures_;
      return keys_->sign(text);
    });
    collection(kAllSystems, {}, kAllSystems);
  }
  ~SiteTest() override {
    store_.reset();
    EXPECT_TRUE(remove_tree(folder_));
  }

  template <class F>
  void write(F&& fn) {
    const Status done = store_->write([&](store::Repositories& r) -> Status { return fn(r); });
    ASSERT_TRUE(done) << done.error().message;
    clock_.advance_s(1);
  }
  Collection collection(const std::string& id, std::vector<CollectionRule> rules, const std::string& limiting, bool incremental = false) {
    Collection c;
    c.id = id;
    c.name = id;
    c.rules = std::move(rules);
    c.limiting_id = limiting;
    c.incremental = incremental;
    write([&](store::Repositories& r) { return r.collections.put(c); });
    return c;
  }
  std::string device(const std::string& name) {
    Device d;
    d.client_id = new_client_id(random_);
    d.name = name;
    d.key_fingerprint = hex_lower(crypto::sha256(name));
    d.approval = Approval::approved;
    write([&](store::Repositories& r) -> Status {
      FP_CHECK(r.devices.put(d));
      return r.collections.add_member(kAllSystems, {d.client_id, "registered", r.change});
    });
    return d.client_id;
  }
  std::vector<std::string> members(const std::string& id) {
    std::vector<std::string> out;
    const auto all = store_->read([&](store::Repositories& r) { return r.collections.members(id); });
    for (const auto& m : *all) out.push_back(m.client_id);
    return out;
  }
  std::vector<Policy> policies_of(const std::string& source) {
    return *store_->read([&](store::Repositories& r) { return r.policies.list_by_source(source); });
  }

  ManualClock clock_;
  SeededRandom random_{7};
  Path folder_ = std::filesystem::temp_directory_path() / ("farpoint-site-" + new_guid(system_random()));
  std::unique_ptr<store::Store> store_;
  std::optional<SiteKeys> keys_;
  std::optional<PolicyMaker> maker_;
  CollectionEvaluator evaluator_;
  int signatures_ = 0;
};

CollectionRule query(std::string wql) { return {RuleKind::query, "query", {}, std::move(wql)}; }
CollectionRule other(RuleKind kind, std::string id) { return {kind, "other", std::move(id), {}}; }
constexpr const char* kLaptops = "select * from SMS_R_System where SMS_R_System.Name like 'lap%'";

}  // namespace

TEST_F(SiteTest, KeysAreMadeOnceAndOpenAgain) {
  const auto again = open_site_keys(folder_ / "keys");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->signing_certificate.fingerprint(), keys_->signing_certificate.fingerprint());
  EXPECT_EQ(make_site_keys(folder_ / "keys", "FP1", "x", clock_, random_).error().code, Code::conflict);
}

TEST_F(SiteTest, APolicyIsSignedByTheSiteAndKeepsItsVersionWhileNothingChanges) {
  ClientSettings settings = default_client_settings("FP1");
  write([&](store::Repositories& r) { return maker_->settings(r, settings); });
  ASSERT_EQ(policies_of(settings.id).size(), 1U);
  const Policy first = policies_of(settings.id).front();
  EXPECT_EQ(first.hash, hex(crypto::sha256(wire::policy_body_bytes(first.body))));
  EXPECT_TRUE(crypto::verify_sha256(keys_->signing_certificate.public_key(),
                                    wire::assignment_signing_text(first.id, first.version, first.category, first.flags, first.hash),
                                    first.signature));
  const int before = signatures_;
  write([&](store::Repositories& r) { return maker_->settings(r, settings); });
  EXPECT_EQ(policies_of(settings.id).front().version, first.version);
  EXPECT_EQ(signatures_, before);
  settings.values["client_policy.polling_interval_min"] = "30";
  write([&](store::Repositories& r) { return maker_->settings(r, settings); });
  EXPECT_EQ(policies_of(settings.id).front().id, first.id);
  EXPECT_EQ(policies_of(settings.id).front().version, "2.00");
}

TEST_F(SiteTest, ADeploymentOfWhatIsNotThereIsRefusedWithItsName) {
  Deployment d;
  d.id = "FP100009";
  d.target_id = new_guid(random_);
  d.collection_id = kAllSystems;
  const Status done = store_->write([&](store::Repositories& r) -> Status { return maker_->deployment(r, d); });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::not_found);
  EXPECT_NE(done.error().message.find(d.target_id), std::string::npos);
}

TEST_F(SiteTest, ACollectionsVariablesAreSecretPolicyAndGoWithThem) {
  Collection c = collection("FP100001", {}, kAllSystems);
  c.variables = {{"Password", "swordfish", true}};
  write([&](store::Repositories& r) { return maker_->collection(r, c); });
  ASSERT_EQ(policies_of(c.id).size(), 1U);
  EXPECT_NE(policies_of(c.id).front().flags & policy_flag::kSecret, 0U);
  EXPECT_EQ(policies_of(c.id).front().body.find("swordfish"), std::string::npos);
  c.variables.clear();
  write([&](store::Repositories& r) { return maker_->collection(r, c); });
  EXPECT_TRUE(policies_of(c.id).empty());
}

TEST_F(SiteTest, RulesLimitsAndExclusionsDecideMembership) {
  const auto laptop = device("laptop"), lapdog = device("lapdog"), server = device("server");
  collection("FP100001", {query(kLaptops)}, kAllSystems);
  collection("FP100002", {{RuleKind::direct, "one", lapdog, {}}}, kAllSystems);
  collection("FP100003", {other(RuleKind::include, kAllSystems), other(RuleKind::exclude, "FP100002")}, "FP100001");
  write([&](store::Repositories& r) -> Status {
    FP_TRY(done, evaluator_.evaluate(r, "FP100002"));
    FP_TRY(rest, evaluator_.evaluate(r, "FP100001"));
    EXPECT_EQ(rest.size(), 2U) << "what it limits is evaluated with it";
    return {};
  });
  EXPECT_EQ(members("FP100001").size(), 2U);
  EXPECT_EQ(members("FP100003"), std::vector<std::string>{laptop});
  EXPECT_NE(server, laptop);
}

TEST_F(SiteTest, ACycleIsRefusedBeforeItIsStored) {
  collection("FP100001", {}, kAllSystems);
  collection("FP100002", {other(RuleKind::include, "FP100001")}, kAllSystems);
  Collection c;
  c.id = "FP100001";
  c.name = "one";
  c.limiting_id = kAllSystems;
  c.rules = {other(RuleKind::include, "FP100002")};
  const Status checked = store_->read([&](store::Repositories& r) { return evaluator_.check(r, c); });
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Code::conflict);
}

TEST_F(SiteTest, AnIncrementalCollectionFollowsAChangeWithoutAFullEvaluation) {
  collection("FP100001", {query(kLaptops)}, kAllSystems, true);
  collection("FP100002", {query(kLaptops)}, kAllSystems, false);
  ASSERT_TRUE(evaluator_.follow_changes(*store_));
  const auto laptop = device("laptop");
  const auto done = evaluator_.follow_changes(*store_);
  ASSERT_TRUE(done) << done.error().message;
  ASSERT_EQ(done->size(), 1U);
  EXPECT_EQ(done->front().joined, 1);
  EXPECT_EQ(members("FP100001"), std::vector<std::string>{laptop});
  EXPECT_TRUE(members("FP100002").empty());
  EXPECT_TRUE(evaluator_.follow_changes(*store_)->empty()) << "what was followed is not followed again";
}

TEST_F(SiteTest, AFullEvaluationComesWhenTheCollectionsIntervalIsOver) {
  Collection laptops = collection("FP100001", {query(kLaptops)}, kAllSystems);
  const auto due = [&] {
    return *store_->write([&](store::Repositories& r) { return evaluator_.evaluate_due(r, clock_.now(), 10); });
  };
  laptops.full_interval_s = 3600;
  laptops.evaluated_at = clock_.now();
  write([&](store::Repositories& r) { return r.collections.put(laptops); });
  const auto id = device("laptop");
  EXPECT_TRUE(due().empty());
  clock_.advance_s(3600);
  const auto done = due();
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(done[0].collection_id, "FP100001");
  EXPECT_EQ(members("FP100001"), std::vector<std::string>{id});
  EXPECT_TRUE(due().empty()) << "the next one comes an interval later";
  clock_.advance_s(3599);
  EXPECT_TRUE(due().empty());
  clock_.advance_s(1);
  EXPECT_EQ(due().size(), 1U);
}

TEST_F(SiteTest, APollIsNoChangeAndAReportIsOne) {
  const auto id = device("laptop");
  const auto now = *store_->read([&](store::Repositories& r) { return r.devices.changed_since({}, 10); });
  ASSERT_EQ(now.size(), 1U);
  write([&](store::Repositories& r) -> Status {
    FP_TRY(d, r.devices.find(id));
    d.last_policy_at = clock_.now();
    return r.devices.put(d);
  });
  const auto changed = [&] { return *store_->read([&](store::Repositories& r) { return r.devices.changed_since(now[0].at, 10); }); };
  EXPECT_TRUE(changed().empty());
  write([&](store::Repositories& r) -> Status {
    InventoryReport report;
    report.client_id = id;
    report.made_at = clock_.now();
    report.instances = {{"OPERATING_SYSTEM", InstanceContent::fresh, {{"Caption", "Debian"}}, "os"}};
    return r.inventory.apply(report, "hardware");
  });
  ASSERT_EQ(changed().size(), 1U);
  EXPECT_EQ(changed().front().client_id, id);
}

TEST(Settings, EveryDefaultIsWithinItsOwnRange) {
  EXPECT_TRUE(check_settings(default_client_settings("FP1").values));
  EXPECT_FALSE(check_settings({{"client_policy.polling_interval_min", "0"}}));
  EXPECT_FALSE(check_settings({{"no.such.setting", "1"}}));
  EXPECT_FALSE(check_settings({{"restart.forced", "maybe"}}));
}

}  // namespace fp::site
