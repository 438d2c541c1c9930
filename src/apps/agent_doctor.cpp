// farpoint-agent doctor: this client's certificate, its way out, and everything between it and its site systems.
#include <iostream>

#include "agent/core/agent.hpp"
#include "agent/core/certificate.hpp"
#include "agent/core/service_location.hpp"
#include "agent/sensors/sensors.hpp"
#include "apps/agent_command.hpp"
#include "cli/doctor_report.hpp"
#include "base/text.hpp"
#include "net/proxy_rules.hpp"

namespace fp::apps {

namespace {

constexpr std::size_t kPemBytesMax = 4U << 20;

struct Server {
  std::string url;
  bool internet = true;
  bool fallback = false;  // a fallback status point
};

// The management points that serve where this client is; those of the other place are out of reach by design.
Result<std::vector<Server>> servers_of(const agent::InstallSettings& s, memory::Memory& memory) {
  std::vector<Server> all;
  const auto add = [&](std::string url, bool internet) {
    if (std::ranges::none_of(all, [&](const auto& o) { return o.url == url; })) all.push_back({std::move(url), internet, false});
  };
  FP_TRY(known, memory.management_points());
  for (const auto& m : known) add(m.url, m.internet);
  for (const auto& m : s.management_points) add(agent::base_url(m, s, false), false);
  if (!s.internet_mp.empty()) add(agent::base_url(s.internet_mp, s, true), true);
  FP_TRY(inside, agent::was_inside(memory));
  const bool outside = s.always_internet || !inside;
  std::vector<Server> here;
  for (const auto& one : all)
    if (one.internet == outside) here.push_back(one);
  return here.empty() ? all : here;
}

// The first way out that leads to the server; those that do not are findings.
void choose_way(doctor::Subject& subject, const agent::Outbound& outbound, bool internet,
                std::vector<doctor::Finding>& findings) {
  if (!internet && !outbound.on_intranet) return;
  auto host = subject.url.substr(8);
  host = host.starts_with('[') ? host.substr(1, host.find(']') - 1) : host.substr(0, host.find(':'));
  for (const auto& way : outbound.proxies) {
    if (net::is_excepted(way.no_proxy, host)) return;
    auto options = subject.client;
    options.proxy = way.url;
    options.no_proxy = way.no_proxy;
    options.proxy_user = way.user;
    options.proxy_password = way.password;
    net::TlsSeen seen;
    net::ClientRequest look;
    look.url = subject.url + "/";
    look.tls_seen = &seen;
    net::Client client(options);
    const auto done = client.perform(look);
    const bool last = !outbound.direct && &way == &outbound.proxies.back();
    if (done || !client.proxy_failed() || last) {
      subject.client = options;
      subject.proxy_source = way.source;
      return;
    }
    findings.push_back({subject.url, "web proxy", doctor::Outcome::warning,
                        fmt::format("{} (named by the {}); the next way is tried", done.error().message, way.source),
                        fmt::format("correct the proxy where it is named: {}", way.source)});
  }
}

Result<doctor::Subject> subject_of(const agent::InstallSettings& settings, const agent::ClientCertificate& chosen,
                                   const Server& server) {
  doctor::Subject subject;
  subject.url = server.url;
  subject.internet = server.internet;
  subject.check_revocation = settings.check_crl && settings.use_pki;
  subject.client = cli::doctor_client();
  subject.client.resolve = settings.resolve;
  subject.client.tls.ca_file = settings.ca_file;
  if (!settings.ca_file.empty()) {
    FP_TRY(pem, read_file(Path(settings.ca_file), kPemBytesMax));
    subject.roots_pem = std::move(pem);
  }
  if (settings.use_pki) {
    subject.client.tls.certificate_file = chosen.certificate_file.string();
    subject.client.tls.key_file = chosen.key_file.string();
    subject.own_chain = {chosen.certificate};
    subject.own_chain.insert(subject.own_chain.end(), chosen.chain.begin(), chosen.chain.end());
  }
  return subject;
}

Result<std::vector<doctor::Finding>> examine_here(const AgentCommand& c, const std::vector<std::string>& urls) {
  if (!file_exists(c.paths.config))
    return fail(Code::not_found, "the agent is not installed here ({} is missing)", c.paths.config.string());
  FP_TRY(settings, agent::load_settings(c.paths.config));
  agent::use_keytab(settings.proxy_keytab);
  FP_TRY(memory, memory::Memory::open(c.paths.database()));
  FP_TRY(policy, agent::effective_policy(*memory));
  std::vector<doctor::Finding> findings;
  const auto discovery = sensors::discover({});
  const auto name = settings.computer_name.empty() ? discovery.fqdn : lower(settings.computer_name);
  const Path folder = settings.certificate_dir.empty() ? c.paths.certificates : Path(settings.certificate_dir);
  const auto chosen = settings.use_pki
                          ? agent::choose_certificate(settings, {folder, name.substr(0, name.find('.')), system_clock().now()})
                          : agent::own_certificate(c.paths.data, system_clock().now(), system_random());
  if (!chosen) {
    findings.push_back(
        {"", "certificate selection", doctor::Outcome::failed, chosen.error().message,
         fmt::format("put a certificate for client authentication with its key into {}, or change CCMCERTSEL and CCMCERTISSUERS",
                     folder.string())});
    return findings;
  }
  findings.push_back(
      {"", "certificate selection", doctor::Outcome::ok, fmt::format("{}: {}", chosen->certificate.label(), chosen->reason), ""});
  const auto outbound = agent::ways_out(settings, policy.settings, agent::environment_of_process, agent::kind_of(chosen->certificate));
  if (!outbound)
    findings.push_back(
        {"", "web proxy", doctor::Outcome::failed, outbound.error().message, "correct the file that PROXYCREDENTIALS names"});
  else if (!outbound->ignored.empty())
    findings.push_back({"", "web proxy", doctor::Outcome::warning, outbound->ignored, "give this device a direct way to the internet, and name no proxy"});
  std::vector<Server> servers;
  for (const auto& text : urls) {
    FP_TRY(url, cli::doctor_url(text));
    FP_TRY(inside, agent::was_inside(*memory));
    servers.push_back({url, !inside, url.starts_with("http://")});
  }
  if (urls.empty()) {
    FP_TRY(known, servers_of(settings, *memory));
    servers = std::move(known);
    if (!settings.fallback_status_point.empty()) {
      FP_TRY(url, cli::doctor_url("http://" + settings.fallback_status_point));
      FP_TRY(inside, agent::was_inside(*memory));
      servers.push_back({url, !inside, true});
    }
  }
  for (const auto& server : servers) {
    if (!server.fallback && !server.url.starts_with("https://")) {
      findings.push_back({server.url, "transport", doctor::Outcome::warning, "plain HTTP: the doctor examines HTTPS",
                          "give the management point an HTTPS door"});
      continue;
    }
    FP_TRY(subject, subject_of(settings, *chosen, server));
    if (outbound) choose_way(subject, *outbound, server.internet, findings);
    auto found = doctor::examine(subject, cli::surroundings_of_doctor());
    findings.insert(findings.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  }
  return findings;
}

}  // namespace

int agent_doctor(const AgentCommand& c, const std::vector<std::string>& urls) {
  const auto findings = examine_here(c, urls);
  if (!findings)
    return agent_complain(c, findings.error(),
                          findings.error().code == Code::not_found ? agent_exit::kNotInstalled : agent_exit::kFailed);
  return cli::show_findings(*findings, c.json);
}

}  // namespace fp::apps
