#include "wire/bits.hpp"

#include <gtest/gtest.h>

namespace fp::wire {
namespace {

BitsHeaders fragment(std::string range, std::string length) {
  return {{"BITS-Packet-Type", "FRAGMENT"},
          {"BITS-Session-Id", "{7DF0354D-249B-430F-820D-3D2A9BEF4931}"},
          {"Content-Range", std::move(range)},
          {"Content-Length", std::move(length)}};
}

TEST(Bits, CreateTakesAListWithSpacesOrCommasInAnyCase) {
  for (const char* list : {"{7df0354d-249b-430f-820d-3d2a9bef4931}", "{7DF0354D-249B-430F-820D-3D2A9BEF4931}",
                           "{00000000-0000-0000-0000-000000000000},{7df0354d-249b-430f-820d-3d2a9bef4931}",
                           "{00000000-0000-0000-0000-000000000000} {7df0354d-249b-430f-820d-3d2a9bef4931}"}) {
    const auto packet = decode_bits(
        {{"bits-packet-type", "CREATE-SESSION"}, {"BITS-Supported-Protocols", list}, {"Content-Length", "0"}},
        0);
    ASSERT_TRUE(packet) << list;
    EXPECT_EQ(packet->kind, BitsKind::create);
  }
}

TEST(Bits, NoCommonProtocolIsABadArgument) {
  const auto packet = decode_bits(
      {{"BITS-Packet-Type", "Create-Session"}, {"BITS-Supported-Protocols", "{1}"}, {"Content-Length", "0"}},
      0);
  ASSERT_FALSE(packet);
  EXPECT_EQ(packet.error().status, 400);
  EXPECT_EQ(packet.error().code, 0x80070057U);
}

TEST(Bits, AFragmentCarriesItsRangeAndASessionInOneSpelling) {
  const auto packet = decode_bits(fragment("bytes 0-4/10", "5"), 5);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->session, "7DF0354D-249B-430F-820D-3D2A9BEF4931");
  EXPECT_EQ(packet->first, 0);
  EXPECT_EQ(packet->last, 4);
  EXPECT_EQ(packet->total, 10);
}

TEST(Bits, ARangeThatMakesNoSenseIsABadArgument) {
  for (const char* range :
       {"", "bytes", "bytes 0-4", "bytes 4-0/10", "bytes 0-9/9", "bytes a-b/c", "bytes 0-4/*", "items 0-4/10",
        "bytes -1-4/10", "bytes 0-99999999999999999999/1", "bytes 0/4-10"}) {
    const auto packet = decode_bits(fragment(range, "5"), 5);
    ASSERT_FALSE(packet) << range;
    EXPECT_EQ(packet.error().status, 400) << range;
  }
}

TEST(Bits, ABodyOfAnotherSizeThanItsRangeIsABadArgument) {
  EXPECT_EQ(decode_bits(fragment("bytes 0-4/10", "4"), 4).error().status, 400);
  EXPECT_EQ(decode_bits({{"BITS-Packet-Type", "Ping"}, {"Content-Length", "3"}}, 3).error().status, 400);
}

TEST(Bits, NoContentLengthIs411) {
  EXPECT_EQ(decode_bits({{"BITS-Packet-Type", "Ping"}}, 0).error().status, 411);
}

TEST(Bits, AHeaderOfMoreThanFourKibIs400) {
  EXPECT_EQ(
      decode_bits({{"BITS-Packet-Type", "Ping"}, {"Content-Length", "0"}, {"X", std::string(4097, 'x')}}, 0)
          .error()
          .status,
      400);
}

TEST(Bits, AnUnknownPacketTypeIsABadArgument) {
  EXPECT_EQ(decode_bits({{"BITS-Packet-Type", "Upload"}, {"Content-Length", "0"}}, 0).error().status, 400);
  EXPECT_EQ(decode_bits({{"Content-Length", "0"}}, 0).error().status, 400);
}

TEST(Bits, AnIdWeNeverGaveOutIsAnUnknownSession) {
  const auto packet = decode_bits(
      {{"BITS-Packet-Type", "Close-Session"}, {"BITS-Session-Id", "../../etc"}, {"Content-Length", "0"}}, 0);
  ASSERT_FALSE(packet);
  EXPECT_EQ(packet.error().status, 500);
  EXPECT_EQ(packet.error().code, 0x8020001FU);
}

TEST(Bits, AcksAreGolden) {
  EXPECT_EQ(bits_create_ack("7DF0354D-249B-430F-820D-3D2A9BEF4931"),
            (BitsHeaders{{"BITS-Packet-Type", "Ack"},
                         {"BITS-Protocol", "{7df0354d-249b-430f-820d-3d2a9bef4931}"},
                         {"BITS-Session-Id", "{7df0354d-249b-430f-820d-3d2a9bef4931}"},
                         {"Accept-Encoding", "identity"}}));
  EXPECT_EQ(bits_fragment_ack("", 5),
            (BitsHeaders{{"BITS-Packet-Type", "Ack"}, {"BITS-Received-Content-Range", "5"}}));
  EXPECT_EQ(bits_error_ack(bits_unknown_session(), ""), (BitsHeaders{{"BITS-Packet-Type", "Ack"},
                                                                     {"BITS-Error", "0x8020001F"},
                                                                     {"BITS-Error-Code", "0x8020001F"},
                                                                     {"BITS-Error-Context", "0x5"}}));
}

}  // namespace
}  // namespace fp::wire
