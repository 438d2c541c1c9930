#include "net/proxy_protocol.hpp"

#include <gtest/gtest.h>

namespace fp::net {
namespace {

TEST(ProxyProtocol, AVersion1LineNamesTheClient) {
  const auto header = parse_proxy_header("PROXY TCP4 192.0.2.7 198.51.100.1 51000 443\r\n\x16\x03");
  ASSERT_TRUE(header && *header);
  EXPECT_EQ((*header)->address, "192.0.2.7");
  EXPECT_EQ((*header)->port, 51000);
  EXPECT_EQ((*header)->bytes, 45U);
  const auto unknown = parse_proxy_header("PROXY UNKNOWN\r\n");
  ASSERT_TRUE(unknown && *unknown);
  EXPECT_EQ((*unknown)->address, "");
}

std::string v2(char command, char family, std::string_view addresses) {
  std::string bytes("\r\n\r\n\0\r\nQUIT\n", 12);
  bytes += command;
  bytes += family;
  bytes += '\0';
  bytes += static_cast<char>(addresses.size());
  bytes += addresses;
  return bytes;
}

TEST(ProxyProtocol, AVersion2HeaderNamesTheClient) {
  const auto header = parse_proxy_header(v2('\x21', '\x11', std::string_view("\xc0\x00\x02\x07\xc6\x33\x64\x01\xc7\x38\x01\xbb", 12)));
  ASSERT_TRUE(header && *header);
  EXPECT_EQ((*header)->address, "192.0.2.7");
  EXPECT_EQ((*header)->port, 51000);
  const auto local = parse_proxy_header(v2('\x20', '\x00', ""));
  ASSERT_TRUE(local && *local);
  EXPECT_EQ((*local)->address, "");
  EXPECT_EQ((*local)->bytes, 16U);
}

TEST(ProxyProtocol, APrefixNeedsMoreAndAnythingElseIsRefused) {
  for (const std::string_view part : {"P", "PROXY ", "PROXY TCP4 1.2.3.4", "\r\n\r\n"}) {
    const auto header = parse_proxy_header(part);
    ASSERT_TRUE(header) << part;
    EXPECT_FALSE(*header) << part;
  }
  EXPECT_FALSE(parse_proxy_header("GET / HTTP/1.1\r\n"));
  EXPECT_FALSE(parse_proxy_header("PROXY TCP4 300.0.2.7 198.51.100.1 51000 443\r\n"));
  EXPECT_FALSE(parse_proxy_header("PROXY TCP4 192.0.2.7 198.51.100.1 99999 443\r\n"));
  EXPECT_FALSE(parse_proxy_header("PROXY TCP6 192.0.2.7 198.51.100.1 1 443\r\n"));
  EXPECT_FALSE(parse_proxy_header("PROXY " + std::string(120, 'x')));
  EXPECT_FALSE(parse_proxy_header(v2('\x31', '\x11', std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0", 12))));
  EXPECT_FALSE(parse_proxy_header(v2('\x21', '\x11', "short")));
}

}  // namespace
}  // namespace fp::net
