#include "roles/sup/catalogue.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "roles/sup/synchronizer.hpp"

namespace fp::sup {
namespace {

SoftwareUpdate update_of(int n, const std::string& architecture = "amd64", UpdateClass c = UpdateClass::security) {
  SoftwareUpdate u;
  u.id = fmt::format("11111111-0000-8000-A000-{:012X}", n);
  u.number = n;
  u.package = fmt::format("package{}", n);
  u.version = "1.2";
  u.architecture = architecture;
  u.product = "Lab stable";
  u.classification = c;
  u.sha256 = fmt::format("{:064x}", n);
  return u;
}

// What a client does: whatever is no leaf and holds here goes to the installed ones.
struct Client {
  std::vector<std::int64_t> installed, cached;
  std::vector<std::string> got;
  int pages = 0;
  void sync(const Catalogue& catalogue, const std::string& architecture, std::size_t most) {
    for (;; ++pages) {
      const auto page = catalogue.page(installed, cached, most);
      if (page.items.empty()) return;
      for (const auto* item : page.items) {
        const auto& rule = item->metadata.is_installed;
        const bool holds = rule.op == RuleOp::always || (rule.op == RuleOp::architecture && (rule.architecture == architecture || rule.architecture == "all"));
        (!item->leaf && holds ? installed : cached).push_back(item->number);
        if (item->leaf) got.push_back(item->metadata.id);
      }
    }
  }
};

TEST(UpdateCatalogue, IsDeliveredLevelByLevelAndOnlyWhatTheDeviceCanHave) {
  const Catalogue catalogue({update_of(1), update_of(2, "arm64"), update_of(3, "all", UpdateClass::other)});
  const auto first = catalogue.page({}, {}, 30);
  for (const auto* item : first.items) EXPECT_FALSE(item->leaf) << "without its prerequisites no update comes";
  EXPECT_EQ(first.items.size(), 5U) << "three detectoids and two classifications; the product stands on a detectoid";
  Client client;
  client.sync(catalogue, "amd64", 30);
  EXPECT_EQ(client.got, (std::vector<std::string>{update_of(1).id, update_of(3).id}));
  EXPECT_EQ(client.pages, 3);
  Client other;
  other.sync(catalogue, "arm64", 30);
  EXPECT_EQ(other.got, (std::vector<std::string>{update_of(2).id, update_of(3).id}));
}

TEST(UpdateCatalogue, PagesAreFullAndSayThatThereIsMore) {
  std::vector<SoftwareUpdate> updates;
  for (int n = 1; n <= 70; ++n) updates.push_back(update_of(n));
  const Catalogue catalogue(updates);
  Client client;
  client.sync(catalogue, "amd64", 30);
  EXPECT_EQ(client.got.size(), 70U);
  EXPECT_EQ(client.pages, 5);
  const auto page = catalogue.page(client.installed, {}, 30);
  EXPECT_EQ(page.items.size(), 30U);
  EXPECT_TRUE(page.truncated);
}

TEST(UpdateCatalogue, WhatIsGoneIsOutOfScopeAndCategoriesKeepTheirNumbers) {
  const Catalogue before({update_of(1), update_of(2)});
  Client client;
  client.sync(before, "amd64", 30);
  auto expired = update_of(1);
  expired.expired = true;
  const Catalogue after({expired, update_of(2), update_of(3)});
  const auto page = after.page(client.installed, client.cached, 30);
  EXPECT_EQ(page.out_of_scope, std::vector<std::int64_t>{Catalogue::kFirstUpdateNumber + 1});
  ASSERT_EQ(page.items.size(), 1U);
  EXPECT_EQ(page.items[0]->metadata.id, update_of(3).id);
  EXPECT_EQ(after.find(std::string_view(kSecurityUpdates))->number, before.find(std::string_view(kSecurityUpdates))->number);
}

TEST(Synchronisation, AReleaseBecomesUpdatesWithStableIds) {
  const RepositorySource source{"security", "http://deb.vendor.test/lab/", "stable-security", {"main"}, {"amd64"}, {}};
  wire::AptRelease release;
  release.origin = "Lab";
  release.codename = "stable-security";
  const std::vector<wire::AptPackage> packages{{"tool", "1.2+b1", "amd64", "pool/tool_1.2+b1_amd64.deb", std::string(64, 'a'), "a tool", 77}};
  const auto updates = updates_of(source, release, packages);
  ASSERT_EQ(updates.size(), 1U);
  EXPECT_EQ(updates[0].classification, UpdateClass::security);
  EXPECT_EQ(updates[0].product, "Lab stable");
  EXPECT_EQ(updates[0].url, "http://deb.vendor.test/lab/pool/tool_1.2%2Bb1_amd64.deb");
  EXPECT_EQ(updates[0].file_name, "tool_1.2+b1_amd64.deb");
  EXPECT_EQ(updates[0].title, "tool 1.2+b1: a tool");
  EXPECT_EQ(updates_of(source, release, packages)[0].id, updates[0].id);
  auto newer = packages;
  newer[0].version = "1.3";
  EXPECT_NE(updates_of(source, release, newer)[0].id, updates[0].id);
}

}  // namespace
}  // namespace fp::sup
