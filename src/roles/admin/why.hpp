// Why a device has, or has not, what a deployment brings: the chain of decisions from the deployment to the last state, each
// link with its reason (`farpoint why`). Reads only; nothing is guessed: what the site does not know it says it does not know.
#pragma once
#include <string>
#include <vector>

#include "domain/internet/features.hpp"
#include "site/policy_maker.hpp"
#include "store/store.hpp"

namespace fp::admin {

struct ExplanationStep {
  std::string step;     // "collection", "policy", "content", ...
  bool ok = true;       // false: the chain is broken or waits here
  std::string because;  // one sentence
};
struct Explanation {
  std::string device, deployment;
  std::string conclusion;
  std::vector<ExplanationStep> steps;
};

// Why the device has, or has not, one of the features that the internet lacks; `deployment` of the answer is the feature's id.
[[nodiscard]] Explanation explain_feature(const Device& device, const internet::FeatureRule& rule, Instant now);

[[nodiscard]] Result<Explanation> explain_deployment(store::Repositories& r, const site::PolicyMaker& policies,
                                                     const Device& device, const Deployment& deployment, Instant now);

}  // namespace fp::admin
