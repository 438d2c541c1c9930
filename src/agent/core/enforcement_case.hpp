// What Enforcement holds about the deployment it is looking at. Private to enforcement*.cpp.
#pragma once
#include "agent/core/enforcement.hpp"

namespace fp::agent {

struct Enforcement::Case {
  const DeploymentDocument* document = nullptr;
  Deployment deployment;               // a copy: a user's request may turn it around
  memory::DeploymentRecord record;
  bool user_started = false;
};

struct Enforcement::Need {
  std::string content_id;
  bool persist = false;
  deployment::StepRole role = deployment::StepRole::target;
};

inline constexpr int kInterrupted = -1;  // exit code of a run whose end nobody saw

}  // namespace fp::agent
