// When a site publishes itself, at a stand-in of a directory.
#include "apps/directory_publisher.hpp"

#include <gtest/gtest.h>

#include "base/test_folder.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace fp::apps {
namespace {

class Publishing : public ::testing::Test {
 protected:
  Publishing() : store(std::move(*store::open_sqlite(folder.path() / "site.db", clock))) {
    point("a.corp.test");
  }

  void point(const std::string& name) {
    const Status done = store->write([&](store::Repositories& r) {
      return r.site.put_management_point(
          {name, "https://" + name, "https://public." + name + ":8443", Connections::both});
    });
    ASSERT_TRUE(done);
  }
  std::unique_ptr<DirectoryPublisher> open(bool enabled = true) {
    DirectoryPublishing config{enabled, {"corp.test", "/etc/k"}};
    return std::make_unique<DirectoryPublisher>(
        config, wire::PublishedSite{"FP1", "0.1.0", std::string(64, 'a')}, *store, clock,
        [this](const std::vector<wire::DirectoryObject>& objects) -> Result<directory::Published> {
          ++attempts;
          if (!problem.empty()) return fail(Code::forbidden, "{}", problem);
          there = objects;
          directory::Published out;
          for (const auto& o : objects) out.objects.push_back(o.name);
          return out;
        });
  }

  ManualClock clock;
  TestFolder folder;
  std::unique_ptr<store::Store> store;
  std::vector<wire::DirectoryObject> there;
  std::string problem;
  int attempts = 0;
};

}  // namespace

TEST_F(Publishing, HappensWhenSomethingChangedAndOnceADay) {
  auto publisher = open();
  publisher->run_once();
  publisher->run_once();
  EXPECT_EQ(attempts, 1);
  ASSERT_EQ(there.size(), 2U);
  const auto read = wire::decode_published(there);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->management_points[0],
            (wire::PublishedManagementPoint{"FP1", "a.corp.test", "https://a.corp.test:443",
                                            "https://public.a.corp.test:8443"}));
  point("b.corp.test");
  publisher->run_once();
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(there.size(), 3U);
  clock.advance_s(24 * 3600);
  publisher->run_once();
  EXPECT_EQ(attempts, 3);
  publisher = open();  // as after a restart
  publisher->run_once();
  EXPECT_EQ(attempts, 3);
  EXPECT_EQ(publisher->state().objects.size(), 3U);
  publisher->wake();
  publisher->run_once();
  EXPECT_EQ(attempts, 4);
}

TEST_F(Publishing, AFailureIsShownAndTriedAgainAfterTenMinutes) {
  problem = "no right";
  const auto publisher = open();
  publisher->run_once();
  publisher->run_once();
  EXPECT_EQ(attempts, 1);
  EXPECT_EQ(publisher->state().problem, "no right");
  problem.clear();
  clock.advance_s(600);
  publisher->run_once();
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(publisher->state().problem, "");
}

TEST_F(Publishing, SwitchedOffWhatIsThereIsTakenOutOnce) {
  auto publisher = open(false);
  publisher->run_once();
  EXPECT_EQ(attempts, 0) << "never published";
  open()->run_once();
  ASSERT_EQ(there.size(), 2U);
  publisher = open(false);
  publisher->run_once();
  publisher->run_once();
  EXPECT_EQ(attempts, 2);
  EXPECT_TRUE(there.empty());
  publisher = open(false);
  publisher->run_once();
  EXPECT_EQ(attempts, 2);
}

}  // namespace fp::apps
