#include "net/request_parser.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace fp::net {
namespace {

// What a connection does with the bytes: the status it would refuse with, 200 if it would ask a role, 0 if it waits for more.
int verdict(std::string_view bytes) {
  HeadScan scan;
  const auto length = scan.advance(bytes);
  if (!length) return length.error().status;
  if (*length == 0) return 0;
  const auto head = parse_request_head(bytes.substr(0, *length));
  return head ? 200 : head.error().status;
}

RequestHead accepted(std::string_view bytes) {
  auto head = parse_request_head(bytes);
  EXPECT_TRUE(head.has_value()) << (head ? "" : head.error().why);
  return head ? std::move(*head) : RequestHead{};
}

TEST(RequestHead, AnExtensionVerbIsTakenAsSent) {
  const auto head = accepted("CCM_POST /ccm_system/request HTTP/1.1\r\nHost: mp.example\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(head.request.method, "CCM_POST");
  EXPECT_EQ(head.request.path, "/ccm_system/request");
  EXPECT_EQ(head.content_length, 5U);
  EXPECT_TRUE(head.keep_alive);
}

TEST(RequestHead, QueryAndPathAreSplitAndOnlyThePathIsDecoded) {
  const auto head = accepted("GET /SMS_DP_SMSPKG$/a%20b/%C3%A4?x=%20y HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(head.request.path, "/SMS_DP_SMSPKG$/a b/\xC3\xA4");
  EXPECT_EQ(head.request.query, "x=%20y");
}

TEST(RequestHead, AnAbsoluteTargetIsCutToItsPath) {
  const auto head = accepted("GET http://Mp.Example:80/SMS_MP/.sms_aut?MPLIST HTTP/1.1\r\nHost: mp.example:80\r\n\r\n");
  EXPECT_EQ(head.request.target, "/SMS_MP/.sms_aut?MPLIST");
  EXPECT_EQ(accepted("GET http://h HTTP/1.1\r\nHost: h\r\n\r\n").request.path, "/");
}

TEST(RequestHead, KeepAliveFollowsVersionAndConnectionHeader) {
  EXPECT_FALSE(accepted("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").keep_alive);
  EXPECT_FALSE(accepted("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(accepted("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
}

struct Case {
  const char* name;
  std::string bytes;
  int status;
};

class Strictness : public ::testing::TestWithParam<Case> {};

TEST_P(Strictness, IsAnsweredAsTheRuleSays) { EXPECT_EQ(verdict(GetParam().bytes), GetParam().status); }

std::string with(std::string_view headers) { return fmt::format("POST /x HTTP/1.1\r\nHost: h\r\n{}\r\n\r\n", headers); }

INSTANTIATE_TEST_SUITE_P(
    Framing, Strictness,
    ::testing::Values(
        Case{"LengthAndCoding", with("Content-Length: 3\r\nTransfer-Encoding: chunked"), 400},
        Case{"CodingAndLength", with("Transfer-Encoding: chunked\r\nContent-Length: 3"), 400},
        Case{"DifferingLengths", with("Content-Length: 3\r\nContent-Length: 4"), 400},
        Case{"RepeatedLength", with("Content-Length: 3\r\nContent-Length: 3"), 400},
        Case{"LengthList", with("Content-Length: 3, 3"), 400},
        Case{"SignedLength", with("Content-Length: +3"), 400},
        Case{"NegativeLength", with("Content-Length: -3"), 400},
        Case{"HexLength", with("Content-Length: 0x3"), 400},
        Case{"HugeLength", with("Content-Length: 99999999999999999999999"), 400},
        Case{"EmptyLength", with("Content-Length:"), 400},
        Case{"TwoCodings", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 400},
        Case{"UnknownCoding", with("Transfer-Encoding: gzip"), 501},
        Case{"CodingNotFinal", with("Transfer-Encoding: chunked, identity"), 501},
        Case{"CodingWithTab", with("Transfer-Encoding: \tchunked"), 200},
        Case{"CodingWithVerticalTab", with("Transfer-Encoding: \x0b" "chunked"), 400},
        Case{"CodingInOldVersion", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        Case{"FoldedHeader", with("X: a\r\n b"), 400}, Case{"FoldedFirst", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400},
        Case{"BareLineFeed", "GET / HTTP/1.1\nHost: h\n\n", 400},
        Case{"BareLineFeedInside", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400},
        Case{"BareCarriageReturn", with("X: a\rb"), 400}, Case{"SpaceBeforeColon", with("X : a"), 400},
        Case{"NoColon", with("nonsense"), 400}, Case{"EmptyName", with(": a"), 400},
        Case{"NulInValue", with(std::string_view("X: a\0b", 6)), 400},
        Case{"NulInTarget", std::string("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 28), 400},
        Case{"BadMethod", "GE(T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Case{"EmptyMethod", " / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Case{"NoHost", "GET / HTTP/1.1\r\n\r\n", 400}, Case{"TwoHosts", with("Host: other"), 400},
        Case{"OldVersionNeedsNoHost", "GET / HTTP/1.0\r\n\r\n", 200},
        Case{"TheAuthorityOfTheTargetCountsForNothing", "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", 200},
        Case{"AuthorityForm", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 400},
        Case{"AsteriskForOthers", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Case{"AsteriskForOptions", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 200},
        Case{"Fragment", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Case{"TwoSpaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Case{"NextVersion", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
        Case{"NoVersion", "GET /\r\n\r\n", 400}, Case{"MalformedVersion", "GET / HTTX/1.1\r\nHost: h\r\n\r\n", 400},
        Case{"OtherExpectation", with("Expect: 200-ok"), 417},
        Case{"BadPercent", "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Case{"CutPercent", "GET /%2 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Case{"EncodedNul", "GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Case{"LongTarget", "GET /" + std::string(limits::kTargetBytesMax, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414},
        Case{"EndlessTarget", "GET /" + std::string(limits::kTargetBytesMax * 2, 'a'), 414},
        Case{"LongHeader", with("X: " + std::string(limits::kHeaderBytesMax, 'a')), 431},
        Case{"ALoginTicketOf64KiB", with("Authorization: Negotiate " + std::string(64U << 10, 'a')), 200},
        Case{"HalfAHeader", "GET / HTTP/1.1\r\nHost: h\r\n", 0}),
    [](const auto& tested) { return tested.param.name; });

TEST(HeadScan, ArrivingByteByByteGivesTheSameEnd) {
  const std::string bytes = "GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /next";
  HeadScan scan;
  for (std::size_t size = 1; size < 27; ++size) EXPECT_EQ(scan.advance(std::string_view(bytes).substr(0, size)).value_or(99), 0U);
  EXPECT_EQ(scan.advance(bytes).value_or(0), 27U);
}

constexpr std::string_view kChunkedHead = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

TEST(ChunkedBody, ComesTogetherFromAnyPieces) {
  const std::string bytes = "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: t\r\n\r\nGET";
  for (std::size_t step = 1; step < bytes.size(); ++step) {
    ChunkedBody decoder(kChunkedHead);
    std::string body, waiting;
    for (std::size_t at = 0; at < bytes.size() && !decoder.done(); at += step) {
      waiting += bytes.substr(at, step);
      const auto used = decoder.feed(waiting, body, 100);
      ASSERT_TRUE(used) << used.error().why;
      waiting.erase(0, *used);
    }
    EXPECT_TRUE(decoder.done());
    EXPECT_EQ(body, "hello world");
    EXPECT_TRUE(std::string("GET").starts_with(waiting));
  }
}

int chunk_fault(std::string_view bytes, std::size_t bytes_max = 100) {
  ChunkedBody decoder(kChunkedHead);
  std::string body;
  const auto used = decoder.feed(bytes, body, bytes_max);
  return used ? 0 : used.error().status;
}

TEST(ChunkedBody, WrongFramingIs400AndTooMuchIs413) {
  EXPECT_EQ(chunk_fault("5\nhello\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(chunk_fault("5\r\nhelloX\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(chunk_fault("zz\r\n"), 400);
  EXPECT_EQ(chunk_fault("-1\r\n"), 400);
  EXPECT_EQ(chunk_fault("FFFFFFFFFFFFFFFFF\r\n"), 400);
  EXPECT_EQ(chunk_fault("1;" + std::string(20000, 'x')), 400);
  EXPECT_EQ(chunk_fault("0\r\n" + std::string(20000, 'x')), 400);
  EXPECT_EQ(chunk_fault("65\r\n", 100), 413);
  EXPECT_EQ(chunk_fault("FFFFFFFFFFFFFFFF\r\n", 100), 413);
  EXPECT_EQ(chunk_fault("32\r\n" + std::string(50, 'a') + "\r\n33\r\n", 100), 413);
}

}  // namespace
}  // namespace fp::net
