#include "apps/linked_server.hpp"

#include "apps/background.hpp"
#include "apps/content_role.hpp"
#include "apps/doors.hpp"
#include "apps/fallback_role.hpp"
#include "apps/site_links.hpp"
#include "apps/trust.hpp"
#include "net/link.hpp"
#include "pki/certificate.hpp"
#include "roles/dp/site_link.hpp"
#include "roles/enrollment/est.hpp"
#include "roles/enrollment/proxy.hpp"
#include "roles/gateway/gateway.hpp"
#include "roles/mp/perimeter.hpp"

namespace fp::apps {
namespace {

constexpr std::int64_t kAnswerMs = 30'000;    // of the site; a client waits a minute
constexpr unsigned kWaitingThreadsMin = 32;   // each holds one request while the site works on it

}  // namespace

struct LinkedServer::Parts {
  SiteConfig config;
  const Clock& clock;
  Random& random;
  std::unique_ptr<Trust> trust;
  std::unique_ptr<gateway::Gateway> gateway;    // on a gateway, as the next
  std::unique_ptr<FallbackRole> fallback;       // or on a host that is nothing else
  std::unique_ptr<net::Link> link;
  std::unique_ptr<mp::PerimeterPoint> mp;        // null on a host for enrolment alone
  std::unique_ptr<enrollment::EnrollmentProxyPoint> enrollment;  // null: not offered here
  ContentRole content;  // of a secondary site or a content-enabled gateway; else empty
  std::unique_ptr<net::Server> server;          // null: a fallback status point, which has its own
  Background chores, transfers;

  Parts(const SiteConfig& c, const Clock& k, Random& r) : config(c), clock(k), random(r), chores(k), transfers(k) {}

  Status open();
  Status open_roles();
  Status open_link();
  Status listen();
  void schedule();
  Status note_certificate();
  [[nodiscard]] bool passes_on() const { return config.role != HostRole::fallback_status_point; }
  [[nodiscard]] Result<net::Response> forward(net::Request& request);
  [[nodiscard]] net::Response dispatch(net::Request& request);
  [[nodiscard]] net::Response asked_by_site(net::Request& request);
};

Status LinkedServer::Parts::open() {
  if (has_fallback(config)) {
    FP_TRY(opened, FallbackRole::open(config, config.link.site_fingerprint, clock, random));
    fallback = std::move(opened);
  }
  if (passes_on()) FP_CHECK(open_roles());
  return open_link();
}

Status LinkedServer::Parts::open_roles() {
  FP_TRY(trusted, Trust::open(config, nullptr, clock));
  trust = std::move(trusted);
  if (config.role == HostRole::gateway) {
    gateway = std::make_unique<gateway::Gateway>(gateway::Settings{config.internet_fqdn, config.link.site_fingerprint, config.check_crl}, clock);
    FP_CHECK(note_certificate());
  }
  if (config.dp_enabled) {
    FP_TRY(opened, ContentRole::open(config, config.link.site_fingerprint, config.link.certificate, config.link.key, clock));
    content = std::move(opened);
    content.follow(*trust, [this] {
      if (server) server->recheck_peers();
    });
  }
  const auto to_site = [this](net::Request& request) { return forward(request); };
  if (config.mp_enabled) mp = std::make_unique<mp::PerimeterPoint>(to_site, random);
  if (config.enrollment.proxy) enrollment = std::make_unique<enrollment::EnrollmentProxyPoint>(to_site, clock, random);
  return {};
}

Status LinkedServer::Parts::note_certificate() {
  for (const auto& l : config.listeners) {
    if (!gateway || l.certificate.empty()) continue;
    FP_TRY(pem, read_file(l.certificate));
    FP_TRY(certificate, pki::Certificate::from_pem(pem));
    gateway->certificate_until(certificate.not_after());
  }
  return {};
}

Result<net::Response> LinkedServer::Parts::forward(net::Request& request) {
  auto answer = link->ask(kSiteName, request, kAnswerMs);
  if (gateway) gateway->passed(answer ? Status() : std::unexpected(answer.error()));
  return answer;
}

Status LinkedServer::Parts::open_link() {
  const bool secondary = config.role == HostRole::secondary_site;
  net::LinkOptions o;
  o.site_code = config.site_code;
  o.name = config.intranet_fqdn.empty() ? config.internet_fqdn : config.intranet_fqdn;
  o.certificate_file = config.link.certificate.native();
  o.key_file = config.link.key.native();
  for (const auto& l : config.listeners) {
    if (l.certificate.empty()) continue;
    FP_TRY(pem, read_file(l.certificate));
    FP_TRY(certificate, pki::Certificate::from_pem(pem));
    o.clients_certificate_der = certificate.der();
  }
  o.listen_address = config.link.address;
  o.listen_port = static_cast<std::uint16_t>(config.link.port);
  o.peers = {{kSiteName, config.link.site_fingerprint, secondary ? config.parent_code : config.site_code, config.link.site}};
  o.handler = [this](net::Request& request) { return asked_by_site(request); };
  o.body_limit = [this](const net::Request& head) -> std::size_t {
    if (content.dp && dp::DistributionPoint::owns(head.path)) return dp::site_body_bytes_max(head.method, head.path);
    return fallback ? fsp::FallbackStatusPoint::body_bytes_max(head) : 0;
  };
  o.spool = config.data;
  o.clock = &clock;
  o.random = &random;
  FP_TRY(started, net::Link::start(std::move(o)));
  link = std::move(started);
  return {};
}

// The other end proved to be the site by its pinned certificate: what it asks counts as asked by it at an intranet listener.
net::Response LinkedServer::Parts::asked_by_site(net::Request& request) {
  request.peer.door = Door::intranet_https;
  request.peer.fingerprint = config.link.site_fingerprint;
  if (content.dp && dp::DistributionPoint::owns(request.path)) return content.dp->handle(request);
  if (fallback && fsp::FallbackStatusPoint::owns(request.path)) return fallback->asked_by_site(request);
  if (gateway && gateway::Gateway::owns(request.path)) return gateway->answer_site(request);
  return net::Response::empty(404);
}

net::Response LinkedServer::Parts::dispatch(net::Request& request) {
  const bool stored = content.dp && dp::DistributionPoint::owns(request.path) && offered(config.dp_connections, request.peer.door);
  net::Response response = net::Response::empty(request.method == "CCM_POST" ? 400 : 404);  // a message elsewhere (wire.md §16)
  if (stored) response = content.dp->handle(request);
  else if (mp && mp::PerimeterPoint::owns(request.path) && offered(config.mp_connections, request.peer.door)) response = mp->handle(request);
  else if (enrollment && enrollment::owns(request.path) && offered(*config.enrollment.proxy, request.peer.door)) response = enrollment->handle(request);
  if (gateway) gateway->count(request, response, stored);
  return response;
}

Status LinkedServer::Parts::listen() {
  if (!passes_on()) return {};
  net::ServerOptions options;
  options.clock = &clock;
  options.random = &random;
  options.worker_threads = std::max(static_cast<unsigned>(config.worker_threads), kWaitingThreadsMin);
  for (const auto& l : config.listeners)
    if (!(fallback && l.door == Door::intranet_http)) options.listeners.push_back(listener_of(l));
  if (gateway) options.on_head = [this](net::Request& head) { gateway->take_off_prefix(head); };
  options.handler = [this](net::Request& request) { return dispatch(request); };
  options.body_limit = [this](const net::Request& head) {
    if (enrollment::owns(head.path)) return enrollment::body_limit(head);
    return content.dp && dp::DistributionPoint::owns(head.path) ? dp::DistributionPoint::body_bytes_max(head) : mp::PerimeterPoint::body_limit(head);
  };
  options.too_large = [](const net::Request& head) { return mp::PerimeterPoint::too_large(head); };
  options.verifier = [this](std::string_view leaf, const std::vector<std::string>& chain) { return trust->check_peer(leaf, chain); };
  FP_TRY(started, net::Server::start(std::move(options)));
  server = std::move(started);
  return {};
}

void LinkedServer::Parts::schedule() {
  if (!passes_on()) return;
  chores.add("revocation lists", 300'000, [this] {
    if (trust->refresh_lists()) server->recheck_peers();
  });
  chores.start();
  if (!content.dp) return;
  transfers.add("pull", 1000, [this] {
    content.pull(clock, [this] { return transfers.stopping(); });
  });
  transfers.start();
}

Result<std::unique_ptr<LinkedServer>> LinkedServer::start(const SiteConfig& config, const Clock& clock, Random& random) {
  auto parts = std::make_unique<Parts>(config, clock, random);
  FP_CHECK(parts->open());
  FP_CHECK(parts->listen());
  parts->schedule();
  return std::unique_ptr<LinkedServer>(new LinkedServer(std::move(parts)));
}

LinkedServer::LinkedServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
LinkedServer::~LinkedServer() { stop(); }

void LinkedServer::stop() {
  if (!parts_) return;
  if (parts_->link) parts_->link->stop();  // first: what waits for the site ends
  if (parts_->server) parts_->server->stop();
  if (parts_->fallback) parts_->fallback->stop();
  parts_->transfers.stop();
  parts_->chores.stop();
}

Status LinkedServer::reload() {
  if (!parts_->server) return {};  // a fallback status point: its certificate is read for each new link
  parts_->trust->refresh_lists(true);
  FP_CHECK(parts_->server->reload_tls());
  FP_CHECK(parts_->note_certificate());
  parts_->server->recheck_peers();
  return {};
}

}  // namespace fp::apps
