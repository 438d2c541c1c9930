#include "roles/admin/why.hpp"

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "domain/internet/features.hpp"
#include "model/policy_document.hpp"
#include "model/task_sequence.hpp"
#include "roles/admin/fallback.hpp"
#include "wire/state_names.hpp"
#include "roles/admin/location.hpp"

namespace fp::admin {
namespace {

constexpr const char* kFallbackStep = "fallback";

constexpr int kMessagesMax = 2000;  // of a device that are looked through for its steps
constexpr std::size_t kStepParameters = 9;

class Story {
 public:
  Story(store::Repositories& r, const site::PolicyMaker& policies, const Device& device, const Deployment& deployment, Instant now)
      : r_(r), policies_(policies), device_(device), d_(deployment), now_(now) {
    out_.device = fmt::format("{} ({})", device.name, device.client_id);
    out_.deployment = deployment.id;
  }

  Result<Explanation> tell() {
    deployment();
    device();
    FP_TRY(where, location_sentence(r_, device_));
    say("location", true, "{}", where);
    FP_CHECK(collection());
    FP_CHECK(policy());
    FP_CHECK(content());
    FP_CHECK(windows());
    wake_up();
    FP_CHECK(sequence_steps());
    FP_CHECK(state());
    FP_CHECK(fallback());
    for (const auto& step : out_.steps)
      if (!step.ok && out_.conclusion.empty() && step.step != kFallbackStep)  // that anybody may have said: nothing follows from it
        out_.conclusion = fmt::format("Waits at {}: {}", step.step, step.because);
    return std::move(out_);
  }

 private:
  template <class... A>
  void say(const char* step, bool ok, fmt::format_string<A...> text, A&&... args) {
    out_.steps.push_back({step, ok, fmt::format(text, std::forward<A>(args)...)});
  }

  void deployment() {
    const char* purpose = d_.purpose == Purpose::required ? "required" : "available";
    if (!d_.enabled) say("deployment", false, "it is switched off");
    else if (d_.available_at > now_) say("deployment", false, "it is {} only from {}", purpose, to_iso(d_.available_at));
    else
      say("deployment", true, "it is {} since {}{}", purpose, to_iso(d_.available_at),
          d_.deadline ? ", deadline " + to_iso(*d_.deadline) : "");
  }

  void device() {
    if (device_.blocked) say("device", false, "it is blocked: {}", device_.block_reason);
    else if (device_.approval == Approval::pending) say("device", false, "it waits for approval");
    else if (device_.approval == Approval::rejected) say("device", false, "an administrator rejected it");
    else say("device", true, "{}", device_.pki ? "it registered with a certificate of a trusted issuer" : "it is approved");
  }

  Status collection() {
    FP_TRY(c, r_.collections.find(d_.collection_id));
    FP_TRY(is_member, r_.collections.is_member(c.id, device_.client_id));
    if (is_member) {
      FP_TRY(members, r_.collections.members(c.id));
      const auto m = std::ranges::find(members, device_.client_id, &CollectionMember::client_id);
      if (m != members.end()) joined_ = m->since;
      say("collection", true, "it is in {} ({}) since {} by {}", c.name, c.id, m == members.end() ? "?" : to_iso(m->since),
          m == members.end() || m->reason.empty() ? "registration" : m->reason);
      return {};
    }
    FP_TRY(limited, r_.collections.is_member(c.limiting_id, device_.client_id));
    std::string why = limited ? "no rule selects it" : fmt::format("it is not in the limiting collection {}", c.limiting_id);
    for (const auto& rule : c.rules) {
      if (rule.kind != RuleKind::exclude) continue;
      FP_TRY(excluded, r_.collections.is_member(rule.target, device_.client_id));
      if (excluded) why = fmt::format("it is excluded by being in {}", rule.target);
    }
    say("collection", false, "it is not in {} ({}), last evaluated {}: {}", c.name, c.id, to_iso(c.evaluated_at), why);
    return {};
  }

  Status policy() {
    FP_TRY(all, r_.policies.list_by_source(d_.id));
    if (all.empty()) {
      say("policy", false, "there is no policy of this deployment");
      return {};
    }
    const auto& p = all.front();
    if (device_.last_policy_at.ms == 0) say("policy", false, "the device never asked for policy");
    else if (device_.last_policy_at < joined_)
      say("policy", false, "the device came into the collection at {} and last asked for policy at {}",
          to_iso(joined_), to_iso(device_.last_policy_at));
    else if (device_.last_policy_at < p.changed_at)
      say("policy", false, "version {} was made {}, the device last asked {}", p.version,
          to_iso(p.changed_at), to_iso(device_.last_policy_at));
    else
      say("policy", true, "version {} was made {}, the device asked since ({})", p.version,
          to_iso(p.changed_at), to_iso(device_.last_policy_at));
    return {};
  }

  // Of the newest definitions: what the deployment's policy names.
  Result<std::vector<std::string>> content_ids() {
    std::vector<std::string> ids;
    FP_TRY(document, policies_.document(r_, d_));
    for (const auto& c : document.contents) ids.push_back(c.content_id);
    return ids;
  }

  Status content() {
    FP_TRY(ids, content_ids());
    for (const auto& id : ids) {
      FP_TRY(places, r_.contents.distributions(id));
      std::string good, bad;
      for (const auto& place : places) {
        auto& list = place.state == DistributionState::ok ? good : bad;
        list += (list.empty() ? "" : ", ") + place.dp + (place.detail.empty() ? "" : " (" + place.detail + ")");
      }
      if (good.empty()) say("content", false, "{} is on no distribution point{}", id, bad.empty() ? "" : "; not yet: " + bad);
      else say("content", true, "{} is on {}{}", id, good, bad.empty() ? "" : "; not yet on " + bad);
    }
    if (ids.empty()) say("content", true, "it needs none");
    else say("roaming", true, "{}", internet::verdict(internet::Feature::roaming, internet::place_of(device_, now_)).reason);
    return {};
  }

  Status windows() {
    if (d_.install_outside_window) {
      say("window", true, "the deployment may run outside maintenance windows");
      return {};
    }
    FP_TRY(ids, r_.collections.of_device(device_.client_id));
    std::string names;
    for (const auto& id : ids) {
      FP_TRY(c, r_.collections.find(id));
      for (const auto& w : c.windows)
        if (w.enabled) names += fmt::format("{}{} (of {})", names.empty() ? "" : ", ", w.name, c.name);
    }
    say("window", true, "{}",
        names.empty() ? "the device has no maintenance window: any time is good"
                      : "maintenance windows: " + names);
    return {};
  }

  // Never in the way of the deployment: the computer is up, or it is not.
  void wake_up() {
    if (!d_.send_wake_up) return;
    say("wake-up", true, "{}", internet::verdict(internet::Feature::wake_on_lan, internet::place_of(device_, now_)).reason);
  }

  // What the device told of the steps of its last run.
  Status sequence_steps() {
    if (d_.kind != DeploymentKind::task_sequence) return {};
    FP_TRY(messages, r_.states.of_device(device_.client_id, kMessagesMax));
    std::map<std::string, const StateMessage*> last;  // by line, of the newest run
    std::string run;
    for (const auto& m : messages) {
      if (m.topic_type != kTopicSequenceStep || !iequals(m.topic_id, d_.id) || m.parameters.size() < kStepParameters) continue;
      if (run.empty()) run = m.parameters[0];
      if (m.parameters[0] == run) last.emplace(fmt::format("{:>6}", m.parameters[1]), &m);
    }
    for (const auto& [line, m] : last) {
      const auto& p = m->parameters;  // run, line, place, name, kind, state, reason, exit code, output
      const bool good = p[5] != "failed" && p[5] != "restarting";
      say("step", good, "{} \"{}\" ({}): {}: {}{}{}", p[2], p[3], p[4], p[5], p[6], p[7] == "0" || icontains(p[6], "exit code") ? "" : ", exit code " + p[7],
          p[8].empty() ? "" : "; its last words: " + p[8]);
    }
    return {};
  }

  Status state() {
    const auto s = r_.deployments.state(d_.id, device_.client_id);
    if (!s) {
      if (s.error().code != Code::not_found) return std::unexpected(s.error());
      say("state", false, "the device has not reported about it yet");
      return {};
    }
    const bool good = s->state >= 1000 && s->state < 2000;
    say("state", good, "{} at {}{}", state_name(s->state), to_iso(s->at), s->detail.empty() ? "" : ": " + s->detail);
    if (good) out_.conclusion = fmt::format("Done: {}{}", state_name(s->state), s->detail.empty() ? "" : " (" + s->detail + ")");
    else if (s->state >= 3000)
      out_.conclusion = fmt::format("{}{}", state_name(s->state), s->detail.empty() ? "" : ": " + s->detail);
    return {};
  }

  // What came from the client when it reached no management point, or from somebody who says to be it.
  Status fallback() {
    FP_TRY(said, newest_said(r_, device_));
    if (!said) return {};
    say(kFallbackStep, !wire::is_failure(said->topic_type, said->state_id),
        "untrusted, through the fallback status point {} at {}: {}", said->fsp, to_iso(said->received_at), sentence_of(*said));
    return {};
  }

  [[nodiscard]] std::string done_name() const {
    if (d_.kind == DeploymentKind::package) return "the program has run";
    if (d_.kind == DeploymentKind::task_sequence) return "the task sequence has run";
    return d_.action == DeploymentAction::install     ? "installed"
           : d_.action == DeploymentAction::uninstall ? "removed"
                                                      : "repaired";
  }

  [[nodiscard]] std::string state_name(int state) const {
    switch (state) {
      case 1000: return done_name();
      case 1001: return d_.kind == DeploymentKind::package ? "the program had run before" : "already " + done_name();
      case 2000: return "in progress";
      case 2001: return "waiting for content";
      case 2002: return d_.kind == DeploymentKind::task_sequence ? "running" : "installing";
      case 2003:
      case 2008: return "waiting for a restart";
      case 2004: return "waiting for a maintenance window";
      case 2005: return "waiting for its time";
      case 2006: return "downloading a dependency";
      case 2007: return "installing a dependency";
      case 2009: return "content downloaded";
      case 2015: return "waiting to try again";
      case 3000: return "requirements not met";
      case 5002: return d_.kind == DeploymentKind::task_sequence ? "the task sequence failed" : "the installation failed";
      case 5003: return "the content could not be had";
      default: break;
    }
    const char* kind = state < 2000   ? "success"
                       : state < 3000 ? "in progress"
                       : state < 4000 ? "requirements not met"
                       : state < 5000 ? "unknown"
                                      : "error";
    return fmt::format("{} ({})", kind, state);
  }

  store::Repositories& r_;
  const site::PolicyMaker& policies_;
  const Device& device_;
  const Deployment& d_;
  Instant now_;
  Instant joined_;  // when the device came into the collection
  Explanation out_;
};

}  // namespace

Explanation explain_feature(const Device& device, const internet::FeatureRule& rule, Instant now) {
  const auto place = internet::place_of(device, now);
  const auto verdict = internet::verdict(rule.feature, place);
  Explanation out;
  out.device = fmt::format("{} ({})", device.name, device.client_id);
  out.deployment = rule.id;
  out.conclusion = verdict.reason;
  out.steps.push_back({"location", !place.internet(), place.because});
  out.steps.push_back({"feature", verdict.offered, verdict.offered ? "on the intranet it is offered" : std::string(place.internet() ? rule.internet : rule.missing)});
  out.steps.push_back({"rule", true, std::string(rule.seed)});
  return out;
}

Result<Explanation> explain_deployment(store::Repositories& r, const site::PolicyMaker& policies, const Device& device,
                                       const Deployment& deployment, Instant now) {
  return Story(r, policies, device, deployment, now).tell();
}

}  // namespace fp::admin
