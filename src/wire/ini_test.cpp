#include "wire/ini.hpp"

#include <gtest/gtest.h>

namespace fp::wire {
namespace {

TEST(Ini, AFileHasTheGoldenBytesAndIsReadBack) {
  const std::string hash(64, 'a');
  const std::string text = encode_file_ini({0x20, *parse_time("2024-04-13T20:40:00Z"), 16, hash});
  EXPECT_EQ(text,
            "[File]\r\nAttributes=20\r\nTimeModified=133575144000000000\r\nSize=16\r\nHash=" + std::string(64, 'A') + "\r\n");
  const auto read = decode_file_ini(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->sha256, hash);
  EXPECT_EQ(read->size_bytes, 16);
  EXPECT_EQ(to_iso(read->modified), "2024-04-13T20:40:00Z");
}

TEST(Ini, ListsOfContentsHaveTheGoldenBytes) {
  EXPECT_EQ(encode_package_ini({"LAB00002.1", "LAB00002.2"}), "[Packages]\r\nLAB00002.1=\r\nLAB00002.2=\r\n");
  EXPECT_EQ(encode_users_ini({"LAB00002.1"}), "[Users]\r\nLAB00002.1=\r\n");
}

TEST(Ini, MalformedOnesAreRefused) {
  EXPECT_FALSE(decode_ini("a=b"));
  EXPECT_FALSE(decode_ini("[File"));
  EXPECT_FALSE(decode_file_ini("[Other]\nSize=1"));
  EXPECT_FALSE(decode_file_ini("[File]\nSize=x\nHash="));
  EXPECT_FALSE(decode_file_ini("[File]\nSize=-1\nHash=" + std::string(64, 'a')));
  EXPECT_FALSE(decode_ini(std::string(kIniBytesMax + 1, ';')));
}

}  // namespace
}  // namespace fp::wire
