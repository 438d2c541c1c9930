// Domain controllers on loopback: sockets of this test that answer as a real one did, or not at all.
#include "agent/core/directory_probe.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "base/file.hpp"
#include "base/text.hpp"

using namespace fp;
using namespace fp::agent;

namespace {

const char* const kEntryBehindTheId =
    "646E0400306A306804086E65746C6F676F6E315C045A17000000FD130000C77CB3AE1DD1DE419A466707A56C867104636F7270047465737400C01803"
    "646331C01804434F5250000344433100001744656661756C742D46697273742D536974652D4E616D6500C03705000000FFFFFFFF";

// Answers every question of one that asks, or keeps silent.
class Controller {
 public:
  explicit Controller(bool answers) : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), answers_(answers) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Controller() {
    ::shutdown(fd_.get(), SHUT_RDWR);
    thread_.join();
  }
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;
  [[nodiscard]] wire::ServiceRecord record(int priority = 0) const { return {priority, 100, port_, "127.0.0.1"}; }

 private:
  void serve() {
    char question[2048];
    while (true) {
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const auto got = ::recvfrom(fd_.get(), question, sizeof question, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (got <= 0) return;
      if (!answers_) continue;
      // The message id of the question, behind the outer element's head of two bytes.
      const auto id_bytes = static_cast<std::size_t>(2 + question[3]);
      const std::string inner = std::string(question + 2, id_bytes) + *unhex(kEntryBehindTheId);
      const std::string answer = std::string("\x30") + static_cast<char>(inner.size()) + inner;
      ::sendto(fd_.get(), answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }
  Fd fd_;
  bool answers_;
  int port_ = 0;
  std::thread thread_;
};

ServiceLookup naming(std::vector<wire::ServiceRecord> records) {
  return [records = std::move(records)](const std::string& name) -> Result<std::vector<wire::ServiceRecord>> {
    EXPECT_EQ(name, "_ldap._tcp.dc._msdcs.corp.test");
    return records;
  };
}

std::vector<location::Probe> ask(const std::string& domain, const ServiceLookup& services) {
  return ask_directory(domain, services, system_clock(), system_random());
}

}  // namespace

TEST(DirectoryProbe, AControllerThatAnswersIsNamedWithItsSite) {
  const Controller controller(true);
  const auto probes = ask("corp.test", naming({controller.record()}));
  ASSERT_EQ(probes.size(), 1U);
  EXPECT_TRUE(probes[0].answered) << probes[0].detail;
  EXPECT_EQ(probes[0].detail, "dc1.corp.test of corp.test, site Default-First-Site-Name");
}

TEST(DirectoryProbe, ASilentControllerDoesNotHideOneThatAnswers) {
  const Controller silent(false), other(true);
  const auto probes = ask("corp.test", naming({silent.record(0), other.record(10)}));
  ASSERT_EQ(probes.size(), 2U);
  EXPECT_FALSE(probes[0].answered);
  EXPECT_EQ(probes[0].detail, "another one answered first");
  EXPECT_TRUE(probes[1].answered);
}

TEST(DirectoryProbe, AControllerOfAnotherDomainCountsAsSilent) {
  const Controller controller(true);
  const auto services = [&](const std::string&) -> Result<std::vector<wire::ServiceRecord>> { return std::vector{controller.record()}; };
  const auto probes = ask("other.test", services);
  ASSERT_EQ(probes.size(), 1U);
  EXPECT_FALSE(probes[0].answered);
  EXPECT_EQ(probes[0].detail, "it is a domain controller of corp.test");
}

TEST(DirectoryProbe, WhoeverDoesNotListenSaysSo) {
  int port = 0;
  { const Controller gone(true); port = gone.record().port; }
  const auto probes = ask("corp.test", naming({{0, 0, port, "127.0.0.1"}}));
  ASSERT_EQ(probes.size(), 1U);
  EXPECT_FALSE(probes[0].answered);
  EXPECT_NE(probes[0].detail.find("refused"), std::string::npos) << probes[0].detail;
}

TEST(DirectoryProbe, WithoutRecordsNobodyIsAskedAndTheReasonIsKept) {
  const auto none = ask("corp.test", [](const std::string&) -> Result<std::vector<wire::ServiceRecord>> {
    return fail(Code::not_found, "DNS has no service record");
  });
  ASSERT_EQ(none.size(), 1U);
  EXPECT_EQ(none[0].what, "domain corp.test");
  EXPECT_EQ(none[0].detail, "DNS has no service record");
  EXPECT_TRUE(ask("", naming({})).empty());
}
