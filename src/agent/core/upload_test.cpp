// Reports that are too large for a message.
#include "agent/core/upload.hpp"

#include <gtest/gtest.h>

#include "agent/core/fake_world.hpp"
#include "base/text.hpp"

using namespace fp;
using namespace fp::agent;
using namespace fp::agent::fake;

namespace {

// Does not compress: about `bytes` of them in hardware inventory.
void fill(Bench& b, std::size_t bytes) {
  b.machine.hardware.clear();
  for (std::size_t n = 0; n * 500 < bytes; ++n) {
    b.machine.hardware.push_back({"NOISE", InstanceContent::fresh, {{"Value", hex(b.random.bytes(500))}}, std::to_string(n)});
  }
}

std::size_t reports_of(const Bench& b, wire::ReportKind kind) {
  return static_cast<std::size_t>(std::ranges::count_if(b.site.reports, [&](const auto& r) { return r.header.kind == kind; }));
}

const wire::Report& last(const Bench& b) { return b.site.reports.back(); }

}  // namespace

TEST(Upload, ALargeReportGoesByBitsAndASmallOneInItsMessage) {
  Bench b;
  b.pass({{"hardware"}, false, false});
  EXPECT_TRUE(b.site.uploads.empty());
  fill(b, 1'000'000);
  EXPECT_EQ(b.pass({{"hardware"}, false, false}).problem, "");
  ASSERT_EQ(b.site.uploads.size(), 1U);
  EXPECT_GT(b.site.uploads.begin()->second.size(), 1'000'000U);
  EXPECT_EQ(last(b).instances.size(), 2000U);
  EXPECT_GT(b.site.fragments.size(), 3U);
}

TEST(Upload, GoesOnAtTheByteWhereItStoppedAfterARestartOfTheAgent) {
  Bench b;
  b.pass({{"heartbeat"}, false, false});
  const auto before = reports_of(b, wire::ReportKind::hardware);
  fill(b, 1'000'000);
  b.site.upload_room_bytes = 500'000;
  EXPECT_NE(b.pass({{"hardware"}, false, false}).problem, "");
  EXPECT_EQ(reports_of(b, wire::ReportKind::hardware), before);
  const auto stopped_at = b.site.fragments.back();
  EXPECT_GE(stopped_at, 500'000);
  b.site.fragments.clear();
  b.open();
  EXPECT_EQ(b.pass({{"hardware"}, false, false}).problem, "");
  EXPECT_EQ(b.site.fragments.front(), stopped_at);
  ASSERT_GT(reports_of(b, wire::ReportKind::hardware), before);
}

TEST(Upload, ASessionThatTheSiteForgotIsBegunAnew) {
  Bench b;
  fill(b, 600'000);
  b.site.sessions_lost = true;
  EXPECT_EQ(b.pass_all().problem, "");
  EXPECT_EQ(reports_of(b, wire::ReportKind::hardware), 1U);
}
