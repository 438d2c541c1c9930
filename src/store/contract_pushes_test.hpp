// Orders to install clients.
#pragma once
#include "store/contract_test.hpp"

namespace fp::store {

inline ClientPush push_to(const std::string& id, const std::string& host, Instant next = {1000}) {
  ClientPush p;
  p.id = id;
  p.host = host;
  p.next_at = next;
  p.attempts = {{{500}, false, "Permission denied (publickey)."}};
  return p;
}

TEST_P(StoreContract, PushesComeBackWholeWithTheirAttempts) {
  auto p = push_to("FP100001", "pc1.corp.test");
  p.port = 2222;
  p.logon = PushLogon::kerberos;
  p.kind = BundleKind::dual;
  p.issue = false;
  p.created_by = "ola";
  change([&](Repositories& r) { return r.client_pushes.put(p); });
  open();
  const auto back = get([&](Repositories& r) { return r.client_pushes.find("FP100001"); });
  EXPECT_EQ(back.host, "pc1.corp.test");
  EXPECT_EQ(back.port, 2222);
  EXPECT_EQ(back.logon, PushLogon::kerberos);
  EXPECT_EQ(back.kind, BundleKind::dual);
  EXPECT_FALSE(back.issue);
  EXPECT_EQ(back.created_by, "ola");
  ASSERT_EQ(back.attempts.size(), 1U);
  EXPECT_EQ(back.attempts[0].reason, "Permission denied (publickey).");
  EXPECT_EQ(back.attempts[0].at, Instant{500});
  EXPECT_EQ(missing([](Repositories& r) { return r.client_pushes.find("FP100002"); }), Code::not_found);
}

TEST_P(StoreContract, AHostHasOneOpenPush) {
  auto first = push_to("FP100001", "pc1.corp.test");
  change([&](Repositories& r) { return r.client_pushes.put(first); });
  EXPECT_EQ(refused([](Repositories& r) { return r.client_pushes.put(push_to("FP100002", "pc1.corp.test")); }), Code::conflict);
  EXPECT_EQ(get([](Repositories& r) { return r.client_pushes.find_open("pc1.corp.test"); }).id, "FP100001");
  first.state = PushState::running;
  change([&](Repositories& r) { return r.client_pushes.put(first); });
  EXPECT_EQ(refused([](Repositories& r) { return r.client_pushes.put(push_to("FP100002", "pc1.corp.test")); }), Code::conflict);
  first.state = PushState::failed;
  change([&](Repositories& r) { return r.client_pushes.put(first); });
  EXPECT_EQ(missing([](Repositories& r) { return r.client_pushes.find_open("pc1.corp.test"); }), Code::not_found);
  change([](Repositories& r) { return r.client_pushes.put(push_to("FP100002", "pc1.corp.test")); });
  EXPECT_EQ(get([](Repositories& r) { return r.client_pushes.list(); }).size(), 2U);
}

TEST_P(StoreContract, OnlyWaitingPushesAreDueTheLongestWaitingFirst) {
  change([](Repositories& r) -> Status {
    FP_CHECK(r.client_pushes.put(push_to("FP100001", "a", {3000})));
    FP_CHECK(r.client_pushes.put(push_to("FP100002", "b", {1000})));
    FP_CHECK(r.client_pushes.put(push_to("FP100003", "c", {2000})));
    auto running = push_to("FP100004", "d", {1});
    running.state = PushState::running;
    FP_CHECK(r.client_pushes.put(running));
    auto cancelled = push_to("FP100005", "e", {1});
    cancelled.state = PushState::cancelled;
    return r.client_pushes.put(cancelled);
  });
  const auto due = get([](Repositories& r) { return r.client_pushes.due({2000}, 10); });
  ASSERT_EQ(due.size(), 2U);
  EXPECT_EQ(due[0].id, "FP100002");
  EXPECT_EQ(due[1].id, "FP100003");
  EXPECT_EQ(get([](Repositories& r) { return r.client_pushes.due({9000}, 1); }).size(), 1U);
}

TEST_P(StoreContract, FinishedPushesAreForgottenOpenOnesNever) {
  auto done = push_to("FP100001", "a");
  done.state = PushState::succeeded;
  done.finished_at = {5000};
  change([&](Repositories& r) -> Status {
    FP_CHECK(r.client_pushes.put(done));
    return r.client_pushes.put(push_to("FP100002", "b"));
  });
  const auto forget = [&](Instant before) {
    const auto gone = store_->write([&](Repositories& r) { return r.client_pushes.forget_finished(before); });
    return gone ? *gone : -1;
  };
  EXPECT_EQ(forget({5000}), 0);
  EXPECT_EQ(forget({5001}), 1);
  const auto left = get([](Repositories& r) { return r.client_pushes.list(); });
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].id, "FP100002");
  change([](Repositories& r) { return r.client_pushes.remove("FP100002"); });
  EXPECT_EQ(refused([](Repositories& r) { return r.client_pushes.remove("FP100002"); }), Code::not_found);
}

}  // namespace fp::store
