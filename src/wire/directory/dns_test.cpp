#include "wire/directory/dns.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

using namespace fp;
using namespace fp::wire;

namespace {

// Question _mssms_mp_fp1._tcp.corp.test SRV, as dnsmasq answers it, with the names compressed.
const char* const kQuestion =
    "0D5F6D73736D735F6D705F667031045F74637004636F727004746573740000210001";

std::string answer(int count, const std::string& records, const char* flags = "8580") {
  return *unhex("1234" + std::string(flags) + "0001" + fmt::format("{:04X}", count) + "00000000" + kQuestion + records);
}

// host "site" in full, then a pointer to "corp.test" at offset 0x1F
std::string record(const char* priority_weight_port, const char* host, int host_bytes) {
  return fmt::format("C00C0021000100003840{:04X}{}{}", 6 + host_bytes, priority_weight_port, host);
}

}  // namespace

TEST(Dns, TheNameIsThatOfTheSite) {
  EXPECT_EQ(management_point_record("FP1", "corp.test"), "_mssms_mp_fp1._tcp.corp.test");
  EXPECT_EQ(management_point_record("", "corp.test"), "_mssms_mp._tcp.corp.test");
}

TEST(Dns, AServiceRecordWithACompressedHostIsRead) {
  const auto records = decode_service_records(answer(1, record("0000000001BB", "0473697465C01F", 7)));
  ASSERT_TRUE(records) << records.error().message;
  ASSERT_EQ(records->size(), 1U);
  EXPECT_EQ(records->front().host, "site.corp.test");
  EXPECT_EQ(records->front().port, 443);
}

TEST(Dns, OtherRecordsAndOddHostsAreLeftOut) {
  const std::string alias = "C00C00050001000000000002C01F";
  const auto records =
      decode_service_records(answer(3, alias + record("0000000001BB", "04732F7465C01F", 7) + record("000100020050", "C01F", 2)));
  ASSERT_TRUE(records) << records.error().message;
  ASSERT_EQ(records->size(), 1U);
  EXPECT_EQ(records->front().host, "corp.test");
  EXPECT_EQ(records->front().port, 80);
  EXPECT_EQ(records->front().weight, 2);
}

TEST(Dns, NoSuchNameIsToldFromAnEmptyAnswer) {
  EXPECT_EQ(decode_service_records(answer(0, "", "8583")).error().code, Code::not_found);
  EXPECT_EQ(decode_service_records(answer(0, "", "8582")).error().code, Code::unavailable);
  EXPECT_TRUE(decode_service_records(answer(0, ""))->empty());
}

TEST(Dns, WhatIsMalformedIsRefused) {
  const auto whole = answer(1, record("0000000001BB", "0473697465C01F", 7));
  for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(decode_service_records(whole.substr(0, n))) << n;
  EXPECT_FALSE(decode_service_records(answer(1, record("0000000001BB", "C0FF", 2))));   // a pointer forwards
  EXPECT_FALSE(decode_service_records(answer(1, record("0000000001BB", "C040", 2))));   // and one to itself
  EXPECT_FALSE(decode_service_records(answer(1, record("0000000001BB", "0473697465C01F", 6))));
  EXPECT_FALSE(decode_service_records(answer(9, record("0000000001BB", "0473697465C01F", 7))));
  EXPECT_FALSE(decode_service_records(answer(1, record("0000000001BB", "80736974", 4))));
  EXPECT_EQ(decode_service_records(std::string(70'000, 'x')).error().code, Code::too_large);
}
