// The real rpm in a folder of its own, with packages made by rpmbuild.
#include <gmock/gmock.h>

#include "packages/detector.hpp"
#include "packages/installer.hpp"
#include "base/test_folder.hpp"

namespace fp::packages {
namespace {

using deployment::Detected;

struct RpmTest : testing::Test {
  TestFolder root, work;
  ProcessRunner runner{system_clock()};
  Roots roots;
  DeploymentType type;
  std::unique_ptr<Installer> rpm;

  RpmTest() {
    roots.root = root.path();
    roots.state_dir = work.path() / "state";
    rpm = make_installer(Technology::rpm, runner, roots);
    type.name = "demo";
    type.technology = Technology::rpm;
    type.detection = {{DetectionKind::package_version, "farpoint-demo", Compare::ge, "1.0", {}, {}, {}, "/bin/sh"}};
  }
  Path content() const { return work.path() / "content"; }
  Job job() { return {type, content(), 120'000, nullptr}; }
  void make_package(const std::string& version, const std::string& requires_line = "") {
    const Path spec = work.put("demo.spec", fmt::format(
        "Name: farpoint-demo\nVersion: {}\nRelease: 1\nSummary: a package of a test\nLicense: none\nBuildArch: noarch\n{}"
        "%description\nof a test\n%install\nmkdir -p %{{buildroot}}/opt/demo\necho {} > %{{buildroot}}/opt/demo/version\n"
        "%files\n/opt/demo\n", version, requires_line, version));
    Command command;
    command.argv = {"rpmbuild",
                    "-bb",
                    "--quiet",
                    "--define",
                    "_topdir " + (work.path() / "build").native(),
                    "--define",
                    "_rpmdir " + content().native(),
                    "--define",
                    "_build_name_fmt %%{NAME}-%%{VERSION}.rpm",
                    spec.native()};
    command.limit_ms = 120'000;
    const auto built = runner.run(command);
    ASSERT_TRUE(built && built->ok()) << (built ? built->err : built.error().message);
  }
};

TEST_F(RpmTest, InstallsUpgradesDowngradesAndRemovesForReal) {
  make_package("1.0");
  auto done = rpm->install(job());
  ASSERT_TRUE(done) << done.error().message;
  ASSERT_TRUE(done->run.ok()) << done->summary << done->run.err;
  EXPECT_EQ(rpm->installed_version("farpoint-demo").value(), "1.0-1");
  EXPECT_TRUE(file_exists(root.path() / "opt/demo/version"));
  EXPECT_EQ(Detector(runner, roots).detect(type).state, Detected::installed);

  std::filesystem::remove_all(content());
  make_package("1.10");
  ASSERT_TRUE(rpm->install(job())->run.ok());
  EXPECT_EQ(rpm->installed_version("farpoint-demo").value(), "1.10-1");
  ASSERT_TRUE(rpm->repair(job())->run.ok());

  std::filesystem::remove_all(content());
  make_package("1.9");
  ASSERT_TRUE(rpm->install(job())->run.ok());
  EXPECT_EQ(rpm->installed_version("farpoint-demo").value(), "1.9-1");

  ASSERT_TRUE(rpm->uninstall(job())->run.ok());
  EXPECT_EQ(rpm->installed_version("farpoint-demo").value(), std::nullopt);
  EXPECT_FALSE(file_exists(root.path() / "opt/demo/version"));
}

TEST_F(RpmTest, NamesAMissingDependency) {
  make_package("1.0", "Requires: libnope >= 2\n");
  const auto done = rpm->install(job());
  ASSERT_TRUE(done);
  EXPECT_FALSE(done->run.ok());
  EXPECT_THAT(done->run.err, testing::HasSubstr("libnope"));
  EXPECT_EQ(rpm->installed_version("farpoint-demo").value(), std::nullopt);
}

}  // namespace
}  // namespace fp::packages
