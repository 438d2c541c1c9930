#include "agent/core/transfer.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "agent/core/fake_world.hpp"

using namespace fp;
using namespace fp::agent;
using namespace fp::agent::fake;

namespace {

constexpr std::int64_t kChunk = 4096;

std::string noise(std::size_t size) { return SeededRandom(size).bytes(size); }

struct Download : Bench {
  Download() {
    content = site.put_content(kContentA, {{"big.bin", noise(43'008)}, {"sub/small.txt", "hello"}, {"empty", ""}}, kChunk);
    s.cache = dir / "cache";
    s.sync_bytes = 2 * kChunk;
  }
  TransferOutcome fetch(bool forced = true) {
    FakeTransport transport(site);
    Transfer transfer(*memory, transport, clock, random, s, [this](const std::string& id, std::int64_t waited_min) -> Result<Offer> {
      if (no_location) return fail(Code::unavailable, "no management point");
      waited.push_back(waited_min);
      Offer out;
      out.more_in_min = waited_min < opens_min ? opens_min : -1;
      if (waited_min < opens_min) return out;
      for (const auto& dp : site.dps) out.sources.push_back({dp + "/SMS_DP_SMSPKG$/" + id, dp});
      return out;
    });
    auto got = transfer.fetch(content, false, {}, forced, stop);
    EXPECT_TRUE(got) << got.error().message;
    return got.value_or(TransferOutcome{});
  }
  void expect_whole(const TransferOutcome& got) {
    ASSERT_EQ(got.kind, TransferOutcome::Kind::ready) << got.reason;
    for (const auto& [path, bytes] : site.contents[kContentA].files) EXPECT_EQ(*read_file(got.folder / path), bytes);
    EXPECT_TRUE(memory->jobs()->empty());
  }
  TransferSettings s;
  ContentReference content;
  bool no_location = false;
  std::int64_t opens_min = 0;          // no source before so many minutes
  std::vector<std::int64_t> waited;    // as the site was told
};

}  // namespace

TEST(Transfer, FetchesVerifiesAndCaches) {
  Download d;
  d.expect_whole(d.fetch());
  const auto bytes = d.site.content_bytes;
  EXPECT_EQ(bytes, 43'013);
  d.expect_whole(d.fetch());  // from the cache
  EXPECT_EQ(d.site.content_bytes, bytes);
}

// Cut at every interesting place: between chunks, inside one, at the first byte. No byte is asked for twice.
TEST(Transfer, GoesOnAtTheByteWhereTheConnectionBroke) {
  for (const std::int64_t cut : {0, 1, 4095, 4096, 4097, 10'240, 21'708, 43'007}) {
    Download d;
    d.site.troubles["https://dp1"].cut_after_bytes = cut;
    d.expect_whole(d.fetch());
    EXPECT_EQ(d.site.content_bytes, 43'013) << cut;
  }
}

TEST(Transfer, GoesOnAfterARestartOfTheAgentAtAnyPoint) {
  for (int pieces = 1; pieces < 90; pieces += 7) {
    Download d;
    int left = pieces;
    d.stop = [&] { return --left <= 0; };
    const auto first = d.fetch();
    if (first.kind == TransferOutcome::Kind::ready) continue;
    d.stop = {};
    d.open();
    d.expect_whole(d.fetch());
    EXPECT_EQ(d.site.content_bytes, 43'013) << pieces;
  }
}

// kill -9: nothing was noted since the last sync, the bytes are there all the same.
TEST(Transfer, WhatWasNotNotedBeforeAKillIsFoundByItsHash) {
  Download d;
  int left = 60;
  d.stop = [&] { return --left <= 0; };
  d.fetch();
  ASSERT_TRUE(d.memory->save_progress(kContentA, {"big.bin", {}, -1, 0}));
  d.stop = {};
  d.expect_whole(d.fetch());
  EXPECT_EQ(d.site.content_bytes, 43'013);
}

// Power loss: noted as cut off in the middle, but the bytes on the disk are not what was written.
TEST(Transfer, LostBytesCostTheirChunksAndNothingElse) {
  Download d;
  int left = 55;
  d.stop = [&] { return --left <= 0; };
  d.fetch();
  const auto file = d.dir / "cache" / (std::string(kContentA) + ".partial") / "big.bin";
  auto bytes = *read_file(file);
  ASSERT_GT(bytes.size(), 21'000U);
  for (std::size_t n = 20'480; n < bytes.size(); ++n) bytes[n] = 0;
  ASSERT_TRUE(write_file(file, bytes));
  d.stop = {};
  d.expect_whole(d.fetch());
  EXPECT_LE(d.site.content_bytes, 43'013 + 2 * kChunk);  // one was noted whole, one in part
}

TEST(Transfer, ABadChunkCostsOneChunkAndItsSourceIsLeft) {
  Download d;
  d.site.dps = {"https://dp1", "https://dp2"};
  d.site.troubles["https://dp1"].corrupt_at = 17'000;
  d.expect_whole(d.fetch());
  EXPECT_EQ(d.site.content_bytes, 43'013 + kChunk);
  EXPECT_EQ(d.site.bytes_of["https://dp1"], 5 * kChunk);
  auto why = *d.memory->decisions(kContentA, 10);
  EXPECT_TRUE(std::ranges::any_of(why, [](const auto& w) { return w.verdict == "bad chunk"; }));
}

TEST(Transfer, OneBadSourceAloneNeverGivesContentOut) {
  Download d;
  d.site.troubles["https://dp1"].corrupt_at = 17'000;
  auto got = d.fetch();
  EXPECT_EQ(got.kind, TransferOutcome::Kind::waiting);
  EXPECT_FALSE(std::filesystem::exists(d.dir / "cache" / kContentA));
  EXPECT_GT(got.retry_at, d.clock.now());
}

TEST(Transfer, ASourceThatIsGoneIsReplacedByTheOther) {
  Download d;
  d.site.dps = {"https://dp1", "https://dp2"};
  d.site.troubles["https://dp1"].gone = true;
  d.expect_whole(d.fetch());
}

TEST(Transfer, AManifestThatIsNotTheSignedOneIsNotUsed) {
  Download d;
  d.content.root_hash = std::string(64, 'a');
  auto got = d.fetch();
  EXPECT_EQ(got.kind, TransferOutcome::Kind::waiting);
  EXPECT_EQ(d.site.content_bytes, 0);
}

TEST(Transfer, WithoutALocationTheJobWaitsAndTriesLater) {
  Download d;
  d.no_location = true;
  auto first = d.fetch(false);
  EXPECT_EQ(first.kind, TransferOutcome::Kind::waiting);
  d.no_location = false;
  EXPECT_EQ(d.fetch(false).kind, TransferOutcome::Kind::waiting);  // not before its time
  d.clock.set(first.retry_at);
  d.expect_whole(d.fetch(false));
}

TEST(Transfer, ContentDamagedInTheCacheIsFetchedAgain) {
  Download d;
  auto got = d.fetch();
  ASSERT_TRUE(write_file(got.folder / "sub/small.txt", "HELLO"));
  d.expect_whole(d.fetch());
}

TEST(Transfer, ContentLargerThanTheCacheIsGivenUpWithItsStatus) {
  Download d;
  d.s.cache_bytes_max = 40'000;
  auto got = d.fetch();
  EXPECT_EQ(got.kind, TransferOutcome::Kind::failed);
  EXPECT_EQ(got.status_id, 10050);
}

TEST(Transfer, AFullCacheIsTriedAgainAfterFourHoursUntilRoomCanBeMade) {
  Download d;
  d.s.cache_bytes_max = 45'000;
  const auto now = d.clock.now();
  ASSERT_TRUE(
      d.memory->save(memory::CacheEntry{"LAB00009.1", "r", (d.dir / "cache/LAB00009.1").string(), 5000, now, now, false}));
  auto got = d.fetch(false);
  EXPECT_EQ(got.kind, TransferOutcome::Kind::waiting);
  EXPECT_TRUE(got.cache_full);
  EXPECT_EQ(got.retry_at.since_ms(now), 4 * 3600 * 1000);
  d.clock.advance_s(25 * 3600);  // the old entry may go now
  d.expect_whole(d.fetch(false));
  EXPECT_FALSE(*d.memory->cached("LAB00009.1"));
}

TEST(Transfer, PersistentContentIsNeverEvicted) {
  Download d;
  d.s.cache_bytes_max = 45'000;
  ASSERT_TRUE(d.memory->save(memory::CacheEntry{"LAB00009.1", "r", "x", 5000, {1}, {1}, true}));
  EXPECT_NE(d.fetch().kind, TransferOutcome::Kind::ready);
  EXPECT_TRUE(*d.memory->cached("LAB00009.1"));
}

// ---- the vendor first, then the distribution points

namespace {

struct VendorDownload : Download {
  VendorDownload() {
    content.vendor_url = "https://vendor/" + std::string(kContentA);
    s.vendor = TransferSettings::Vendor::any;
  }
  std::int64_t from(const std::string& base) { return site.bytes_of[base]; }
};

}  // namespace

TEST(Transfer, OnTheInternetTheVendorGivesTheFilesAndADistributionPointTheManifest) {
  VendorDownload d;
  d.expect_whole(d.fetch());
  EXPECT_EQ(d.from("https://vendor"), 43'013);
  EXPECT_EQ(d.from("https://dp1"), 0);
}

TEST(Transfer, WhereTheVendorFailsTheDistributionPointsGiveTheRest) {
  for (const bool refused : {true, false}) {
    VendorDownload d;
    if (refused) d.site.troubles["https://vendor"].gone = true;
    else d.site.offline.insert("https://vendor");
    d.expect_whole(d.fetch());
    EXPECT_EQ(d.from("https://dp1"), 43'013);
  }
  VendorDownload d;
  d.site.troubles["https://vendor"].corrupt_at = 10'000;  // other bytes than the manifest names
  d.expect_whole(d.fetch());
  EXPECT_EQ(d.from("https://vendor") + d.from("https://dp1"), 43'013 + kChunk) << "it cost one chunk";
}

TEST(Transfer, WithoutADistributionPointTheVendorGoesOnWithWhatHasItsManifest) {
  VendorDownload d;
  int left = 12;
  d.stop = [&] { return --left <= 0; };
  ASSERT_EQ(d.fetch().kind, TransferOutcome::Kind::waiting);
  d.stop = {};
  d.site.dps.clear();
  d.expect_whole(d.fetch());
}

TEST(Transfer, OnTheIntranetNoVendorIsAskedAndAnInternetOnlyClientAsksNoneInTheClear) {
  VendorDownload d;
  d.s.vendor = TransferSettings::Vendor::never;
  d.expect_whole(d.fetch());
  EXPECT_EQ(d.from("https://dp1"), 43'013);
  VendorDownload clear;
  clear.content.vendor_url = "http://vendor/" + std::string(kContentA);
  clear.s.vendor = TransferSettings::Vendor::https;
  clear.expect_whole(clear.fetch());
  EXPECT_EQ(clear.from("https://dp1"), 43'013);
}

TEST(Transfer, TheSearchGrowsLongerHereAndBeginsAnewElsewhere) {
  Download d;
  d.opens_min = 2;
  const auto first = d.fetch(false);
  EXPECT_EQ(first.kind, TransferOutcome::Kind::waiting);
  EXPECT_NE(first.reason.find("the next boundary group opens at"), std::string::npos) << first.reason;
  EXPECT_LE(first.retry_at.ms, d.clock.now().plus_ms(120'000).ms);
  d.clock.advance_s(60);
  d.fetch();
  d.s.place = "somewhere else";
  d.fetch();
  d.clock.advance_s(119);
  const auto nearly = d.fetch();
  EXPECT_EQ(nearly.retry_at.ms, d.clock.now().plus_ms(1'000).ms);  // when the next group opens, whatever the back-off says
  d.clock.advance_s(1);
  d.expect_whole(d.fetch(false));
  EXPECT_EQ(d.waited, (std::vector<std::int64_t>{0, 1, 0, 1, 2}));
}

TEST(Transfer, TheSourceAndWhatCameOverTheNetworkAreKept) {
  Download d;
  d.site.dps = {"https://dp1", "https://dp2"};
  d.site.troubles["https://dp1"].corrupt_at = 5000;
  d.expect_whole(d.fetch());
  EXPECT_EQ(*d.memory->property(kLastSource), "https://dp2");
  const auto decisions = *d.memory->decisions(kContentA, 10);
  EXPECT_TRUE(std::ranges::any_of(decisions, [](const auto& x) { return x.verdict == "downloading" && x.reason.starts_with("from https://dp2"); }));
  EXPECT_LE(d.site.content_bytes, 43'013 + kChunk);  // a bad source costs one chunk
}
