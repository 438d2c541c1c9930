#include "agent/memory/memory.hpp"
#include "base/test_folder.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

using namespace fp;
using namespace fp::memory;

namespace {

class MemoryTest : public testing::Test {
 protected:
  void SetUp() override { reopen(); }
  void reopen() {
    memory_.reset();
    auto opened = Memory::open(dir_ / "agent.db");
    ASSERT_TRUE(opened) << opened.error().message;
    memory_ = std::move(*opened);
  }
  TestFolder folder_;
  const Path dir_ = folder_.path();
  std::unique_ptr<Memory> memory_;
};

OutboxMessage message(int state) {
  OutboxMessage m;
  m.topic_type = 1702;
  m.topic_id = "LAB20001";
  m.state_id = state;
  m.parameters = {"a:b", "", "umlaut ä 3:x"};
  m.at = {1000};
  return m;
}

}  // namespace

TEST_F(MemoryTest, WhatWasSavedIsThereAfterReopening) {
  Identity i;
  i.client_id = "GUID:X";
  i.registration = "registered";
  i.attempts = 3;
  ASSERT_TRUE(memory_->save(i));
  ASSERT_TRUE(memory_->set_property("SMSSITECODE", "LAB"));
  StoredPolicy p;
  p.id = "P1";
  p.signature = std::string("\0\xff\x01", 3);
  p.state = PolicyState::active;
  p.body = "<Policy/>";
  ASSERT_TRUE(memory_->save(p));
  reopen();
  EXPECT_EQ(memory_->identity()->client_id, "GUID:X");
  EXPECT_EQ(memory_->identity()->attempts, 3);
  EXPECT_EQ(*memory_->property("SMSSITECODE"), "LAB");
  EXPECT_EQ(*memory_->property("never set"), "");
  auto back = memory_->policy("P1");
  ASSERT_TRUE(back && *back);
  EXPECT_EQ((*back)->signature, p.signature);
  EXPECT_EQ((*back)->state, PolicyState::active);
}

TEST_F(MemoryTest, SerialsCountUpByOneAndAStaleIdentityDoesNotSetThemBack) {
  Identity old = *memory_->identity();
  EXPECT_EQ(*memory_->queue(message(1)), 1);
  EXPECT_EQ(*memory_->queue(message(2)), 2);
  ASSERT_TRUE(memory_->save(old));
  EXPECT_EQ(*memory_->queue(message(3)), 3);
  auto waiting = *memory_->unsent(10);
  ASSERT_EQ(waiting.size(), 3U);
  EXPECT_EQ(waiting[0].parameters, message(1).parameters);
  ASSERT_TRUE(memory_->mark_sent(2));
  EXPECT_EQ(memory_->unsent(10)->size(), 1U);
  ASSERT_TRUE(memory_->resend_from(0));
  EXPECT_EQ(memory_->unsent(10)->size(), 3U);
}

TEST_F(MemoryTest, ATransactionThatFailsLeavesNothing) {
  auto done = memory_->together([&]() -> Status {
    FP_CHECK(memory_->set_property("a", "1"));
    FP_CHECK(memory_->together([&] { return memory_->set_property("b", "2"); }));
    return fail(Code::io, "disk full");
  });
  EXPECT_FALSE(done);
  EXPECT_EQ(*memory_->property("a"), "");
  EXPECT_EQ(*memory_->property("b"), "");
}

TEST_F(MemoryTest, SavingAJobKeepsItsProgressAndForgettingItDropsIt) {
  ContentJob j;
  j.content_id = "LAB00002.1";
  j.root_hash = "aa";
  ASSERT_TRUE(memory_->save(j));
  ASSERT_TRUE(memory_->save_progress(j.content_id, {"a/b", std::string("\x05\0", 2), 7, 4096}));
  j.state = JobState::downloading;
  ASSERT_TRUE(memory_->save(j));
  auto files = *memory_->progress(j.content_id);
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].bitmap, std::string("\x05\0", 2));
  EXPECT_EQ(files[0].partial_bytes, 4096);
  ASSERT_TRUE(memory_->forget_job(j.content_id));
  EXPECT_TRUE(memory_->progress(j.content_id)->empty());
}

TEST_F(MemoryTest, TheCacheIsListedLeastRecentlyUsedFirst) {
  ASSERT_TRUE(memory_->save(CacheEntry{"new", "r", "f", 10, {1}, {30}, false}));
  ASSERT_TRUE(memory_->save(CacheEntry{"old", "r", "f", 10, {2}, {20}, true}));
  auto list = *memory_->cache();
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].content_id, "old");
  EXPECT_TRUE(list[0].persist);
}

TEST_F(MemoryTest, ARepeatedDecisionMovesItsTimeOnly) {
  ASSERT_TRUE(memory_->record({1}, "LAB20001", "waiting", "no window"));
  ASSERT_TRUE(memory_->record({2}, "LAB20001", "waiting", "no window"));
  ASSERT_TRUE(memory_->record({3}, "LAB20001", "installing", "window open"));
  auto list = *memory_->decisions("LAB20001", 10);
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].verdict, "installing");
  EXPECT_EQ(list[1].at.ms, 2);
}

TEST_F(MemoryTest, TheDecisionLogIsBounded) {
  ASSERT_TRUE(memory_->together([&]() -> Status {
    for (std::size_t n = 0; n < kDecisionsMax + 50; ++n) {
      FP_CHECK(memory_->record({static_cast<std::int64_t>(n)}, "x", "v", std::to_string(n)));
    }
    return {};
  }));
  EXPECT_EQ(memory_->decisions("", 100'000)->size(), kDecisionsMax);
}

TEST_F(MemoryTest, AnActionThatWasNotFinishedIsFoundAgain) {
  JournalEntry e;
  e.deployment_id = "LAB20001";
  e.target = "dt";
  e.action = "install";
  e.boot_id = "boot1";
  const auto first = *memory_->begin_action(e);
  const auto second = *memory_->begin_action(e);
  ASSERT_TRUE(memory_->finish_action(first, 0, {5}));
  reopen();
  auto open = *memory_->unfinished_actions();
  ASSERT_EQ(open.size(), 1U);
  EXPECT_EQ(open[0].id, second);
  EXPECT_EQ(open[0].boot_id, "boot1");
  EXPECT_EQ(memory_->actions("LAB20001", 10)->size(), 2U);
}

TEST_F(MemoryTest, ARunOfATaskSequenceIsKeptWholeAlsoInAFileOfTheVersionBefore) {
  memory_.reset();
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((dir_ / "agent.db").c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "DROP TABLE update_metadata; DROP TABLE update_findings; DROP TABLE update_scan; DROP TABLE sequence_steps; "
                             "DROP TABLE sequence_variables; DROP TABLE sequence_runs; PRAGMA user_version=3",
                         nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  reopen();
  EXPECT_FALSE(*memory_->sequence_run("LAB20001"));
  SequenceRun run;
  run.deployment_id = "LAB20001";
  run.run_id = "R";
  run.state = "restarting";
  run.position = 1;
  run.boot_id = "boot-1";
  run.last_succeeded = false;
  run.document = std::string("a\0b", 3);
  run.steps = {{0, "1", "One", "run_script", "succeeded", 0, "well", "", {5}, {6}}, {1, "2", "Two", "group", "running", 7, "", "words", {7}, {}}};
  run.variables = {{"KEY", "s3cret", true}, {"ROLE", "desk", false}};
  ASSERT_TRUE(memory_->save(run));
  run.steps.pop_back();
  run.position = 0;
  ASSERT_TRUE(memory_->save(run));
  reopen();
  const auto back = *memory_->sequence_run("LAB20001");
  ASSERT_TRUE(back);
  EXPECT_EQ(back->position, 0);
  EXPECT_EQ(back->boot_id, "boot-1");
  EXPECT_FALSE(back->last_succeeded);
  EXPECT_EQ(back->document, run.document);
  ASSERT_EQ(back->steps.size(), 1U);
  EXPECT_EQ(back->steps[0].finished_at.ms, 6);
  ASSERT_EQ(back->variables.size(), 2U);
  EXPECT_TRUE(back->variables[0].secret);
  ASSERT_TRUE(memory_->forget_sequence_run("LAB20001"));
  EXPECT_FALSE(*memory_->sequence_run("LAB20001"));
}

TEST_F(MemoryTest, AFileOfANewerVersionIsRefused) {
  memory_.reset();
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open((dir_ / "agent.db").c_str(), &raw), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(raw, "PRAGMA user_version=99", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(raw);
  auto opened = Memory::open(dir_ / "agent.db");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::corrupt);
}

TEST_F(MemoryTest, AFileThatIsNoDatabaseIsNamedCorrupt) {
  std::ofstream(dir_ / "junk.db") << std::string(4096, 'x');
  auto opened = Memory::open(dir_ / "junk.db");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::corrupt);
}

// The child tells through a pipe which serial it was promised; after kill -9 all of these must be there, without a gap.
TEST_F(MemoryTest, WhatWasPromisedBeforeAKillIsThereAfterIt) {
  memory_.reset();
  for (int round = 0; round < 3; ++round) {
    int pipe_fd[2];
    ASSERT_EQ(pipe(pipe_fd), 0);
    const pid_t child = fork();
    if (child == 0) {
      auto mine = Memory::open(dir_ / "agent.db");
      for (std::int64_t n = 0; mine && n < 1'000'000; ++n) {
        auto serial = (*mine)->queue(message(static_cast<int>(n)));
        if (!serial || write(pipe_fd[1], &*serial, sizeof *serial) != sizeof *serial) break;
      }
      _exit(0);
    }
    close(pipe_fd[1]);
    std::int64_t promised = 0;
    for (int n = 0; n < 20 + round * 7; ++n) {
      ASSERT_EQ(read(pipe_fd[0], &promised, sizeof promised), static_cast<ssize_t>(sizeof promised));
    }
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    while (read(pipe_fd[0], &promised, sizeof promised) == static_cast<ssize_t>(sizeof promised)) {}
    close(pipe_fd[0]);
    auto after = Memory::open(dir_ / "agent.db");
    ASSERT_TRUE(after);
    auto list = *(*after)->unsent(1'000'000);
    ASSERT_GE(static_cast<std::int64_t>(list.size()), promised);
    for (std::size_t n = 0; n < list.size(); ++n) ASSERT_EQ(list[n].serial, static_cast<std::int64_t>(n) + 1);
  }
}
