#include "domain/tasksequence/program.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fp::tasksequence {
namespace {

class Maker {
 public:
  Maker(Program& program, const std::vector<TaskSequence>& children) : program_(program), children_(children) {}

  Status add(const TaskSequence& sequence, const std::string& place, int parent) {
    if (std::ranges::find(above_, &sequence) != above_.end())
      return fail(Code::invalid, "task sequence {} runs itself", sequence.name);
    if (static_cast<int>(above_.size()) > kChildDepthMax)
      return fail(Code::invalid, "task sequence {}: sequences run each other more than {} deep", sequence.name, kChildDepthMax);
    above_.push_back(&sequence);
    FP_CHECK(add(sequence.steps, place, parent));
    above_.pop_back();
    return {};
  }

 private:
  Status add(const std::vector<SequenceStep>& steps, const std::string& place, int parent) {
    int number = 0;
    for (const auto& step : steps) {
      if (program_.lines.size() >= kLinesMax) return fail(Code::invalid, "it has more than {} steps, its children's included", kLinesMax);
      const auto at = program_.lines.size();
      const auto own_place = fmt::format("{}{}{}", place, place.empty() ? "" : ".", ++number);
      program_.lines.push_back({&step, nullptr, parent, 0, own_place});
      if (step.kind == StepKind::group) FP_CHECK(add(step.steps, own_place, static_cast<int>(at)));
      if (step.kind == StepKind::run_task_sequence) {
        const auto child = std::ranges::find(children_, step.task_sequence, &TaskSequence::id);
        const TaskSequence* found = child == children_.end() ? nullptr : &*child;
        if (found == nullptr && above_.front()->id == step.task_sequence) found = above_.front();
        if (found == nullptr)
          return fail(Code::invalid, "step {} \"{}\" runs task sequence {}, which is not there", own_place, step.name, step.task_sequence);
        program_.lines[at].child = found;
        FP_CHECK(add(*found, own_place, static_cast<int>(at)));
      }
      program_.lines[at].end = static_cast<int>(program_.lines.size());
    }
    return {};
  }

  Program& program_;
  const std::vector<TaskSequence>& children_;
  std::vector<const TaskSequence*> above_;
};

class Critic {
 public:
  std::vector<std::string> found;

  void steps(const std::vector<SequenceStep>& list, const std::string& place, int depth) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto here = fmt::format("{}[{}]", place, i);
      const auto& step = list[i];
      if (++count_ == kLinesMax + 1) say(here, fmt::format("a task sequence has at most {} steps and groups", kLinesMax));
      conditions(step.conditions, here + ".conditions", 1);
      for (std::size_t r = 0; r < step.rules.size(); ++r)
        conditions(step.rules[r].conditions, fmt::format("{}.rules[{}].conditions", here, r), 1);
      if (step.kind != StepKind::group) continue;
      if (depth > kGroupDepthMax) say(here, fmt::format("groups stand within each other at most {} deep", kGroupDepthMax));
      else steps(step.steps, here + ".steps", depth + 1);
    }
  }

 private:
  void conditions(const std::vector<SequenceCondition>& list, const std::string& place, int depth) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto here = fmt::format("{}[{}]", place, i);
      if (list[i].conditions.empty()) continue;
      if (depth >= kConditionDepthMax + 1) say(here, fmt::format("conditions stand within each other at most {} deep", kConditionDepthMax));
      else conditions(list[i].conditions, here + ".conditions", depth + 1);
    }
  }
  void say(const std::string& place, const std::string& what) { found.push_back(place + ": " + what); }
  std::size_t count_ = 0;
};

void once(std::vector<std::string>& list, const std::string& id) {
  if (!id.empty() && std::ranges::find(list, id) == list.end()) list.push_back(id);
}

}  // namespace

std::string Program::title(int line) const {
  const auto& l = lines.at(static_cast<std::size_t>(line));
  return fmt::format("{} \"{}\"", l.place, l.step->name);
}

Result<Program> make_program(const TaskSequence& sequence, const std::vector<TaskSequence>& children) {
  Program program;
  FP_CHECK(Maker(program, children).add(sequence, {}, -1));
  return program;
}

std::vector<std::string> mistakes(const TaskSequence& sequence) {
  Critic critic;
  critic.steps(sequence.steps, "steps", 1);
  return std::move(critic.found);
}

std::vector<std::string> operating_system_steps(const Program& program) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < program.lines.size(); ++i) {
    const auto kind = program.lines[i].step->kind;
    if (deploys_operating_system(kind)) out.push_back(fmt::format("{} ({})", program.title(static_cast<int>(i)), to_string(kind)));
  }
  return out;
}

References references(const TaskSequence& sequence) {
  References out;
  each_step(sequence.steps, [&](const SequenceStep& step) {
    for (const auto& id : step.applications) once(out.applications, id);
    once(out.packages, step.package_id);
    once(out.sequences, step.task_sequence);
  });
  return out;
}

}  // namespace fp::tasksequence
