#include "wire/fsp_link.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace fp::wire {
namespace {

constexpr const char* kId = "00112233445566778899aabbccddeeff";
// Golden bytes: the file of a spool, and the answer that the site gets.
constexpr const char* kSpooled =
    R"({"id":"00112233445566778899aabbccddeeff","received_at_ms":1800000000000,"address":"203.0.113.9","content_type":"text/xml",)"
    R"("body":"PGEvPg=="})";

SpooledMessage sample() { return {kId, {1'800'000'000'000}, "203.0.113.9", "text/xml", "<a/>"}; }

}  // namespace

TEST(FspLink, AFileOfTheSpoolHasTheGoldenBytes) {
  EXPECT_EQ(encode_spooled(sample()), kSpooled);
  const auto read = decode_spooled(kSpooled);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, sample());
}

TEST(FspLink, ABatchCarriesTheCountsAndTheMessages) {
  SpooledMessage other = sample();
  other.id = std::string(32, 'f');
  other.body = std::string("\0\x01\xFF", 3);
  const auto read = decode_spool_batch(encode_spool_batch({{7, 900, 12, 3, 1}, {sample(), other}}));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->counts.waiting, 7);
  EXPECT_EQ(read->counts.throttled, 1);
  ASSERT_EQ(read->messages.size(), 2U);
  EXPECT_EQ(read->messages[1], other);
}

TEST(FspLink, WhatAStatusPointOfTheEnemyMaySayIsLimited) {
  EXPECT_FALSE(decode_spool_batch("{}"));
  EXPECT_FALSE(decode_spool_batch(R"({"waiting":-1,"waiting_bytes":0,"accepted":0,"refused":0,"throttled":0,"messages":[]})"));
  for (const char* id : {"", "short", "00112233445566778899AABBCCDDEEFF", "../../../../../../../etc/passwd0"}) {
    SpooledMessage bad = sample();
    bad.id = id;
    EXPECT_FALSE(decode_spooled(encode_spooled(bad))) << id;
    EXPECT_FALSE(decode_receipts(encode_receipts({id}))) << id;
  }
  SpooledMessage large = sample();
  large.body = std::string(limits::kFallbackBodyBytesMax + 1, 'x');
  EXPECT_FALSE(decode_spooled(encode_spooled(large)));
  EXPECT_FALSE(decode_receipts(encode_receipts(std::vector<std::string>(limits::kFallbackBatchMax + 1, kId))));
  EXPECT_EQ(decode_receipts(encode_receipts({kId}))->front(), kId);
}

}  // namespace fp::wire
