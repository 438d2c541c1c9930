#include "wire/directory/cldap.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

using namespace fp;
using namespace fp::wire;

namespace {

// What a Samba 4.17 domain controller dc1.corp.test answered to the request below: the entry and the end of the search.
const char* const kRequest =
    "304B020101634604000A01000A0100020100020100010100A027A3160409446E73446F6D61696E0409636F72702E74657374A30D04054E74566572"
    "040406000000300A04084E65746C6F676F6E";
const char* const kEntry =
    "3073020101646E0400306A306804086E65746C6F676F6E315C045A17000000FD130000C77CB3AE1DD1DE419A466707A56C867104636F7270047465"
    "737400C01803646331C01804434F5250000344433100001744656661756C742D46697273742D536974652D4E616D6500C03705000000FFFFFFFF";
const char* const kEnd = "300C02010165070A010004000400";

std::string entry() { return *unhex(kEntry); }

}  // namespace

TEST(DirectoryPing, AsksAsAControllerUnderstandsIt) { EXPECT_EQ(hex(encode_directory_ping("corp.test", 1)), kRequest); }

TEST(DirectoryPing, ARealAnswerNamesDomainForestControllerAndSite) {
  const auto ping = decode_directory_ping(entry() + *unhex(kEnd), 1);
  ASSERT_TRUE(ping) << ping.error().message;
  EXPECT_EQ(ping->domain, "corp.test");
  EXPECT_EQ(ping->forest, "corp.test");
  EXPECT_EQ(ping->controller, "dc1.corp.test");
  EXPECT_EQ(ping->client_site, "Default-First-Site-Name");
  EXPECT_EQ(ping->flags & 0x28U, 0x28U);  // it speaks LDAP and gives tickets
}

TEST(DirectoryPing, ASearchThatFoundNothingIsNoController) {
  EXPECT_EQ(decode_directory_ping(*unhex(kEnd), 1).error().code, Code::not_found);
  EXPECT_EQ(decode_directory_ping("", 1).error().code, Code::not_found);
}

TEST(DirectoryPing, AnAnswerToAnotherQuestionIsNotTaken) {
  EXPECT_EQ(decode_directory_ping(entry(), 2).error().code, Code::invalid);
  EXPECT_EQ(decode_directory_ping(entry(), 257).error().code, Code::invalid);
}

TEST(DirectoryPing, LongNumbersAndNamesKeepTheirLengths) {
  const std::string domain = std::string(60, 'a') + "." + std::string(60, 'b') + "." + std::string(60, 'c') + ".test";
  const std::string bytes = encode_directory_ping(domain, 70'000);
  EXPECT_NE(bytes.find(domain), std::string::npos);
  EXPECT_EQ(hex(bytes.substr(0, 2)), "3082");
  EXPECT_EQ((static_cast<unsigned char>(bytes[2]) << 8 | static_cast<unsigned char>(bytes[3])) + 4, static_cast<int>(bytes.size()));
  EXPECT_EQ(hex(bytes.substr(4, 5)), "0203011170");
}

TEST(DirectoryPing, LengthsAndNumbersWrittenInFullAreUnderstood) {
  const std::string inner = *unhex("020400000001") + entry().substr(5);
  const auto ping = decode_directory_ping(*unhex("308400000076") + inner, 1);
  ASSERT_TRUE(ping) << ping.error().message;
  EXPECT_EQ(ping->controller, "dc1.corp.test");
}

TEST(DirectoryPing, WhatIsCutOffOrTooLargeIsRefused) {
  const std::string whole = entry();
  for (std::size_t n = 1; n < whole.size(); ++n) EXPECT_FALSE(decode_directory_ping(whole.substr(0, n), 1)) << n;
  EXPECT_EQ(decode_directory_ping(whole + std::string(kDirectoryPingBytesMax, '\0'), 1).error().code, Code::too_large);
  std::string forward = whole;
  forward[forward.find("\xC0\x18") + 1] = '\x7F';  // a name that points forwards
  EXPECT_EQ(decode_directory_ping(forward, 1).error().code, Code::invalid);
  std::string odd = whole;
  odd.replace(odd.find("dc1"), 3, "d/1");
  EXPECT_EQ(decode_directory_ping(odd, 1).error().code, Code::invalid);
  std::string other = whole;
  other[other.find(std::string("\x17\0\0", 3))] = '\x13';  // a kind of answer that was not asked for
  EXPECT_FALSE(decode_directory_ping(other, 1));
}
