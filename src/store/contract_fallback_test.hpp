// Contract of Fallback: what came through fallback status points is kept once, apart from devices, and forgotten by age and number.
#pragma once
#include "store/contract_test.hpp"

namespace fp::store {

inline FallbackMessage said(int n, std::string client_id = {}, std::string name = {}) {
  FallbackMessage m;
  m.fsp = "fsp.test";
  m.message_id = fmt::format("{:032x}", n);
  m.client_id = std::move(client_id);
  m.name = std::move(name);
  m.topic_type = 1000;
  m.state_id = 2;
  m.parameters = {"https://mp.test", "TLS expired"};
  m.details = "d";
  m.sealed = true;
  m.stored_at = m.received_at = {1000 + n};
  return m;
}

TEST_P(StoreContract, AFallbackMessageIsKeptOnceAndNewestFirst) {
  const auto add = [&](const FallbackMessage& m) {
    bool fresh = false;
    change([&](Repositories& r) -> Status {
      FP_TRY(added, r.fallback.add(m));
      fresh = added;
      return {};
    });
    return fresh;
  };
  EXPECT_TRUE(add(said(1, client(1), "pc1.corp.test")));
  EXPECT_FALSE(add(said(1, client(1), "pc1.corp.test")));
  auto second_part = said(1, client(1), "pc1.corp.test");
  second_part.part = 1;
  EXPECT_TRUE(add(second_part));
  EXPECT_TRUE(add(said(2, "", "PC2")));
  EXPECT_TRUE(add(said(3)));
  open();
  const auto all = get([](Repositories& r) { return r.fallback.messages({}); });
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].message_id, said(3).message_id);
  EXPECT_EQ(all[3].parameters, said(1).parameters);
  EXPECT_TRUE(all[3].sealed);
  EXPECT_EQ(all[3].received_at, Instant{1001});
  const auto of = [&](const FallbackFilter& filter) { return get([&](Repositories& r) { return r.fallback.messages(filter); }); };
  EXPECT_EQ(of({client(1), "", 0, 10}).size(), 2U);
  EXPECT_EQ(of({"", "PC1", 0, 10}).size(), 2U);  // the first part of a longer name
  EXPECT_EQ(of({"", "pc2", 0, 10}).size(), 1U);
  EXPECT_EQ(of({client(9), "pc", 0, 10}).size(), 0U);
  EXPECT_EQ(of({client(1), "pc2", 0, 1}).front().name, "PC2");
  EXPECT_EQ(of({"", "", all[1].id, 1}).front().part, 1);
}

TEST_P(StoreContract, FallbackMessagesAreForgottenByTheirAge) {
  change([&](Repositories& r) -> Status {
    for (int n = 1; n <= 5; ++n) FP_CHECK(r.fallback.add(said(n)));
    return {};
  });
  const auto forget = [&](Instant than, std::int64_t rows) {
    std::int64_t count = 0;
    change([&](Repositories& r) -> Status {
      Retention retention;
      retention.fallback = than;
      FP_TRY(gone, r.site.forget_older(retention, rows));
      count = gone.fallback;
      return {};
    });
    return count;
  };
  EXPECT_EQ(forget({1004}, 2), 2);
  EXPECT_EQ(forget({1004}, 2), 1);
  EXPECT_EQ(forget({1004}, 2), 0);
  EXPECT_EQ(get([](Repositories& r) { return r.fallback.messages({}); }).size(), 2U);
}

TEST_P(StoreContract, FallbackPointsAreKeptByTheirName) {
  FallbackPoint point{.name = "fsp.test", .fingerprint = std::string(64, 'f'), .link = "fsp.test:10443", .comment = "c", .asked_at = {5}, .problem = "p", .waiting = 3};
  change([&](Repositories& r) { return r.fallback.put_point({.name = "a.test"}); });
  change([&](Repositories& r) { return r.fallback.put_point(point); });
  point.throttled = 9;
  change([&](Repositories& r) { return r.fallback.put_point(point); });
  const auto back = get([](Repositories& r) { return r.fallback.find_point("FSP.test"); });
  EXPECT_EQ(back.throttled, 9);
  EXPECT_EQ(back.problem, "p");
  const auto all = get([](Repositories& r) { return r.fallback.points(); });
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].name, "a.test");
  change([](Repositories& r) { return r.fallback.remove_point("a.test"); });
  EXPECT_EQ(refused([](Repositories& r) { return r.fallback.remove_point("a.test"); }), Code::not_found);
  EXPECT_EQ(missing([](Repositories& r) { return r.fallback.find_point("a.test"); }), Code::not_found);
}

}  // namespace fp::store
