#include "roles/sup/software_update_point.hpp"

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "domain/access/routes.hpp"
#include "roles/sup/synchronizer.hpp"
#include "wire/wsus_limits.hpp"
#include "wire/wsus_metadata.hpp"

namespace fp::sup {
namespace {

using namespace wire::wsus_limits;
namespace wsus = wire::wsus;
using wsus::Problem;

constexpr std::string_view kAuthorizationKind = "authorization", kSessionKind = "session";
constexpr std::size_t kMacBytes = 32;

std::optional<wsus::Service> service_of(access::RouteId id) {
  switch (id) {
    case access::RouteId::sup_client: return wsus::Service::client;
    case access::RouteId::sup_authorization: return wsus::Service::authorization;
    case access::RouteId::sup_reporting:
    case access::RouteId::sup_reporting_alias: return wsus::Service::reporting;
    default: return std::nullopt;
  }
}

net::Response soap(int status, std::string body) { return net::Response::text(status, "text/xml; charset=utf-8", std::move(body)); }

// A whole second: a client gives it back as it was written.
Instant whole_second(Instant at) { return {at.ms / 1000 * 1000}; }

}  // namespace

struct SoftwareUpdatePoint::Refusal {
  Problem problem;
  std::string message;
};

SoftwareUpdatePoint::SoftwareUpdatePoint(store::Store& store, const Clock& clock, Random& random, PointSettings settings)
    : store_(store), clock_(clock), random_(random), settings_(std::move(settings)), started_at_(whole_second(clock.now())) {
  settings_.cookie_key = crypto::hmac_sha256(settings_.cookie_key, "farpoint software update point cookies");
}

bool SoftwareUpdatePoint::owns(std::string_view path) { return access::find_route(access::Role::sup, path) != nullptr; }
std::size_t SoftwareUpdatePoint::body_limit(const net::Request&) { return kRequestBytesMax; }

// "kind|client|expiry|" and a MAC over it.
std::string SoftwareUpdatePoint::seal(std::string_view kind, std::string_view client_id, Instant expires_at) const {
  const std::string text = fmt::format("{}|{}|{}|", kind, client_id, expires_at.ms);
  return text + crypto::hmac_sha256(settings_.cookie_key, text);
}

Result<std::shared_ptr<const Catalogue>> SoftwareUpdatePoint::catalogue() {
  FP_TRY(version, store_.read([](store::Repositories& r) -> Result<std::int64_t> {
    const auto text = r.site.value(kContentVersion);
    if (!text && text.error().code == Code::not_found) return 0;
    return text ? parse_int(*text) : std::unexpected(text.error());
  }));
  std::lock_guard lock(mutex_);
  if (version == version_) return catalogue_;
  FP_TRY(updates, store_.read([](store::Repositories& r) { return r.updates.list({}); }));
  catalogue_ = std::make_shared<const Catalogue>(updates);
  version_ = version;
  log::info("sup", "catalogue version {}: {} updates and their categories, {} in all", version, updates.size(), catalogue_->size());
  return catalogue_;
}

// One request, answered. A refusal is thrown nowhere: it is the other value.
struct SoftwareUpdatePoint::Answering {
  SoftwareUpdatePoint& point;
  const net::Request& request;
  using Answer = std::expected<std::string, Refusal>;

  static std::unexpected<Refusal> refuse(Problem problem, std::string message) { return std::unexpected(Refusal{problem, std::move(message)}); }
  static std::unexpected<Refusal> trouble(const Error& error) { return refuse(Problem::internal_server_error, error.message); }

  struct Opened {
    std::string client_id;
    Instant expires_at;
  };
  [[nodiscard]] std::expected<Opened, Refusal> open(std::string_view data, std::string_view kind) const {
    const auto invalid = [] { return refuse(Problem::invalid_cookie, "the cookie is none of this server"); };
    if (data.size() <= kMacBytes) return invalid();
    const auto text = data.substr(0, data.size() - kMacBytes);
    if (!crypto::equal_constant_time(crypto::hmac_sha256(point.settings_.cookie_key, text), data.substr(text.size()))) return invalid();
    const auto parts = split(text, '|');
    const auto expires = parts.size() == 4 ? parse_int(parts[2]) : fail(Code::invalid, "parts");
    if (!expires || parts[0] != kind) return invalid();
    if (Instant{*expires} < point.clock_.now()) return refuse(Problem::cookie_expired, "the cookie was good for an hour and is not any more");
    return Opened{std::string(parts[1]), Instant{*expires}};
  }
  [[nodiscard]] std::expected<Opened, Refusal> open(const wsus::Cookie& cookie) const { return open(cookie.data, kSessionKind); }
  // With the same end: using a cookie does not make it last longer.
  [[nodiscard]] wsus::Cookie renewed(const Opened& opened) const {
    return {opened.expires_at, point.seal(kSessionKind, opened.client_id, opened.expires_at)};
  }

  Answer operator()(const wsus::GetConfig&) const {
    const std::string_view path = wsus::kAuthorizationPath.substr(1);
    return wsus::encode_config({point.started_at_, true, std::string(path)});
  }
  Answer operator()(const wsus::GetAuthorizationCookie& r) const {
    const Instant end = whole_second(point.clock_.now().plus_ms(point.settings_.cookie_life_ms));
    log::debug("sup", "{} ({}) begins a scan at {}", r.client_id, r.dns_name, to_string(request.peer.door));
    return wsus::encode_authorization_cookie(point.seal(kAuthorizationKind, lower(r.client_id), end));
  }
  Answer operator()(const wsus::GetCookie& r) const {
    const auto opened = open(r.authorization, kAuthorizationKind);
    if (!opened) return std::unexpected(opened.error());
    if (r.last_change != point.started_at_) return refuse(Problem::config_changed, "the configuration changed: ask for it again");
    const Instant end = whole_second(point.clock_.now().plus_ms(point.settings_.cookie_life_ms));
    return wsus::encode_cookie({end, point.seal(kSessionKind, opened->client_id, end)});
  }
  // What it says of itself decides nothing here: the catalogue is the same for everybody.
  Answer operator()(const wsus::RegisterComputer& r) const {
    if (const auto opened = open(r.cookie); !opened) return std::unexpected(opened.error());
    return wsus::encode_registered();
  }
  Answer operator()(const wsus::StartCategoryScan& r) const {
    const auto known = point.catalogue();
    if (!known) return trouble(known.error());
    std::vector<std::string> preferred, in_error;
    for (const auto& id : r.category_ids) {
      const auto* item = (*known)->find(std::string_view(id));
      (item && !item->leaf ? preferred : in_error).push_back(id);
    }
    return wsus::encode_category_scan(preferred, in_error);
  }
  Answer operator()(const wsus::SyncUpdates& r) const {
    const auto opened = open(r.cookie);
    if (!opened) return std::unexpected(opened.error());
    wsus::SyncInfo info;
    info.cookie = renewed(*opened);
    if (r.drivers) return wsus::encode_sync_info(info);  // there are none
    const auto known = point.catalogue();
    if (!known) return trouble(known.error());
    const auto page = (*known)->page(r.installed_non_leaf, r.other_cached, kPageUpdatesMax);
    for (const auto* item : page.items)
      info.updates.push_back({item->number, item->leaf, item->leaf, item->leaf ? item->update.changed_at : point.started_at_,
                              wire::encode_core_fragment(item->metadata)});
    info.out_of_scope = page.out_of_scope;
    info.truncated = page.truncated;
    if (!page.truncated && page.items.empty()) ++point.counters_.scans;
    return wsus::encode_sync_info(info);
  }
  Answer operator()(const wsus::GetExtendedUpdateInfo& r) const {
    if (const auto opened = open(r.cookie); !opened) return std::unexpected(opened.error());
    const auto known = point.catalogue();
    if (!known) return trouble(known.error());
    wsus::ExtendedInfo info;
    for (const auto number : r.revisions) {
      const auto* item = (*known)->find(number);
      if (!item) return refuse(Problem::invalid_parameters, fmt::format("there is no revision {}", number));
      const auto& u = item->update;
      if (item->leaf) {
        info.fragments.push_back({number, wire::encode_extended_fragment({u.file_name, u.sha256, u.bytes})});
        info.files.push_back({unhex(u.sha256).value_or(""), u.url});
      }
      info.fragments.push_back({number, wire::encode_localized_fragment(item->title, item->leaf ? u.product : item->title)});
    }
    return wsus::encode_extended_info(info);
  }
  Answer operator()(const wsus::GetFileLocations& r) const {
    const auto opened = open(r.cookie);
    if (!opened) return std::unexpected(opened.error());
    const auto known = point.catalogue();
    if (!known) return trouble(known.error());
    std::vector<wsus::FileLocation> files;
    for (const auto& digest : r.digests) {
      const auto* item = (*known)->find_file(hex_lower(digest));
      if (!item) return refuse(Problem::invalid_parameters, "a digest of no file of this catalogue");
      files.push_back({digest, item->update.url});
    }
    return wsus::encode_file_locations(files, renewed(*opened));
  }
  Answer operator()(const wsus::RefreshCache& r) const {
    if (const auto opened = open(r.cookie); !opened) return std::unexpected(opened.error());
    const auto known = point.catalogue();
    if (!known) return trouble(known.error());
    std::vector<wsus::Refreshed> list;
    for (const auto& name : r.names) {
      const auto* item = (*known)->find(std::string_view(name.id));
      if (item && item->metadata.revision == name.revision) list.push_back({item->number, name, item->leaf});
    }
    return wsus::encode_refreshed(list);
  }
  Answer operator()(const wsus::ReportEventBatch& r) const {
    const auto opened = open(r.cookie);
    if (!opened) return std::unexpected(opened.error());
    point.counters_.events += r.events.size();
    if (!r.events.empty())
      log::info("sup", "{} at {} reports {} events, the first: {} of {}, result {}", opened->client_id, request.peer.address, r.events.size(),
                r.events[0].id, r.events[0].update_id.empty() ? "no update" : r.events[0].update_id, r.events[0].result);
    return wsus::encode_reported();
  }
};

net::Response SoftwareUpdatePoint::fault(const net::Request& request, Problem problem, std::string_view operation, const std::string& message) {
  ++counters_.faults;
  const std::string id = new_guid(random_);
  log::info("sup", "{} from {} ({}): {} [{}]: {}", operation, request.peer.address, to_string(request.peer.door), wsus::name_of(problem), lower(id), message);
  return soap(500, wsus::encode_fault({problem, message, id, std::string(operation)}));
}

net::Response SoftwareUpdatePoint::handle(net::Request& request) {
  const access::Route* route = access::find_route(access::Role::sup, request.path);
  if (!route) return net::Response::empty(404);
  const auto decision = access::decide(*route, access::to_verb(request.method), access::caller_of(request.peer), {});
  if (!decision.allowed()) {
    auto response = net::Response::text(decision.status, "text/plain; charset=utf-8", decision.reason + "\n");
    if (decision.status == 405) response.set("Allow", access::allow_header(route->verbs));
    return response;
  }
  const auto service = service_of(route->id);
  if (!service) return net::Response::empty(404);
  ++counters_.requests;
  const auto decoded = wsus::decode_request(*service, request.body);
  if (!decoded) return fault(request, Problem::invalid_parameters, request.path, decoded.error().message);
  const auto answer = std::visit(Answering{*this, request}, *decoded);
  if (!answer) return fault(request, answer.error().problem, wsus::name_of(*decoded), answer.error().message);
  return soap(200, *answer);
}

}  // namespace fp::sup
