#include "domain/tasksequence/engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace fp::tasksequence {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Instant kNow{1'000'000};

SequenceStep step(const char* name, StepKind kind = StepKind::run_script) {
  SequenceStep s;
  s.name = name;
  s.kind = kind;
  return s;
}
SequenceStep group(const char* name, std::vector<SequenceStep> steps) {
  SequenceStep s = step(name, StepKind::group);
  s.steps = std::move(steps);
  return s;
}
SequenceCondition variable(const char* name, Compare op, std::vector<std::string> values = {}) {
  SequenceCondition c;
  c.variable = name;
  c.op = op;
  c.values = std::move(values);
  return c;
}
TaskSequence sequence(std::vector<SequenceStep> steps, const char* id = "LAB00001") {
  TaskSequence s;
  s.id = id;
  s.name = id;
  s.steps = std::move(steps);
  return s;
}

// Runs a sequence with answers for its steps; what is not named succeeds. Says which steps ran.
struct Player {
  explicit Player(TaskSequence s, std::vector<TaskSequence> below = {})
      : definition(std::move(s)), children(std::move(below)), program(*make_program(definition, children)), run(begin(program, {})) {}

  std::vector<std::string> play() {
    std::vector<std::string> ran;
    while (!is_final(run.state)) {
      const auto decision = advance(program, run, look, kNow);
      EXPECT_TRUE(decision);
      if (!decision || decision->kind == Decision::Kind::succeeded) break;
      const auto& name = program.lines.at(static_cast<std::size_t>(run.at)).step->name;
      ran.push_back(name);
      EXPECT_TRUE(start(run, kNow));
      const auto answer = answers.find(name);
      EXPECT_TRUE(finish(program, run, answer == answers.end() ? Outcome{} : answer->second, kNow));
      if (run.state == State::restarting) break;
    }
    return ran;
  }
  StepState state(std::size_t line) const { return run.results.at(line).state; }

  TaskSequence definition;
  std::vector<TaskSequence> children;
  Program program;
  tasksequence::Run run;
  Look look;
  std::map<std::string, Outcome> answers;
};

const Outcome kFails{Outcome::Kind::failed, 7, "exit code 7", "no room", true};

}  // namespace

TEST(SequenceStates, EveryPairIsInTheTableOnceOrRefusedWithBothNames) {
  std::map<std::pair<State, Event>, int> rows;
  for (const auto& t : transitions()) ++rows[{t.from, t.event}];
  std::set<Event> used;
  for (const auto& [pair, times] : rows) {
    EXPECT_EQ(times, 1);
    used.insert(pair.second);
  }
  EXPECT_EQ(used.size(), static_cast<std::size_t>(kEvents));
  for (int s = 0; s < kStates; ++s)
    for (int e = 0; e < kEvents; ++e) {
      const auto state = static_cast<State>(s);
      const auto event = static_cast<Event>(e);
      const auto to = next(state, event);
      EXPECT_EQ(to.has_value(), rows.contains({state, event}));
      if (to) {
        EXPECT_FALSE(is_final(state)) << "a run that ended stays ended";
      } else {
        EXPECT_THAT(to.error().message, HasSubstr(std::string(to_string(state))));
      }
    }
  for (int s = 0; s < kStates; ++s) EXPECT_EQ(*parse_state(to_string(static_cast<State>(s))), static_cast<State>(s));
  for (int s = 0; s < kStepStates; ++s) EXPECT_EQ(*parse_step_state(to_string(static_cast<StepState>(s))), static_cast<StepState>(s));
  EXPECT_FALSE(parse_state("sleeping") || parse_step_state("sleeping"));
}

TEST(Sequence, StepsRunInOrderThroughGroups) {
  Player p(sequence({step("a"), group("g", {step("b"), group("h", {step("c")})}), step("d")}));
  EXPECT_THAT(p.play(), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(p.run.state, State::succeeded);
  for (std::size_t i = 0; i < p.program.lines.size(); ++i) EXPECT_EQ(p.state(i), StepState::succeeded) << i;
  EXPECT_EQ(p.program.title(4), "2.2.1 \"c\"");
}

TEST(Sequence, WhatIsDisabledOrWhoseConditionsDoNotHoldIsSkippedWithTheReason) {
  auto off = step("off");
  off.enabled = false;
  auto g = group("g", {step("inside")});
  g.conditions = {variable("Role", Compare::eq, {"desk"})};
  Player p(sequence({off, g, step("last")}));
  set(p.run.variables, "role", "server", false);
  EXPECT_THAT(p.play(), ElementsAre("last"));
  EXPECT_EQ(p.run.results[0].reason, "it is disabled");
  EXPECT_THAT(p.run.results[1].reason, HasSubstr("variable Role = desk: it is server"));
  EXPECT_EQ(p.state(2), StepState::pending);
  EXPECT_EQ(p.run.state, State::succeeded);
}

TEST(Sequence, AFailureEndsItAndNamesTheStepAndItsLastWords) {
  Player p(sequence({group("g", {step("bad")}), step("never")}));
  p.answers["bad"] = kFails;
  EXPECT_THAT(p.play(), ElementsAre("bad"));
  EXPECT_EQ(p.run.state, State::failed);
  EXPECT_EQ(summary(p.program, p.run), "step 1.1 \"bad\" failed: exit code 7; its last words: no room");
  EXPECT_EQ(p.state(0), StepState::failed);
  EXPECT_EQ(p.state(2), StepState::pending);
}

TEST(Sequence, AFailureIsPassedOverByTheStepOrByAGroupAroundIt) {
  auto bad = step("bad");
  bad.continue_on_error = true;
  auto g = group("g", {group("h", {step("worse"), step("not reached")})});
  g.continue_on_error = true;
  Player p(sequence({bad, g, step("last")}));
  p.answers["bad"] = p.answers["worse"] = kFails;
  EXPECT_THAT(p.play(), ElementsAre("bad", "worse", "last"));
  EXPECT_EQ(p.run.state, State::succeeded);
  EXPECT_EQ(p.state(0), StepState::continued);
  EXPECT_EQ(p.state(1), StepState::continued);  // g
  EXPECT_EQ(p.state(2), StepState::failed);     // h
  EXPECT_THAT(summary(p.program, p.run), HasSubstr("1 \"bad\" failed and was passed over"));
}

TEST(Sequence, ARestartIsWaitedForAndTheNextStepFollows) {
  Player p(sequence({group("g", {step("restart", StepKind::restart_computer)}), step("after")}));
  p.answers["restart"] = {Outcome::Kind::restart, 0, "asked for", "", false};
  EXPECT_THAT(p.play(), ElementsAre("restart"));
  EXPECT_EQ(p.run.state, State::restarting);
  EXPECT_FALSE(advance(p.program, p.run, p.look, kNow));
  ASSERT_TRUE(rebooted(p.program, p.run, kNow));
  EXPECT_THAT(p.play(), ElementsAre("after"));
  EXPECT_EQ(p.run.state, State::succeeded);
  EXPECT_EQ(p.state(0), StepState::succeeded);
}

TEST(Sequence, WhatWasCutOffRunsAgainOnlyWhereThatDoesNoHarm) {
  EXPECT_TRUE(after_interruption(step("x", StepKind::install_application)).again);
  EXPECT_TRUE(after_interruption(step("x", StepKind::check_readiness)).again);
  for (const auto kind : {StepKind::run_script, StepKind::run_command_line, StepKind::install_package}) {
    auto s = step("x", kind);
    EXPECT_FALSE(after_interruption(s).again);
    EXPECT_THAT(after_interruption(s).reason, HasSubstr("not marked repeatable"));
    s.repeatable = true;
    EXPECT_TRUE(after_interruption(s).again);
  }
  Player p(sequence({step("a")}));
  ASSERT_TRUE(advance(p.program, p.run, p.look, kNow) && start(p.run, kNow) && repeat(p.run, "again"));
  EXPECT_THAT(p.play(), ElementsAre("a"));
}

TEST(Sequence, AnEmptyGroupAndAnEmptyEndAreDone) {
  Player p(sequence({group("g", {}), group("h", {group("i", {})})}));
  EXPECT_TRUE(p.play().empty());
  EXPECT_EQ(p.run.state, State::succeeded);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(p.state(i), StepState::succeeded);
}

TEST(Sequence, AChildRunsInItsPlaceWithItsOwnVariables) {
  auto child = sequence({step("c")}, "LAB00002");
  child.variables = {{"Colour", "red", false}, {"Kept", "child", false}};
  auto call = step("call", StepKind::run_task_sequence);
  call.task_sequence = "LAB00002";
  Player p(sequence({step("a"), call, step("d")}), {child});
  set(p.run.variables, "kept", "mine", false);
  EXPECT_THAT(p.play(), ElementsAre("a", "c", "d"));
  EXPECT_EQ(find(p.run.variables, "colour")->value, "red");
  EXPECT_EQ(find(p.run.variables, "kept")->value, "mine");
  EXPECT_EQ(p.program.title(2), "2.1 \"c\"");
}

TEST(SequenceConditions, CompareNumbersAsNumbersAndTextsWithoutCase) {
  tasksequence::Run run;
  set(run.variables, "n", "10", false);
  set(run.variables, "t", "Desk", false);
  run.last_exit_code = 5;
  const auto is = [&](const SequenceCondition& c) { return holds(c, run, {}).holds; };
  EXPECT_TRUE(is(variable("n", Compare::gt, {"9"})) && is(variable("n", Compare::le, {"10"})) && !is(variable("n", Compare::lt, {"9"})));
  EXPECT_TRUE(is(variable("t", Compare::eq, {"desk"})) && is(variable("t", Compare::contains, {"ES"})));
  EXPECT_TRUE(is(variable("t", Compare::one_of, {"a", "DESK"})) && is(variable("t", Compare::exists)));
  EXPECT_TRUE(is(variable("x", Compare::not_exists)) && is(variable("x", Compare::ne, {"1"})) && !is(variable("x", Compare::eq, {""})));
  SequenceCondition code;
  code.kind = ConditionKind::last_exit_code;
  code.values = {"5"};
  EXPECT_TRUE(is(code));
}

TEST(SequenceConditions, AllAnyAndNoneStandWithinEachOther) {
  tasksequence::Run run;
  set(run.variables, "a", "1", false);
  const auto yes = variable("a", Compare::eq, {"1"}), no = variable("a", Compare::eq, {"2"});
  const auto nest = [](ConditionKind kind, std::vector<SequenceCondition> inner) {
    SequenceCondition c;
    c.kind = kind;
    c.conditions = std::move(inner);
    return c;
  };
  const auto is = [&](const SequenceCondition& c) { return holds(c, run, {}).holds; };
  EXPECT_TRUE(is(nest(ConditionKind::all, {yes, yes})) && !is(nest(ConditionKind::all, {yes, no})));
  EXPECT_TRUE(is(nest(ConditionKind::any, {no, yes})) && !is(nest(ConditionKind::any, {no, no})));
  EXPECT_TRUE(is(nest(ConditionKind::none, {no})) && !is(nest(ConditionKind::none, {yes})));
  EXPECT_TRUE(is(nest(ConditionKind::all, {nest(ConditionKind::any, {no, yes}), nest(ConditionKind::none, {no})})));
}

TEST(SequenceConditions, FilesAndFactsAreAskedOfTheComputer) {
  tasksequence::Run run;
  set(run.variables, "dir", "/opt", false);
  Look look{[](const std::string& path) { return path == "/opt/x"; },
            [](const Requirement& r) { return Verdict{r.attribute == "package:nginx", "it was asked for"}; }};
  SequenceCondition file;
  file.kind = ConditionKind::file;
  file.path = "%DIR%/x";
  file.op = Compare::exists;
  EXPECT_TRUE(holds(file, run, look).holds);
  file.op = Compare::not_exists;
  EXPECT_FALSE(holds(file, run, look).holds);
  SequenceCondition fact;
  fact.kind = ConditionKind::fact;
  fact.attribute = "package:nginx";
  EXPECT_TRUE(holds(fact, run, look).holds);
  EXPECT_FALSE(holds(fact, run, {}).holds);
}

TEST(SequenceConditions, TheReasonNeverShowsASecret) {
  auto guarded = step("guarded");
  guarded.conditions = {variable("Pin", Compare::eq, {"1234"})};
  Player p(sequence({guarded}));
  set(p.run.variables, "Pin", "98765", true);
  EXPECT_TRUE(p.play().empty());
  EXPECT_THAT(p.run.results[0].reason, ::testing::Not(HasSubstr("98765")));
}

TEST(SequenceVariables, AreSubstitutedAndWhatIsNoNameStaysAsItIs) {
  Variables v;
  set(v, "Name", "desk", false);
  EXPECT_EQ(substitute("a %NAME% b %name%", v), "a desk b desk");
  EXPECT_EQ(substitute("date +%Y-%m-%d 100%", v), "date +%Y-%m-%d 100%");
  EXPECT_EQ(substitute("100%% of %Name%", v), "100% of desk");
  EXPECT_EQ(substitute("%%NAME%%", v), "%NAME%");
  set(v, {{"Full", "%Name%.corp", false}, {"Again", "x-%Full%", false}});
  EXPECT_EQ(find(v, "again")->value, "x-desk.corp");
}

TEST(SequenceVariables, SecretsAreMaskedAndWhatIsMadeOfThemIsSecretToo) {
  Variables v;
  set(v, "Key", "s3cret", true);
  set(v, "Short", "s3", true);
  set(v, {{"Url", "https://x/%KEY%", false}});
  EXPECT_TRUE(find(v, "Url")->secret);
  EXPECT_EQ(mask("curl https://x/s3cret s3 done", v), "curl ****** ****** done");
  EXPECT_EQ(environment(v).at("FPTS_KEY"), "s3cret");
}

TEST(SequencePrograms, ThatRunThemselvesOrWhatIsNotThereAreRefused) {
  auto call = step("call", StepKind::run_task_sequence);
  call.task_sequence = "LAB00001";
  EXPECT_THAT(make_program(sequence({call}), {}).error().message, HasSubstr("runs itself"));
  call.task_sequence = "LAB00009";
  EXPECT_THAT(make_program(sequence({call}), {}).error().message, HasSubstr("which is not there"));
  std::vector<TaskSequence> chain;
  for (int i = 2; i < 10; ++i) {
    auto next = step("call", StepKind::run_task_sequence);
    next.task_sequence = fmt::format("LAB0000{}", i + 1);
    chain.push_back(sequence({i == 9 ? step("end") : next}, fmt::format("LAB0000{}", i).c_str()));
  }
  call.task_sequence = "LAB00002";
  EXPECT_THAT(make_program(sequence({call}), chain).error().message, HasSubstr("more than 5 deep"));
}

TEST(SequencePrograms, StepsOfAnOperatingSystemAreKnownByName) {
  Player p(sequence({group("g", {step("Image", StepKind::apply_operating_system_image)}), step("x")}));
  EXPECT_THAT(operating_system_steps(p.program), ElementsAre("1.1 \"Image\" (apply_operating_system_image)"));
  EXPECT_FALSE(deploys_operating_system(StepKind::run_task_sequence));
  EXPECT_TRUE(deploys_operating_system(StepKind::upgrade_operating_system));
}

TEST(SequencePrograms, TooDeepGroupsAndConditionsAreMistakesWithTheirPlace) {
  SequenceStep deep = group("innermost", {});
  for (int i = 0; i < kGroupDepthMax; ++i) deep = group("g", {deep});
  EXPECT_THAT(mistakes(sequence({step("a"), deep})), ElementsAre(HasSubstr("steps[1].steps[0]")));
  SequenceCondition c = variable("a", Compare::exists);
  for (int i = 0; i < kConditionDepthMax + 1; ++i) {
    SequenceCondition outer;
    outer.kind = ConditionKind::all;
    outer.conditions = {c};
    c = outer;
  }
  auto s = step("s");
  s.conditions = {c};
  EXPECT_THAT(mistakes(sequence({s})), ElementsAre(HasSubstr("steps[0].conditions[0]")));
  EXPECT_TRUE(mistakes(sequence({group("g", {step("a")})})).empty());
}

TEST(SequencePrograms, SayWhatTheyReferTo) {
  auto apps = step("apps", StepKind::install_application);
  apps.applications = {"A", "B"};
  auto package = step("package", StepKind::install_package);
  package.package_id = "LAB00003";
  auto call = step("call", StepKind::run_task_sequence);
  call.task_sequence = "LAB00002";
  const auto names = references(sequence({group("g", {apps, package}), package, call, apps}));
  EXPECT_THAT(names.applications, ElementsAre("A", "B"));
  EXPECT_THAT(names.packages, ElementsAre("LAB00003"));
  EXPECT_THAT(names.sequences, ElementsAre("LAB00002"));
}

// Whatever the definition and whatever happens, a run ends, and no step runs twice in it.
TEST(Sequence, AnyRunEndsWithEachStepRunAtMostOnce) {
  std::uint64_t seed = 42;
  const auto below = [&](std::uint64_t n) { return (seed = seed * 6364136223846793005ULL + 1442695040888963407ULL, (seed >> 33) % n); };
  for (int round = 0; round < 500; ++round) {
    int names = 0;
    const std::function<std::vector<SequenceStep>(int)> make = [&](int depth) {
      std::vector<SequenceStep> out;
      for (auto n = below(4); n-- > 0;) {
        auto s = depth < 4 && below(3) == 0 ? group("g", make(depth + 1)) : step(fmt::format("s{}", names++).c_str());
        s.enabled = below(8) != 0;
        s.continue_on_error = below(3) == 0;
        if (below(5) == 0) s.conditions = {variable("v", below(2) == 0 ? Compare::exists : Compare::not_exists)};
        out.push_back(std::move(s));
      }
      return out;
    };
    Player p(sequence(make(0)));
    if (below(2) == 0) set(p.run.variables, "v", "1", false);
    for (int i = 0; i < names; ++i)
      if (below(4) == 0) p.answers[fmt::format("s{}", i)] = below(2) == 0 ? kFails : Outcome{Outcome::Kind::restart, 0, "r", "", true};
    std::map<std::string, int> ran;
    for (int turns = 0; !is_final(p.run.state) && turns < 100; ++turns) {
      for (const auto& name : p.play()) EXPECT_EQ(++ran[name], 1);
      if (p.run.state == State::restarting) {
        ASSERT_TRUE(rebooted(p.program, p.run, kNow));
      }
    }
    ASSERT_TRUE(is_final(p.run.state)) << round;
    for (const auto& r : p.run.results) EXPECT_NE(r.state, StepState::running);
  }
}

}  // namespace fp::tasksequence
