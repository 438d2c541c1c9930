#include "wire/range.hpp"

#include <gtest/gtest.h>

namespace fp::wire {
namespace {

using Spans = std::vector<ByteSpan>;

TEST(Range, ClosedOpenAndSuffixFormsArePartial) {
  EXPECT_EQ(decide_range("bytes=0-9", 100).spans, (Spans{{0, 10}}));
  EXPECT_EQ(decide_range("bytes=90-", 100).spans, (Spans{{90, 10}}));
  EXPECT_EQ(decide_range("bytes=-7", 100).spans, (Spans{{93, 7}}));
  EXPECT_EQ(decide_range("bytes=-700", 100).spans, (Spans{{0, 100}}));
  EXPECT_EQ(decide_range("Bytes = 5-5", 100).spans, (Spans{{5, 1}}));
}

TEST(Range, AnEndPastTheFileIsClamped) {
  EXPECT_EQ(decide_range("bytes=95-1000", 100).spans, (Spans{{95, 5}}));
  EXPECT_EQ(decide_range("bytes=95-99999999999999999999999999", 100).spans, (Spans{{95, 5}}));
}

TEST(Range, AStartBehindTheEndIs416) {
  EXPECT_EQ(decide_range("bytes=100-", 100).outcome, RangeOutcome::unsatisfiable);
  EXPECT_EQ(decide_range("bytes=100-200,300-", 100).outcome, RangeOutcome::unsatisfiable);
  EXPECT_EQ(decide_range("bytes=-0", 100).outcome, RangeOutcome::unsatisfiable);
  EXPECT_EQ(decide_range("bytes=0-", 0).outcome, RangeOutcome::unsatisfiable);
}

TEST(Range, MalformedOnesAreIgnored) {
  for (const char* text : {"", "bytes", "bytes=", "bytes=a-b", "bytes=5-3", "bytes=5", "bytes=-", "bytes=1-2-3", "items=0-1",
                           "bytes=0-1,x", "bytes=+1-2", "bytes=0x1-2", "=0-1"})
    EXPECT_EQ(decide_range(text, 100).outcome, RangeOutcome::whole) << text;
}

TEST(Range, SeveralStayInTheOrderOfTheRequest) {
  EXPECT_EQ(decide_range("bytes=50-59, 0-9,,-1", 100).spans, (Spans{{50, 10}, {0, 10}, {99, 1}}));
  EXPECT_EQ(decide_range("bytes=0-9,500-", 100).spans, (Spans{{0, 10}}));
}

TEST(Range, TwoOverlapsAreServedAndMoreAreTheWholeFile) {
  EXPECT_EQ(decide_range("bytes=0-50,0-60,0-70", 100).spans.size(), 3U);
  EXPECT_EQ(decide_range("bytes=0-50,0-60,0-70,0-80", 100).outcome, RangeOutcome::whole);
}

TEST(Range, MoreThanTheLimitIsTheWholeFile) {
  std::string header = "bytes=0-0";
  for (int i = 1; i < 32; ++i) header += fmt::format(",{}-{}", i * 2, i * 2);
  EXPECT_EQ(decide_range(header, 1000).spans.size(), 32U);
  EXPECT_EQ(decide_range(header + ",900-900", 1000).outcome, RangeOutcome::whole);
}

const Instant kModified = *parse_http_date("Sun, 22 Nov 2026 14:52:20 GMT");

TEST(Conditions, FollowThePrecedenceOfTheRfc) {
  const auto check = [](Conditions c) { return check_conditions(c, "\"a\"", kModified.plus_ms(300)); };
  EXPECT_EQ(check({}), ConditionOutcome::proceed);
  EXPECT_EQ(check({.if_match = "\"a\"", .if_unmodified_since = "Sun, 22 Nov 2020 14:52:20 GMT"}), ConditionOutcome::proceed);
  EXPECT_EQ(check({.if_match = "\"b\", W/\"a\""}), ConditionOutcome::failed);
  EXPECT_EQ(check({.if_match = "*"}), ConditionOutcome::proceed);
  EXPECT_EQ(check({.if_unmodified_since = "Sun, 22 Nov 2026 14:52:19 GMT"}), ConditionOutcome::failed);
  EXPECT_EQ(check({.if_unmodified_since = "Sun, 22 Nov 2026 14:52:20 GMT"}), ConditionOutcome::proceed);
  EXPECT_EQ(check({.if_none_match = "W/\"a\""}), ConditionOutcome::not_modified);
  EXPECT_EQ(check({.if_none_match = "\"b\"", .if_modified_since = "Sun, 22 Nov 2026 14:52:20 GMT"}), ConditionOutcome::proceed);
  EXPECT_EQ(check({.if_modified_since = "Sun, 22 Nov 2026 14:52:20 GMT"}), ConditionOutcome::not_modified);
  EXPECT_EQ(check({.if_modified_since = "yesterday"}), ConditionOutcome::proceed);
}

TEST(Conditions, IfRangeNeedsAStrongTagOrTheExactDate) {
  EXPECT_TRUE(if_range_holds("", "\"a\"", kModified));
  EXPECT_TRUE(if_range_holds("\"a\"", "\"a\"", kModified));
  EXPECT_FALSE(if_range_holds("W/\"a\"", "\"a\"", kModified));
  EXPECT_FALSE(if_range_holds("\"b\"", "\"a\"", kModified));
  EXPECT_TRUE(if_range_holds("Sun, 22 Nov 2026 14:52:20 GMT", "\"a\"", kModified));
  EXPECT_FALSE(if_range_holds("Sun, 22 Nov 2026 14:52:21 GMT", "\"a\"", kModified));
  EXPECT_FALSE(if_range_holds("soon", "\"a\"", kModified));
}

TEST(ContentRangeHeader, IsWrittenAndReadBack) {
  EXPECT_EQ(content_range({10, 5}, 100), "bytes 10-14/100");
  EXPECT_EQ(content_range_unsatisfied(100), "bytes */100");
  const auto read = parse_content_range("bytes 10-14/100");
  ASSERT_TRUE(read);
  EXPECT_EQ(*read->span, (ByteSpan{10, 5}));
  EXPECT_EQ(*read->size_bytes, 100);
  EXPECT_FALSE(parse_content_range("bytes */100")->span);
  EXPECT_FALSE(parse_content_range("bytes 0-1/*")->size_bytes);
  for (const char* text : {"", "bytes", "bytes */*", "bytes 5-3/10", "bytes 0-10/10", "items 0-1/2", "bytes 0-1"})
    EXPECT_FALSE(parse_content_range(text)) << text;
}

TEST(Multipart, HasTheGoldenBytes) {
  EXPECT_EQ(multipart_part_head("B", "application/octet-stream", {0, 2}, 9, true) + "ab" +
                multipart_part_head("B", "application/octet-stream", {4, 1}, 9, false) + "e" + multipart_end("B"),
            "--B\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes 0-1/9\r\n\r\nab"
            "\r\n--B\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes 4-4/9\r\n\r\ne\r\n--B--\r\n");
}

}  // namespace
}  // namespace fp::wire
