// farpoint-agent: the client's command line. Reads words, calls one function of agent_command.hpp, exits with its code.
#include <CLI/CLI.hpp>

#include "apps/agent_command.hpp"
#include "cli/help.hpp"

namespace {

using fp::apps::AgentCommand;

const fp::cli::ManualPage kPage{
    "farpoint-agent",
    "8",
    "this computer as a client of a Farpoint site",
    {{"0", "good"},
     {"1", "failed: the message says what"},
     {"2", "wrong usage, or properties that cannot work together"},
     {"3", "the agent is not installed here"},
     {"4", "no such software or log"}},
    {{"/etc/farpoint/agent.conf", "the properties, one NAME=value a line"},
     {"/etc/farpoint/certificates", "certificates and keys"},
     {"/var/lib/farpoint-agent", "memory and cache"},
     {"/run/farpoint/agent.sock", "control socket, for root only"},
     {"/var/log/farpoint/agent.log", "the log"}},
    "farpoint(1), farpointd(8)"};

struct Words {
  std::string data, root;
  bool json = false, use_pki = false, enroll = false, no_crl = false, reinstall = false, always_internet = false, force = false, once = false;
  std::vector<std::string> free;
  std::vector<std::pair<std::string, std::string>> options;  // property, value
  std::vector<std::string> cycles, now;
  bool network_changed = false, started = false, to_stderr = false, proxy_only = false, proxy_intranet = false;
  std::string name, subject, config;
  std::vector<std::string> sources;
  int lines = 100;
};

AgentCommand place_of(const Words& w) {
  AgentCommand c;
  c.json = w.json;
  c.to_stderr = w.to_stderr;
  if (!w.data.empty()) c.paths = fp::agent::Paths::below(std::filesystem::absolute(w.data).lexically_normal());
  else if (!w.root.empty()) c.paths = fp::agent::Paths::prefixed(std::filesystem::absolute(w.root).lexically_normal());
  return c;
}

// Plain long options, each for one property of domain.md §7.3.
void add_install_options(CLI::App& app, Words& w) {
  static constexpr struct { const char *option, *property, *help; } kOptions[] = {
      {"--site-code", "SMSSITECODE", "three characters, or AUTO on an intranet"},
      {"--internet-management-point", "CCMHOSTNAME", "host[:port] of an internet management point"},
      {"--management-point", "SMSMP", "host[:port] of an intranet management point, https:// in front if HTTPS only"},
      {"--fallback-status-point", "FSP", "host[:port] of the fallback status point"},
      {"--fallback-certificate", "FSPCERT", "the site's sealing certificate: what goes through the status point is sealed with it"},
      {"--enrollment-proxy-point", "ENROLLMENTPROXYPOINT", "host[:port] that gives this client its certificate, and renews it"},
      {"--enrollment-token-file", "ENROLLMENTTOKENFILE", "file with the token or password in its first line; -: standard input"},
      {"--enrollment-user", "ENROLLMENTUSER", "enrol by this account of the directory; the secret is its password"},
      {"--certificate-dir", "CERTIFICATEDIR", "folder of PEM certificates with their keys"},
      {"--certificate-selection", "CCMCERTSEL", "Subject:..., SubjectStr:... or SubjectAttr:OID = value"},
      {"--certificate-issuers", "CCMCERTISSUERS", "CN=Root; O=Example | CN=Other"},
      {"--ca-file", "CAFILE", "PEM file of the trusted roots of site systems"},
      {"--crl-file", "CRLFILE", "PEM file of revocation lists, instead of fetching them"},
      {"--site-signing-certificate", "SMSSIGNCERT", "exported certificate that signs policy"},
      {"--root-key", "SMSPUBLICROOTKEY", "trusted root key, hex"},
      {"--domain", "DOMAIN", "directory domain of this computer, whose controllers tell the intranet"},
      {"--dns-suffix", "DNSSUFFIX", "domain for service records"},
      {"--cache-size-mb", "SMSCACHESIZE", "until the site says otherwise; 5120"},
      {"--cache-dir", "SMSCACHEDIR", "folder of the cache"},
      {"--http-port", "CCMHTTPPORT", "80"},
      {"--https-port", "CCMHTTPSPORT", "443"},
      {"--log-level", "CCMLOGLEVEL", "0 verbose, 1, 2 warnings, 3 errors"},
      {"--proxy", "PROXY", "http://host:port of a web proxy"},
      {"--no-proxy", "NOPROXY", "names and networks that are reached without it, between commas"},
      {"--proxy-credentials", "PROXYCREDENTIALS", "file of mode 0600 with a line user:password; without it, Kerberos"},
      {"--proxy-keytab", "PROXYKEYTAB", "for a proxy that asks for Negotiate; /etc/krb5.keytab"},
      {"--computer-name", "COMPUTERNAME", "instead of the host name"},
      {"--package-root", "PACKAGEROOT", "where packages are installed; /"},
      {"--resolve", "RESOLVE", "host:port:address, instead of DNS"},
      {"--unprivileged-user", "UNPRIVILEGEDUSER", "who runs programs that do not want root; nobody"},
  };
  for (const auto& o : kOptions) {
    const std::string property = o.property;
    app.add_option_function<std::string>(
        o.option, [&w, property](const std::string& value) { w.free.push_back(property + "=" + value); },
        std::string(o.help) + " (" + o.property + ")");
  }
  app.add_option("--source", w.sources, "folder with ca.pem and site-signing.pem (/source)")->allow_extra_args(false);
  app.add_option("--config", w.config, "file with [Client Install] (/config)");
  app.add_flag("--reinstall", w.reinstall, "forget the properties of an earlier installation, keep identity and policy (SMSCONFIGSOURCE=P)");
  app.add_flag("--always-internet", w.always_internet, "internet-only client (CCMALWAYSINF=1)");
  app.add_flag("--enroll", w.enroll, "ask the enrollment proxy point for a certificate, where there is none that fits (/Enroll)");
  app.add_flag("--use-pki-certificate", w.use_pki, "authenticate by a PKI certificate (/UsePKICert)");
  app.add_flag("--proxy-only", w.proxy_only, "never to the internet without the proxy (PROXYONLY=1)");
  app.add_flag("--proxy-intranet", w.proxy_intranet, "through the proxy to intranet servers too (PROXYINTRANET=1)");
  app.add_flag("--no-crl-check", w.no_crl, "do not check revocation of site systems (/NoCRLCheck)");
}

int install(Words& w) {
  for (const auto& folder : w.sources) w.free.push_back("/source:" + folder);
  if (!w.config.empty()) w.free.push_back("/config:" + w.config);
  if (w.reinstall) w.free.emplace_back("SMSCONFIGSOURCE=P");
  if (w.always_internet) w.free.emplace_back("CCMALWAYSINF=1");
  if (w.enroll) w.free.emplace_back("/Enroll");
  if (w.use_pki) w.free.emplace_back("/UsePKICert");
  if (w.proxy_only) w.free.emplace_back("PROXYONLY=1");
  if (w.proxy_intranet) w.free.emplace_back("PROXYINTRANET=1");
  if (w.no_crl) w.free.emplace_back("/NoCRLCheck");
  return fp::apps::agent_install(place_of(w), w.free);
}

int run(const Words& w) {
  const auto c = place_of(w);
  std::vector<std::string> words = {c.paths.run.string()};
  if (!w.data.empty()) words.insert(words.end(), {"--data", std::filesystem::absolute(w.data).string()});
  else if (!w.root.empty()) words.insert(words.end(), {"--root", std::filesystem::absolute(w.root).string()});
  words.emplace_back("--stderr");
  return fp::apps::agent_run(words);
}

void add_place(CLI::App& app, Words& w) {
  app.add_option("--data", w.data, "one folder for configuration, memory, cache, logs");
  app.add_option("--root", w.root, "prefix of the standard folders");
  app.add_flag("--json", w.json, "answer as JSON");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Farpoint agent: this computer as a client of a Farpoint site", "farpoint-agent");
  app.require_subcommand(1);
  Words w;
  int code = 0;
  const auto command = [&](CLI::App& parent, const char* name, const char* help, std::function<int()> work) {
    CLI::App* sub = parent.add_subcommand(name, help);
    add_place(*sub, w);
    sub->callback([&code, work] { code = work(); });
    return sub;
  };
  auto* i = command(app, "install", "configure this computer as a client", [&] { return install(w); });
  i->add_option("properties", w.free, "SMSSITECODE=FP1 CCMHOSTNAME=mp.example.org /UsePKICert ...");
  add_install_options(*i, w);
  command(app, "uninstall", "remove configuration, memory and cache", [&] { return fp::apps::agent_uninstall(place_of(w)); });
  command(app, "run", "stay resident and start workers when something is due", [&] { return run(w); });
  command(app, "status", "identity, location, management point, cycles, downloads",
          [&] { return fp::apps::agent_status(place_of(w)); });
  auto* software = app.add_subcommand("software", "what is deployed to this computer");
  software->require_subcommand(0, 1);
  software->final_callback([&code, &w, software] {
    if (software->get_subcommands().empty()) code = fp::apps::agent_software_list(place_of(w));
  });
  command(*software, "list", "with states", [&] { return fp::apps::agent_software_list(place_of(w)); });
  command(*software, "install", "start now", [&] { return fp::apps::agent_software_request(place_of(w), w.name, false); })
      ->add_option("name", w.name, "name or deployment id")->required();
  command(*software, "uninstall", "remove available software",
          [&] { return fp::apps::agent_software_request(place_of(w), w.name, true); })
      ->add_option("name", w.name, "name or deployment id")
      ->required();
  command(app, "logs", "the end of the log", [&] { return fp::apps::agent_logs(place_of(w), w.lines); })
      ->add_option("-n,--lines", w.lines, "how many")->check(CLI::Range(1, 1'000'000));
  auto* e = command(app, "evaluate", "run cycles now", [&] {
    if (w.cycles.empty()) w.cycles = {"all"};
    return fp::apps::agent_evaluate(place_of(w), w.cycles);
  });
  e->add_option("cycles", w.cycles, "policy, apps, updates, inventory, heartbeat, state, location, all, or certificate: renew it now")
      ->check(CLI::IsMember(
          {"policy", "full-policy", "apps", "updates", "inventory", "hardware", "software", "heartbeat", "state", "location", "certificate", "all"}));
  e->add_flag("--stderr", w.to_stderr, "log lines on standard error too");
  command(app, "doctor", "examine everything between this client and its site systems", [&] { return fp::apps::agent_doctor(place_of(w), w.free); })
      ->add_option("url", w.free, "https://HOST[:PORT] of site systems; none: the management points of the place where this client is");
  command(app, "why", "decisions and their reasons", [&] { return fp::apps::agent_why(place_of(w), w.subject); })
      ->add_option("subject", w.subject, "deployment id, content id, location, registration, certificate, ...");
  auto* worker = command(app, "worker", "one pass of everything that is due", [&] {
    if (w.force) w.now = {"all"};
    return fp::apps::agent_worker(place_of(w), {w.now, w.network_changed, w.started});
  });
  worker->add_flag("--once", w.once, "as always: one pass");
  worker->add_flag("--force", w.force, "every cycle, due or not");
  worker->add_option("--now", w.now, "a cycle to run although it is not due");
  worker->add_flag("--network-changed", w.network_changed, "look again where this computer is");
  worker->add_flag("--started", w.started, "first pass after the start");
  worker->add_flag("--stderr", w.to_stderr, "log lines on standard error too");
  fp::cli::add_help_verbs(app, kPage);
  if (fp::cli::answer_completion(app, argc, argv)) return fp::apps::agent_exit::kGood;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int shown = app.exit(error);
    return shown == 0 ? 0 : fp::apps::agent_exit::kUsage;
  }
  return code;
}
