#include "roles/mp/uploads.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>

#include "base/limits.hpp"

namespace fp::mp {
namespace {

constexpr std::string_view kTo = "11111111-2222-3333-4444-555555555555";

class UploadsTest : public testing::Test {
 protected:
  UploadsTest()
      : folder_(std::filesystem::temp_directory_path() /
                fmt::format("fp-uploads-{}-{}", ::getpid(), ++count_)) {
    restart();
  }
  ~UploadsTest() override { std::filesystem::remove_all(folder_); }
  void restart() { uploads_ = std::make_unique<Uploads>(folder_, 1 << 20, clock_, random_); }

  wire::BitsPacket of(wire::BitsKind kind, std::string session = {}) {
    wire::BitsPacket packet;
    packet.kind = kind;
    packet.session = std::move(session);
    return packet;
  }
  std::string create(std::string_view to = kTo, std::string_view peer = "tls:a") {
    const auto answer = uploads_->packet(to, peer, of(wire::BitsKind::create), {});
    EXPECT_TRUE(answer) << answer.error().reason;
    return answer ? answer->session : "";
  }
  auto send(const std::string& session, std::int64_t first, std::string_view bytes, std::int64_t total,
            std::string_view peer = "tls:a") {
    wire::BitsPacket packet = of(wire::BitsKind::fragment, session);
    packet.first = first;
    packet.last = first + static_cast<std::int64_t>(bytes.size()) - 1;
    packet.total = total;
    return uploads_->packet(kTo, peer, packet, bytes);
  }
  auto close(const std::string& session) {
    return uploads_->packet(kTo, "tls:a", of(wire::BitsKind::close, session), {});
  }

  static inline int count_ = 0;
  Path folder_;
  ManualClock clock_;
  SeededRandom random_{7};
  std::unique_ptr<Uploads> uploads_;
};

TEST_F(UploadsTest, FragmentsAddUpToTheFile) {
  const std::string session = create();
  EXPECT_EQ(send(session, 0, "hello ", 11)->next, 6);
  EXPECT_EQ(send(session, 6, "world", 11)->next, 11);
  ASSERT_TRUE(close(session));
  EXPECT_EQ(uploads_->take(kTo, "", "tls:a", 100).value(), "hello world");
}

TEST_F(UploadsTest, AGapOrAnOverlapIs416WithWhereToGoOn) {
  const std::string session = create();
  ASSERT_TRUE(send(session, 0, "hello ", 11));
  for (const std::int64_t first : {0, 3, 7}) {
    const auto answer = send(session, first, "abcd", 11);
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->wrong_start);
    EXPECT_EQ(answer->next, 6);
  }
}

TEST_F(UploadsTest, GoesOnAfterARestartAtTheByteThatWasAcknowledged) {
  const std::string session = create();
  ASSERT_TRUE(send(session, 0, "hello ", 11));
  {  // half a fragment that was never acknowledged lies behind it
    const Fd fd(::open((folder_ / std::string(kTo) / "part").c_str(), O_WRONLY | O_APPEND));
    ASSERT_TRUE(write_all(fd.get(), "gar"));
  }
  restart();
  EXPECT_EQ(send(session, 0, "hello ", 11)->next, 6);
  EXPECT_EQ(send(session, 6, "world", 11)->next, 11);
  restart();
  ASSERT_TRUE(close(session));
  restart();
  ASSERT_TRUE(close(session));  // the acknowledgement was lost
  EXPECT_EQ(uploads_->take(kTo, "", "tls:a", 100).value(), "hello world");
}

TEST_F(UploadsTest, AFolderWhoseRecordWasNeverWrittenIsRemoved) {
  const std::string session = create();
  std::filesystem::remove(folder_ / std::string(kTo) / "record");
  restart();
  EXPECT_FALSE(std::filesystem::exists(folder_ / std::string(kTo)));
  EXPECT_EQ(send(session, 0, "x", 1).error().code, 0x8020001FU);
}

TEST_F(UploadsTest, CloseBeforeTheLastByteIsABadArgumentAndNothingCanBeTaken) {
  const std::string session = create();
  ASSERT_TRUE(send(session, 0, "hello ", 11));
  EXPECT_EQ(close(session).error().status, 400);
  EXPECT_EQ(uploads_->take(kTo, "", "tls:a", 100).error().code, Code::not_found);
}

TEST_F(UploadsTest, WithCloseTheSessionIsOverAndWhatWasAcceptedStays) {
  const std::string session = create();
  ASSERT_TRUE(send(session, 0, "hello", 5));
  ASSERT_TRUE(close(session));
  EXPECT_TRUE(close(session)) << "its acknowledgement may have been lost";
  EXPECT_EQ(send(session, 5, "x", 6).error().code, 0x8020001FU);
  EXPECT_EQ(uploads_->packet(kTo, "tls:a", of(wire::BitsKind::cancel, session), {}).error().code, 0x8020001FU);
  EXPECT_EQ(*uploads_->take(kTo, "", "tls:a", 100), "hello");
}

TEST_F(UploadsTest, AnEmptyUploadIsCreatedAndClosed) {
  const std::string session = create();
  ASSERT_TRUE(close(session));
  EXPECT_EQ(*uploads_->take(kTo, "", "tls:a", 100), "");
}

TEST_F(UploadsTest, AnUnknownSessionStartsAgain) {
  EXPECT_EQ(close("AAAAAAAA-2222-3333-4444-555555555555").error().code, 0x8020001FU);
  const std::string session = create();
  EXPECT_EQ(close("AAAAAAAA-2222-3333-4444-555555555555").error().code, 0x8020001FU);
  ASSERT_TRUE(uploads_->packet(kTo, "tls:a", of(wire::BitsKind::cancel, session), {}));
  EXPECT_EQ(send(session, 0, "x", 1).error().code, 0x8020001FU);
  EXPECT_FALSE(std::filesystem::exists(folder_ / std::string(kTo)));
}

TEST_F(UploadsTest, TheTotalStaysTheSameAndWithinLimits) {
  const std::string session = create();
  EXPECT_EQ(send(session, 0, "x", static_cast<std::int64_t>(limits::kUploadBytesMax) + 1).error().code,
            0x80200020U);
  EXPECT_EQ(send(session, 0, "x", 2 << 20).error().code, 0x80070112U);
  ASSERT_TRUE(send(session, 0, "hello ", 11));
  EXPECT_EQ(send(session, 6, "world", 12).error().status, 400);
}

TEST_F(UploadsTest, ADestinationBelongsToWhoMadeOrAskedForIt) {
  const std::string session = create();
  EXPECT_EQ(send(session, 0, "x", 1, "tls:b").error().status, 403);
  EXPECT_EQ(send(session, 0, "x", 1, kProxyPeer).error().status, 403);
  const auto asked = uploads_->grant("GUID:1", "tls:a");
  ASSERT_TRUE(asked);
  EXPECT_EQ(uploads_->packet(*asked, "tls:b", of(wire::BitsKind::create), {}).error().status, 403);
  EXPECT_TRUE(uploads_->packet(*asked, kProxyPeer, of(wire::BitsKind::create), {}));
  EXPECT_EQ(
      uploads_->packet("22222222-2222-3333-4444-555555555555", kProxyPeer, of(wire::BitsKind::create), {})
          .error()
          .status,
      403);
  EXPECT_EQ(uploads_->take(*asked, "GUID:2", "tls:a", 10).error().code, Code::forbidden);
}

TEST_F(UploadsTest, AFinishedFileIsNotOverwritten) {
  const std::string session = create();
  ASSERT_TRUE(send(session, 0, "x", 1));
  ASSERT_TRUE(close(session));
  EXPECT_EQ(uploads_->packet(kTo, "tls:a", of(wire::BitsKind::create), {}).error().status, 403);
}

TEST_F(UploadsTest, OneSenderHasABoundedNumberOfThem) {
  for (int i = 0; i < kUploadsOfOnePeerMax; ++i) create(fmt::format("11111111-2222-3333-4444-{:012}", i));
  EXPECT_EQ(uploads_->packet(kTo, "tls:a", of(wire::BitsKind::create), {}).error().status, 403);
  EXPECT_TRUE(uploads_->packet(kTo, "tls:b", of(wire::BitsKind::create), {}));
}

TEST_F(UploadsTest, OneSenderHasABoundedShareOfTheBytes) {
  uploads_ = std::make_unique<Uploads>(folder_, std::int64_t{4} << 30, clock_, random_);
  constexpr auto kEach = static_cast<std::int64_t>(limits::kUploadBytesMax);
  const auto first_fragment = [&](int number, std::string_view peer) {
    const std::string to = fmt::format("11111111-2222-3333-4444-{:012}", number);
    wire::BitsPacket packet = of(wire::BitsKind::fragment, create(to, peer));
    packet.total = kEach;
    return uploads_->packet(to, peer, packet, "x");
  };
  for (int i = 0; i < kUploadBytesOfOnePeerMax / kEach; ++i) ASSERT_TRUE(first_fragment(i, "tls:a"));
  const auto over = first_fragment(8, "tls:a");
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, 0x80070112U);
  EXPECT_NE(over.error().reason.find("of this sender"), std::string::npos) << over.error().reason;
  EXPECT_TRUE(first_fragment(9, "tls:b"));
}

TEST_F(UploadsTest, EndAfterFourteenDaysWithoutTraffic) {
  const std::string session = create();
  ASSERT_TRUE(send(session, 0, "hello ", 11));
  clock_.advance_s(14 * 86400 - 1);
  ASSERT_TRUE(uploads_->expire());
  ASSERT_TRUE(send(session, 6, "w", 11));
  clock_.advance_s(14 * 86400 + 1);
  ASSERT_TRUE(uploads_->expire());
  EXPECT_EQ(send(session, 7, "orld", 11).error().code, 0x8020001FU);
}

TEST(UploadsOff, EveryPacketSaysSo) {
  ManualClock clock;
  SeededRandom random(1);
  Uploads uploads({}, 1, clock, random);
  EXPECT_EQ(uploads.packet(kTo, "tls:a", {}, {}).error().status, 501);
}

}  // namespace
}  // namespace fp::mp
