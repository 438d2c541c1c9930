#include "wire/capability.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace fp::wire {
namespace {

const std::string kKey(32, 'k');
const ContentCapability kGood{"LAB00002.1", "GUID:00112233-4455-6677-8899-AABBCCDDEEFF", {1'800'000'000'000}};

TEST(Capability, OpensItsOwnContentUntilItExpires) {
  const std::string segment = encode_capability(kGood, kKey);
  EXPECT_TRUE(segment.starts_with(".cap-1800000000-00112233-4455-6677-8899-AABBCCDDEEFF-"));
  EXPECT_TRUE(is_capability_segment(segment));
  const auto read = check_capability(segment, "LAB00002.1", kKey, {1'799'999'999'999});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->client_id, kGood.client_id);
  EXPECT_EQ(check_capability(segment, "LAB00002.1", kKey, {1'800'000'000'000}).error().code, Code::forbidden);
}

TEST(Capability, AnythingElseIsRefused) {
  std::string segment = encode_capability(kGood, kKey);
  EXPECT_EQ(check_capability(segment, "LAB00002.2", kKey, {}).error().code, Code::unauthenticated);
  EXPECT_EQ(check_capability(segment, "LAB00002.1", std::string(32, 'x'), {}).error().code, Code::unauthenticated);
  EXPECT_EQ(check_capability(segment, "LAB00002.1", "", {}).error().code, Code::unauthenticated);
  std::string later = segment;
  later[5] = '2';
  EXPECT_EQ(check_capability(later, "LAB00002.1", kKey, {}).error().code, Code::unauthenticated);
  EXPECT_EQ(check_capability(segment.substr(0, segment.size() - 1), "LAB00002.1", kKey, {}).error().code, Code::invalid);
  EXPECT_EQ(check_capability(".cap-", "LAB00002.1", kKey, {}).error().code, Code::invalid);
}

TEST(Capability, EveryDistributionPointHasAKeyOfItsOwn) {
  const std::string one = capability_key_of(kKey, "dp1.example.org"), other = capability_key_of(kKey, "dp2.example.org");
  EXPECT_EQ(one, capability_key_of(kKey, "DP1.Example.ORG"));
  EXPECT_EQ(hex_lower(one), "e2c6cc0be8187066e2ca359bab6b26eed269e85e26d47bce99587981f9cdb4c9");
  EXPECT_EQ(check_capability(encode_capability(kGood, one), "LAB00002.1", other, {}).error().code, Code::unauthenticated);
  EXPECT_EQ(capability_key_of("", "dp1.example.org"), "");
}

}  // namespace
}  // namespace fp::wire
