#include "packages/upgrade.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_folder.hpp"

namespace fp::packages {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Answers by the last word of the command line that it was asked to run.
class Tool final : public Runner {
 public:
  std::map<std::string, Run> answers;
  std::vector<std::string> asked;
  Result<Run> run(const Command& command) override {
    std::string line;
    for (const auto& word : command.argv) line += (line.empty() ? "" : " ") + word;
    asked.push_back(line);
    const auto found = answers.find(command.argv.back());
    return found == answers.end() ? Run{} : found->second;
  }
};

constexpr const char* kSimulation =
    "Reading package lists...\n"
    "Inst libssl3 [3.0.11-1] (3.0.17-1 Debian-Security:12/stable-security [amd64])\n"
    "Inst bash [5.2-1] (5.2-2 Debian:12.9/stable [amd64])\n"
    "Inst brand-new (1.0 Debian-Security:12/stable-security [all])\n"
    "Inst -oops [1] (2 security [all])\n"
    "Conf libssl3 (3.0.17-1 Debian-Security:12/stable-security [amd64])\n";

}  // namespace

TEST(Upgrade, SecurityUpdatesAreThoseWhoseArchiveSaysSo) {
  EXPECT_THAT(security_upgrades(kSimulation), ElementsAre("libssl3"));
  EXPECT_TRUE(security_upgrades("").empty());
}

TEST(Upgrade, AptInstallsTheSecurityUpdatesAndNothingElse) {
  Tool tool;
  tool.answers["upgrade"].out = kSimulation;
  const auto done = install_updates(tool, {}, {UpdateSelection::security});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->run.exit_code, 0);
  ASSERT_EQ(tool.asked.size(), 3U);
  EXPECT_EQ(tool.asked[0], "apt-get -q update");
  EXPECT_THAT(tool.asked[2], HasSubstr("--only-upgrade install libssl3"));
}

TEST(Upgrade, WithoutASecurityUpdateNothingIsInstalled) {
  Tool tool;
  const auto done = install_updates(tool, {}, {UpdateSelection::security});
  ASSERT_TRUE(done);
  EXPECT_THAT(done->summary, HasSubstr("no security update"));
  EXPECT_EQ(tool.asked.size(), 2U);
}

TEST(Upgrade, ListsThatCannotBeFetchedAreAFailureWithItsReason) {
  Tool tool;
  tool.answers["update"].exit_code = 100;
  tool.answers["update"].err = "E: Failed to fetch";
  const auto done = install_updates(tool, {}, {UpdateSelection::all});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->run.exit_code, 100);
  EXPECT_THAT(done->summary, HasSubstr("Failed to fetch"));
}

TEST(Upgrade, AnotherRootIsRefused) {
  Tool tool;
  EXPECT_EQ(install_updates(tool, {.root = "/tmp/elsewhere"}, {}).error().code, Code::invalid);
}

TEST(RunText, RunsFromAFileThatIsGoneAfterwardsWithItsEnvironment) {
  TestFolder folder;
  ProcessRunner runner(system_clock());
  TextRun how;
  how.text = "echo \"$FPTS_KEY\"; tr '\\0' ' ' < /proc/$$/cmdline; stat -c %a \"$0\"";
  how.environment = {{"FPTS_KEY", "s3cret"}};
  const auto done = run_text(runner, folder.path(), how);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(done->run.out, HasSubstr("s3cret\n/bin/sh "));
  EXPECT_THAT(done->run.out, HasSubstr("600"));
  EXPECT_THAT(done->run.out, ::testing::Not(HasSubstr("echo")));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path() / "scripts"));
  how.interpreter = "python3";
  EXPECT_EQ(run_text(runner, folder.path(), how).error().code, Code::invalid);
}

}  // namespace fp::packages
