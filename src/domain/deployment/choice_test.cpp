#include "domain/deployment/choice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace fp::deployment {
namespace {

using testing::HasSubstr;

DeploymentType type(const std::string& id, int priority = 1) {
  DeploymentType out;
  out.id = id;
  out.name = id + "-type";
  out.priority = priority;
  return out;
}

Application application(const std::string& name) {
  Application out;
  out.id = name;
  out.name = name;
  out.types = {type(name)};
  return out;
}

void needs(Application& a, std::vector<DependencyItem> items) { a.types[0].dependencies.push_back({"needs", std::move(items)}); }

// A device on which some types are installed, and that counts how often it was asked about each.
struct Device {
  std::set<std::string> installed, unclear;
  std::map<std::string, int> asked;
  Facts facts = {{"os.id", "debian"}};

  Plan plan(Application target, std::vector<Application> related = {}, DeploymentAction action = DeploymentAction::install) {
    document.application = std::move(target);
    document.related = std::move(related);
    document.deployment.action = action;
    return make_plan(document, facts, [this](const Application&, const DeploymentType& t) {
      EXPECT_EQ(++asked[t.id], 1) << t.id;
      if (unclear.contains(t.id)) return Detection{Detected::unknown, {{t.id, "its script failed"}}};
      return Detection{installed.contains(t.id) ? Detected::installed : Detected::not_installed, {{t.id, "looked"}}};
    });
  }
  DeploymentDocument document;
};

std::string steps(const Plan& plan) {
  std::string out;
  for (const auto& s : plan.steps) {
    if (!out.empty()) out += " ";
    out += (s.action == DeploymentAction::install     ? "+"
            : s.action == DeploymentAction::uninstall ? "-"
                                                      : "*") +
           s.application->name;
  }
  return out;
}

TEST(Choice, TakesTheLowestPriorityWhoseRequirementsHold) {
  Application a = application("editor");
  a.types = {type("third", 3), type("first", 1), type("second", 2)};
  a.types[1].requirements = {{"os.id", Compare::eq, {"fedora"}}};
  const Choice choice = choose_type(a, {{"os.id", "debian"}});
  ASSERT_TRUE(choice.type);
  EXPECT_EQ(choice.type->id, "second");
  EXPECT_THAT(sentence(choice.reasons), HasSubstr("first-type of editor: requirement os.id = fedora: it is debian"));
}

TEST(Plan, InstallsWhatIsNotThere) {
  Device device;
  const Plan plan = device.plan(application("editor"));
  EXPECT_EQ(plan.kind, Plan::Kind::steps);
  EXPECT_EQ(steps(plan), "+editor");
}

TEST(Plan, DoesNothingWhenItIsThere) {
  Device device;
  device.installed = {"editor"};
  EXPECT_EQ(device.plan(application("editor")).kind, Plan::Kind::nothing_to_do);
}

TEST(Plan, RefusesWhenDetectionFails) {
  Device device;
  device.unclear = {"editor"};
  const Plan plan = device.plan(application("editor"));
  EXPECT_EQ(plan.kind, Plan::Kind::refused);
  EXPECT_THAT(sentence(plan.reasons), HasSubstr("its script failed"));
}

TEST(Plan, SaysThatRequirementsAreNotMet) {
  Device device;
  Application a = application("editor");
  a.types[0].requirements = {{"os.id", Compare::eq, {"fedora"}}};
  EXPECT_EQ(device.plan(a).kind, Plan::Kind::requirements_not_met);
}

TEST(Plan, InstallsDependenciesInOrderAndOnce) {
  Device device;
  Application editor = application("editor"), runtime = application("runtime"), fonts = application("fonts"),
              base = application("base");
  needs(editor, {{"runtime", true}});
  needs(editor, {{"fonts", true}});
  needs(runtime, {{"base", true}});
  needs(fonts, {{"base", true}});
  EXPECT_EQ(steps(device.plan(editor, {fonts, runtime, base})), "+base +runtime +fonts +editor");
}

TEST(Plan, AnInstalledAlternativeIsEnough) {
  Device device;
  device.installed = {"jre21"};
  Application editor = application("editor");
  needs(editor, {{"jre17", true}, {"jre21", true}});
  EXPECT_EQ(steps(device.plan(editor, {application("jre17"), application("jre21")})), "+editor");
}

TEST(Plan, TakesTheFirstAlternativeThatIsPossible) {
  Device device;
  Application editor = application("editor"), old_one = application("jre17");
  old_one.types[0].requirements = {{"os.id", Compare::eq, {"fedora"}}};
  needs(editor, {{"gone", true}, {"jre17", true}, {"manual", false}, {"jre21", true}});
  const Plan plan = device.plan(editor, {old_one, application("jre21"), application("manual")});
  EXPECT_EQ(steps(plan), "+jre21 +editor");
  EXPECT_THAT(sentence(plan.reasons), HasSubstr("application gone did not come with the policy"));
}

TEST(Plan, AFailedAlternativeLeavesNoStepBehind) {
  Device device;
  Application editor = application("editor"), a = application("a"), b = application("b");
  needs(a, {{"helper", true}});
  needs(a, {{"gone", true}});
  needs(editor, {{"a", true}, {"b", true}});
  EXPECT_EQ(steps(device.plan(editor, {a, b, application("helper")})), "+b +editor");
}

TEST(Plan, NamesTheApplicationsOfACircle) {
  Device device;
  Application editor = application("editor"), a = application("a"), b = application("b");
  needs(editor, {{"a", true}});
  needs(a, {{"b", true}});
  needs(b, {{"a", true}});
  const Plan plan = device.plan(editor, {a, b});
  EXPECT_EQ(plan.kind, Plan::Kind::refused);
  EXPECT_TRUE(plan.steps.empty());
  EXPECT_THAT(sentence(plan.reasons), HasSubstr("a circle: a -> b -> a"));
}

TEST(Plan, GoesFiveDependenciesDeepAndNotSix) {
  const auto chain = [](int length) {
    std::vector<Application> out;
    for (int i = 0; i <= length; ++i) {
      out.push_back(application(std::to_string(i)));
      if (i < length) needs(out.back(), {{std::to_string(i + 1), true}});
    }
    return out;
  };
  Device device;
  auto five = chain(5);
  EXPECT_EQ(steps(device.plan(five[0], {five.begin() + 1, five.end()})), "+5 +4 +3 +2 +1 +0");
  Device other;
  auto six = chain(6);
  const Plan plan = other.plan(six[0], {six.begin() + 1, six.end()});
  EXPECT_EQ(plan.kind, Plan::Kind::refused);
  EXPECT_THAT(sentence(plan.reasons), HasSubstr("6: it is more than 5 steps away from 0"));
}

TEST(Plan, ReplacesAfterDependenciesAndRightBeforeTheTarget) {
  Device device;
  device.installed = {"editor1"};
  Application editor = application("editor2");
  needs(editor, {{"runtime", true}});
  editor.supersedes = {{"editor1", true}};
  EXPECT_EQ(steps(device.plan(editor, {application("editor1"), application("runtime")})), "+runtime -editor1 +editor2");
}

TEST(Plan, AnUpgradeLeavesTheOldOneToTheInstaller) {
  Device device;
  device.installed = {"editor1"};
  Application editor = application("editor2");
  editor.supersedes = {{"editor1", false}};
  const Plan plan = device.plan(editor, {application("editor1")});
  EXPECT_EQ(steps(plan), "+editor2");
  EXPECT_THAT(sentence(plan.reasons), HasSubstr("editor1: editor2 upgrades it"));
}

TEST(Plan, ReplacesAlongTheChain) {
  Device device;
  device.installed = {"editor1"};
  Application three = application("editor3"), two = application("editor2");
  three.supersedes = {{"editor2", true}};
  two.supersedes = {{"editor1", true}};
  EXPECT_EQ(steps(device.plan(three, {two, application("editor1")})), "-editor1 +editor3");
}

TEST(Plan, RefusesACircleOfSupersedence) {
  Device device;
  Application a = application("a"), b = application("b");
  a.supersedes = {{"b", true}};
  b.supersedes = {{"a", true}};
  const Plan plan = device.plan(a, {b});
  EXPECT_EQ(plan.kind, Plan::Kind::refused);
  EXPECT_THAT(sentence(plan.reasons), HasSubstr("a -> b -> a"));
}

TEST(Plan, UninstallTakesTheTypeThatIsThere) {
  Device device;
  Application editor = application("editor");
  editor.types = {type("deb", 1), type("files", 2)};
  editor.types[1].requirements = {{"os.id", Compare::eq, {"fedora"}}};  // requirements do not keep anything installed
  device.installed = {"files"};
  const Plan plan = device.plan(editor, {}, DeploymentAction::uninstall);
  EXPECT_EQ(steps(plan), "-editor");
  EXPECT_EQ(plan.steps[0].type->id, "files");
}

TEST(Plan, UninstallAndRepairOfWhatIsNotThereAreDone) {
  Device device, other;
  EXPECT_EQ(device.plan(application("editor"), {}, DeploymentAction::uninstall).kind, Plan::Kind::nothing_to_do);
  EXPECT_EQ(other.plan(application("editor"), {}, DeploymentAction::repair).kind, Plan::Kind::nothing_to_do);
}

TEST(Plan, RepairTakesTheTypeThatIsThere) {
  Device device;
  device.installed = {"editor"};
  EXPECT_EQ(steps(device.plan(application("editor"), {}, DeploymentAction::repair)), "*editor");
}

TEST(Plan, ManyAlternativesOfAlternativesEndInARefusal) {
  Device device;
  std::vector<Application> layers;
  for (int depth = 0; depth < 5; ++depth) {
    for (int i = 0; i < 8; ++i) {
      Application a = application(fmt::format("{}.{}", depth, i));
      std::vector<DependencyItem> items;
      for (int j = 0; j < 8; ++j) items.push_back({fmt::format("{}.{}", depth + 1, j), true});
      needs(a, items);
      layers.push_back(a);
    }
  }
  Application top = application("top");
  needs(top, {{"0.0", true}});
  EXPECT_EQ(device.plan(top, layers).kind, Plan::Kind::refused);
}

DeploymentDocument document(const char* id, const char* target, DeploymentAction action, Purpose purpose = Purpose::required) {
  DeploymentDocument out;
  out.deployment.id = id;
  out.deployment.target_id = target;
  out.deployment.action = action;
  out.deployment.purpose = purpose;
  return out;
}

TEST(Conflict, InstallBeatsUninstallOfTheSameApplication) {
  const auto winners = settle_conflicts({document("D1", "editor", DeploymentAction::uninstall),
                                         document("D2", "editor", DeploymentAction::install),
                                         document("D3", "fonts", DeploymentAction::uninstall)});
  EXPECT_FALSE(winners[0].runs);
  EXPECT_TRUE(winners[1].runs);
  EXPECT_TRUE(winners[2].runs);
  EXPECT_THAT(winners[0].reason.because, HasSubstr("D2 installs the same application, and install beats uninstall"));
}

TEST(Conflict, OfTwoThatDoTheSameTheRequiredOneRuns) {
  const auto winners = settle_conflicts({document("D1", "editor", DeploymentAction::install, Purpose::available),
                                         document("D2", "editor", DeploymentAction::install)});
  EXPECT_FALSE(winners[0].runs);
  EXPECT_TRUE(winners[1].runs);
}

TEST(Conflict, ADisabledDeploymentBeatsNobody) {
  auto off = document("D1", "editor", DeploymentAction::install);
  off.deployment.enabled = false;
  EXPECT_TRUE(settle_conflicts({off, document("D2", "editor", DeploymentAction::uninstall)})[1].runs);
}

}  // namespace
}  // namespace fp::deployment
