#include "packages/runner.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <thread>

#include "base/text.hpp"
#include "packages/processes.hpp"
#include "base/test_folder.hpp"

namespace fp::packages {
namespace {

using testing::HasSubstr;
using testing::Not;

struct RunnerTest : testing::Test {
  TestFolder folder;
  ProcessRunner runner{system_clock()};
  Command shell(std::string_view text) const {
    Command out = shell_command(text, folder.path());
    out.limit_ms = 60'000;
    out.kill_after_ms = 200;
    return out;
  }
  packages::Run run(const Command& command) {
    auto done = runner.run(command);
    EXPECT_TRUE(done) << done.error().message;
    return done.value_or(packages::Run{});
  }
  // The pids that a script wrote, one a line.
  std::vector<pid_t> pids(const char* file) const {
    std::vector<pid_t> out;
    const std::string text = read_file(folder.path() / file).value_or("");
    for (const auto line : split(text, '\n')) {
      if (const auto pid = parse_int(line)) out.push_back(static_cast<pid_t>(*pid));
    }
    return out;
  }
  // A zombie is dead: whoever adopts orphans here may be slow to collect them.
  static bool alive(pid_t pid) {
    const auto stat = read_file(fmt::format("/proc/{}/stat", pid));
    return stat && stat->find(") Z ") == std::string::npos && stat->find(") X ") == std::string::npos;
  }
};

TEST_F(RunnerTest, GivesExitCodeAndBothStreams) {
  const packages::Run done = run(shell("echo out; echo err >&2; exit 7"));
  EXPECT_EQ(done.exit_code, 7);
  EXPECT_EQ(done.out, "out\n");
  EXPECT_EQ(done.err, "err\n");
  EXPECT_FALSE(done.ok());
  EXPECT_THAT(describe(done), HasSubstr("exit code 7 after 0 s: err"));
}

TEST_F(RunnerTest, TellsASignalFromAnExitCode) {
  const packages::Run done = run(shell("kill -9 $$"));
  EXPECT_EQ(done.signal, SIGKILL);
  EXPECT_FALSE(done.ok());
}

TEST_F(RunnerTest, RunsInTheContentFolderAndFindsProgramsThere) {
  folder.put("install.sh", "#!/bin/sh\npwd\n", 0755);
  Command command;
  command.argv = {"./install.sh"};
  command.folder = folder.path();
  EXPECT_EQ(run(command).out, folder.path().native() + "\n");
}

TEST_F(RunnerTest, HandsOverACleanEnvironmentAndNoDescriptors) {
  ::setenv("FARPOINT_TEST_SECRET", "hunter2", 1);
  const int leaked = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC on purpose
  Command command = shell("env; echo fds; ls /proc/$$/fd; cat");
  command.environment = {{"DEBIAN_FRONTEND", "noninteractive"}};
  const packages::Run done = run(command);
  ::close(leaked);
  EXPECT_THAT(done.out, Not(HasSubstr("hunter2")));
  EXPECT_THAT(done.out, HasSubstr("DEBIAN_FRONTEND=noninteractive\n"));
  EXPECT_THAT(done.out, HasSubstr("PATH=/usr/local/sbin:"));
  EXPECT_THAT(done.out.substr(done.out.find("fds\n")), Not(HasSubstr(fmt::format("\n{}\n", leaked))));
}

TEST_F(RunnerTest, RefusesWhatIsNotThereBeforeItStarts) {
  Command command;
  EXPECT_EQ(runner.run(command).error().code, Code::invalid);
  command.argv = {"no-such-program-anywhere"};
  EXPECT_EQ(runner.run(command).error().code, Code::not_found);
  command.argv = {"/bin/true"};
  command.folder = folder.path() / "absent";
  EXPECT_EQ(runner.run(command).error().code, Code::not_found);
  command.folder = "/";
  command.argv = {"/bin/true", std::string("a\0b", 3)};
  EXPECT_EQ(runner.run(command).error().code, Code::invalid);
}

TEST_F(RunnerTest, KeepsTheTailOfAFlood) {
  Command command = shell("i=0; head -c 20000000 /dev/zero | tr '\\0' x; echo the end; head -c 5000000 /dev/zero >&2");
  command.output_bytes_max = 1000;
  const packages::Run done = run(command);
  EXPECT_TRUE(done.ok());
  EXPECT_EQ(done.out_bytes, 20'000'008);
  EXPECT_EQ(done.err_bytes, 5'000'000);
  EXPECT_EQ(done.out.size(), 1000U);
  EXPECT_TRUE(done.out.ends_with("xthe end\n"));
}

TEST_F(RunnerTest, EndsARunAtItsLimitWithAllItsChildren) {
  Command command = shell(
      "sleep 1000 & echo $! >> pids; (trap '' TERM; sleep 1000 & echo $! >> pids; wait; sleep 1000) & echo $! >> pids;"
      "setsid sleep 1000 & echo $! >> pids; trap '' TERM; echo $$ >> pids; wait; sleep 1000");
  command.limit_ms = 500;
  const packages::Run done = run(command);
  EXPECT_TRUE(done.timed_out);
  EXPECT_FALSE(done.ok());
  const auto all = pids("pids");
  ASSERT_EQ(all.size(), 5U);
  for (const pid_t pid : all) EXPECT_FALSE(alive(pid)) << pid;
}

TEST_F(RunnerTest, EndsWhatLeftItsSessionByForkingTwice) {
  Command command = shell("(setsid sh -c 'echo $$ >> pids; trap \"\" TERM HUP; while :; do sleep 1; done' &) ; "
                          "while [ ! -s pids ]; do :; done; sleep 1000");
  command.limit_ms = 1500;
  EXPECT_TRUE(run(command).timed_out);
  const auto all = pids("pids");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_FALSE(alive(all[0]));
}

TEST_F(RunnerTest, AServiceThatAnInstallerStartsStaysAndHoldsNobodyUp) {
  const packages::Run done = run(shell("setsid sleep 1000 & echo $! > pids; echo installed"));
  EXPECT_TRUE(done.ok());
  EXPECT_EQ(done.out, "installed\n");
  const auto all = pids("pids");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(alive(all[0]));
  ::kill(all[0], SIGKILL);
}

TEST_F(RunnerTest, OnlyTheRunItselfIsUnderWayAndNotTheServiceItLeftBehind) {
  const auto under_way = [](pid_t pid) { return std::ranges::count(runs_under_way(), pid) == 1; };
  std::jthread other([&] {
    (void)run(shell("setsid sleep 1000 & echo $! > service; echo $$ > leader.new; mv leader.new leader;"
                    "while [ ! -e go ]; do sleep 0.02; done"));
    folder.put("over", "");
  });
  while (pids("leader").empty()) std::this_thread::yield();
  const pid_t leader = pids("leader").at(0), service = pids("service").at(0);
  EXPECT_TRUE(under_way(leader));
  EXPECT_FALSE(under_way(service));
  folder.put("go", "");
  other.join();
  EXPECT_TRUE(alive(service));
  EXPECT_FALSE(under_way(leader));
  EXPECT_FALSE(under_way(service));
  ::kill(service, SIGKILL);
}

TEST_F(RunnerTest, MakesFilesForEverybodyWhateverTheAgentsOwnMaskIs) {
  const mode_t old = ::umask(0077);
  const packages::Run done = run(shell("umask; touch made; stat -c %a made"));
  ::umask(old);
  EXPECT_EQ(done.out, "0022\n644\n");
}

TEST_F(RunnerTest, RunsAsAnotherUserWithoutRootsRightsOrGroups) {
  Command command = shell("id -un; id -Gn; echo $HOME; cat /etc/shadow");
  command.user = "nobody";
  std::filesystem::permissions(folder.path(), static_cast<std::filesystem::perms>(0755));
  const packages::Run done = run(command);
  EXPECT_EQ(done.out, "nobody\nnogroup\n/nonexistent\n");
  EXPECT_THAT(done.err, HasSubstr("Permission denied"));
  command.user = "no-such-user";
  EXPECT_EQ(runner.run(command).error().code, Code::not_found);
}

TEST_F(RunnerTest, EndsWhenItIsCancelled) {
  std::atomic<bool> cancel{false};
  Command command = shell("touch started; sleep 1000");
  command.cancel = &cancel;
  std::jthread other([&] {
    while (!file_exists(folder.path() / "started")) std::this_thread::yield();
    cancel = true;
  });
  const packages::Run done = run(command);
  EXPECT_TRUE(done.cancelled);
  EXPECT_FALSE(done.timed_out);
}

TEST_F(RunnerTest, GivesChildrenTheUsualSignalsBack) {
  struct sigaction old {};
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, &old);
  const packages::Run done = run(shell("sh -c 'kill -PIPE $$'; echo $?"));
  ::sigaction(SIGPIPE, &old, nullptr);
  EXPECT_EQ(done.out, fmt::format("{}\n", 128 + SIGPIPE));
}

TEST(Runner, PauseEndsEarlyWhenCancelled) {
  ProcessRunner runner(system_clock());
  std::atomic<bool> cancel{true};
  constexpr std::int64_t kDaysMs = 1'000'000'000;
  const Instant begun = system_clock().now();
  runner.pause(kDaysMs, &cancel);
  EXPECT_LT(system_clock().now().since_ms(begun), kDaysMs);
}

}  // namespace
}  // namespace fp::packages
