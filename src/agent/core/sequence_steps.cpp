#include "agent/core/sequence_steps.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "domain/deployment/choice.hpp"
#include "domain/deployment/outcome.hpp"

namespace fp::agent {

using deployment::Detected;
using deployment::Plan;
using tasksequence::Outcome;
using tasksequence::Run;

namespace {

constexpr std::size_t kVariableBytesMax = 4096;

Outcome failed(std::string reason, int exit_code = 1) { return {Outcome::Kind::failed, exit_code, std::move(reason), {}, true}; }
Outcome good(std::string reason, bool action = true) { return {Outcome::Kind::succeeded, 0, std::move(reason), {}, action}; }

// Exit codes as the step says, else as scripts have them: 0, 3010 and 1641 for a restart (domain.md §13).
Outcome judge(const std::vector<int>& success_codes, const packages::Execution& done, Run& run) {
  const auto& r = done.run;
  Outcome out{Outcome::Kind::failed, r.exit_code, done.summary, last_words(r.out, r.err), true};
  if (r.cancelled || r.timed_out || r.signal != 0) {
    if (out.exit_code == 0) out.exit_code = 128 + r.signal;
    return out;
  }
  if (!success_codes.empty()) {
    if (std::ranges::find(success_codes, r.exit_code) != success_codes.end()) out.kind = Outcome::Kind::succeeded;
    else out.reason += "; that is none of its success codes";
    return out;
  }
  DeploymentType codes;
  codes.technology = Technology::script;
  switch (deployment::classify(codes, r.exit_code)) {
    case ReturnKind::success: out.kind = Outcome::Kind::succeeded; break;
    case ReturnKind::soft_reboot:
      out.kind = Outcome::Kind::succeeded;
      out.reason += "; it wants a restart, which comes at the end";
      run.restart_wanted = true;
      break;
    case ReturnKind::hard_reboot:
      out.kind = Outcome::Kind::restart;
      out.reason += "; it wants a restart first";
      break;
    case ReturnKind::failure:
    case ReturnKind::fast_retry: break;
  }
  return out;
}

}  // namespace

std::string last_words(std::string_view out, std::string_view err) {
  std::string text(trim(out));
  if (const auto more = trim(err); !more.empty()) text += (text.empty() ? "" : "\n") + std::string(more);
  if (text.size() > kStepOutputBytesMax) {
    text.erase(0, text.size() - kStepOutputBytesMax);
    while (!text.empty() && (static_cast<unsigned char>(text[0]) & 0xC0) == 0x80) text.erase(0, 1);
  }
  const bool utf8 = is_utf8(text);
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 32 && c != '\n' && c != '\t') || byte == 127 || (!utf8 && byte > 127)) c = '?';
  }
  return text;
}

const Application* SequenceSteps::application(const std::string& id) const {
  const auto found = std::ranges::find(document_.related, id, &Application::id);
  return found == document_.related.end() ? nullptr : &*found;
}

DeploymentDocument SequenceSteps::document_of(const Application& application) const {
  DeploymentDocument out;
  out.deployment.kind = DeploymentKind::application;
  out.deployment.action = DeploymentAction::install;
  out.application = application;
  out.related = document_.related;
  return out;
}

std::string SequenceSteps::content_of(const std::string& package_id) const {
  const auto found = std::ranges::find(document_.packages, package_id, &Package::id);
  if (found == document_.packages.end() || found->content_version == 0) return {};
  return fmt::format("{}.{}", found->id, found->content_version);
}

const deployment::Facts& SequenceSteps::facts() {
  if (!facts_) facts_ = machine_.facts();
  return *facts_;
}

tasksequence::Look SequenceSteps::look() {
  return {[this](const std::string& path) { return machine_.file_exists(path); },
          [this](const Requirement& requirement) -> tasksequence::Verdict {
            const auto v = deployment::evaluate(requirement, facts());
            return {v.holds, deployment::sentence(v.reasons)};
          }};
}

std::vector<std::string> SequenceSteps::contents(const SequenceStep& step) {
  std::vector<std::string> out;
  const auto add = [&](const std::string& id) {
    if (!id.empty() && std::ranges::find(out, id) == out.end()) out.push_back(id);
  };
  if (!step.package_id.empty()) add(content_of(step.package_id));
  for (const auto& id : step.applications) {
    const auto* found = application(id);
    if (found == nullptr) continue;
    const auto document = document_of(*found);
    const auto plan =
        deployment::make_plan(document, facts(), [&](const Application&, const DeploymentType& type) { return machine_.detect(type); });
    for (const auto& s : plan.steps)
      if (s.action == DeploymentAction::install || !s.type->uninstall_command.empty()) add(s.type->content_id);
  }
  return out;
}

Outcome SequenceSteps::execute(const SequenceStep& step, const Folders& folders, Run& run) {
  switch (step.kind) {
    case StepKind::install_application: {
      auto out = install_applications(step, folders, run);
      facts_.reset();
      return out;
    }
    case StepKind::install_package: {
      auto out = install_package(step, folders, run);
      facts_.reset();
      return out;
    }
    case StepKind::install_updates: {
      const auto done = machine_.install_updates(step.updates, step.timeout_min * 60'000);
      facts_.reset();
      return done ? judge({}, *done, run) : failed(done.error().message);
    }
    case StepKind::run_command_line:
    case StepKind::run_script: {
      auto out = run_text(step, folders, run);
      facts_.reset();
      return out;
    }
    case StepKind::set_variable: {
      tasksequence::set(run.variables, step.variables);
      return good(fmt::format("{} variables set", step.variables.size()), false);
    }
    case StepKind::set_dynamic_variables: return set_rules(step, run);
    case StepKind::check_readiness: return readiness(step);
    case StepKind::download_package_content: {
      const auto folder = folders.find(content_of(step.package_id));
      if (folder == folders.end()) return failed("the package has no content");
      if (!step.output_variable.empty()) tasksequence::set(run.variables, step.output_variable, folder->second.string(), false);
      return good(fmt::format("{} is there, verified", folder->first), false);
    }
    case StepKind::restart_computer: return {Outcome::Kind::restart, 0, "the computer is to restart", {}, false};
    default: return failed(fmt::format("this agent does not know how to do {}", to_string(step.kind)));
  }
}

Outcome SequenceSteps::install_applications(const SequenceStep& step, const Folders& folders, Run& run) {
  std::string reasons;
  for (const auto& id : step.applications) {
    const auto* found = application(id);
    if (found == nullptr) return failed(fmt::format("the policy carries no application {}", id));
    auto one = install_one(*found, folders, run);
    reasons += (reasons.empty() ? "" : "; ") + one.reason;
    if (one.kind == Outcome::Kind::succeeded) continue;
    one.reason = reasons;
    return one;
  }
  return good(reasons);
}

Outcome SequenceSteps::install_one(const Application& application, const Folders& folders, Run& run) {
  const auto document = document_of(application);
  const auto look = [&](const Application&, const DeploymentType& type) { return machine_.detect(type); };
  const auto plan = deployment::make_plan(document, facts(), look);
  if (plan.kind == Plan::Kind::nothing_to_do) return good(application.name + " is installed already");
  if (plan.kind != Plan::Kind::steps) return failed(fmt::format("{}: {}", application.name, deployment::sentence(plan.reasons)));
  bool hard = false;
  for (const auto& s : plan.steps) {
    const auto folder = folders.find(s.type->content_id);
    const auto what = fmt::format("{} ({})", s.application->name, s.type->name);
    const auto done = machine_.execute(s.action, *s.type, folder == folders.end() ? Path() : folder->second);
    if (!done) return failed(fmt::format("{}: {}", what, done.error().message));
    const auto& r = done->run;
    const auto kind = deployment::classify(*s.type, r.exit_code);
    const bool ended = r.signal == 0 && !r.timed_out && !r.cancelled;
    const bool restart = kind == ReturnKind::soft_reboot || kind == ReturnKind::hard_reboot;
    if (!ended || (kind != ReturnKind::success && !restart)) {
      auto out = failed(fmt::format("{}: {}", what, done->summary), r.exit_code);
      out.output = last_words(r.out, r.err);
      return out;
    }
    run.restart_wanted |= restart;
    hard |= kind == ReturnKind::hard_reboot;
    const auto wanted = s.action == DeploymentAction::install ? Detected::installed : Detected::not_installed;
    const auto after = machine_.detect(*s.type);
    if (after.state != wanted && !restart)
      return failed(fmt::format("{}: {}; detection afterwards: {}", what, done->summary, deployment::sentence(after.reasons)));
  }
  auto out = good(application.name + " is installed");
  if (hard) out = {Outcome::Kind::restart, 0, application.name + " is installed and wants a restart first", {}, true};
  return out;
}

Outcome SequenceSteps::install_package(const SequenceStep& step, const Folders& folders, Run& run) {
  const auto package = std::ranges::find(document_.packages, step.package_id, &Package::id);
  if (package == document_.packages.end()) return failed(fmt::format("the policy carries no package {}", step.package_id));
  const auto program = std::ranges::find(package->programs, step.program, &Program::name);
  if (program == package->programs.end()) return failed(fmt::format("package {} has no program {}", package->name, step.program));
  const auto verdict = deployment::evaluate(program->requirements, facts());
  if (!verdict.holds) return failed(deployment::sentence(verdict.reasons));
  const auto folder = folders.find(content_of(step.package_id));
  Program with_values = *program;
  with_values.command_line = tasksequence::substitute(program->command_line, run.variables);
  const auto done = machine_.run_program(with_values, folder == folders.end() ? Path() : folder->second);
  return done ? judge(step.success_codes, *done, run) : failed(done.error().message);
}

Outcome SequenceSteps::run_text(const SequenceStep& step, const Folders& folders, Run& run) {
  packages::TextRun how;
  const bool script = step.kind == StepKind::run_script;
  how.text = script ? step.script : tasksequence::substitute(step.command, run.variables);
  if (script) how.interpreter = step.interpreter;
  if (const auto folder = folders.find(content_of(step.package_id)); folder != folders.end()) how.folder = folder->second;
  how.environment = tasksequence::environment(run.variables);
  how.limit_ms = step.timeout_min * 60'000;
  const auto done = machine_.run_text(std::move(how));
  if (!done) return failed(done.error().message);
  if (!step.output_variable.empty()) {
    const std::string value(trim(done->run.out).substr(0, kVariableBytesMax));
    const bool secret = tasksequence::mask(value, run.variables) != value;
    tasksequence::set(run.variables, step.output_variable, value, secret);
  }
  return judge(step.success_codes, *done, run);
}

Outcome SequenceSteps::set_rules(const SequenceStep& step, Run& run) {
  int applied = 0;
  for (const auto& rule : step.rules) {
    if (!tasksequence::holds(rule.conditions, run, look()).holds) continue;
    tasksequence::set(run.variables, rule.variables);
    ++applied;
  }
  return good(fmt::format("{} of {} rules hold", applied, step.rules.size()), false);
}

Outcome SequenceSteps::readiness(const SequenceStep& step) {
  std::vector<Requirement> wanted;
  if (step.memory_mb_min > 0) wanted.push_back({"memory_mb", Compare::ge, {std::to_string(step.memory_mb_min)}});
  if (step.disk_free_mb_min > 0) wanted.push_back({"disk_free_mb", Compare::ge, {std::to_string(step.disk_free_mb_min)}});
  if (!step.os_ids.empty()) wanted.push_back({"os.id", Compare::one_of, step.os_ids});
  if (!step.os_version_min.empty()) wanted.push_back({"os.version", Compare::ge, {step.os_version_min}});
  facts_.reset();
  const auto verdict = deployment::evaluate(wanted, facts());
  return verdict.holds ? good("the computer is ready", false) : failed(deployment::sentence(verdict.reasons));
}

void write_record(const tasksequence::Program& program, const Run& run, memory::SequenceRun& record) {
  record.state = tasksequence::to_string(run.state);
  record.position = run.at;
  record.last_exit_code = run.last_exit_code;
  record.last_succeeded = run.last_succeeded;
  record.last_name = run.last_name;
  record.restart_wanted = run.restart_wanted;
  record.steps.clear();
  for (std::size_t i = 0; i < program.lines.size(); ++i) {
    const auto& line = program.lines[i];
    const auto& r = run.results[i];
    record.steps.push_back({static_cast<int>(i), line.place, line.step->name, std::string(to_string(line.step->kind)),
                            std::string(tasksequence::to_string(r.state)), r.exit_code, r.reason, r.output, r.started_at, r.finished_at});
  }
  record.variables.clear();
  for (const auto& [name, v] : run.variables) record.variables.push_back({name, v.value, v.secret});
}

Result<Run> read_record(const tasksequence::Program& program, const memory::SequenceRun& record) {
  Run run = tasksequence::begin(program, {});
  FP_TRY(state, tasksequence::parse_state(record.state));
  run.state = state;
  const auto lines = static_cast<int>(program.lines.size());
  const bool in_step = state == tasksequence::State::running || state == tasksequence::State::restarting;
  if (record.position < 0 || record.position > lines || (in_step && record.position == lines))
    return fail(Code::corrupt, "its place {} is not among {} steps", record.position, lines);
  run.at = record.position;
  run.last_exit_code = record.last_exit_code;
  run.last_succeeded = record.last_succeeded;
  run.last_name = record.last_name;
  run.restart_wanted = record.restart_wanted;
  for (const auto& s : record.steps) {
    if (s.line < 0 || s.line >= lines) return fail(Code::corrupt, "step {} is not among {}", s.line, lines);
    FP_TRY(step_state, tasksequence::parse_step_state(s.state));
    run.results[static_cast<std::size_t>(s.line)] = {step_state, s.exit_code, s.reason, s.output, s.started_at, s.finished_at};
  }
  for (const auto& v : record.variables) tasksequence::set(run.variables, v.name, v.value, v.secret);
  return run;
}

}  // namespace fp::agent
