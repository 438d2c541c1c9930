#include "packages/detector.hpp"

#include <gmock/gmock.h>

#include "base/test_folder.hpp"

namespace fp::packages {
namespace {

using deployment::Detected;
using testing::HasSubstr;

struct DetectorTest : testing::Test {
  TestFolder root, state;
  ProcessRunner runner{system_clock()};
  Roots roots{root.path(), state.path(), 0};

  deployment::Detection script(std::string text, std::string interpreter = "/bin/sh", std::int64_t limit_ms = 30'000) {
    DetectionRule rule;
    rule.kind = DetectionKind::script;
    rule.script = std::move(text);
    rule.interpreter = std::move(interpreter);
    return Detector(runner, roots, limit_ms).detect(rule, Technology::script);
  }
  deployment::Detection file(std::string path, std::string sha256 = "") {
    DetectionRule rule;
    rule.kind = DetectionKind::file;
    rule.path = std::move(path);
    rule.sha256 = std::move(sha256);
    return Detector(runner, roots).detect(rule, Technology::script);
  }
};

TEST_F(DetectorTest, ScriptsFollowTheTable) {
  EXPECT_EQ(script("exit 0").state, Detected::not_installed);
  EXPECT_EQ(script("echo yes").state, Detected::installed);
  EXPECT_EQ(script("echo no >&2").state, Detected::unknown);
  const auto failed = script("echo broken >&2; exit 3");
  EXPECT_EQ(failed.state, Detected::unknown);
  EXPECT_THAT(sentence(failed.reasons), HasSubstr("exit code 3 after 0 s: broken"));
}

TEST_F(DetectorTest, ScriptsLeaveNoFileBehind) {
  EXPECT_EQ(script("echo yes").state, Detected::installed);
  EXPECT_TRUE(std::filesystem::is_empty(state.path() / "scripts"));
}

TEST_F(DetectorTest, AScriptThatHangsOrIsTooLargeOrHasNoInterpreterIsUnknown) {
  EXPECT_EQ(script("sleep 1000", "/bin/sh", 300).state, Detected::unknown);
  EXPECT_EQ(script(std::string(kScriptBytesMax + 1, '#')).state, Detected::unknown);
  EXPECT_EQ(script("echo yes", "/bin/no-such-shell").state, Detected::unknown);
  EXPECT_EQ(script("echo yes", "sh").state, Detected::unknown);
}

TEST_F(DetectorTest, FilesAreLookedUpBelowTheRootAndHashed) {
  root.put("etc/demo.conf", "abc");
  const std::string hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  EXPECT_EQ(file("/etc/demo.conf").state, Detected::installed);
  EXPECT_EQ(file("/etc/demo.conf", hash).state, Detected::installed);
  EXPECT_EQ(file("/etc/demo.conf", std::string(64, '0')).state, Detected::not_installed);
  EXPECT_EQ(file("/etc/absent.conf").state, Detected::not_installed);
  EXPECT_EQ(file("etc/demo.conf").state, Detected::unknown);
  EXPECT_EQ(file("/etc", hash).state, Detected::unknown) << "a folder has no hash";
}

TEST_F(DetectorTest, WithoutRulesItIsUnknown) {
  EXPECT_EQ(Detector(runner, roots).detect(DeploymentType{}).state, Detected::unknown);
}

}  // namespace
}  // namespace fp::packages
