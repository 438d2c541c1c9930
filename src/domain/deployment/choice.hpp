// Which deployment type of an application applies, what comes before it, and which of several deployments wins
// (domain.md §13): priority, requirements, dependencies, supersedence, install beats uninstall. Any thread; pure.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "domain/deployment/detection.hpp"
#include "domain/deployment/requirement.hpp"
#include "model/policy_document.hpp"

namespace fp::deployment {

inline constexpr int kChainDepthMax = 5;  // dependencies and supersedence

struct Choice {
  const DeploymentType* type = nullptr;  // within the application given; null: none applies
  Reasons reasons;                       // why this one, and why not those before it
};
[[nodiscard]] Choice choose_type(const Application& application, const Facts& facts);  // lowest priority number first

// What the device says about a deployment type; called at most once for each type.
using Look = std::function<Detection(const Application&, const DeploymentType&)>;

enum class StepRole { superseded, dependency, target };
struct PlanStep {
  const Application* application = nullptr;
  const DeploymentType* type = nullptr;
  DeploymentAction action = DeploymentAction::install;
  StepRole role = StepRole::target;
};

struct Plan {
  enum class Kind { nothing_to_do, steps, requirements_not_met, refused };
  Kind kind =
      Kind::refused;  // refused: cycle, too deep, missing application, a dependency nobody may install, unknown detection
  std::vector<PlanStep> steps;    // in order; the target is last. Pointers into the document
  Reasons reasons;
};

// The ordered work for the deployment's action. Install: dependencies before what needs them; of the alternatives of a group
// an installed one is enough, else the first that may be installed here. What an application replaces is uninstalled right
// before it (so a dependency that fails leaves the old one in place), what it upgrades is left to its installer.
// A cycle is refused with the names of all that are in it.
// Uninstall: only the target. Repair: only the target, and only if it is installed.
[[nodiscard]] Plan make_plan(const DeploymentDocument& document, const Facts& facts, const Look& look);

struct Winner {
  bool runs = true;
  Reason reason;
};
// Install beats uninstall of the same application; of two that do the same the required one, then the lower id.
// One entry for each document, same order. Packages always run.
[[nodiscard]] std::vector<Winner> settle_conflicts(const std::vector<DeploymentDocument>& documents);

}  // namespace fp::deployment
