// Contract of Store itself: isolation, durability, order, threads.
#pragma once
#include <atomic>
#include <thread>

#include "store/contract_test.hpp"

namespace fp::store {

TEST_P(StoreContract, AFailingFunctionLeavesNoTraceWhileItsNeighboursCommit) {
  std::vector<std::thread> threads;
  for (int n = 0; n < 16; ++n)
    threads.emplace_back([&, n] {
      const auto done = store_->write([&](Repositories& r) -> Status {
        FP_CHECK(r.site.set_value(fmt::format("v{}", n), "x"));
        FP_CHECK(r.devices.put({.client_id = client(n)}));
        if (n % 2) return fail(Code::forbidden, "refused {}", n);
        return {};
      });
      EXPECT_EQ(done.has_value(), n % 2 == 0);
      EXPECT_TRUE(done || done.error().code == Code::forbidden);
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(get([&](Repositories& r) { return r.devices.count(); }), 8);
  for (int n = 0; n < 16; ++n)
    EXPECT_EQ(store_->read([&](Repositories& r) { return r.site.value(fmt::format("v{}", n)); }).has_value(), n % 2 == 0);
}

TEST_P(StoreContract, AnExceptionIsAnErrorAndLeavesNoTrace) {
  const auto done = store_->write([&](Repositories& r) -> Status {
    FP_CHECK(r.site.set_value("v", "x"));
    throw std::runtime_error("oops");
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::internal);
  EXPECT_EQ(missing([&](Repositories& r) { return r.site.value("v"); }), Code::not_found);
  add_device(1);
}

TEST_P(StoreContract, ChangeTimesAlwaysGrowEvenIfTheClockStandsOrGoesBack) {
  Instant last;
  const auto next = [&] {
    const auto at = change([](Repositories&) { return Status{}; });
    EXPECT_GT(at, last);
    last = at;
  };
  for (int n = 0; n < 5; ++n) next();
  clock_.set({clock_.now().ms - 3'600'000});
  next();
  open();  // and over a restart
  next();
  clock_.advance_s(7200);
  next();
  EXPECT_EQ(last, clock_.now());
}

TEST_P(StoreContract, TheGenerationIsAnotherAfterEachDurableWriteAndStaysWhileNothingIsWritten) {
  auto before = store_->generation();
  if (before == 0) return;  // a store that cannot say is never kept from
  for (int n = 0; n < 3; ++n) {
    add_device(n);
    const auto after = store_->generation();
    EXPECT_NE(after, before);
    EXPECT_EQ(get([](Repositories& r) { return r.devices.count(); }), n + 1);
    EXPECT_EQ(store_->generation(), after);
    before = after;
  }
}

TEST_P(StoreContract, AReadSeesOneMomentAndNoWriteOfItsOwn) {
  change([&](Repositories& r) { return r.site.set_value("v", "old"); });
  const auto seen = store_->read([&](Repositories& r) -> Result<std::string> {
    FP_TRY(before, r.site.value("v"));
    std::thread([&] { change([&](Repositories& w) { return w.site.set_value("v", "new"); }); }).join();
    FP_TRY(after, r.site.value("v"));
    return before + after;
  });
  ASSERT_TRUE(seen);
  EXPECT_EQ(*seen, "oldold");
  EXPECT_EQ(get([&](Repositories& r) { return r.site.value("v"); }), "new");
  const auto wrote = store_->read([&](Repositories& r) { return r.site.set_value("v", "x"); });
  ASSERT_FALSE(wrote);
  EXPECT_EQ(wrote.error().code, Code::internal);
}

TEST_P(StoreContract, ATicketSettlesWhenTheWriteIsDurable) {
  auto written = store_->write_async([&](Repositories& r) -> Result<int> {
    FP_CHECK(r.site.set_value("v", "x"));
    return 42;
  });
  ASSERT_TRUE(written.value);
  EXPECT_EQ(*written.value, 42);
  ASSERT_TRUE(written.ticket.wait());
  EXPECT_EQ(get([&](Repositories& r) { return r.site.value("v"); }), "x");
  auto failed = store_->write_async([&](Repositories&) -> Result<int> { return fail(Code::invalid, "no"); });
  EXPECT_FALSE(failed.value);
  EXPECT_EQ(failed.ticket.wait().error().code, Code::invalid);
}

TEST_P(StoreContract, WhatWasWrittenIsThereAfterOpeningAgain) {
  add_device(1);
  add_collection("FP100001");
  join("FP100001", 1);
  put_policy("P1", "1.00", {"FP100001"});
  open();
  EXPECT_EQ(held(1), "P1 1.00 FP100001;");
}

TEST_P(StoreContract, ManyThreadsReadAndWriteAtOnce) {
  constexpr int kThreads = 8, kEach = 50;
  change([&](Repositories& r) { return r.site.set_value("sum", "0"); });
  std::atomic<bool> stop = false;
  std::vector<std::thread> readers, writers;
  for (int n = 0; n < 4; ++n)
    readers.emplace_back([&] {
      while (!stop) {
        const auto same = store_->read([](Repositories& r) -> Result<bool> {
          FP_TRY(sum, r.site.value("sum"));
          FP_TRY(count, r.devices.count());
          return sum == std::to_string(count);
        });
        EXPECT_TRUE(same && *same);
      }
    });
  for (int t = 0; t < kThreads; ++t)
    writers.emplace_back([&, t] {
      for (int n = 0; n < kEach; ++n) {
        const auto done = store_->write([&](Repositories& r) -> Status {
          FP_CHECK(r.devices.put({.client_id = client(t * 1000 + n)}));
          FP_TRY(sum, r.site.value("sum"));
          return r.site.set_value("sum", std::to_string(std::stoi(sum) + 1));
        });
        EXPECT_TRUE(done);
      }
    });
  for (auto& w : writers) w.join();
  stop = true;
  for (auto& r : readers) r.join();
  EXPECT_EQ(get([&](Repositories& r) { return r.site.value("sum"); }), std::to_string(kThreads * kEach));
}

}  // namespace fp::store
