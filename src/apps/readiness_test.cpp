#include "apps/readiness.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>

#include "base/file.hpp"

namespace fp::apps {
namespace {

struct Readiness : ::testing::Test {
  void TearDown() override { ::unsetenv("NOTIFY_SOCKET"); }
};

TEST_F(Readiness, WithoutAServiceManagerNobodyIsTold) {
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_TRUE(tell_service_manager("READY=1"));
}

TEST_F(Readiness, TheManagersSocketGetsTheStateAsOneDatagram) {
  const std::string name = "farpoint-readiness-" + std::to_string(::getpid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, name.size());
  const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size())), 0);
  ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
  ASSERT_TRUE(tell_service_manager("READY=1"));
  char buffer[64];
  const auto n = ::recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  EXPECT_EQ(std::string(buffer, n > 0 ? static_cast<std::size_t>(n) : 0), "READY=1");
}

TEST_F(Readiness, AManagerThatIsNotThereIsAnError) {
  ::setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
  const auto told = tell_service_manager("READY=1");
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code, Code::io);
}

}  // namespace
}  // namespace fp::apps
