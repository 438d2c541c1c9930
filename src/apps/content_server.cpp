#include "apps/content_server.hpp"

#include "apps/background.hpp"
#include "apps/doors.hpp"
#include "apps/setup.hpp"
#include "apps/trust.hpp"
#include "content/library.hpp"
#include "roles/dp/distribution_point.hpp"
#include "roles/dp/pull_worker.hpp"

namespace fp::apps {

struct ContentServer::Parts {
  SiteConfig config;
  const Clock& clock;
  Random& random;
  std::unique_ptr<content::Library> library;
  std::unique_ptr<Trust> trust;
  std::shared_ptr<dp::DeliveredTrust> delivered;
  std::unique_ptr<dp::PullOrders> pulls;
  std::unique_ptr<dp::DistributionPoint> dp;
  std::unique_ptr<dp::PullWorker> puller;
  std::unique_ptr<net::Server> server;
  Background chores, transfers;

  Parts(const SiteConfig& c, const Clock& k, Random& r) : config(c), clock(k), random(r), chores(k), transfers(k) {}

  Status open();
  Status listen();
  void schedule();
};

Status ContentServer::Parts::open() {
  content::LibraryOptions options;
  options.folder = library_of(config.data);
  FP_TRY(contents, content::Library::open(options));
  library = std::move(contents);
  FP_TRY(trusted, Trust::open(config, nullptr, clock));
  trust = std::move(trusted);
  FP_TRY(orders, dp::PullOrders::open(config.data / "pulls"));
  pulls = std::move(orders);
  dp::Settings settings;
  settings.host = config.dp_name;
  settings.anonymous_intranet = config.dp_anonymous;
  settings.site_fingerprints = {config.dp_site_fingerprint};
  FP_TRY(told, dp::DeliveredTrust::open(delivered_trust_of(config.data)));
  delivered = std::move(told);
  trust->replace_blocked(delivered->fingerprints());
  delivered->on_change([this] {
    trust->replace_blocked(delivered->fingerprints());
    server->recheck_peers();
  });
  settings.delivered = delivered;
  dp = std::make_unique<dp::DistributionPoint>(*library, clock, settings, pulls.get());
  net::ClientOptions identity;
  identity.tls.certificate_file = config.link_certificate.native();
  identity.tls.key_file = config.link_key.native();
  FP_TRY(authorities, write_authorities(config));
  identity.tls.ca_file = authorities;
  puller = std::make_unique<dp::PullWorker>(*library, identity);
  return {};
}

Status ContentServer::Parts::listen() {
  net::ServerOptions options;
  options.clock = &clock;
  options.random = &random;
  options.worker_threads = static_cast<unsigned>(config.worker_threads);
  for (const auto& l : config.listeners) options.listeners.push_back(listener_of(l));
  options.handler = [this](net::Request& request) {
    if (auto refused = refuse_bridging(request, internet_only_name(config))) return std::move(*refused);
    const bool here = dp::DistributionPoint::owns(request.path) && offered(config.dp_connections, request.peer.door);
    return here ? dp->handle(request) : net::Response::empty(404);
  };
  options.body_limit = dp::DistributionPoint::body_bytes_max;
  options.verifier = [this](std::string_view leaf, const std::vector<std::string>& chain) { return trust->check_peer(leaf, chain); };
  FP_TRY(started, net::Server::start(std::move(options)));
  server = std::move(started);
  return {};
}

void ContentServer::Parts::schedule() {
  chores.add("revocation lists", 300'000, [this] {
    if (trust->refresh_lists()) server->recheck_peers();
  });
  transfers.add("pull", 1000, [this] {
    const int fetched = puller->run_once(*pulls, clock, [this] { return transfers.stopping(); });
    if (fetched > 0) log::info("pull", "{} contents fetched from other distribution points", fetched);
  });
  chores.start();
  transfers.start();
}

Result<std::unique_ptr<ContentServer>> ContentServer::start(const SiteConfig& config, const Clock& clock, Random& random) {
  auto parts = std::make_unique<Parts>(config, clock, random);
  FP_CHECK(parts->open());
  FP_CHECK(parts->listen());
  parts->schedule();
  return std::unique_ptr<ContentServer>(new ContentServer(std::move(parts)));
}

ContentServer::ContentServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ContentServer::~ContentServer() { stop(); }

void ContentServer::stop() {
  if (!parts_) return;
  if (parts_->server) parts_->server->stop();
  parts_->transfers.stop();
  parts_->chores.stop();
}

Status ContentServer::reload() {
  parts_->trust->refresh_lists(true);
  FP_CHECK(parts_->server->reload_tls());
  parts_->server->recheck_peers();
  return {};
}

int ContentServer::port(std::size_t listener) const { return parts_->server->port(listener); }

}  // namespace fp::apps
