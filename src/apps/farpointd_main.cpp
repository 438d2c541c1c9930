// farpointd: makes a site, checks its configuration, runs it.
#include <csignal>
#include <iostream>

#include <CLI/CLI.hpp>

#include "cli/help.hpp"
#include "apps/content_server.hpp"
#include "apps/linked_server.hpp"
#include "apps/readiness.hpp"
#include "apps/scratch.hpp"
#include "apps/setup_dp.hpp"
#include "apps/setup_linked.hpp"
#include "apps/site_server.hpp"
#include "roles/dp/delivered_trust.hpp"

namespace {

using namespace fp;
using namespace fp::apps;

constexpr int kOk = 0, kFailed = 1, kUsage = 2;

const cli::ManualPage kPage{
    "farpointd",
    "8",
    "make, check and run a Farpoint site",
    {{"0", "done, or stopped by a signal"},
     {"1", "failed: the message says what"},
     {"2", "wrong usage, or mistakes in the configuration, each named with its line"}},
    {{"/etc/farpoint/farpoint.toml", "the configuration"},
     {"/var/lib/farpoint", "the site: database, keys, authority, content library, uploads"},
     {"/var/lib/farpoint/admin-cli.json", "the first administrator's token, for farpoint(1) on this machine"}},
    "farpoint(1), farpoint-agent(8)"};

int complain(const Error& error) {
  std::cerr << "farpointd: " << error.message << "\n";
  return error.code == Code::invalid ? kUsage : kFailed;
}

// Threads inherit the mask, so the signals come to whoever waits for them here and to nobody else.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, s);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

void tell(std::string_view state) {
  if (const Status told = tell_service_manager(state); !told) log::warning("site", "{}", told.error().message);
}

// `site`: a server of any of the roles.
template <class Server>
int serve(Server& site, const sigset_t& signals) {
  tell("READY=1");
  while (true) {
    int number = 0;
    sigwait(&signals, &number);
    if (number == SIGHUP) {
      if (const Status reloaded = site.reload(); !reloaded) log::error("site", "{}", reloaded.error().message);
      else log::info("site", "certificates, issuers' lists and blocks read again");
      continue;
    }
    log::info("site", "stopping");
    tell("STOPPING=1");
    site.stop();
    return kOk;
  }
}

// A file that is not there, or that this account may not read, has no mistakes.
int show_mistakes(const Path& file, const std::vector<std::string>& mistakes) {
  const bool there = read_file(file, 1U << 20).has_value();
  for (const auto& m : mistakes) std::cerr << (there ? "" : "farpointd: ") << m << "\n";
  if (!there) return kUsage;
  std::cerr << "farpointd: " << mistakes.size() << (mistakes.size() == 1 ? " mistake" : " mistakes") << " in the configuration\n";
  return kUsage;
}

std::string_view kind_of(HostRole role) {
  switch (role) {
    case HostRole::site: return "site";
    case HostRole::distribution_point: return "distribution point of site";
    case HostRole::management_point: return "management point of site";
    case HostRole::secondary_site: return "secondary site";
    case HostRole::fallback_status_point: return "fallback status point of site";
    case HostRole::enrollment_proxy_point: return "enrollment proxy point of site";
    case HostRole::gateway: return "gateway of site";
  }
  return "?";
}

// What a distribution point away from the site can serve behind a bridging proxy.
int check_bridging(const SiteConfig& config) {
  const auto told = dp::DeliveredTrust::open(delivered_trust_of(config.data));
  if (!told) return complain(told.error());
  std::cout << ((*told)->key().empty() ? "bridged requests are refused until the site has delivered the key of content capabilities\n"
                                       : "bridged requests are served: the site has delivered the key of content capabilities, and who is blocked\n");
  return kOk;
}

int check(const Path& file) {
  SiteConfig config;
  if (const auto mistakes = read_config(file, config); !mistakes.empty()) return show_mistakes(file, mistakes);
  std::cout << file.native() << ": " << kind_of(config.role) << " " << config.site_code << ", "
            << config.listeners.size() << " listeners: no mistakes\n";
  for (const auto& note : config_notes(config)) std::cout << "note: " << note << "\n";
  if (config.role == HostRole::distribution_point && !config.pinned_proxies.empty()) return check_bridging(config);
  return kOk;
}

template <class Server>
int start_and_serve(const SiteConfig& config, const sigset_t& signals) {
  auto server = Server::start(config, system_clock(), system_random());
  if (!server) return complain(server.error());
  for (const auto& l : config.listeners) log::info("site", "{} on {}:{}", to_string(l.door), l.address, l.port);
  for (const auto& note : config_notes(config)) log::warning("site", "{}", note);
  log::info("site", "{} {} is running", kind_of(config.role), config.site_code);
  return serve(**server, signals);
}

int run(const Path& file) {
  const sigset_t signals = block_signals();
  SiteConfig config;
  if (const auto mistakes = read_config(file, config); !mistakes.empty()) return show_mistakes(file, mistakes);
  if (const Status logging = log::start(config.log); !logging) return complain(logging.error());
  switch (config.role) {
    case HostRole::site: return start_and_serve<SiteServer>(config, signals);
    case HostRole::distribution_point: return start_and_serve<ContentServer>(config, signals);
    case HostRole::management_point:
    case HostRole::enrollment_proxy_point:
    case HostRole::secondary_site:
    case HostRole::gateway:
    case HostRole::fallback_status_point: return start_and_serve<LinkedServer>(config, signals);
  }
  return kFailed;
}

int init(const SetupOptions& options) {
  auto made = set_up_site(options, system_clock(), system_random());
  if (!made) return complain(made.error());
  for (const auto& line : made->made) std::cout << line << "\n";
  std::cout << "\nadmin token (shown once): " << made->admin_token << "\n"
            << "next: farpointd run --config " << made->config.native() << "\n";
  return kOk;
}

int tell_host(const Result<SetupResult>& made, const std::string& then) {
  if (!made) return complain(made.error());
  for (const auto& line : made->made) std::cout << line << "\n";
  std::cout << "\nnext: farpointd run --config " << made->config.native() << "\n"
            << "then, on the site server: farpoint " << then << "\n";
  return kOk;
}

int init_linked_host(const LinkedHostOptions& o) {
  const std::string& name = o.intranet_fqdn.empty() ? o.internet_fqdn : o.intranet_fqdn;
  const bool alone = o.role == HostRole::enrollment_proxy_point;
  const std::string_view verb = o.role == HostRole::gateway ? "gateway" : o.role == HostRole::fallback_status_point ? "fsp" : "mp";
  const std::string proxy = fmt::format("enrollment proxy add {} --certificate ...", name);
  std::string then = fmt::format("{} add {} --certificate ...{}", verb, name, o.link ? " --link ..." : "");
  if (o.enrollment) then += "\n  farpoint " + proxy;
  return tell_host(set_up_linked_host(o), alone ? proxy + (o.link ? " --link ..." : "") : then);
}

int scratch(const ScratchOptions& options) {
  const sigset_t signals = block_signals();
  auto config = prepare_scratch(options, system_clock(), system_random());
  if (!config) return complain(config.error());
  auto site = SiteServer::start(*config, system_clock(), system_random());
  if (!site) return complain(site.error());
  if (const Status samples = put_samples(**site, *config, system_clock(), system_random()); !samples)
    return complain(samples.error());
  for (const auto& line : describe_scratch(options, *config)) std::cout << line << "\n";
  std::cout << "ready" << std::endl;  // flushed: scripts wait for this line
  return serve(**site, signals);
}

struct Texts {  // options whose text is read after CLI11 has done its part
  std::string internet, intranet, http, https, crl, admin, link, clients;
};

std::string endpoint(const std::string& text, std::optional<Endpoint>& out) {
  if (text.empty()) return {};
  auto at = parse_endpoint(text);
  if (!at) return at.error().message;
  out = *at;
  return {};
}

// A relative folder counts from here, now: the configuration that is written is read from elsewhere.
std::string absolute_folder(const std::string& given) {
  std::error_code error;
  const Path whole = std::filesystem::absolute(given, error);
  return error ? given : whole.string();
}

void add_init(CLI::App& app, SetupOptions& o, Texts& t) {
  app.add_option("--site-code", o.site_code, "three letters or digits")->required();
  app.add_option("--data", o.data, "folder of the site")->capture_default_str()->transform(absolute_folder);
  app.add_option("--config", o.config, "configuration file to write")->capture_default_str();
  app.add_flag("--own-ca", o.own_ca, "make a certificate authority and a server certificate");
  app.add_option("--organisation", o.organisation, "O= of the certificates")->capture_default_str();
  app.add_option("--internet-fqdn", o.internet_fqdn, "public name of the site system");
  app.add_option("--intranet-fqdn", o.intranet_fqdn, "name on the company network");
  app.add_option("--internet-listen", t.internet, "ADDRESS:PORT for clients on the internet (HTTPS)");
  app.add_option("--intranet-listen", t.intranet, "ADDRESS:PORT for clients on the intranet (HTTPS)");
  app.add_option("--intranet-http-listen", t.http, "ADDRESS:PORT, plain HTTP for the intranet; off unless named");
  app.add_option("--crl-listen", t.crl, "ADDRESS:PORT where the own authority's revocation lists are published (HTTP)");
  app.add_option("--link-listen", t.link, "ADDRESS:PORT where roles on other hosts open the site link; off unless named");
  app.add_option("--admin-listen", t.admin, "ADDRESS:PORT of the admin API (default 127.0.0.1:9443)");
  app.add_option("--issuer", o.issuers, "PEM file: an authority whose client certificates are accepted; may be repeated");
  app.add_option("--certificate", o.certificate, "PEM file: the server's certificate with its chain (without --own-ca)");
  app.add_option("--key", o.key, "PEM file: its key");
  app.add_option("--link-certificate", o.link_certificate, "PEM file: the client certificate for distribution points on other hosts");
  app.add_option("--link-key", o.link_key, "PEM file: its key");
  app.add_option("--user", o.user, "who shall own it, when root makes it (default: the user farpoint, if there is one)");
  const std::map<std::string, ApprovalMode> modes{
      {"manual", ApprovalMode::manual}, {"trusted", ApprovalMode::trusted}, {"all", ApprovalMode::all}};
  app.add_option("--approval", o.approval, "clients without a trusted certificate: manual, trusted, all")
      ->transform(CLI::CheckedTransformer(modes, CLI::ignore_case));
}

void add_init_dp(CLI::App& app, ContentHostOptions& o, Texts& t) {
  app.add_option("--site-code", o.site_code, "of the site that it belongs to")->required();
  app.add_option("--fqdn", o.fqdn, "name of this host, by which clients and the site call it")->required();
  app.add_option("--data", o.data, "folder of the content")->capture_default_str()->transform(absolute_folder);
  app.add_option("--config", o.config, "configuration file to write")->capture_default_str();
  app.add_option("--site-certificate", o.site_certificate, "PEM file: what the site server shows (its link.pem)")->required();
  app.add_option("--certificate", o.certificate, "PEM file: this host's server certificate with its chain; it is copied")->required();
  app.add_option("--key", o.key, "PEM file: its key; it is copied")->required();
  app.add_option("--issuer", o.issuers, "PEM file: an authority whose client certificates are accepted; may be repeated")->required();
  app.add_option("--crl-file", o.crl_files, "a revocation list, where certificates name none over HTTP; may be repeated");
  app.add_option("--client-certificate", o.client_certificate, "PEM file: what it shows to distribution points that it pulls from");
  app.add_option("--client-key", o.client_key, "PEM file: its key");
  app.add_option("--internet-listen", t.internet, "ADDRESS:PORT for clients on the internet (HTTPS)");
  app.add_option("--intranet-listen", t.intranet, "ADDRESS:PORT for clients on the intranet (HTTPS)");
  app.add_option("--intranet-http-listen", t.http, "ADDRESS:PORT, plain HTTP for the intranet; off unless named");
  app.add_flag("--anonymous", o.anonymous, "content without a certificate, on intranet listeners only");
  app.add_option("--user", o.user, "who shall own it, when root makes it (default: the user farpoint, if there is one)");
}

// What every host asks for that speaks to its site over the site link.
void add_linked(CLI::App& app, LinkedHostOptions& o, Texts& t) {
  app.add_option("--site-code", o.site_code,
                 o.role == HostRole::secondary_site ? "its own: three letters or digits" : "of the site that it belongs to")->required();
  app.add_option("--data", o.data, "folder of this host")->capture_default_str()->transform(absolute_folder);
  app.add_option("--config", o.config, "configuration file to write")->capture_default_str();
  app.add_option("--link-listen", t.link, "ADDRESS:PORT where the site opens the site link");
  app.add_option("--certificate", o.certificate, "PEM file: this host's server certificate with its chain; it is copied")->required();
  app.add_option("--key", o.key, "PEM file: its key; it is copied")->required();
  app.add_option("--site-certificate", o.site_certificate, "PEM file: what the site shows on the site link (its link.pem)")->required();
  app.add_option("--user", o.user, "who shall own it, when root makes it (default: the user farpoint, if there is one)");
}

// And what those ask for besides that end clients' TLS.
void add_init_linked(CLI::App& app, LinkedHostOptions& o, Texts& t) {
  add_linked(app, o, t);
  app.add_option("--link-certificate", o.link_certificate, "PEM file: what it shows on the site link (default: the server certificate)");
  app.add_option("--link-key", o.link_key, "PEM file: its key");
  app.add_option("--issuer", o.issuers, "PEM file: an authority whose client certificates are accepted; may be repeated")->required();
  app.add_option("--crl-file", o.crl_files, "a revocation list, where certificates name none over HTTP; may be repeated");
  if (o.role != HostRole::enrollment_proxy_point)
    app.add_flag("--enrollment-proxy-point", o.enrollment, "computers may enrol here too: the site's enrollment point answers over the link");
  if (o.role != HostRole::secondary_site) {
    app.add_option("--internet-fqdn", o.internet_fqdn, "public name by which clients on the internet call it");
    app.add_option("--internet-listen", t.internet, "ADDRESS:PORT for clients on the internet (HTTPS)");
  }
  if (o.role == HostRole::gateway) return;
  app.add_option("--intranet-fqdn", o.intranet_fqdn, "name by which clients on the intranet call it");
  app.add_option("--intranet-listen", t.intranet, "ADDRESS:PORT for clients on the intranet (HTTPS)");
  app.add_option("--site", o.site, "HOST:PORT of the site server, where this host opens the site link")->excludes("--link-listen");
  if (o.role != HostRole::secondary_site) return;
  app.add_option("--parent", o.parent, "site code of its primary site")->required();
  app.add_option("--intranet-http-listen", t.http, "ADDRESS:PORT, plain HTTP for the intranet; off unless named");
}

void add_init_gateway(CLI::App& app, LinkedHostOptions& o, Texts& t) {
  add_init_linked(app, o, t);
  app.add_flag_callback("--no-content", [&o] { o.content = false; }, "not content-enabled: no distribution point");
  app.add_flag_callback("--no-verify-revocation", [&o] { o.verify_revocation = false; },
                        "do not ask here whether clients' certificates were revoked; the site still does");
  app.add_option("--clients-listen", t.clients, "ADDRESS:PORT (plain HTTP), such as 0.0.0.0:80: it is a fallback status point too");
  app.add_option("--messages", o.messages, "of a fallback status point: taken in an hour; 0: no limit, as is advised on the internet")->capture_default_str();
}

void add_init_fsp(CLI::App& app, LinkedHostOptions& o, Texts& t) {
  add_linked(app, o, t);
  app.add_option("--fqdn", o.internet_fqdn, "name of this host, by which clients call it")->required();
  app.add_option("--clients-listen", t.clients, "ADDRESS:PORT for clients (plain HTTP), such as 0.0.0.0:80")->required();
  app.add_option("--messages", o.messages, "taken in an hour; 0: no limit, as is advised on the internet")->capture_default_str();
}

int run_init_linked(LinkedHostOptions& o, const Texts& t) {
  for (const auto& problem : {endpoint(t.internet, o.internet), endpoint(t.intranet, o.intranet), endpoint(t.http, o.intranet_http),
                              endpoint(t.link, o.link), endpoint(t.clients, o.clients)})
    if (!problem.empty()) return complain({Code::invalid, problem});
  return init_linked_host(o);
}

int run_init_dp(ContentHostOptions& o, const Texts& t) {
  for (const auto& problem : {endpoint(t.internet, o.internet), endpoint(t.intranet, o.intranet), endpoint(t.http, o.intranet_http)})
    if (!problem.empty()) return complain({Code::invalid, problem});
  return tell_host(set_up_content_host(o), "dp add " + o.fqdn + " ...");
}

int run_init(SetupOptions& o, const Texts& t) {
  std::optional<Endpoint> admin;
  for (const auto& problem :
       {endpoint(t.internet, o.internet), endpoint(t.intranet, o.intranet), endpoint(t.http, o.intranet_http),
        endpoint(t.crl, o.crl), endpoint(t.link, o.link), endpoint(t.admin, admin)})
    if (!problem.empty()) return complain({Code::invalid, problem});
  if (admin) o.admin = *admin;
  return init(o);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Farpoint site server"};
  app.require_subcommand(1);
  SetupOptions setup;
  ContentHostOptions content_host;
  LinkedHostOptions mp_host, secondary, gateway_host, fallback_host, proxy_host;
  secondary.role = HostRole::secondary_site;
  gateway_host.role = HostRole::gateway;
  fallback_host.role = HostRole::fallback_status_point;
  proxy_host.role = HostRole::enrollment_proxy_point;
  ScratchOptions trial;
  Texts texts;
  Path config = "/etc/farpoint/farpoint.toml";
  std::string profile = "default";

  auto* init_command = app.add_subcommand("init", "make a primary site: keys, database, content library, configuration");
  add_init(*init_command, setup, texts);
  auto* dp_command = app.add_subcommand("init-dp", "make a distribution point on a host of its own, for a site that runs elsewhere");
  add_init_dp(*dp_command, content_host, texts);
  auto* mp_command = app.add_subcommand("init-mp", "make a management point on a host of its own, for a site that runs elsewhere");
  add_init_linked(*mp_command, mp_host, texts);
  auto* secondary_command = app.add_subcommand("init-secondary", "make a secondary site: management and distribution point for the intranet of one location");
  add_init_linked(*secondary_command, secondary, texts);
  auto* proxy_command = app.add_subcommand("init-epp", "make an enrollment proxy point on a host of its own, for a site that runs elsewhere");
  add_init_linked(*proxy_command, proxy_host, texts);
  auto* gateway_command = app.add_subcommand("init-gateway", "make a gateway on the internet, for a site that opens nothing inwards");
  add_init_gateway(*gateway_command, gateway_host, texts);
  auto* fsp_command = app.add_subcommand("init-fsp", "make a fallback status point on a host of its own, for a site that runs elsewhere");
  add_init_fsp(*fsp_command, fallback_host, texts);
  auto* check_command = app.add_subcommand("check", "check the configuration and name every mistake with its line");
  check_command->add_option("--config,config", config, "configuration file")->capture_default_str();
  auto* run_command = app.add_subcommand("run", "run the site");
  run_command->add_option("--config,config", config, "configuration file")->capture_default_str();
  auto* scratch_command = app.add_subcommand("scratch", "make and serve a throw-away site with samples of everything");
  scratch_command->add_option("--profile", profile, "open: everything an intranet may allow; default: as shipped")
      ->check(CLI::IsMember({"open", "default"}))
      ->capture_default_str();
  scratch_command->add_option("--data", trial.data, "folder; made if absent, used again if it holds a scratch site")->required();
  scratch_command->add_option("--site-code", trial.site_code, "three letters or digits")->capture_default_str();
  scratch_command->add_option("--http", texts.http, "ADDRESS:PORT");
  scratch_command->add_option("--https", texts.https, "ADDRESS:PORT");
  scratch_command->add_flag("--legacy-cms", trial.legacy_cms, "secret policy in the old envelope (3DES)");
  cli::add_help_verbs(app, kPage);
  if (cli::answer_completion(app, argc, argv)) return kOk;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  if (init_command->parsed()) return run_init(setup, texts);
  if (dp_command->parsed()) return run_init_dp(content_host, texts);
  if (mp_command->parsed()) return run_init_linked(mp_host, texts);
  if (secondary_command->parsed()) return run_init_linked(secondary, texts);
  if (proxy_command->parsed()) return run_init_linked(proxy_host, texts);
  if (gateway_command->parsed()) return run_init_linked(gateway_host, texts);
  if (fsp_command->parsed()) return run_init_linked(fallback_host, texts);
  if (check_command->parsed()) return check(config);
  if (run_command->parsed()) return run(config);
  if (!scratch_command->parsed()) return kOk;  // completion, man
  trial.open = profile == "open";
  for (const auto& problem : {endpoint(texts.http, trial.http), endpoint(texts.https, trial.https)})
    if (!problem.empty()) return complain({Code::invalid, problem});
  std::error_code error;
  trial.data = std::filesystem::absolute(trial.data, error);
  return scratch(trial);
}
