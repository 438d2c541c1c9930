// A task sequence made ready to run: its steps in one line, with its children's in their places, and everything about it that
// cannot work. Any thread; pure; linear in the steps. Never: a sequence that contains itself, or one without an end.
#pragma once
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/task_sequence.hpp"

namespace fp::tasksequence {

inline constexpr int kGroupDepthMax = 6;       // groups within groups
inline constexpr int kConditionDepthMax = 4;   // all / any / none within each other
inline constexpr int kChildDepthMax = 5;       // sequences that run sequences
inline constexpr std::size_t kLinesMax = 1000; // steps and groups, children's included

struct Line {
  const SequenceStep* step = nullptr;
  const TaskSequence* child = nullptr;  // of a run_task_sequence step: what it runs
  int parent = -1;                      // line of the group, or of the step that runs this sequence; -1: none
  int end = 0;                          // the line behind all that belongs to this one
  std::string place;                    // "2.1.3", as people count
};

// Points into the definitions that it was made of.
struct Program {
  std::vector<Line> lines;
  [[nodiscard]] std::string title(int line) const;  // 2.1.3 "Install the agent"
};

// Code::invalid: a child that is not there, runs itself, or is too deep; too many steps.
[[nodiscard]] Result<Program> make_program(const TaskSequence& sequence, const std::vector<TaskSequence>& children);

// What limits of form cannot say, each with its place: "steps[2].steps[0].conditions[1]: ...". Empty: nothing is wrong.
[[nodiscard]] std::vector<std::string> mistakes(const TaskSequence& sequence);

// Steps that deploy an operating system, as people read them: 1.2 "Apply image" (apply_operating_system_image).
[[nodiscard]] std::vector<std::string> operating_system_steps(const Program& program);

// What the sequence itself names, in order, each once; a disabled step's too.
struct References {
  std::vector<std::string> applications, packages, sequences;
};
[[nodiscard]] References references(const TaskSequence& sequence);

// Every step of the sequence itself, groups and what is in them, in order.
template <class Visit>
void each_step(const std::vector<SequenceStep>& steps, const Visit& visit) {
  for (const auto& step : steps) {
    visit(step);
    each_step(step.steps, visit);
  }
}
template <class Visit>
void each_step(std::vector<SequenceStep>& steps, const Visit& visit) {
  for (auto& step : steps) {
    visit(step);
    each_step(step.steps, visit);
  }
}

}  // namespace fp::tasksequence
