// Software updates, the points where clients scan, and what they found.
#pragma once
#include "store/contract_test.hpp"

namespace fp::store {

inline SoftwareUpdate update_of(int n, std::int64_t content_version = 1) {
  SoftwareUpdate u;
  u.id = fmt::format("11111111-0000-8000-A000-{:012X}", n);
  u.source = "lab";
  u.package = fmt::format("package{}", n);
  u.version = "1.2";
  u.architecture = "all";
  u.title = "a package";
  u.product = "Lab stable";
  u.classification = UpdateClass::security;
  u.file_name = "package_1.2_all.deb";
  u.url = "http://deb.vendor.test/pool/package_1.2_all.deb";
  u.sha256 = std::string(64, 'a');
  u.bytes = 1234;
  u.content_version = content_version;
  return u;
}

TEST_P(StoreContract, UpdatesComeBackWholeAndANewRevisionHasANewNumber) {
  auto u = update_of(1);
  change([&](Repositories& r) { return r.updates.put(u) ? Status() : fail(Code::internal, "put"); });
  open();
  const auto back = get([&](Repositories& r) { return r.updates.find(u.id); });
  EXPECT_EQ(back.number, 1);
  EXPECT_EQ(back.package, "package1");
  EXPECT_EQ(back.classification, UpdateClass::security);
  EXPECT_EQ(back.url, u.url);
  EXPECT_EQ(back.bytes, 1234);
  u.revision = 2;
  change([&](Repositories& r) { return r.updates.put(u) ? Status() : fail(Code::internal, "put"); });
  EXPECT_EQ(get([&](Repositories& r) { return r.updates.find(u.id); }).number, 2);
  auto kept = get([&](Repositories& r) { return r.updates.find(u.id); });
  kept.expired = true;
  change([&](Repositories& r) { return r.updates.put(kept) ? Status() : fail(Code::internal, "put"); });
  EXPECT_TRUE(get([](Repositories& r) { return r.updates.list({}); }).empty());
  ASSERT_EQ(get([](Repositories& r) { return r.updates.list({.expired = true}); }).size(), 1U);
  EXPECT_EQ(get([](Repositories& r) { return r.updates.find_by_package("package1"); }).at(0).number, 2);
  change([&](Repositories& r) { return r.updates.remove(u.id); });
  EXPECT_EQ(missing([&](Repositories& r) { return r.updates.find(u.id); }), Code::not_found);
  change([&](Repositories& r) { return r.updates.put(update_of(1)) ? Status() : fail(Code::internal, "put"); });
  EXPECT_EQ(get([&](Repositories& r) { return r.updates.find(u.id); }).number, 3) << "a number is never given out again";
}

TEST_P(StoreContract, UpdateListsComeInPages) {
  change([](Repositories& r) -> Status {
    for (int n = 1; n <= 5; ++n)
      if (const auto put = r.updates.put(update_of(n)); !put) return std::unexpected(put.error());
    return {};
  });
  const auto page = get([](Repositories& r) { return r.updates.list({.after = 2, .limit = 2}); });
  ASSERT_EQ(page.size(), 2U);
  EXPECT_EQ(page[0].number, 3);
}

TEST_P(StoreContract, CountsTellRequiredInstalledNotRequiredAndUnknownApart) {
  for (int n = 1; n <= 5; ++n) add_device(n);
  change([](Repositories& r) -> Status {
    if (const auto put = r.updates.put(update_of(1, 7)); !put) return std::unexpected(put.error());
    for (int n = 1; n <= 4; ++n)  // the fifth has not scanned, the fourth not since version 7
      FP_CHECK(r.updates.put_scan({client(n), scan_state::kComplete, n == 4 ? 6 : 7, "sup", "", {1000}}));
    FP_CHECK(r.updates.put_state({update_of(1).id, client(1), update_state::kRequired, {1000}}));
    return r.updates.put_state({update_of(1).id, client(2), update_state::kInstalled, {1000}});
  });
  const auto counts = get([](Repositories& r) { return r.updates.counts(update_of(1).id); }).at(update_of(1).id);
  EXPECT_EQ(counts.required, 1);
  EXPECT_EQ(counts.installed, 1);
  EXPECT_EQ(counts.not_required, 1);
  EXPECT_EQ(counts.unknown, 2);
  EXPECT_EQ(get([](Repositories& r) { return r.updates.counts(""); }).size(), 1U);
}

TEST_P(StoreContract, AnOlderWordAboutAnUpdateIsIgnoredAndADeviceTakesItsWordsAlong) {
  add_device(1);
  change([](Repositories& r) -> Status {
    if (const auto put = r.updates.put(update_of(1)); !put) return std::unexpected(put.error());
    FP_CHECK(r.updates.put_state({update_of(1).id, client(1), update_state::kInstalled, {2000}}));
    FP_CHECK(r.updates.put_state({update_of(1).id, client(1), update_state::kRequired, {1000}}));
    FP_CHECK(r.updates.put_scan({client(1), scan_state::kComplete, 3, "sup", "good", {2000}}));
    return r.updates.put_scan({client(1), scan_state::kRetry, 0, "sup", "bad", {3000}});
  });
  EXPECT_EQ(get([](Repositories& r) { return r.updates.states(update_of(1).id, 10, ""); }).at(0).state, update_state::kInstalled);
  const auto scan = get([](Repositories& r) { return r.updates.scan(client(1)); });
  EXPECT_EQ(scan.state, scan_state::kRetry);
  EXPECT_EQ(scan.content_version, 3);
  EXPECT_EQ(refused([](Repositories& r) { return r.updates.put_state({update_of(2).id, client(1), 2, {1}}); }), Code::not_found);
  change([](Repositories& r) { return r.devices.remove(client(1)); });
  EXPECT_TRUE(get([](Repositories& r) { return r.updates.states_of_device(client(1)); }).empty());
  EXPECT_EQ(missing([](Repositories& r) { return r.updates.scan(client(1)); }), Code::not_found);
}

TEST_P(StoreContract, SourcesAndPointsOfUpdates) {
  change([](Repositories& r) -> Status {
    FP_CHECK(r.updates.put_source({"lab", {1}, {2}, {3}, "the signature does not hold", 4}));
    return r.updates.put_point({"site.corp.test", "https://site.corp.test:443", "https://mp.example.test:8443", Connections::both});
  });
  EXPECT_EQ(get([](Repositories& r) { return r.updates.sources(); }).at(0).problem, "the signature does not hold");
  EXPECT_EQ(get([](Repositories& r) { return r.updates.points(); }).at(0).internet_url, "https://mp.example.test:8443");
  change([](Repositories& r) -> Status {
    FP_CHECK(r.updates.remove_source("lab"));
    return r.updates.remove_point("site.corp.test");
  });
  EXPECT_EQ(refused([](Repositories& r) { return r.updates.remove_point("site.corp.test"); }), Code::not_found);
}

}  // namespace fp::store
