#include "apps/site_links.hpp"

#include "apps/doors.hpp"
#include "base/log.hpp"
#include "roles/enrollment/est.hpp"
#include "site/hosts.hpp"

namespace fp::apps {
namespace {

constexpr std::int64_t kLongestAnswerMs = 4LL * 3600 * 1000;  // a distribution point may read everything before it answers

constexpr std::int64_t kBriefAnswerMs = 30'000;

// Which doors a host may say its clients came through: as the administrator entered it, and no other.
bool may_offer(const ManagementPoint& point, Door door) {
  if (!offered(point.connections, door)) return false;
  if (door == Door::internet_https) return point.site_code.empty();
  return door == Door::intranet_https || point.intranet_url.starts_with("http://");
}

}  // namespace

Result<std::unique_ptr<SiteLinks>> SiteLinks::start(const SiteConfig& config, store::Store& store, const Trust& trust,
                                                    mp::Service& service, enrollment::EnrollmentPoint* enrollment, const Clock& clock,
                                                    Random& random, std::function<void()> on_open) {
  std::unique_ptr<SiteLinks> links(new SiteLinks(config, store, trust, service, enrollment, clock));
  links->on_open_ = std::move(on_open);
  if (config.link_certificate.empty()) return std::unique_ptr<SiteLinks>();
  net::LinkOptions o;
  o.site_code = config.site_code;
  o.name = kSiteName;
  o.certificate_file = config.link_certificate.native();
  o.key_file = config.link_key.native();
  o.listen_address = config.link.address;
  o.listen_port = static_cast<std::uint16_t>(config.link.port);
  o.handler = [l = links.get()](net::Request& request) { return l->forwarded(request); };
  o.body_limit = mp::Service::body_limit;
  o.worker_threads = static_cast<unsigned>(config.worker_threads);
  o.spool = config.data;
  o.on_change = [l = links.get()](const net::LinkState& state) { l->note(state); };
  o.clock = &clock;
  o.random = &random;
  FP_TRY(link, net::Link::start(std::move(o)));
  links->link_ = std::move(link);
  FP_CHECK(links->refresh());
  return links;
}

SiteLinks::~SiteLinks() { stop(); }
void SiteLinks::stop() {
  if (link_) link_->stop();
}

Status SiteLinks::refresh() {
  std::vector<FallbackPoint> fallback;
  FP_TRY(all, store_.read([&](store::Repositories& r) -> Result<std::vector<ManagementPoint>> {
    FP_TRY(found, r.fallback.points());
    fallback = std::move(found);
    return r.site.management_points();
  }));
  std::map<std::string, ManagementPoint> points;
  std::vector<net::LinkPeer> peers;
  for (const auto& point : fallback)
    if (!point.fingerprint.empty()) peers.push_back({point.name, point.fingerprint, site_code_, point.link});
  for (auto& point : all) {
    if (point.fingerprint.empty()) continue;
    peers.push_back({point.name, point.fingerprint, point.site_code.empty() ? site_code_ : point.site_code, point.link});
    points.emplace(point.name, std::move(point));
  }
  FP_TRY(doors, store_.read([](store::Repositories& r) { return r.enrollments.proxies(); }));
  std::map<std::string, Connections> proxies;
  for (const auto& door : doors) {
    proxies.emplace(door.name, door.connections);
    if (!points.contains(door.name) && !door.fingerprint.empty()) peers.push_back({door.name, door.fingerprint, site_code_, door.link});
  }
  {
    const std::lock_guard lock(mutex_);
    points_ = std::move(points);
    proxies_ = std::move(proxies);
  }
  link_->set_peers(peers);
  return {};
}

SiteLinks::Passage SiteLinks::passage(const net::Request& request) const {
  const std::lock_guard lock(mutex_);
  const auto point = points_.find(request.via->name);  // not there: a host that passes nothing on, such as a fallback status point
  if (point != points_.end() && point->second.gateway && !gateway_traffic_) return Passage::no_gateway_traffic;
  if (enrollment::owns(request.path)) {
    const auto proxy = proxies_.find(request.via->name);
    return proxy != proxies_.end() && offered(proxy->second, request.peer.door) ? Passage::open : Passage::not_its_door;
  }
  return point != points_.end() && may_offer(point->second, request.peer.door) ? Passage::open : Passage::not_its_door;
}

net::Response SiteLinks::forwarded(net::Request& request) {
  const auto passes = passage(request);
  if (passes == Passage::no_gateway_traffic) {
    log::warning("link", "{} passes on a request from {}: {}", request.via->name, request.peer.address, site::kNoGatewayTraffic);
    return net::Response::text(403, "text/plain; charset=utf-8", std::string(site::kNoGatewayTraffic) + "\n");
  }
  if (passes == Passage::not_its_door) {
    log::warning("link", "{} passes on a request from {} at the door {}, which is not one of its connections: refused", request.via->name,
                 request.peer.address, to_string(request.peer.door));
    return net::Response::empty(403);
  }
  if (!request.peer.certificate_der.empty()) {
    static const std::vector<std::string> nothing;
    auto verdict = trust_.check_peer(request.peer.certificate_der, request.peer.chain_der ? *request.peer.chain_der : nothing);
    request.peer.check = std::move(verdict.check);
    request.peer.pinned_proxy = verdict.pinned_proxy;
  }
  if (mp::Service::owns(request.path)) return service_.handle(request);
  if (enrollment_ && enrollment::owns(request.path)) return enrollment_->handle(request);
  return net::Response::empty(request.method == "CCM_POST" ? 400 : 404);  // a message elsewhere (wire.md §16)
}

// What an administrator sees in `farpoint events`.
void SiteLinks::note(const net::LinkState& state) {
  bool serves = false;
  {
    const std::lock_guard lock(mutex_);
    serves = points_.contains(state.peer);
  }
  const std::string text =
      state.open ? fmt::format("the site link to {} is open", state.peer)
                 : fmt::format("the site link to {} is down: {}{}", state.peer, state.problem, serves ? "; its clients are told to come again" : "");
  const auto noted = store_.write_async([&](store::Repositories& r) -> Status {
    return r.states.add_event({0, clock_.now(), state.open ? 0 : 1, "link", {}, text});
  });
  if (!noted.value) log::warning("link", "an event was not noted: {}", noted.value.error().message);
  if (state.open && on_open_) on_open_();
}

Result<net::Response> SiteLinks::ask(const std::string& name, net::Request& request) const {
  // Only these read all of a content before they answer; a host that keeps silent otherwise holds up what waits behind it.
  const bool reads_everything = request.target.ends_with("/commit") || request.target.ends_with("/validate");
  return link_->ask(name, request, reads_everything ? kLongestAnswerMs : kBriefAnswerMs);
}

Result<net::Response> SiteLinks::ask_briefly(const std::string& name, net::Request& request, std::int64_t body_bytes_max) const {
  return link_->ask(name, request, kBriefAnswerMs, body_bytes_max);
}

}  // namespace fp::apps
