#include "apps/site_server.hpp"

#include <algorithm>
#include <set>

#include "apps/background.hpp"
#include "apps/client_deployment.hpp"
#include "apps/directory_publisher.hpp"
#include "apps/doors.hpp"
#include "apps/setup.hpp"
#include "apps/site_links.hpp"
#include "apps/trust.hpp"
#include "base/ids.hpp"
#include "base/text.hpp"
#include "cli/help.hpp"
#include "crypto/hash.hpp"
#include "domain/access/routes.hpp"
#include "net/server.hpp"
#include "pki/authority.hpp"
#include "roles/admin/api.hpp"
#include "roles/admin/staging.hpp"
#include "roles/dp/distribution_point.hpp"
#include "roles/dp/distributor.hpp"
#include "roles/dp/pull_worker.hpp"
#include "roles/fsp/collector.hpp"
#include "roles/dp/trust_courier.hpp"
#include "roles/enrollment/est.hpp"
#include "roles/enrollment/point.hpp"
#include "roles/gateway/gateway.hpp"
#include "roles/mp/service.hpp"
#include "roles/sup/software_update_point.hpp"
#include "site/collections.hpp"
#include "site/keys.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "wire/capability.hpp"
#include "wire/gateway_limits.hpp"

namespace fp::apps {
namespace {

constexpr int kCollectionsPerPass = 50;
constexpr std::int64_t kFallbackEveryMs = 10'000;

Result<std::string> certificate_der_of(const SiteConfig& config) {
  for (const auto& l : config.listeners) {
    if (l.certificate.empty()) continue;
    FP_TRY(pem, read_file(l.certificate));
    FP_TRY(certificate, pki::Certificate::from_pem(pem));
    return certificate.der();
  }
  return std::string();
}

mp::ApprovalMode approval_of(ApprovalMode mode) {
  switch (mode) {
    case ApprovalMode::manual: return mp::ApprovalMode::manual;
    case ApprovalMode::trusted: return mp::ApprovalMode::trusted;
    case ApprovalMode::all: return mp::ApprovalMode::all;
  }
  return mp::ApprovalMode::manual;
}

// The own authority's lists, and nothing else of its folder.
net::Response revocation_list(const Path& folder, const net::Request& request) {
  const access::Route* route = access::find_route(access::Role::crl, request.path);
  if (!route) return net::Response::empty(404);
  if ((route->verbs & access::to_verb(request.method)) == 0) {
    return std::move(net::Response::empty(405).set("Allow", access::allow_header(route->verbs)));
  }
  const std::string name = request.path.substr(request.path.rfind('/') + 1);
  if (name != "root.crl" && name != "issuing.crl") return net::Response::empty(404);
  auto bytes = read_file(folder / name);
  if (!bytes) return net::Response::empty(404);
  net::Response response = net::Response::text(200, "application/pkix-crl", std::move(*bytes));
  response.set("Cache-Control", "max-age=600");
  return response;
}

}  // namespace

struct SiteServer::Parts {
  SiteConfig config;
  const Clock& clock;
  Random& random;
  Background chores, distribution, fallback, trust_delivery, synchronisation;  // first, for what the site link wakes
  std::unique_ptr<store::Store> store;
  std::unique_ptr<content::Library> library;
  std::unique_ptr<Trust> trust;
  std::unique_ptr<site::PolicyMaker> policies;
  site::CollectionEvaluator evaluator;
  std::unique_ptr<directory::WindowsLogins> windows_logins;
  std::unique_ptr<mp::Service> mp;
  std::unique_ptr<dp::PullOrders> pulls;
  std::unique_ptr<dp::DistributionPoint> dp;
  std::unique_ptr<dp::PullWorker> puller;
  std::unique_ptr<dp::Distributor> distributor;
  std::unique_ptr<sup::Synchronizer> synchronizer;  // null, like the next: this site has no software update point
  std::unique_ptr<sup::SoftwareUpdatePoint> sup;
  std::unique_ptr<fsp::Collector> collector;
  std::optional<site::SealingKey> sealing;
  std::unique_ptr<dp::TrustCourier> courier;
  std::optional<pki::CertificateAuthority> authority;
  std::unique_ptr<enrollment::EnrollmentPoint> enrollment;  // null: not offered here
  std::unique_ptr<SiteLinks> links;  // null: no certificate to show on them
  std::unique_ptr<ClientDeployment> clients;
  std::unique_ptr<DirectoryPublisher> publisher;
  std::unique_ptr<admin::AdminApi> admin;
  std::unique_ptr<net::Server> server, crl_server, admin_server;
  std::mutex validate_mutex;
  std::set<std::string> validate_wanted;  // distribution points that an administrator asked about

  Parts(const SiteConfig& c, const Clock& k, Random& r)
      : config(c), clock(k), random(r), chores(k), distribution(k), fallback(k), trust_delivery(k), synchronisation(k) {}

  Status open();
  Status roles(const site::SiteKeys& keys);
  Status management_point(const site::SiteKeys& keys);
  Status update_point(const site::SiteKeys& keys);
  Status open_links();
  void enrollment_point();
  [[nodiscard]] bool enrolls(const net::Request& request) const;
  [[nodiscard]] fsp::Ask brief_asker(std::int64_t body_bytes_max) const;  // over the site link; unset where there is none
  Status listen();
  Status listen_admin();
  [[nodiscard]] std::string metrics() const;
  [[nodiscard]] admin::Publishing publishing() const;
  void schedule();
  void schedule_hosts();
  [[nodiscard]] net::Response dispatch(net::Request& request);
  [[nodiscard]] std::optional<net::Response> dispatch_at_once(net::Request& request);
  void report(std::string_view component, const Status& status) {
    if (!status) log::error(component, "{}", status.error().message);
  }
};

Status SiteServer::Parts::open() {
  if (!config.windows_doors.empty() || config.enrollment.domain_accounts) {  // before any other thread: it sets environment variables
    directory::LoginOptions logins = config.windows_auth;
    FP_CHECK(make_dirs(config.data));
    logins.replay_cache = config.data / "logins.rcache";
    FP_TRY(windows, directory::WindowsLogins::open(std::move(logins), clock));
    windows_logins = std::move(windows);
  }
  FP_TRY(opened, store::open_sqlite(database_of(config.data), clock));
  store = std::move(opened);
  content::LibraryOptions options;
  options.folder = library_of(config.data);
  FP_TRY(contents, content::Library::open(options));
  library = std::move(contents);
  FP_TRY(trusted, Trust::open(config, store.get(), clock));
  trust = std::move(trusted);
  if (file_exists(authority_of(config.data) / "issuing.key")) {
    FP_TRY(ca, pki::CertificateAuthority::open(authority_of(config.data), clock, random));
    authority.emplace(std::move(ca));
  }
  FP_TRY(keys, site::open_site_keys(keys_of(config.data)));
  policies = std::make_unique<site::PolicyMaker>(config.site_code, [keys](std::string_view text) { return keys.sign(text); });
  FP_TRY(sealing_key, site::open_sealing_key(keys_of(config.data), config.site_code, clock, random));
  policies->seal_to(sealing_key.certificate.der());
  sealing = sealing_key;
  FP_CHECK(put_own_points(*store, config));
  // Policy of the default settings exists from the first start on.
  const Status made = store->write([&](store::Repositories& r) -> Status {
    FP_TRY(all, r.administration.settings());
    for (const auto& s : all) FP_CHECK(policies->settings(r, s));
    return {};
  });
  FP_CHECK(made);
  return roles(keys);
}

namespace {

// The ids under which machines without a client are told apart (wire.md §7): made once, the same for ever.
Result<std::string> lasting_guid(store::Store& store, std::string_view name, Random& random) {
  return store.write([&](store::Repositories& r) -> Result<std::string> {
    auto known = r.site.value(name);
    if (known || known.error().code != Code::not_found) return known;
    std::string made = new_guid(random);
    FP_CHECK(r.site.set_value(name, made));
    return made;
  });
}

}  // namespace

// Also where this host offers none to clients: those of other hosts pass their clients' requests on to it.
Status SiteServer::Parts::management_point(const site::SiteKeys& keys) {
  FP_TRY(certificate, certificate_der_of(config));
  FP_TRY(unknown_x86, lasting_guid(*store, "unknown_machine.x86", random));
  FP_TRY(unknown_x64, lasting_guid(*store, "unknown_machine.x64", random));
  mp::Settings settings;
  settings.site_code = config.site_code;
  settings.host = config.intranet_fqdn.empty() ? config.internet_fqdn : config.intranet_fqdn;
  settings.internet_host = config.internet_fqdn;
  settings.approval = approval_of(config.approval);
  settings.legacy_cms = config.legacy_cms;
  settings.gateway_traffic = config.allow_gateway_traffic;
  settings.windows_logins = windows_logins.get();
  settings.windows_doors = config.windows_doors;
  for (const auto& l : config.listeners) {
    if (l.door == Door::intranet_http) settings.http_port = l.port;
    if (l.door == Door::intranet_https) settings.https_port = l.port;
  }
  settings.capability_key = keys.capability_secret;
  settings.issue_capabilities = !config.pinned_proxies.empty();
  settings.site_signing_certificate_der = keys.signing_certificate.der();
  FP_TRY(proof, keys.signing_proof());
  settings.site_signing_proof = proof;
  settings.trusted_root_key = keys.trusted_root.public_key().spki_der();
  settings.certificate_der = certificate;
  settings.open_dp_url = config.dp_enabled && config.dp_anonymous ? http_url_of(config) : std::string();
  if (!settings.open_dp_url.empty()) settings.open_dp = config.dp_name;
  settings.unknown_x86 = unknown_x86;
  settings.unknown_x64 = unknown_x64;
  settings.client_files = config.client_files.empty() ? client_files_of(config.data) : config.client_files;
  settings.uploads = uploads_of(config.data);
  mp = std::make_unique<mp::Service>(*store, clock, random, settings,
                                     [this](std::string_view der, Instant now) { return trust->check_certificate(der, now); });
  return open_links();
}

Status SiteServer::Parts::open_links() {
  FP_TRY(opened, SiteLinks::start(config, *store, *trust, *mp, enrollment.get(), clock, random, [this] { fallback.wake(); }));
  links = std::move(opened);
  return {};
}

void SiteServer::Parts::enrollment_point() {
  if (!config.enrollment.point || !authority) return;
  constexpr std::int64_t kDayS = 24 * 3600;
  enrollment::VerifyAccount verify;
  if (config.enrollment.domain_accounts)
    verify = [this](const std::string& user, const std::string& password) { return windows_logins->verify_password(user, password); };
  enrollment = std::make_unique<enrollment::EnrollmentPoint>(*store, *authority, clock, random,
                                                             enrollment::Settings{config.enrollment.certificate_days * kDayS}, std::move(verify));
}

// Whether this request is one for the enrollment point, at a door of this host.
bool SiteServer::Parts::enrolls(const net::Request& request) const {
  return enrollment && config.enrollment.proxy && enrollment::owns(request.path) && offered(*config.enrollment.proxy, request.peer.door);
}

Status SiteServer::Parts::update_point(const site::SiteKeys& keys) {
  if (!config.sup_enabled) return {};
  synchronizer = std::make_unique<sup::Synchronizer>(*store, *policies, clock, random,
                                                     sup::SynchronizerOptions{config.sup_sources, config.data / "updates", config.sup_proxy});
  FP_CHECK(synchronizer->prepare());
  sup = std::make_unique<sup::SoftwareUpdatePoint>(*store, clock, random, sup::PointSettings{keys.capability_secret});
  return {};
}

Status SiteServer::Parts::roles(const site::SiteKeys& keys) {
  enrollment_point();
  FP_CHECK(management_point(keys));
  FP_CHECK(update_point(keys));
  if (config.dp_enabled) {
    dp::Settings settings;
    settings.host = config.intranet_fqdn.empty() ? config.internet_fqdn : config.intranet_fqdn;
    settings.internet_host = config.internet_fqdn;
    settings.anonymous_intranet = config.dp_anonymous;
    settings.capability_key = wire::capability_key_of(keys.capability_secret, config.dp_name);
    if (!config.dp_site_fingerprint.empty()) settings.site_fingerprints = {config.dp_site_fingerprint};
    settings.blocked = [this](const std::string& client_id) {
      const auto device = store->read([&](store::Repositories& r) { return r.devices.find(client_id); });
      return !device || device->blocked;
    };
    FP_TRY(orders, dp::PullOrders::open(config.data / "pulls"));
    pulls = std::move(orders);
    dp = std::make_unique<dp::DistributionPoint>(*library, clock, settings, pulls.get());
  }
  dp::DistributorOptions options;
  options.identity.tls.certificate_file = config.link_certificate.native();
  options.identity.tls.key_file = config.link_key.native();
  FP_TRY(authorities, write_authorities(config));
  options.identity.tls.ca_file = authorities;
  if (links) options.over_link = [l = links.get()](const std::string& name, net::Request& request) { return l->ask(name, request); };
  puller = std::make_unique<dp::PullWorker>(*library, options.identity);
  collector = std::make_unique<fsp::Collector>(*store, clock, brief_asker(fsp::kAnswerBytesMax), sealing);
  distributor = std::make_unique<dp::Distributor>(*store, *library, clock, random, options);
  courier = std::make_unique<dp::TrustCourier>(*store, clock, random, dp::CourierOptions{options.identity, keys.capability_secret, options.over_link});
  publisher = std::make_unique<DirectoryPublisher>(
      config.directory_publishing,
      wire::PublishedSite{config.site_code, std::string(cli::kVersion), hex_lower(crypto::sha256(keys.signing_certificate.der()))}, *store, clock,
      [this](const std::vector<wire::DirectoryObject>& objects) {
        return directory::publish_in(config.directory_publishing.account, config.site_code, objects, clock);
      });
  return {};
}

fsp::Ask SiteServer::Parts::brief_asker(std::int64_t body_bytes_max) const {
  if (!links) return {};
  return [l = links.get(), body_bytes_max](const std::string& name, net::Request& request) { return l->ask_briefly(name, request, body_bytes_max); };
}

net::Response SiteServer::Parts::dispatch(net::Request& request) {
  if (auto refused = refuse_bridging(request, internet_only_name(config))) return std::move(*refused);
  if (config.mp_enabled && mp::Service::owns(request.path) && offered(config.mp_connections, request.peer.door)) return mp->handle(request);
  if (dp && dp::DistributionPoint::owns(request.path) && offered(config.dp_connections, request.peer.door)) return dp->handle(request);
  if (enrolls(request)) return enrollment->handle(request);
  if (sup && sup::SoftwareUpdatePoint::owns(request.path) && offered(config.sup_connections, request.peer.door)) return sup->handle(request);
  return net::Response::empty(request.method == "CCM_POST" ? 400 : 404);  // a message elsewhere (wire.md §16)
}

std::optional<net::Response> SiteServer::Parts::dispatch_at_once(net::Request& request) {
  if (auto refused = refuse_bridging(request, internet_only_name(config))) return refused;
  if (config.mp_enabled && mp::Service::owns(request.path) && offered(config.mp_connections, request.peer.door)) return mp->handle_at_once(request);
  if (dp && dp::DistributionPoint::owns(request.path) && offered(config.dp_connections, request.peer.door)) return dp->handle_at_once(request);
  return std::nullopt;
}

Status SiteServer::Parts::listen() {
  net::ServerOptions options;
  options.clock = &clock;
  options.random = &random;
  options.worker_threads = static_cast<unsigned>(config.worker_threads);
  for (const auto& l : config.listeners) options.listeners.push_back(listener_of(l));
  options.handler = [this](net::Request& request) { return dispatch(request); };
  options.quick = [this](net::Request& request) { return dispatch_at_once(request); };
  options.body_limit = [](const net::Request& head) {
    if (enrollment::owns(head.path)) return enrollment::body_limit(head);
    if (sup::SoftwareUpdatePoint::owns(head.path)) return sup::SoftwareUpdatePoint::body_limit(head);
    return dp::DistributionPoint::owns(head.path) ? dp::DistributionPoint::body_bytes_max(head) : mp::Service::body_limit(head);
  };
  options.too_large = [this](const net::Request& head) { return mp->too_large(head); };
  options.verifier = [this](std::string_view leaf, const std::vector<std::string>& chain) { return trust->check_peer(leaf, chain); };
  FP_TRY(started, net::Server::start(std::move(options)));
  server = std::move(started);
  FP_TRY(deployment, ClientDeployment::open(config, *store, clock, random));
  clients = std::move(deployment);
  if (config.admin_port != 0) FP_CHECK(listen_admin());
  if (config.crl_port == 0) return {};
  net::ServerOptions lists;
  lists.clock = &clock;
  lists.random = &random;
  lists.io_threads = 1;
  lists.worker_threads = 2;
  lists.listeners = {{config.crl_address, static_cast<std::uint16_t>(config.crl_port), Door::intranet_http, {}, false}};
  lists.handler = [this](net::Request& request) { return revocation_list(authority_of(config.data), request); };
  FP_TRY(crls, net::Server::start(std::move(lists)));
  crl_server = std::move(crls);
  return {};
}

Status SiteServer::Parts::listen_admin() {
  admin::Hooks hooks;
  hooks.add_content = [this](const std::string& id, const Path& source) { return library->add(id, source); };
  hooks.fallback_wanted = [this] {
    chores.wake();
    fallback.wake();
  };
  hooks.distribution_wanted = [this] { distribution.wake(); };
  hooks.peers_changed = [this] {
    report("pki", trust->reload_blocked());
    server->recheck_peers();
    trust_delivery.wake();
  };
  hooks.publishing = [this] { return publishing(); };
  hooks.validate = [this](const std::string& name) -> Status {
    std::lock_guard lock(validate_mutex);
    validate_wanted.insert(name);
    distribution.wake();
    return {};
  };
  hooks.links_changed = [this] { chores.wake(); };
  hooks.link_states = [this] {
    std::map<std::string, std::string> out;
    if (!links) return out;
    for (const auto& state : links->states())
      out[state.peer] = fmt::format("{} since {}{}{}", state.open ? "open" : "down", to_iso(state.since), state.open ? "" : ": ", state.problem);
    return out;
  };
  hooks.gateway_status = [ask = brief_asker(wire::kGatewayStatusBytesMax)](const std::string& name) { return gateway::status_of(name, ask); };
  hooks.metrics = [this] { return metrics(); };
  hooks.clients = clients->hooks();
  hooks.directory = [this] { return publisher->state(); };
  hooks.directory_wanted = [this] { publisher->wake(); };
  if (synchronizer) {
    hooks.updates.sync_wanted = [this] { synchronisation.wake(); };
    hooks.updates.fetch = [this](const SoftwareUpdate& update) { return synchronizer->fetch(update); };
  }
  admin::Settings settings{config.site_code, config.data / "staging", config.use_pki_client_certificate, config.intranet_fqdn};
  if (settings.own_point.empty()) settings.own_point = config.internet_fqdn;
  settings.gateway_traffic = config.allow_gateway_traffic;
  settings.dual_clients = !config.internet_fqdn.empty() && config.mp_connections != Connections::intranet;
  settings.wake = clients->wake_send();
  admin = std::make_unique<admin::AdminApi>(*store, clock, random, *policies, std::move(settings), std::move(hooks));
  net::ServerOptions options;
  options.clock = &clock;
  options.random = &random;
  options.io_threads = 1;
  options.worker_threads = 4;
  ListenerConfig listener;
  listener.address = config.admin_address;
  listener.port = config.admin_port;
  listener.door = Door::intranet_https;
  listener.certificate = config.admin_certificate;
  listener.key = config.admin_key;
  options.listeners = {listener_of(listener)};
  options.handler = [this](net::Request& request) { return admin->handle(request); };
  options.body_limit = admin::AdminApi::body_limit;
  FP_TRY(started, net::Server::start(std::move(options)));
  admin_server = std::move(started);
  return {};
}

admin::Publishing SiteServer::Parts::publishing() const {
  admin::Publishing out;
  out.host = config.intranet_fqdn.empty() ? config.internet_fqdn : config.intranet_fqdn;
  for (const auto& l : config.listeners) {
    int& port = l.proxy_protocol ? out.proxy_protocol_port : out.port;
    if (l.door == Door::internet_https && port == 0) port = l.port;
  }
  const auto lists = trust->current_lists();
  const pki::TrustPolicy& policy = trust->policy();
  for (const auto* part : {&policy.intermediates, &policy.roots})
    for (const auto& issuer : *part) {
      out.issuers.push_back(issuer.pem());
      if (std::ranges::none_of(lists, [&](const pki::Crl& list) { return list.signed_by(issuer); }))
        out.issuers_without_list.push_back(issuer.subject());
    }
  for (const auto& list : lists) out.lists.push_back(list.pem());
  return out;
}

std::string SiteServer::Parts::metrics() const {
  std::string text;
  const auto add = [&](std::string_view name, std::string_view kind, std::uint64_t value) {
    text += fmt::format("# TYPE farpoint_{} {}\nfarpoint_{} {}\n", name, kind, name, value);
  };
  const auto& n = server->counters();
  add("requests_total", "counter", n.requests);
  add("responses_2xx_total", "counter", n.by_class[2]);
  add("responses_4xx_total", "counter", n.by_class[4]);
  add("responses_5xx_total", "counter", n.by_class[5]);
  add("bytes_in_total", "counter", n.bytes_in);
  add("bytes_out_total", "counter", n.bytes_out);
  add("tls_handshakes_total", "counter", n.handshakes);
  add("tls_handshakes_resumed_total", "counter", n.handshakes_resumed);
  add("tls_handshakes_failed_total", "counter", n.handshakes_failed);
  add("connections_open", "gauge", n.connections_open);
  add("refused_busy_total", "counter", n.refused_busy);
  add("rejected_malformed_total", "counter", n.rejected_malformed);
  if (sup) {
    add("update_requests_total", "counter", sup->counters().requests);
    add("update_faults_total", "counter", sup->counters().faults);
    add("update_scans_total", "counter", sup->counters().scans);
    add("update_events_total", "counter", sup->counters().events);
  }
  const auto devices = store->read([](store::Repositories& r) { return r.devices.count(); });
  add("devices", "gauge", static_cast<std::uint64_t>(devices.value_or(0)));
  add("revocation_lists_unusable", "gauge", static_cast<std::uint64_t>(std::ranges::count_if(
      trust->lists(), [](const pki::CrlStatus& list) { return !list.problem.empty(); })));
  return text;
}

void SiteServer::Parts::schedule() {
  chores.add("collections", 10'000, [this] {
    const auto done = store->write([&](store::Repositories& r) { return evaluator.evaluate_due(r, clock.now(), kCollectionsPerPass); });
    if (!done) return log::error("collections", "{}", done.error().message);
    for (const auto& e : *done)
      if (e.joined + e.left > 0) log::info("collections", "{}: {} members, {} joined, {} left", e.collection_id, e.members, e.joined, e.left);
  });
  chores.add("incremental collections", 10'000, [this] {
    const auto done = evaluator.follow_changes(*store);
    if (!done) return log::error("collections", "{}", done.error().message);
    for (const auto& e : *done) log::info("collections", "{}: {} joined, {} left after changes", e.collection_id, e.joined, e.left);
  });
  chores.add("revocation lists", 300'000, [this] {
    if (authority) {
      if (const auto made = authority->refresh_crl_if_due(); !made) log::error("pki", "{}", made.error().message);
    }
    if (trust->refresh_lists()) server->recheck_peers();
  });
  chores.add("replay memory", 60'000, [this] {
    report("store", store->write([&](store::Repositories& r) { return r.site.forget_before(clock.now()); }));
  });
  chores.add("staged sources", 3'600'000, [this] {
    if (const auto gone = admin::expire_staged(config.data / "staging", clock.now()); !gone) log::error("content", "{}", gone.error().message);
  });
  chores.add("maintenance", 3'600'000, [this] {
    const auto done = site::maintain(*store, config.maintenance, clock.now(), [this] { return chores.stopping(); });
    if (!done) return log::error("maintenance", "{}", done.error().message);
    const auto& f = done->forgotten;
    if (f.states + f.events + f.audit + f.tombstones + f.fallback + done->devices > 0)
      log::info("maintenance", "forgotten: {} devices, {} state messages, {} events, {} audit lines, {} tombstones of policy, {} "
                "messages of fallback status points", done->devices, f.states, f.events, f.audit, f.tombstones, f.fallback);
  });
  chores.add("uploads", 3'600'000, [this] { report("mp.upload", mp->tidy()); });
  distribution.add("distribution", 1000, [this] {
    const auto done = distributor->run_once([this] { return distribution.stopping(); });
    if (!done) log::error("distribution", "{}", done.error().message);
  });
  if (pulls) {
    distribution.add("pull", 1000, [this] {
      const int fetched = puller->run_once(*pulls, clock, [this] { return distribution.stopping(); });
      if (fetched > 0) log::info("pull", "{} contents fetched from other distribution points", fetched);
    });
  }
  distribution.add("validation", 600'000, [this] {
    std::set<std::string> wanted;
    {
      std::lock_guard lock(validate_mutex);
      wanted.swap(validate_wanted);
    }
    for (const auto& dp_name : wanted)
      if (const auto found = distributor->validate(dp_name); !found) log::error("validation", "{}", found.error().message);
    const auto found = distributor->validate_due();
    if (!found) log::error("validation", "{}", found.error().message);
  });
  schedule_hosts();
  if (synchronizer) {
    synchronisation.add("updates", std::int64_t{config.sup_sync_every_h} * 3'600'000, [this] {
      const auto changed = synchronizer->run_once([this] { return synchronisation.stopping(); });
      if (!changed) log::error("sup.sync", "{}", changed.error().message);
    });
  }
  chores.start();
  distribution.start();
  fallback.start();
  trust_delivery.start();
  if (synchronizer) synchronisation.start();
  clients->start();
  publisher->start();
}

// What is fetched from hosts of other roles, and told to them.
void SiteServer::Parts::schedule_hosts() {
  if (links) chores.add("site links", 10'000, [this] { report("link", links->refresh()); });
  fallback.add("fallback status points", kFallbackEveryMs, [this] {
    const auto fresh = collector->run_once([this] { return fallback.stopping(); });
    if (!fresh) log::error("fsp", "{}", fresh.error().message);
    else if (*fresh > 0) log::info("fsp", "{} states came through fallback status points", *fresh);
  });
  trust_delivery.add("trust", 10'000, [this] {
    const auto told = courier->run_once();
    if (!told) return log::error("dp.trust", "{}", told.error().message);
    if (*told > 0) log::info("dp.trust", "{} distribution points know who is blocked", *told);
  });
}

Result<std::unique_ptr<SiteServer>> SiteServer::start(const SiteConfig& config, const Clock& clock, Random& random) {
  auto parts = std::make_unique<Parts>(config, clock, random);
  FP_CHECK(parts->open());
  FP_CHECK(parts->listen());
  parts->schedule();
  return std::unique_ptr<SiteServer>(new SiteServer(std::move(parts)));
}

SiteServer::SiteServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SiteServer::~SiteServer() { stop(); }

void SiteServer::stop() {
  if (!parts_) return;
  if (parts_->server) parts_->server->stop();
  if (parts_->links) parts_->links->stop();
  if (parts_->crl_server) parts_->crl_server->stop();
  if (parts_->admin_server) parts_->admin_server->stop();
  parts_->fallback.stop();
  if (parts_->clients) parts_->clients->stop();
  if (parts_->publisher) parts_->publisher->stop();
  parts_->distribution.stop();
  parts_->trust_delivery.stop();
  parts_->synchronisation.stop();
  parts_->chores.stop();
}

Status SiteServer::reload() {
  FP_CHECK(parts_->trust->reload_blocked());
  parts_->trust->refresh_lists(true);
  FP_CHECK(parts_->server->reload_tls());
  parts_->server->recheck_peers();
  return {};
}

store::Store& SiteServer::store() { return *parts_->store; }
content::Library& SiteServer::library() { return *parts_->library; }
const site::PolicyMaker& SiteServer::policies() const { return *parts_->policies; }
int SiteServer::port(std::size_t listener) const { return parts_->server->port(listener); }

}  // namespace fp::apps
