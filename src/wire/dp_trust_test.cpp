#include "wire/dp_trust.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace fp::wire {
namespace {

const std::string kClient = "GUID:00112233-4455-6677-8899-AABBCCDDEEFF";

TEST(DpTrust, IsTheseBytes) {
  const DpTrust trust{std::string(32, 'k'), {kClient}, {std::string(64, 'a')}};
  const std::string text = encode_dp_trust(trust);
  EXPECT_EQ(text,
            R"({"capability_key":"6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b",)"
            R"("clients":["GUID:00112233-4455-6677-8899-AABBCCDDEEFF"],)"
            R"("fingerprints":["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]})");
  const auto read = decode_dp_trust(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, trust);
}

TEST(DpTrust, IsRefusedByTheNameOfWhatIsWrong) {
  const std::string key(64, '6');
  const auto fault = [](const std::string& text) { return decode_dp_trust(text).error().message; };
  EXPECT_NE(fault(R"({"capability_key":"66","clients":[],"fingerprints":[]})").find("capability_key"), std::string::npos);
  EXPECT_NE(fault(R"({"capability_key":")" + key + R"(","fingerprints":[]})").find("clients"), std::string::npos);
  EXPECT_NE(fault(R"({"capability_key":")" + key + R"(","clients":[1],"fingerprints":[]})").find("clients"), std::string::npos);
  EXPECT_FALSE(decode_dp_trust(R"({"capability_key":")" + key + R"(","clients":["GUID:x"],"fingerprints":[]})"));
  EXPECT_NE(fault(R"({"capability_key":")" + key + R"(","clients":[],"fingerprints":["AB"]})").find("fingerprints"), std::string::npos);
  EXPECT_FALSE(decode_dp_trust("[]"));
}

TEST(DpTrust, HasALimit) {
  DpTrust many{std::string(32, 'k'), std::vector<std::string>(limits::kBlockedDevicesMax + 1, kClient), {}};
  EXPECT_EQ(decode_dp_trust(encode_dp_trust(many)).error().code, Code::too_large);
}

}  // namespace
}  // namespace fp::wire
