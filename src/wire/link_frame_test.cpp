#include "wire/link_frame.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace fp::wire {
namespace {

LinkRequest sample() {
  return {.method = "CCM_POST",
          .target = "/ccm_system/request",
          .headers = {{"Host", "mp"}, {"Content-Type", "multipart/mixed"}},
          .body_bytes = 5,
          .door = Door::internet_https,
          .address = "203.0.113.9",
          .port = 40000,
          .certificate_der = "leaf",
          .chain_der = {"above"}};
}

}  // namespace

// The bytes of version 1, which do not change.
TEST(LinkFrame, GoldenBytes) {
  EXPECT_EQ(hex_lower(encode_link_frame(LinkFrameKind::ping, 0, "12345678")), "070000000000000008" "3132333435363738");
  EXPECT_EQ(hex_lower(encode_link_frame(LinkFrameKind::data, 3, "ab")), "040000000300000002" "6162");
  EXPECT_EQ(hex_lower(encode_link_hello({.site_code = "FP1", .name = "mp.x", .certificate_der = "c"})),
            "0001" "00000003465031" "000000046d702e78" "0000000163");
  EXPECT_EQ(hex_lower(encode_link_request(sample())),
            "0000000843434d5f504f5354" "000000132f63636d5f73797374656d2f72657175657374" "0002" "00000004486f7374" "000000026d70"
            "0000000c436f6e74656e742d54797065" "0000000f6d756c7469706172742f6d69786564" "0000000000000005" "02"
            "0000000b3230332e302e3131332e39" "9c40" "000000046c656166" "01" "0000000561626f7665");
  EXPECT_EQ(hex_lower(encode_link_reply({.status = 200, .headers = {{"A", "b"}}, .body_bytes = 7})),
            "00c8" "00000000" "0001" "0000000141" "0000000162" "0000000000000007" "ffffffffffffffff");
  EXPECT_EQ(hex_lower(encode_link_credit(65536)), "00010000");
}

TEST(LinkFrame, ComesBackAsItWas) {
  const auto request = decode_link_request(encode_link_request(sample()));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->headers, sample().headers);
  EXPECT_EQ(request->chain_der, sample().chain_der);
  EXPECT_EQ(request->port, 40000);
  const auto hello = decode_link_hello(encode_link_hello({.site_code = "fp1", .name = "MP.x", .certificate_der = {}}));
  ASSERT_TRUE(hello) << hello.error().message;
  EXPECT_EQ(hello->site_code, "FP1");
  EXPECT_EQ(hello->name, "mp.x");
  const auto reply = decode_link_reply(encode_link_reply({.status = 404, .reason = "Not Found", .head_length = 9}));
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->head_length, 9);
}

TEST(LinkFrame, AHeadIsCompleteOrWaits) {
  const std::string frame = encode_link_frame(LinkFrameKind::data, 7, "abc");
  for (std::size_t n = 0; n < kLinkFrameHeadBytes; ++n) EXPECT_FALSE(decode_link_frame_head(frame.substr(0, n)).value());
  EXPECT_EQ((*decode_link_frame_head(frame))->stream, 7U);
  EXPECT_EQ((*decode_link_frame_head(frame))->bytes, 3U);
  EXPECT_FALSE(decode_link_frame_head(encode_link_frame(LinkFrameKind::data, 0, "")));
  EXPECT_FALSE(decode_link_frame_head(encode_link_frame(LinkFrameKind::hello, 1, "")));
  EXPECT_FALSE(decode_link_frame_head(std::string("\x09\0\0\0\1\0\0\0\0", 9)));
  EXPECT_EQ(decode_link_frame_head(std::string("\x04\0\0\0\1\x7f\0\0\0", 9)).error().code, Code::too_large);
}

TEST(LinkFrame, WhatIsCutOrGrownIsRefused) {
  const std::string good = encode_link_request(sample());
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(decode_link_request(good.substr(0, n))) << n;
  EXPECT_FALSE(decode_link_request(good + "x"));
}

TEST(LinkFrame, NothingThatCouldBeReadInAnotherWayPasses) {
  const auto refused = [](auto change) {
    LinkRequest r = sample();
    change(r);
    return !decode_link_request(encode_link_request(r)).has_value();
  };
  EXPECT_TRUE(refused([](LinkRequest& r) { r.method = "GET /x HTTP/1.1\r\nA:"; }));
  EXPECT_TRUE(refused([](LinkRequest& r) { r.target = "http://elsewhere/"; }));
  EXPECT_TRUE(refused([](LinkRequest& r) { r.target = "/a b"; }));
  EXPECT_TRUE(refused([](LinkRequest& r) { r.headers[0].second = "a\r\nB: c"; }));
  EXPECT_TRUE(refused([](LinkRequest& r) { r.headers[0].first = "A: b"; }));
  EXPECT_TRUE(refused([](LinkRequest& r) { r.body_bytes = -1; }));
  EXPECT_TRUE(refused([](LinkRequest& r) { r.body_bytes = std::int64_t{1} << 40; }));
  EXPECT_TRUE(refused([](LinkRequest& r) { r.headers.assign(limits::kLinkHeadersMax + 1, {"A", "b"}); }));
  EXPECT_TRUE(refused([](LinkRequest& r) { r.headers = {{"A", std::string(limits::kHeaderBytesMax, 'b')}}; }));
  EXPECT_TRUE(refused([](LinkRequest& r) { r.certificate_der.assign(limits::kCertificateBytesMax + 1, 'c'); }));
  EXPECT_TRUE(refused([](LinkRequest& r) { r.chain_der.assign(limits::kLinkChainMax + 1, "c"); }));
  EXPECT_FALSE(decode_link_reply(encode_link_reply({.status = 100})));
  EXPECT_FALSE(decode_link_reply(encode_link_reply({.status = 200, .reason = "OK\r\nX: y"})));
  EXPECT_FALSE(decode_link_credit(encode_link_credit(0)));
  EXPECT_FALSE(decode_link_hello(encode_link_hello({.version = 2, .site_code = "FP1", .name = "mp", .certificate_der = {}})));
}

}  // namespace fp::wire
