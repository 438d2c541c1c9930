// Runs one step of a task sequence on this computer: installs, runs texts, sets variables, looks (domain.md §15). One thread;
// blocks for as long as the step takes. Never: decides what comes next (domain/tasksequence), fetches, remembers, or lets the
// value of a secret variable out of the outcome unmasked.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "agent/core/machine.hpp"
#include "agent/memory/records.hpp"
#include "domain/tasksequence/engine.hpp"
#include "model/policy_document.hpp"

namespace fp::agent {

inline constexpr std::size_t kStepOutputBytesMax = 1000;  // of what a step wrote: its end

class SequenceSteps {
 public:
  using Folders = std::map<std::string, Path>;  // content id -> verified content
  SequenceSteps(Machine& machine, const DeploymentDocument& document) : machine_(machine), document_(document) {}

  // Ids of the content that the step needs here and now: of the deployment types that apply and are not installed yet.
  [[nodiscard]] std::vector<std::string> contents(const SequenceStep& step);
  // Sets variables of `run`; that a restart is wanted is noted there too.
  [[nodiscard]] tasksequence::Outcome execute(const SequenceStep& step, const Folders& folders, tasksequence::Run& run);
  [[nodiscard]] tasksequence::Look look();

 private:
  [[nodiscard]] tasksequence::Outcome install_applications(const SequenceStep& step, const Folders& folders, tasksequence::Run& run);
  [[nodiscard]] tasksequence::Outcome install_one(const Application& application, const Folders& folders, tasksequence::Run& run);
  [[nodiscard]] tasksequence::Outcome install_package(const SequenceStep& step, const Folders& folders, tasksequence::Run& run);
  [[nodiscard]] tasksequence::Outcome run_text(const SequenceStep& step, const Folders& folders, tasksequence::Run& run);
  [[nodiscard]] tasksequence::Outcome set_rules(const SequenceStep& step, tasksequence::Run& run);
  [[nodiscard]] tasksequence::Outcome readiness(const SequenceStep& step);
  [[nodiscard]] const Application* application(const std::string& id) const;
  [[nodiscard]] DeploymentDocument document_of(const Application& application) const;
  [[nodiscard]] std::string content_of(const std::string& package_id) const;
  [[nodiscard]] const deployment::Facts& facts();

  Machine& machine_;
  const DeploymentDocument& document_;
  std::optional<deployment::Facts> facts_;  // read again after each step that may have changed them
};

// A run as it is remembered, and back. Code::corrupt where the record does not fit the program.
void write_record(const tasksequence::Program& program, const tasksequence::Run& run, memory::SequenceRun& record);
[[nodiscard]] Result<tasksequence::Run> read_record(const tasksequence::Program& program, const memory::SequenceRun& record);

// What a step wrote, fit to be kept and sent: the end of it, UTF-8 without control characters.
[[nodiscard]] std::string last_words(std::string_view out, std::string_view err);

}  // namespace fp::agent
