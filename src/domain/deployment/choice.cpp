#include "domain/deployment/choice.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace fp::deployment {
namespace {

constexpr int kVisitsMax = 1000;  // alternatives of alternatives: no document may keep the device busy

std::vector<const DeploymentType*> by_priority(const Application& application) {
  std::vector<const DeploymentType*> out;
  for (const auto& t : application.types) out.push_back(&t);
  // Of equal priority the one that was written first: the types lie in one vector.
  std::sort(out.begin(), out.end(), [](auto* a, auto* b) { return std::tuple(a->priority, a) < std::tuple(b->priority, b); });
  return out;
}

class Planner {
 public:
  Planner(const DeploymentDocument& document, const Facts& facts, const Look& look)
      : document_(document), facts_(facts), look_(look) {}

  Plan install();
  Plan uninstall();
  Plan repair();

 private:
  enum class Outcome { installed, planned, not_possible };

  const Application* find(const std::string& id) const {
    if (document_.application && document_.application->id == id) return &*document_.application;
    for (const auto& a : document_.related) {
      if (a.id == id) return &a;
    }
    return nullptr;
  }
  const Detection& look(const Application& application, const DeploymentType& type) {
    const auto key = std::pair(application.id, type.id);
    auto found = seen_.find(key);
    if (found == seen_.end()) found = seen_.emplace(key, look_(application, type)).first;
    return found->second;
  }
  void because(std::string what, std::string why) { plan_.reasons.push_back({std::move(what), std::move(why)}); }
  bool planned(const Application& application) const {
    return std::any_of(plan_.steps.begin(), plan_.steps.end(), [&](const PlanStep& s) {
      return s.application == &application && s.action == DeploymentAction::install;
    });
  }
  bool too_deep_or_cyclic(const Application& application, const std::vector<const Application*>& path);
  Outcome resolve(const Application& application, std::vector<const Application*> path, StepRole role);
  bool satisfy(const DependencyGroup& group, const Application& of, const std::vector<const Application*>& path);
  bool replace(const Application& application, std::vector<const Application*> path);
  const DeploymentType* installed_type(const Application& application, bool& unknown);
  Plan finish(Plan::Kind kind) {
    plan_.kind = kind;
    if (kind != Plan::Kind::steps) plan_.steps.clear();
    return std::move(plan_);
  }

  const DeploymentDocument& document_;
  const Facts& facts_;
  const Look& look_;
  Plan plan_;
  std::map<std::pair<std::string, std::string>, Detection> seen_;
  int visits_ = 0;
};

bool Planner::too_deep_or_cyclic(const Application& application, const std::vector<const Application*>& path) {
  if (const auto at = std::find(path.begin(), path.end(), &application); at != path.end()) {
    std::vector<std::string> names;
    std::transform(at, path.end(), std::back_inserter(names), [](auto* a) { return a->name; });
    names.push_back(application.name);
    because("a circle", fmt::format("{}", fmt::join(names, " -> ")));
    return true;
  }
  if (path.size() > static_cast<std::size_t>(kChainDepthMax)) {
    because(application.name, fmt::format("it is more than {} steps away from {}", kChainDepthMax, path.front()->name));
    return true;
  }
  if (++visits_ > kVisitsMax) {
    because(application.name, fmt::format("more than {} alternatives were tried", kVisitsMax));
    return true;
  }
  return false;
}

Planner::Outcome Planner::resolve(const Application& application, std::vector<const Application*> path, StepRole role) {
  if (planned(application)) return Outcome::planned;
  if (too_deep_or_cyclic(application, path)) return Outcome::not_possible;
  path.push_back(&application);
  Choice choice = choose_type(application, facts_);
  append(plan_.reasons, std::move(choice.reasons));
  if (!choice.type) {
    if (role == StepRole::target) plan_.kind = Plan::Kind::requirements_not_met;
    return Outcome::not_possible;
  }
  const Detection& found = look(application, *choice.type);
  append(plan_.reasons, found.reasons);
  if (found.state == Detected::installed) return Outcome::installed;
  if (found.state == Detected::unknown) return Outcome::not_possible;
  for (const auto& group : choice.type->dependencies) {
    if (!satisfy(group, application, path)) return Outcome::not_possible;
  }
  if (!replace(application, {&application})) return Outcome::not_possible;
  plan_.steps.push_back({&application, choice.type, DeploymentAction::install, role});
  return Outcome::planned;
}

bool Planner::satisfy(const DependencyGroup& group, const Application& of, const std::vector<const Application*>& path) {
  const std::string what = fmt::format("dependency {} of {}", group.name, of.name);
  for (const auto& item : group.items) {
    const Application* application = find(item.application_id);
    const Choice choice = application ? choose_type(*application, facts_) : Choice{};
    if (choice.type && look(*application, *choice.type).state == Detected::installed) {
      because(what, fmt::format("{} is installed", application->name));
      return true;
    }
  }
  for (const auto& item : group.items) {
    const Application* application = find(item.application_id);
    if (!application) {
      because(what, fmt::format("application {} did not come with the policy", item.application_id));
      continue;
    }
    if (!item.auto_install) {
      because(what, fmt::format("{} is not installed and may not be installed for this", application->name));
      continue;
    }
    const auto steps_before = plan_.steps;
    if (resolve(*application, path, StepRole::dependency) != Outcome::not_possible) {
      because(what, fmt::format("{} is installed first", application->name));
      return true;
    }
    plan_.steps = steps_before;
  }
  if (group.items.empty()) because(what, "the group is empty");
  return group.items.empty();
}

const DeploymentType* Planner::installed_type(const Application& application, bool& unknown) {
  for (const auto* type : by_priority(application)) {
    const Detection& found = look(application, *type);
    if (found.state == Detected::installed) {
      append(plan_.reasons, found.reasons);
      return type;
    }
    if (found.state == Detected::unknown) {
      append(plan_.reasons, found.reasons);
      unknown = true;
    }
  }
  return nullptr;
}

bool Planner::replace(const Application& application, std::vector<const Application*> path) {
  for (const auto& old_one : path.back()->supersedes) {
    const Application* superseded = find(old_one.application_id);
    if (!superseded) {
      because(fmt::format("superseded by {}", path.back()->name),
              fmt::format("application {} did not come with the policy", old_one.application_id));
      if (old_one.uninstall) return false;
      continue;
    }
    if (too_deep_or_cyclic(*superseded, path)) return false;
    bool unknown = false;
    if (const auto* type = installed_type(*superseded, unknown); type) {
      because(superseded->name, old_one.uninstall ? fmt::format("{} replaces it: it is uninstalled first", application.name)
                                                  : fmt::format("{} upgrades it", application.name));
      const bool there =
          std::any_of(plan_.steps.begin(), plan_.steps.end(), [&](const PlanStep& s) { return s.application == superseded; });
      if (old_one.uninstall && !there)
        plan_.steps.push_back({superseded, type, DeploymentAction::uninstall, StepRole::superseded});
    }
    auto further = path;
    further.push_back(superseded);
    if (!replace(application, std::move(further))) return false;
  }
  return true;
}

Plan Planner::install() {
  switch (resolve(*document_.application, {}, StepRole::target)) {
    case Outcome::installed: return finish(Plan::Kind::nothing_to_do);
    case Outcome::planned: return finish(Plan::Kind::steps);
    case Outcome::not_possible: break;
  }
  return finish(plan_.kind == Plan::Kind::requirements_not_met ? plan_.kind : Plan::Kind::refused);
}

Plan Planner::uninstall() {
  bool unknown = false;
  if (const auto* type = installed_type(*document_.application, unknown); type) {
    plan_.steps.push_back({&*document_.application, type, DeploymentAction::uninstall, StepRole::target});
    return finish(Plan::Kind::steps);
  }
  if (unknown) return finish(Plan::Kind::refused);
  because(document_.application->name, "it is not installed");
  return finish(Plan::Kind::nothing_to_do);
}

Plan Planner::repair() {
  Plan plan = uninstall();
  if (plan.kind == Plan::Kind::steps) plan.steps.back().action = DeploymentAction::repair;
  return plan;
}

}  // namespace

Choice choose_type(const Application& application, const Facts& facts) {
  Choice out;
  for (const auto* type : by_priority(application)) {
    const Verdict verdict = evaluate(type->requirements, facts);
    const std::string what = fmt::format("deployment type {} of {}", type->name, application.name);
    if (verdict.holds) {
      out.type = type;
      out.reasons.push_back({what, fmt::format("priority {} and all requirements hold", type->priority)});
      return out;
    }
    out.reasons.push_back({what, sentence({verdict.reasons.front()})});
  }
  if (application.types.empty()) out.reasons.push_back({application.name, "it has no deployment type"});
  return out;
}

Plan make_plan(const DeploymentDocument& document, const Facts& facts, const Look& look) {
  if (!document.application) return {Plan::Kind::refused, {}, {{"deployment", "it carries no application"}}};
  Planner planner(document, facts, look);
  switch (document.deployment.action) {
    case DeploymentAction::install: return planner.install();
    case DeploymentAction::uninstall: return planner.uninstall();
    case DeploymentAction::repair: return planner.repair();
  }
  return {Plan::Kind::refused, {}, {{"deployment", "it has no action"}}};
}

std::vector<Winner> settle_conflicts(const std::vector<DeploymentDocument>& documents) {
  const auto rank = [](const Deployment& d) {
    return std::tuple(d.action == DeploymentAction::uninstall, d.purpose == Purpose::available, d.id);
  };
  std::map<std::string, const Deployment*> best;
  for (const auto& document : documents) {
    const Deployment& d = document.deployment;
    if (d.kind != DeploymentKind::application || !d.enabled || d.action == DeploymentAction::repair) continue;
    auto [at, fresh] = best.emplace(d.target_id, &d);
    if (!fresh && rank(d) < rank(*at->second)) at->second = &d;
  }
  std::vector<Winner> out;
  for (const auto& document : documents) {
    const Deployment& d = document.deployment;
    const auto winner = best.find(d.target_id);
    if (d.kind != DeploymentKind::application || d.action == DeploymentAction::repair || winner == best.end() ||
        winner->second == &d) {
      out.push_back({true, {fmt::format("deployment {}", d.id), "no other one stands against it"}});
      continue;
    }
    const bool beaten = d.action == DeploymentAction::uninstall && winner->second->action == DeploymentAction::install;
    out.push_back({false, {fmt::format("deployment {}", d.id),
                           fmt::format("deployment {} {}", winner->second->id,
                                       beaten ? "installs the same application, and install beats uninstall"
                                              : "does the same and comes first")}});
  }
  return out;
}

}  // namespace fp::deployment
