#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "base/random.hpp"
#include "base/test_folder.hpp"
#include "store/audit.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace fp::store {
namespace {

constexpr int kRounds = 20, kThreads = 4;

// Writes for ever; tells the number of each write after its ticket has settled. Each write touches three tables.
[[noreturn]] void write_until_killed(const Path& file, int round, int pipe_end) {
  auto store = open_sqlite(file, system_clock());
  if (!store) ::_exit(3);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (std::int64_t n = 0;; ++n) {
        const std::int64_t number = (round * kThreads + t) * 1'000'000 + n;
        const auto done = (*store)->write([&](Repositories& r) -> Status {
          FP_CHECK(r.site.set_value(fmt::format("write{}", number), "x"));
          FP_CHECK(r.devices.put({.client_id = fmt::format("GUID:00000000-0000-4000-8000-{:012X}", number)}));
          return r.administration.audit({.who = "child", .action = "create", .object_id = std::to_string(number)});
        });
        if (!done) ::_exit(4);
        if (!write_all(pipe_end, {reinterpret_cast<const char*>(&number), sizeof number})) ::_exit(5);
      }
    });
  for (auto& t : threads) t.join();
  ::_exit(6);
}

bool read_number(int fd, std::int64_t& number) {
  return ::read(fd, &number, sizeof number) == static_cast<ssize_t>(sizeof number);  // 8 bytes to a pipe come whole
}

void expect_everything(const Path& file, const std::set<std::int64_t>& settled) {
  const auto store = open_sqlite(file, system_clock());
  ASSERT_TRUE(store) << store.error().message;
  const Status seen = (*store)->read([&](Repositories& r) -> Status {
    for (const auto number : settled) {
      FP_CHECK(r.site.value(fmt::format("write{}", number)));
      FP_CHECK(r.devices.find(fmt::format("GUID:00000000-0000-4000-8000-{:012X}", number)));
    }
    FP_TRY(lines, r.administration.audit_lines(0, 1'000'000));
    FP_TRY(devices, r.devices.count());
    if (static_cast<std::int64_t>(lines.size()) != devices)
      return fail(Code::corrupt, "{} lines for {} devices", lines.size(), devices);
    return verify_audit(std::move(lines));
  });
  EXPECT_TRUE(seen) << seen.error().message;
}

TEST(Crash, NothingThatWasAcknowledgedIsLostWhenTheProcessIsKilledAtAnyMoment) {
  const TestFolder folder;
  const Path& dir = folder.path();
  SeededRandom random(20261122);
  std::set<std::int64_t> settled;
  for (int round = 0; round < kRounds && !::testing::Test::HasFailure(); ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) write_until_killed(dir / "site.db", round, ends[1]);
    ::close(ends[1]);
    std::int64_t number = 0;
    for (auto left = random.below(60); left > 0 && read_number(ends[0], number); --left) settled.insert(number);
    ::kill(child, SIGKILL);
    while (read_number(ends[0], number)) settled.insert(number);
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);
    expect_everything(dir / "site.db", settled);
  }
  EXPECT_GT(settled.size(), 100U);
}

}  // namespace
}  // namespace fp::store
