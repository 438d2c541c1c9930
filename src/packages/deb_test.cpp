// The real dpkg in a folder of its own.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "packages/deb_dependency.hpp"
#include "packages/detector.hpp"
#include "packages/installer.hpp"
#include "base/test_folder.hpp"

namespace fp::packages {
namespace {

using deployment::Detected;
using testing::HasSubstr;

TEST(DebDependency, ReadsAlternativesVersionsArchitecturesAndProvides) {
  Available have = {{"libc6", {"2.36-9"}}, {"perl", {"5.36.0"}}};
  add_provided(have, "mail-transport-agent, libfoo-abi (= 3)");
  EXPECT_TRUE(missing_dependencies("libc6 (>= 2.34), perl:any", have).empty());
  EXPECT_TRUE(missing_dependencies("nope | perl (>> 5), mail-transport-agent, libfoo-abi (= 3)", have).empty());
  EXPECT_TRUE(missing_dependencies("", have).empty());
  EXPECT_THAT(missing_dependencies("libc6 (<< 2.0), nope | gone (>= 1), mail-transport-agent (>= 1)", have),
              testing::ElementsAre("libc6 (<< 2.0)", "nope | gone (>= 1)", "mail-transport-agent (>= 1)"));
}

struct DebTest : testing::Test {
  TestFolder root, work;
  ProcessRunner runner{system_clock()};
  Roots roots;
  DeploymentType type;
  std::unique_ptr<Installer> deb;

  DebTest() {
    roots.root = root.path();
    roots.state_dir = work.path() / "state";
    for (const char* folder : {"info", "updates", "triggers"}) EXPECT_TRUE(make_dirs(root.path() / "var/lib/dpkg" / folder));
    root.put("var/lib/dpkg/status", "");
    root.put("var/lib/dpkg/available", "");
    deb = make_installer(Technology::deb, runner, roots);
    type.name = "demo";
    type.detection = {{DetectionKind::package_version, "farpoint-demo", Compare::ge, "1.0", {}, {}, {}, "/bin/sh"}};
  }
  // A package with one file, in the content folder.
  void make_package(const std::string& version, const std::string& depends = "", const std::string& name = "farpoint-demo") {
    const std::string tree = "tree-" + name + version;
    work.put(tree + "/DEBIAN/control",
             fmt::format("Package: {}\nVersion: {}\nArchitecture: all\nMaintainer: Test <test@corp.example>\n{}"
                         "Description: a package of a test\n",
                         name, version, depends.empty() ? "" : "Depends: " + depends + "\n"));
    work.put(tree + "/opt/" + name + "/version", version);
    ASSERT_TRUE(make_dirs(content()));
    Command command;
    command.argv = {"dpkg-deb", "--root-owner-group", "-b", (work.path() / tree).native(),
                    (content() / (name + version + ".deb")).native()};
    const auto built = runner.run(command);
    ASSERT_TRUE(built && built->ok()) << (built ? describe(*built) : built.error().message);
  }
  Path content() const { return work.path() / "content"; }
  Job job() { return {type, content(), 60'000, nullptr}; }
  Detected detected() { return Detector(runner, roots).detect(type).state; }
};

TEST_F(DebTest, InstallsUpgradesAndRemovesForReal) {
  EXPECT_EQ(detected(), Detected::not_installed);
  make_package("1.0");
  auto done = deb->install(job());
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(done->run.ok()) << done->summary << done->run.err;
  EXPECT_EQ(deb->installed_version("farpoint-demo").value(), "1.0");
  EXPECT_EQ(read_file(root.path() / "opt/farpoint-demo/version").value(), "1.0");
  EXPECT_EQ(detected(), Detected::installed);

  std::filesystem::remove_all(content());
  make_package("1.2");
  ASSERT_TRUE(deb->install(job())->run.ok());
  EXPECT_EQ(deb->installed_version("farpoint-demo").value(), "1.2");

  ASSERT_TRUE(deb->uninstall(job())->run.ok());
  EXPECT_EQ(deb->installed_version("farpoint-demo").value(), std::nullopt);
  EXPECT_EQ(detected(), Detected::not_installed);
}

TEST_F(DebTest, RepairPutsAFileBack) {
  make_package("1.0");
  ASSERT_TRUE(deb->install(job())->run.ok());
  std::filesystem::remove(root.path() / "opt/farpoint-demo/version");
  ASSERT_TRUE(deb->repair(job())->run.ok());
  EXPECT_TRUE(file_exists(root.path() / "opt/farpoint-demo/version"));
}

TEST_F(DebTest, NamesAMissingDependencyAndLeavesNothingBehind) {
  make_package("1.0", "libnope (>= 2), libalso");
  const auto done = deb->install(job());
  ASSERT_TRUE(done);
  EXPECT_FALSE(done->run.ok());
  EXPECT_EQ(done->summary,
            "dpkg: farpoint-demo needs libnope (>= 2), libalso, which is not installed and not part of the content");
  EXPECT_FALSE(file_exists(root.path() / "opt/farpoint-demo/version"));
  EXPECT_EQ(deb->installed_version("farpoint-demo").value(), std::nullopt);
}

TEST_F(DebTest, TakesADependencyThatIsPartOfTheContent) {
  make_package("1.0", "libdemo (>= 2)");
  make_package("2.1", "", "libdemo");
  const auto done = deb->install(job());
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->run.ok()) << done->summary << done->run.err;
}

TEST_F(DebTest, SaysWhenTheContentHoldsNoPackageOrADamagedOne) {
  EXPECT_FALSE(deb->install(job()));
  work.put("content/readme.txt", "hello");
  EXPECT_EQ(deb->install(job()).error().code, Code::not_found);
  work.put("content/broken.deb", "this is no archive");
  EXPECT_EQ(deb->install(job()).error().code, Code::corrupt);
}

TEST_F(DebTest, RefusesNamesThatAreNone) {
  EXPECT_EQ(deb->installed_version("--root=/").error().code, Code::invalid);
  EXPECT_EQ(deb->installed_version("a b").error().code, Code::invalid);
  type.detection.clear();
  EXPECT_EQ(deb->uninstall(job()).error().code, Code::invalid);
}

// Holds dpkg's lock as another package tool would: in another process, because such locks do not bind their own.
class LockHolder {
 public:
  explicit LockHolder(const Path& lock) {
    int ready[2], release[2];
    EXPECT_EQ(::pipe2(ready, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(release, O_CLOEXEC), 0);
    release_ = Fd(release[1]);
    child_ = ::fork();
    if (child_ == 0) {
      ::close(release[1]);
      const int fd = ::open(lock.c_str(), O_RDWR | O_CREAT, 0640);
      struct flock all {};
      all.l_type = F_WRLCK;
      const char answer = fd >= 0 && ::fcntl(fd, F_SETLK, &all) == 0 ? '1' : '0';
      if (::write(ready[1], &answer, 1) != 1) ::_exit(1);
      char ignored;
      (void)!::read(release[0], &ignored, 1);
      ::_exit(0);
    }
    ::close(release[0]);
    ::close(ready[1]);
    char answer = '0';
    EXPECT_EQ(::read(ready[0], &answer, 1), 1);
    EXPECT_EQ(answer, '1');
    ::close(ready[0]);
  }
  ~LockHolder() { let_go(); }
  void let_go() {
    if (child_ <= 0) return;
    release_ = Fd();
    ::waitpid(child_, nullptr, 0);
    child_ = -1;
  }

 private:
  Fd release_;
  pid_t child_ = -1;
};

// Lets the lock go at the first pause: what waits is then known to have waited.
class RunnerThatFrees final : public Runner {
 public:
  RunnerThatFrees(Runner& real, LockHolder& holder) : real_(real), holder_(holder) {}
  Result<Run> run(const Command& command) override { return real_.run(command); }
  void pause(std::int64_t, const std::atomic<bool>*) override { ++pauses; if (frees) holder_.let_go(); }
  int pauses = 0;
  bool frees = true;

 private:
  Runner& real_;
  LockHolder& holder_;
};

TEST_F(DebTest, WaitsForAnotherPackageTool) {
  make_package("1.0");
  LockHolder holder(root.path() / "var/lib/dpkg/lock");
  RunnerThatFrees waiting(runner, holder);
  const auto done = make_installer(Technology::deb, waiting, roots)->install(job());
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->run.ok()) << done->summary;
  EXPECT_EQ(waiting.pauses, 1);
}

TEST_F(DebTest, GivesTheFastRetryCodeWhenTheLockIsNeverFree) {
  make_package("1.0");
  LockHolder holder(root.path() / "var/lib/dpkg/lock");
  RunnerThatFrees waiting(runner, holder);
  waiting.frees = false;
  roots.lock_wait_ms = 6000;
  const auto done = make_installer(Technology::deb, waiting, roots)->install(job());
  ASSERT_TRUE(done);
  EXPECT_EQ(done->run.exit_code, kBusy);
  EXPECT_EQ(waiting.pauses, 3);
}

}  // namespace
}  // namespace fp::packages
