#include "apps/fallback_server.hpp"

#include "apps/background.hpp"
#include "apps/doors.hpp"
#include "apps/setup.hpp"
#include "roles/fsp/fallback_status_point.hpp"

namespace fp::apps {
namespace {

// Of the size of the task: it stands open to everybody.
constexpr unsigned kIoThreads = 1, kWorkers = 4;
constexpr std::size_t kQueueMax = 256, kConnectionsMax = 2000;
constexpr int kHeaderTimeoutS = 10, kBodyTimeoutS = 10, kIdleTimeoutS = 15, kWriteTimeoutS = 15;

fsp::Settings settings_of(const SiteConfig& config) {
  fsp::Settings settings;
  settings.site_fingerprints = {config.fsp_site_fingerprint};
  settings.throttle = {config.fsp_messages, config.fsp_messages_of_address, config.fsp_interval_s};
  return settings;
}

}  // namespace

struct FallbackServer::Parts {
  SiteConfig config;
  std::unique_ptr<fsp::Spool> spool;
  std::unique_ptr<fsp::FallbackStatusPoint> fsp;
  std::unique_ptr<net::Server> server;
  Background chores;

  Parts(const SiteConfig& c, const Clock& k) : config(c), chores(k) {}
};

Result<std::unique_ptr<FallbackServer>> FallbackServer::start(const SiteConfig& config, const Clock& clock, Random& random) {
  auto parts = std::make_unique<Parts>(config, clock);
  auto* const p = parts.get();
  FP_TRY(spool, fsp::Spool::open(spool_of(config.data), {config.fsp_spool_messages, std::int64_t{config.fsp_spool_mb} << 20}));
  p->spool = std::move(spool);
  p->fsp = std::make_unique<fsp::FallbackStatusPoint>(*p->spool, clock, random, settings_of(config));
  net::ServerOptions options;
  options.clock = &clock;
  options.random = &random;
  options.io_threads = kIoThreads;
  options.worker_threads = kWorkers;
  options.worker_queue_max = kQueueMax;
  options.connections_max = kConnectionsMax;
  options.header_timeout_s = kHeaderTimeoutS;
  options.body_timeout_s = kBodyTimeoutS;
  options.idle_timeout_s = kIdleTimeoutS;
  options.write_timeout_s = kWriteTimeoutS;
  for (const auto& l : config.listeners) options.listeners.push_back(listener_of(l));
  options.handler = [p](net::Request& request) { return p->fsp->handle(request); };
  options.body_limit = fsp::FallbackStatusPoint::body_bytes_max;
  FP_TRY(started, net::Server::start(std::move(options)));
  p->server = std::move(started);
  p->chores.add("what happened", 60'000, [p] { p->fsp->say_what_happened(); });
  p->chores.start();
  return std::unique_ptr<FallbackServer>(new FallbackServer(std::move(parts)));
}

FallbackServer::FallbackServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
FallbackServer::~FallbackServer() { stop(); }

void FallbackServer::stop() {
  if (!parts_) return;
  if (parts_->server) parts_->server->stop();
  parts_->chores.stop();
}

Status FallbackServer::reload() { return parts_->server->reload_tls(); }

}  // namespace fp::apps
