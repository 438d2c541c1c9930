#include "apps/content_server.hpp"

#include "apps/background.hpp"
#include "apps/content_role.hpp"
#include "apps/doors.hpp"
#include "apps/trust.hpp"

namespace fp::apps {

struct ContentServer::Parts {
  SiteConfig config;
  const Clock& clock;
  Random& random;
  std::unique_ptr<Trust> trust;
  ContentRole content;
  std::unique_ptr<net::Server> server;
  Background chores, transfers;

  Parts(const SiteConfig& c, const Clock& k, Random& r) : config(c), clock(k), random(r), chores(k), transfers(k) {}

  Status open();
  Status listen();
  void schedule();
};

Status ContentServer::Parts::open() {
  FP_TRY(trusted, Trust::open(config, nullptr, clock));
  trust = std::move(trusted);
  FP_TRY(opened, ContentRole::open(config, config.dp_site_fingerprint, config.link_certificate, config.link_key, clock));
  content = std::move(opened);
  content.follow(*trust, [this] { server->recheck_peers(); });
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
    return here ? content.dp->handle(request) : net::Response::empty(404);
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
    content.pull(clock, [this] { return transfers.stopping(); });
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
