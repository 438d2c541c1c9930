#include "apps/fallback_role.hpp"

#include "apps/doors.hpp"
#include "apps/setup.hpp"

namespace fp::apps {
namespace {

// Of the size of the task: it stands open to everybody.
constexpr unsigned kIoThreads = 1, kWorkers = 4;
constexpr std::size_t kQueueMax = 256, kConnectionsMax = 2000;
constexpr int kHeaderTimeoutS = 10, kBodyTimeoutS = 10, kIdleTimeoutS = 15, kWriteTimeoutS = 15;

fsp::Settings settings_of(const SiteConfig& config, const std::string& site_fingerprint) {
  fsp::Settings settings;
  settings.site_fingerprints = {site_fingerprint};
  settings.throttle = {config.fsp_messages, config.fsp_messages_of_address, config.fsp_interval_s};
  return settings;
}

}  // namespace

Result<std::unique_ptr<FallbackRole>> FallbackRole::open(const SiteConfig& config, const std::string& site_fingerprint, const Clock& clock,
                                                         Random& random) {
  std::unique_ptr<FallbackRole> role(new FallbackRole(clock));
  auto* const p = role.get();
  FP_TRY(spool, fsp::Spool::open(spool_of(config.data), {config.fsp_spool_messages, std::int64_t{config.fsp_spool_mb} << 20}));
  p->spool_ = std::move(spool);
  p->fsp_ = std::make_unique<fsp::FallbackStatusPoint>(*p->spool_, clock, random, settings_of(config, site_fingerprint));
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
  for (const auto& l : config.listeners)
    if (l.door == Door::intranet_http) options.listeners.push_back(listener_of(l));
  options.handler = [p](net::Request& request) { return p->fsp_->handle(request); };
  options.body_limit = fsp::FallbackStatusPoint::body_bytes_max;
  FP_TRY(started, net::Server::start(std::move(options)));
  p->clients_ = std::move(started);
  p->chores_.add("what happened", 60'000, [p] { p->fsp_->say_what_happened(); });
  p->chores_.start();
  return role;
}

FallbackRole::~FallbackRole() { stop(); }

void FallbackRole::stop() {
  if (clients_) clients_->stop();
  chores_.stop();
}

}  // namespace fp::apps
