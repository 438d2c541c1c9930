#include <gmock/gmock.h>
#include <sys/stat.h>

#include "packages/fileset_record.hpp"
#include "packages/installer.hpp"
#include "base/test_folder.hpp"

namespace fp::packages {
namespace {

struct FilesetTest : testing::Test {
  TestFolder root, work;
  ProcessRunner runner{system_clock()};
  DeploymentType type;
  std::unique_ptr<Installer> fileset;

  FilesetTest() {
    Roots roots;
    roots.root = root.path();
    roots.state_dir = work.path() / "state";
    fileset = make_installer(Technology::fileset, runner, roots);
    type.id = "0B8F5C3E-6E6B-4F1E-9A51-1D8E3C0A7F01";
    type.name = "templates";
    type.target_folder = "/opt/templates";
    work.put("one/letter.txt", "letter 1");
    work.put("one/deep/folder/logo.svg", "logo 1");
    work.put("one/bin/open", "#!/bin/sh\n", 0755);
    work.put("two/letter.txt", "letter 2");
    work.put("two/new/memo.txt", "memo 2");
  }
  Result<Execution> install(const char* content) { return fileset->install({type, work.path() / content, 60'000, nullptr}); }
  Result<Execution> uninstall() { return fileset->uninstall({type, {}, 60'000, nullptr}); }
  std::string text(const std::string& path) const { return read_file(root.path() / path).value_or("absent"); }
  Path target(const char* path = "") const { return root.path() / "opt/templates" / path; }
};

TEST_F(FilesetTest, PlacesFilesAndTakesExactlyThoseAway) {
  auto done = install("one");
  ASSERT_TRUE(done && done->run.ok()) << (done ? done->summary : done.error().message);
  EXPECT_EQ(text("opt/templates/deep/folder/logo.svg"), "logo 1");
  struct stat info {};
  ASSERT_EQ(::stat(target("bin/open").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0755U);
  root.put("opt/templates/deep/mine.txt", "of the user");
  ASSERT_TRUE(uninstall()->run.ok());
  EXPECT_EQ(text("opt/templates/letter.txt"), "absent");
  EXPECT_EQ(text("opt/templates/deep/mine.txt"), "of the user");
  EXPECT_FALSE(file_exists(target("deep/folder")));
  EXPECT_FALSE(file_exists(target("bin")));
}

TEST_F(FilesetTest, ANewVersionReplacesAndRemovesWhatIsNoLongerPartOfIt) {
  ASSERT_TRUE(install("one")->run.ok());
  ASSERT_TRUE(install("two")->run.ok());
  EXPECT_EQ(text("opt/templates/letter.txt"), "letter 2");
  EXPECT_EQ(text("opt/templates/new/memo.txt"), "memo 2");
  EXPECT_EQ(text("opt/templates/deep/folder/logo.svg"), "absent");
  ASSERT_TRUE(uninstall()->run.ok());
  EXPECT_FALSE(file_exists(target("new")));
  EXPECT_FALSE(file_exists(target("deep")));
}

TEST_F(FilesetTest, AFolderThatWasThereBeforeStays) {
  std::filesystem::create_directories(target("deep"));
  ASSERT_TRUE(install("one")->run.ok());
  ASSERT_TRUE(uninstall()->run.ok());
  EXPECT_TRUE(file_exists(target("deep")));
  EXPECT_FALSE(file_exists(target("deep/folder")));
}

TEST_F(FilesetTest, AMovedTargetLeavesNothingInTheOldPlace) {
  ASSERT_TRUE(install("one")->run.ok());
  type.target_folder = "/srv/templates";
  ASSERT_TRUE(install("one")->run.ok());
  EXPECT_EQ(text("opt/templates/letter.txt"), "absent");
  EXPECT_EQ(text("srv/templates/letter.txt"), "letter 1");
}

TEST_F(FilesetTest, AFailureHalfWayLeavesTheOldFilesAndNoStagedOnes) {
  ASSERT_TRUE(install("one")->run.ok());
  root.put("opt/templates/new", "a file where a folder is needed");
  const auto done = install("two");
  ASSERT_TRUE(done);
  EXPECT_FALSE(done->run.ok());
  EXPECT_EQ(text("opt/templates/letter.txt"), "letter 1");
  EXPECT_FALSE(file_exists(target("letter.txt.farpoint-new")));
}

TEST_F(FilesetTest, RefusesLinksInTheContentAndOddTargets) {
  std::filesystem::create_symlink("/etc/passwd", work.path() / "two/link");
  EXPECT_EQ(install("two").error().code, Code::invalid);
  for (const char* folder : {"", "/", "relative", "/opt/../etc", "/opt//x"}) {
    type.target_folder = folder;
    EXPECT_EQ(install("one").error().code, Code::invalid) << folder;
  }
}

TEST_F(FilesetTest, UninstallOfWhatWasNeverPlacedIsDone) { EXPECT_TRUE(uninstall()->run.ok()); }

TEST(FilesetRecord, ReadsBackWhatItWrote) {
  const FilesetRecord record{"/opt/a b", {"x", "x/100%"}, {{"x/ü.txt", std::string(64, 'a')}, {"b c", std::string(64, '0')}}};
  const auto back = decode_fileset(encode(record));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(encode(*back), encode(record));
}

TEST(FilesetRecord, ADamagedOneIsRefused) {
  for (const char* text :
       {"", "farpoint-fileset 2\nT /opt\n", "farpoint-fileset 1\nD x\n", "farpoint-fileset 1\nT /opt\nF short x\n",
        "farpoint-fileset 1\nT /opt\nD ../../etc\n", "farpoint-fileset 1\nT /opt\nD x"}) {
    EXPECT_FALSE(decode_fileset(text)) << text;
  }
}

struct ScriptTest : testing::Test {
  TestFolder content;
  ProcessRunner runner{system_clock()};
  DeploymentType type;
};

TEST_F(ScriptTest, RunsItsCommandsInTheContentFolder) {
  content.put("setup.sh", "#!/bin/sh\necho $1 > done\nexit 42\n", 0755);
  type.install_command = "./setup.sh hello";
  auto script = make_installer(Technology::script, runner);
  const auto done = script->install({type, content.path(), 60'000, nullptr});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->run.exit_code, 42);
  EXPECT_EQ(read_file(content.path() / "done").value(), "hello\n");
  EXPECT_EQ(script->repair({type, content.path(), 60'000, nullptr}).error().message, "deployment type  has no repair command");
}

TEST_F(ScriptTest, AProgramOfAPackageRunsThere) {
  Program program;
  program.name = "greet";
  program.command_line = "echo hello > greeting";
  EXPECT_TRUE(run_program(runner, program, content.path())->run.ok());
  EXPECT_TRUE(file_exists(content.path() / "greeting"));
  program.command_line.clear();
  EXPECT_EQ(run_program(runner, program, content.path()).error().code, Code::invalid);
}

TEST(ProgramTest, WithoutRootItReadsItsContentAsAnUnprivilegedUser) {
  ProcessRunner runner(system_clock());
  TestFolder outside;
  outside.put("content/sub/data.txt", "the data\n", 0600);
  for (const char* part : {"content/sub", "content"}) {
    std::filesystem::permissions(outside.path() / part, static_cast<std::filesystem::perms>(0700));
  }
  Program program;
  program.name = "look";
  program.command_line = "id -un && cat sub/data.txt && ! touch new";
  program.run_as_root = false;
  const auto ran = run_program(runner, program, outside.path() / "content");
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_TRUE(ran->run.ok()) << ran->summary;
  EXPECT_EQ(ran->run.out, "nobody\nthe data\n");
}

// Remembers what it was asked to run.
struct Recorder final : Runner {
  std::vector<std::string> argv;
  Result<Run> run(const Command& command) override { argv = command.argv; return Run{}; }
};

TEST(Restart, IsAskedForInMinutes) {
  Recorder recorder;
  ASSERT_TRUE(request_restart(recorder, 15, "Software was installed"));
  EXPECT_EQ(recorder.argv, (std::vector<std::string>{"shutdown", "-r", "+15", "Software was installed"}));
}

}  // namespace
}  // namespace fp::packages
