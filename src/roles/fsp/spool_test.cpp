#include "roles/fsp/spool.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/test_folder.hpp"
#include "base/text.hpp"
#include "roles/fsp/throttle.hpp"

namespace fp::fsp {
namespace {

std::string id_of(int n) { return fmt::format("{:032x}", n); }
wire::SpooledMessage message(int n, std::string body = "<a/>") { return {id_of(n), {1'800'000'000'000 + n}, "203.0.113.9", "text/xml", std::move(body)}; }

std::vector<std::string> ids(const std::vector<wire::SpooledMessage>& messages) {
  std::vector<std::string> out;
  for (const auto& m : messages) out.push_back(m.id);
  return out;
}

class SpoolTest : public ::testing::Test {
 protected:
  std::unique_ptr<Spool> open(const SpoolLimits& limits = {}) {
    auto spool = Spool::open(dir_ / "spool", limits);
    EXPECT_TRUE(spool) << (spool ? "" : spool.error().message);
    return std::move(*spool);
  }
  TestFolder folder_;
  const Path dir_ = folder_.path();
};

}  // namespace

TEST_F(SpoolTest, GivesMessagesOldestFirstUntilTheyAreRemovedAndSurvivesAnEnd) {
  auto spool = open();
  for (int n = 1; n <= 3; ++n) ASSERT_TRUE(spool->add(message(n)));
  spool = open();
  EXPECT_EQ(ids(spool->oldest()), (std::vector{id_of(1), id_of(2), id_of(3)}));
  EXPECT_EQ(spool->oldest()[1], message(2));
  ASSERT_TRUE(spool->remove({id_of(1), id_of(3), id_of(9)}));
  ASSERT_TRUE(spool->add(message(4)));
  EXPECT_EQ(ids(spool->oldest()), (std::vector{id_of(2), id_of(4)}));
  spool = open();
  EXPECT_EQ(ids(spool->oldest()), (std::vector{id_of(2), id_of(4)}));
  EXPECT_EQ(spool->messages(), 2);
}

TEST_F(SpoolTest, AFullOneRefusesWhatIsNewAndKeepsWhatItHas) {
  auto spool = open({2, 1 << 20});
  ASSERT_TRUE(spool->add(message(1)));
  ASSERT_TRUE(spool->add(message(2)));
  const Status third = spool->add(message(3));
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Code::unavailable);
  EXPECT_EQ(ids(spool->oldest()), (std::vector{id_of(1), id_of(2)}));
  ASSERT_TRUE(spool->remove({id_of(1)}));
  EXPECT_TRUE(spool->add(message(3)));

  auto narrow = Spool::open(dir_ / "narrow", {100, 3000});
  ASSERT_TRUE(narrow);
  int kept = 0;
  while (kept < 100 && (*narrow)->add(message(kept, std::string(500, 'x')))) ++kept;
  EXPECT_GT(kept, 1);
  EXPECT_LE((*narrow)->bytes(), 3000);
}

TEST_F(SpoolTest, ABatchIsLimitedInNumberAndBytes) {
  auto spool = open();
  for (int n = 0; n < 70; ++n) ASSERT_TRUE(spool->add(message(n, std::string(64 << 10, 'x'))));
  const auto batch = spool->oldest();
  EXPECT_LT(batch.size(), 70U);
  EXPECT_GT(batch.size(), 10U);
  ASSERT_TRUE(spool->remove(ids(batch)));
  EXPECT_EQ(spool->oldest().front().id, id_of(static_cast<int>(batch.size())));
}

TEST_F(SpoolTest, WhatACrashLeftHalfWrittenGoesAndWhatIsDamagedIsPutAside) {
  {
    auto spool = open();
    ASSERT_TRUE(spool->add(message(1)));
    ASSERT_TRUE(spool->add(message(2)));
  }
  const Path folder = dir_ / "spool";
  Path first;
  for (const auto& file : std::filesystem::directory_iterator(folder))
    if (file.path().native().find(id_of(1)) != std::string::npos) first = file.path();
  ASSERT_TRUE(write_file(first, "{\"id\":"));
  ASSERT_TRUE(write_file(folder / (first.filename().native() + ".AbC123"), "half"));
  ASSERT_TRUE(write_file(folder / "README", "somebody's"));
  auto spool = open();
  EXPECT_EQ(ids(spool->oldest()), std::vector{id_of(2)});
  EXPECT_EQ(spool->messages(), 1);
  EXPECT_TRUE(file_exists(first.native() + ".damaged"));
  EXPECT_FALSE(file_exists(first.native() + ".AbC123"));
  EXPECT_TRUE(file_exists(folder / "README"));
  spool = open();
  EXPECT_EQ(spool->messages(), 1);
}

TEST(Throttle, CountsEverybodyAndEachAddressAndBeginsAnewWithTheInterval) {
  Throttle throttle({5, 3, 60});
  for (int n = 0; n < 3; ++n) EXPECT_EQ(throttle.take("a", 1000), Throttled::no);
  EXPECT_EQ(throttle.take("a", 1000), Throttled::address);
  EXPECT_EQ(throttle.take("b", 2000), Throttled::no);
  EXPECT_EQ(throttle.take("c", 2000), Throttled::no);
  EXPECT_EQ(throttle.take("d", 2000), Throttled::all);
  EXPECT_EQ(throttle.wait_s(31'000), 30);
  EXPECT_EQ(throttle.take("a", 61'000), Throttled::no);
}

TEST(Throttle, ZeroMeansNoLimitAndAddressesAreBounded) {
  Throttle open({0, 0, 60});
  for (int n = 0; n < 20'000; ++n) ASSERT_EQ(open.take("a", 0), Throttled::no);
  Throttle many({0, 1, 60});
  for (std::size_t n = 0; n < limits::kFallbackAddressesMax + 10; ++n)
    ASSERT_EQ(many.take(std::to_string(n), 0), Throttled::no);
  EXPECT_EQ(many.take(std::to_string(limits::kFallbackAddressesMax + 9), 0), Throttled::address);
}

}  // namespace fp::fsp
