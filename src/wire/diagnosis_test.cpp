#include "wire/diagnosis.hpp"

#include <gtest/gtest.h>

namespace fp::wire {
namespace {

Arrived sample() {
  Arrived a;
  a.role = "management point";
  a.host = "mp.example.test";
  a.door = "internet-https";
  a.method = "CCM_POST";
  a.target = "/ccm_system/doctor";
  a.header_names = {"Host", "Range"};
  a.values = {{"Range", "bytes=0-9"}};
  a.body_bytes = 5;
  a.body_sha256 = std::string(64, 'a');
  a.body_took_ms = 12;
  a.fingerprint = std::string(64, 'b');
  a.certificate = "ok";
  a.server_time.ms = 1'700'000'000'123;
  return a;
}

// Golden bytes: clients of this release must understand servers of the next.
constexpr std::string_view kGolden =
    R"({"format":"farpoint-arrived-1","role":"management point","host":"mp.example.test","door":"internet-https","method":"CCM_POST",)"
    R"("target":"/ccm_system/doctor","http_minor":1,"body_bytes":5,)"
    R"("body_sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","body_took_ms":12,)"
    R"("fingerprint":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","certificate":"ok","proxy":false,)"
    R"("server_time_ms":1700000000123,"values":[["Range","bytes=0-9"]],"headers":["Host","Range"]})";

TEST(Diagnosis, IsWrittenAsTheProtocolSaysAndReadBack) {
  EXPECT_EQ(encode_arrived(sample(), false), kGolden);
  const auto read = decode_arrived(kGolden);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(encode_arrived(*read, false), kGolden);
  EXPECT_TRUE(read->has_header("range"));
  EXPECT_EQ(read->value("RANGE"), "bytes=0-9");
  EXPECT_FALSE(read->has_header("Depth"));
}

TEST(Diagnosis, TheBriefFormHasNoNames) {
  const auto read = decode_arrived(encode_arrived(sample(), true));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->header_names.empty());
  EXPECT_TRUE(read->has_header("Range"));
}

TEST(Diagnosis, WhatIsNoneIsRefused) {
  for (const auto* text : {"", "{}", "[]", "<html>", R"({"format":"other"})", R"({"format":"farpoint-arrived-1","role":1})"})
    EXPECT_FALSE(decode_arrived(text)) << text;
  auto many = sample();
  many.header_names.assign(100, "X");
  EXPECT_EQ(decode_arrived(encode_arrived(many, false))->header_names.size(), kArrivedHeadersMax);
  EXPECT_EQ(decode_arrived(std::string(kArrivedBytesMax + 1, ' ')).error().code, Code::too_large);
}

TEST(Diagnosis, ControlCharactersOfARequestDoNotComeBack) {
  auto odd = sample();
  odd.values = {{"Range", "a\r\nb\xff"}};
  EXPECT_EQ(decode_arrived(encode_arrived(odd, false))->value("Range"), "a??b?");
}

TEST(Diagnosis, BytesOfTheSampleSayWhereTheyAre) {
  const auto whole = sample_bytes(0, kSampleBytes);
  ASSERT_EQ(static_cast<std::int64_t>(whole.size()), kSampleBytes);
  EXPECT_EQ(sample_bytes(100, 33), whole.substr(100, 33));
  EXPECT_EQ(whole.substr(0, 32), "farpoint 000000\nfarpoint 000001\n");
}

}  // namespace
}  // namespace fp::wire
