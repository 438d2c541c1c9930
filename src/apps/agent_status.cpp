// farpoint-agent status, software, why and logs: what the agent remembers, for people and for programs.
#include <boost/json.hpp>
#include <fstream>
#include <iostream>

#include "agent/core/agent.hpp"
#include "agent/core/policy_cycle.hpp"
#include "agent/core/registration.hpp"
#include "agent/core/service_location.hpp"
#include "agent/core/transfer.hpp"
#include "apps/agent_command.hpp"
#include "base/text.hpp"
#include "domain/internet/features.hpp"
#include "wire/state_names.hpp"

namespace fp::apps {

namespace json = boost::json;

namespace {

Result<std::unique_ptr<memory::Memory>> open_memory(const AgentCommand& c) {
  if (!file_exists(c.paths.config))
    return fail(Code::not_found, "the agent is not installed here ({} is missing)", c.paths.config.string());
  return memory::Memory::open(c.paths.database());
}

std::string time_or_never(Instant at) { return at.ms == 0 ? "never" : to_iso(at); }

std::string_view words_of(int state, bool sequence) {
  if (sequence && state == 1000) return "has run";
  if (sequence && state == 2002) return "running";
  switch (state) {
    case 1000: return "installed";
    case 1001: return "already installed";
    case 2000: return "in progress";
    case 2001: return "waiting for content";
    case 2002: return "installing";
    case 2004: return "waiting for a maintenance window";
    case 2005: return "waiting for its time";
    case 2007: return "installing a dependency";
    case 2008: return "waiting for a restart";
    case 2009: return "downloaded";
    case 2015: return "waiting to try again";
    case 3000: return "requirements not met";
    case 4000: return "not looked at yet";
    default: return state >= 5000 ? "failed" : "unknown";
  }
}

void print_object(const json::object& o) {
  for (const auto& [key, value] : o) {
    if (value.is_array()) {
      std::cout << key << ":\n";
      for (const auto& item : value.as_array()) {
        std::string line;
        if (item.is_object()) {
          for (const auto& [k, v] : item.as_object()) {
            line += fmt::format("{}{}={}", line.empty() ? "" : "  ", std::string_view(k),
                                v.is_string() ? std::string(v.as_string()) : json::serialize(v));
          }
        }
        std::cout << "  " << line << '\n';
      }
    } else {
      std::cout << fmt::format("{:<22} {}\n", std::string_view(key),
                               value.is_string() ? std::string(value.as_string()) : json::serialize(value));
    }
  }
}

int answer(const AgentCommand& c, const Result<json::object>& value) {
  if (!value) {
    return agent_complain(c, value.error(),
                          value.error().code == Code::not_found ? agent_exit::kNotInstalled : agent_exit::kFailed);
  }
  if (c.json) std::cout << json::serialize(*value) << '\n';
  else print_object(*value);
  return agent_exit::kGood;
}

// Who is told when no management point is in reach, and what it was told last.
Status add_fallback(json::object& out, memory::Memory& memory, const agent::InstallSettings& settings) {
  out["fallback status point"] = settings.fallback_status_point;
  FP_TRY(last, memory.last_told_fallback(0));
  out["fallback last told"] = !last ? std::string("nothing")
                                    : fmt::format("{} {}: {}{}{}", to_iso(last->settled_at), wire::topic_name(last->topic_type),
                                                  wire::state_name(last->topic_type, last->state_id), last->details.empty() ? "" : ": ",
                                                  last->details);
  FP_TRY(waiting, memory.untold_fallback(memory::kFallbackNotesMax));
  out["fallback untold"] = waiting.size();
  FP_TRY(problem, memory.property("fallback.problem"));
  out["fallback problem"] = problem;
  return {};
}

// The proxy that the last call to the internet took, with who named it; what was ordered stands in why proxy.
Status put_way_out(json::object& out, const agent::InstallSettings& settings, memory::Memory& memory) {
  FP_TRY(text, memory.property(agent::kWayOut));
  FP_TRY(policy, agent::effective_policy(memory));
  boost::system::error_code bad;
  const auto held = json::parse(text, bad);
  if (bad || !held.is_object()) {
    out["proxy"] = settings.proxy.empty() ? "none" : settings.proxy + ", not used yet";
    return {};
  }
  const auto& way = held.as_object();
  const std::string proxy(way.at("proxy").as_string()), problem(way.at("problem").as_string());
  out["proxy"] = !proxy.empty() ? proxy : way.at("none").as_bool() ? "no way out" : "none: directly";
  if (!proxy.empty()) out["proxy source"] = way.at("source");
  if (!problem.empty()) out["proxy problem"] = problem;
  const auto inside = policy.settings.find("client_policy.proxy_on_intranet");
  const bool everywhere = settings.proxy_intranet || (inside != policy.settings.end() && inside->second == "true");
  out["proxy used for"] = everywhere ? "internet and intranet servers" : "internet servers only";
  return {};
}

// Where the agent last found itself; a place that nobody looked for yet is unknown and counts as the internet.
Result<internet::Place> place_now(memory::Memory& memory) {
  FP_TRY(type, memory.property(agent::kLocationType));
  FP_TRY(where, memory.decisions("location", 1));
  return internet::place_of(static_cast<ConnectionType>(parse_int(type).value_or(0)), where.empty() ? "" : where[0].reason);
}

// The scan for software updates: where, when, with what result, and what it found.
Status put_updates(json::object& out, memory::Memory& memory) {
  FP_TRY(scan, memory.update_scan());
  if (scan.source_id.empty()) {
    out["update scan"] = "none: the site has no software update point, or scanning is off";
    return {};
  }
  out["update scan"] = scan.state == 0 ? std::string("planned") : fmt::format("{} {}", to_iso(scan.at), scan_state::word(scan.state));
  out["update scan reason"] = scan.reason;
  out["software update point"] = scan.point_url;
  out["update catalogue"] = scan.version;
  out["update metadata of"] = time_or_never(scan.online_at);
  json::array required;
  FP_TRY(findings, memory.update_findings());
  for (const auto& f : findings)
    if (f.state == update_state::kRequired)
      required.push_back(json::object{{"update", f.update_id}, {"title", f.title}, {"since", to_iso(f.since)}});
  out["required updates"] = required;
  return {};
}

Result<json::object> status_of(const AgentCommand& c) {
  FP_TRY(memory, open_memory(c));
  FP_TRY(settings, agent::load_settings(c.paths.config));
  FP_TRY(identity, memory->identity());
  json::object out;
  FP_TRY(assigned, memory->property(agent::kAssignedSite));
  const bool automatic = settings.site_code == "AUTO";
  out["site"] = !automatic ? settings.site_code : assigned.empty() ? "AUTO, none found yet" : assigned;
  out["client id"] = identity.client_id;
  out["registration"] = identity.registration;
  out["registered at"] = time_or_never(identity.registered_at);
  FP_TRY(where, memory->decisions("location", 1));
  out["location"] = where.empty() ? "unknown" : where[0].verdict;
  out["location reason"] = where.empty() ? "" : where[0].reason;
  FP_TRY(probes, memory->property(agent::kProbes));
  if (!probes.empty()) out["location probes"] = json::parse(probes);
  FP_TRY(place, place_now(*memory));
  json::array refused;
  for (const auto& rule : internet::features())
    if (const auto v = internet::verdict(rule.feature, place); !v.offered)
      refused.push_back(json::object{{"feature", rule.id}, {"reason", place.internet() ? rule.internet : rule.missing}});
  out["refused here"] = refused;
  FP_TRY(mp, memory->property("mp.url"));
  out["management point"] = mp;
  FP_CHECK(put_way_out(out, settings, *memory));
  FP_TRY(chosen, memory->decisions("management-point", 1));
  out["management point reason"] = chosen.empty() ? "" : chosen[0].reason;
  json::array points;
  FP_TRY(known, memory->management_points());
  for (const auto& m : known)
    points.push_back(json::object{{"url", m.url}, {"for", m.internet ? "internet" : "intranet"}, {"category", m.category}, {"locality", m.locality}});
  out["known management points"] = points;
  FP_TRY(source, memory->property(agent::kLastSource));
  out["distribution point"] = source;
  FP_TRY(certificate, memory->decisions("certificate", 1));
  out["certificate"] = certificate.empty() ? "" : certificate[0].reason;
  FP_TRY(renewal, memory->decisions(agent::kRenewal, 1));
  if (!renewal.empty()) out["certificate renewal"] = fmt::format("{}: {}", renewal[0].verdict, renewal[0].reason);
  FP_TRY(problem, memory->property("pass.problem"));
  out["last problem"] = problem;
  if (!settings.fallback_status_point.empty()) FP_CHECK(add_fallback(out, *memory, settings));
  FP_TRY(next, memory->property("pass.next"));
  out["next pass"] = time_or_never({parse_int(next).value_or(0)});
  FP_TRY(policies, memory->policies());
  out["policies"] = policies.size();
  FP_TRY(unsent, memory->unsent(100'000));
  out["unsent states"] = unsent.size();
  json::array cycles;
  FP_TRY(schedules, memory->schedules());
  for (const auto& s : schedules) {
    cycles.push_back(json::object{
        {"cycle", s.name}, {"last", time_or_never(s.last_at)}, {"next", time_or_never(s.next_at)}, {"failures", s.failures}});
  }
  out["cycles"] = cycles;
  FP_CHECK(put_updates(out, *memory));
  json::array downloads;
  FP_TRY(jobs, memory->jobs());
  for (const auto& j : jobs) {
    downloads.push_back(json::object{
        {"content", j.content_id}, {"bytes_done", j.bytes_done}, {"bytes_total", j.bytes_total},
        {"bytes_received", j.bytes_received}, {"reason", j.reason}});
  }
  out["downloads"] = downloads;
  json::array cached;
  FP_TRY(cache, memory->cache());
  for (const auto& e : cache)
    cached.push_back(json::object{{"content", e.content_id}, {"bytes", e.bytes}, {"used", to_iso(e.used_at)}});
  out["cache"] = cached;
  return out;
}

struct Software {
  std::string deployment_id, name, version;
  const Deployment* deployment = nullptr;
};

std::vector<Software> software_of(const agent::EffectivePolicy& policy) {
  std::vector<Software> out;
  for (const auto& d : policy.deployments) {
    Software s{d.deployment.id, "", "", &d.deployment};
    if (d.application) s.name = d.application->name, s.version = d.application->version;
    if (d.package) s.name = fmt::format("{}: {}", d.package->name, d.deployment.program), s.version = d.package->version;
    if (d.sequence) s.name = d.sequence->name;
    out.push_back(std::move(s));
  }
  return out;
}

std::string_view action_of(const Deployment& d) {
  return d.action == DeploymentAction::install ? "install" : d.action == DeploymentAction::uninstall ? "uninstall" : "repair";
}

Result<json::object> list_software(const AgentCommand& c) {
  FP_TRY(memory, open_memory(c));
  FP_TRY(policy, agent::effective_policy(*memory));
  json::array list;
  for (const auto& s : software_of(policy)) {
    FP_TRY(record, memory->deployment(s.deployment_id));
    const int state = record ? record->state : 4000;
    list.push_back(json::object{{"deployment", s.deployment_id}, {"name", s.name}, {"version", s.version},
                                {"purpose", s.deployment->purpose == Purpose::required ? "required" : "available"},
                                {"action", action_of(*s.deployment)}, {"state", state}, {"meaning", words_of(state, s.deployment->kind == DeploymentKind::task_sequence)},
                                {"detail", record ? record->detail : ""}});
  }
  return json::object{{"software", list}};
}

Result<json::object> reasons_of(const AgentCommand& c, const std::string& subject) {
  FP_TRY(memory, open_memory(c));
  if (const auto* rule = internet::find_feature(subject)) {
    FP_TRY(place, place_now(*memory));
    const auto v = internet::verdict(rule->feature, place);
    return json::object{{"decisions", json::array{json::object{{"at", to_iso(system_clock().now())},
                                                               {"subject", rule->id},
                                                               {"verdict", v.offered ? "offered" : "refused"},
                                                               {"reason", v.reason},
                                                               {"rule", rule->seed}}}}};
  }
  FP_TRY(decisions, memory->decisions(subject, subject.empty() ? 100 : 50));
  if (subject == "certificate") {  // which one, and when it is renewed
    FP_TRY(renewals, memory->decisions(agent::kRenewal, 50));
    decisions.insert(decisions.end(), renewals.begin(), renewals.end());
  }
  if (!subject.empty() && decisions.empty()) return fail(Code::not_found, "nothing was decided about \"{}\" yet", subject);
  json::array list;
  for (const auto& d : decisions) {
    list.push_back(json::object{{"at", to_iso(d.at)}, {"subject", d.subject}, {"verdict", d.verdict}, {"reason", d.reason}});
  }
  json::object out{{"decisions", list}};
  if (!subject.empty()) {
    json::array runs;
    FP_TRY(actions, memory->actions(subject, 20));
    for (const auto& a : actions) {
      runs.push_back(json::object{{"started", to_iso(a.started_at)},
                                  {"finished", time_or_never(a.finished_at)},
                                  {"action", a.action},
                                  {"target", a.target},
                                  {"exit_code", a.exit_code}});
    }
    out["runs"] = runs;
    FP_TRY(sequence, memory->sequence_run(subject));
    json::array steps;
    if (sequence)
      for (const auto& s : sequence->steps)
        steps.push_back(json::object{{"step", s.place}, {"name", s.name}, {"kind", s.kind}, {"state", s.state},
                                     {"reason", s.reason}, {"exit_code", s.exit_code}, {"output", s.output}});
    if (sequence) out["steps"] = steps;
  }
  return out;
}

}  // namespace

int agent_status(const AgentCommand& c) { return answer(c, status_of(c)); }
int agent_software_list(const AgentCommand& c) { return answer(c, list_software(c)); }

int agent_why(const AgentCommand& c, const std::string& subject) {
  const auto found = reasons_of(c, subject);
  if (!found && found.error().code == Code::not_found && file_exists(c.paths.config)) {
    return agent_complain(c, found.error(), agent_exit::kNotFound);
  }
  return answer(c, found);
}

int agent_software_request(const AgentCommand& c, const std::string& name, bool uninstall) {
  auto memory = open_memory(c);
  if (!memory) return agent_complain(c, memory.error(), agent_exit::kNotInstalled);
  auto policy = agent::effective_policy(**memory);
  if (!policy) return agent_complain(c, policy.error());
  const auto all = software_of(*policy);
  const auto found =
      std::ranges::find_if(all, [&](const Software& s) { return iequals(s.deployment_id, name) || iequals(s.name, name); });
  if (found == all.end()) {
    return agent_complain(c, {Code::not_found, fmt::format("no software called \"{}\" is offered to this computer", name)},
                          agent_exit::kNotFound);
  }
  if (uninstall && found->deployment->purpose == Purpose::required) {
    return agent_complain(
        c, {Code::forbidden, fmt::format("{} is required by the administrator; it would be installed again", found->name)});
  }
  if (auto saved = (*memory)->save(memory::UserRequest{found->deployment_id, uninstall, system_clock().now()}); !saved) {
    return agent_complain(c, saved.error());
  }
  memory->reset();
  return agent_evaluate(c, {"requests"});
}

int agent_logs(const AgentCommand& c, int lines) {
  std::ifstream in(c.paths.log);
  if (!in) return agent_complain(c, {Code::not_found, "there is no log at " + c.paths.log.string()}, agent_exit::kNotFound);
  std::deque<std::string> tail;
  for (std::string line; std::getline(in, line);) {
    tail.push_back(std::move(line));
    if (tail.size() > static_cast<std::size_t>(lines)) tail.pop_front();
  }
  if (c.json) {
    json::array list;
    for (const auto& l : tail) list.emplace_back(l);
    std::cout << json::serialize(json::object{{"file", c.paths.log.string()}, {"lines", list}}) << '\n';
  } else {
    for (const auto& l : tail) std::cout << l << '\n';
  }
  return agent_exit::kGood;
}

}  // namespace fp::apps
