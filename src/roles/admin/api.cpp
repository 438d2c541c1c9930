#include "roles/admin/api.hpp"

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "domain/access/routes.hpp"
#include "roles/admin/context.hpp"

namespace fp::admin {
namespace {

constexpr std::string_view kRoot = "/admin/v1";
constexpr int kFailuresMax = 10;                 // wrong tokens from one address ...
constexpr std::int64_t kFailureWindowMs = 60'000;  // ... within a minute, then it waits
constexpr std::size_t kAddressesMax = 10'000;
constexpr int kLimitingDepthMax = 100;
constexpr std::int64_t kSeenEveryMs = 10 * 60'000;  // how exact last_seen_at is

int status_of(Code code) {
  switch (code) {
    case Code::invalid: return 400;
    case Code::unauthenticated: return 401;
    case Code::forbidden: return 403;
    case Code::not_found: return 404;
    case Code::conflict: return 409;
    case Code::too_large: return 413;
    case Code::unavailable:
    case Code::timed_out: return 503;
    case Code::corrupt:
    case Code::io:
    case Code::internal: return 500;
  }
  return 500;
}

net::Response error_response(int status, std::string_view code, std::string_view message) {
  json::object error;
  error["code"] = code;
  error["message"] = message;
  json::object body;
  body["error"] = std::move(error);
  return net::Response::text(status, "application/json", json::serialize(body) + "\n");
}

net::Response error_response(const Error& error) {
  return error_response(status_of(error.code), to_string(error.code), error.message);
}

std::vector<Route> collect() {
  std::vector<Route> all;
  for (const auto part : {device_routes(), collection_routes(), software_routes(), content_routes(), deployment_routes(),
                          administration_routes(), role_routes(), management_point_routes(), gateway_routes(), fallback_routes(), publishing_routes(), boundary_routes(),
                          client_routes(), feature_routes(), sequence_routes(), directory_routes(), enrollment_routes(), update_routes()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

const std::vector<Route>& table() {
  static const std::vector<Route> all = collect();
  return all;
}

// "/devices/{id}/block" against a path that is still percent-encoded, so that a name may hold a slash; a last part {path...}
// takes everything that is left.
bool matches(std::string_view pattern, std::string_view path, std::vector<std::string>& params) {
  params.clear();
  const auto want = split(pattern, '/'), have = split(path, '/');
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (want[i].ends_with("...}")) {
      if (i >= have.size()) return false;
      const auto at = have[i].data() - path.data();
      params.emplace_back(path.substr(static_cast<std::size_t>(at)));
      return true;
    }
    if (i >= have.size()) return false;
    if (want[i].starts_with('{')) {
      if (have[i].empty()) return false;
      params.emplace_back(have[i]);
    } else if (want[i] != have[i]) {
      return false;
    }
  }
  return want.size() == have.size();
}

Result<std::map<std::string, std::string>> parse_query(std::string_view query) {
  std::map<std::string, std::string> out;
  if (query.empty()) return out;
  for (const auto part : split(query, '&')) {
    const auto equals = part.find('=');
    FP_TRY(name, percent_decode(part.substr(0, equals)));
    std::string raw(equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1));
    for (char& c : raw)
      if (c == '+') c = ' ';
    FP_TRY(value, percent_decode(raw));
    out[name] = value;
  }
  return out;
}

}  // namespace

std::string Context::argument(const std::string& name, std::string fallback) const {
  const auto found = query.find(name);
  return found == query.end() ? std::move(fallback) : found->second;
}

Result<int> Context::limit() const {
  const auto n = parse_int(argument("limit", "200"));
  if (!n || *n < 1 || *n > 1000) return fail(Code::invalid, "limit: must be a whole number from 1 to 1000");
  return static_cast<int>(*n);
}

Result<json::value> Context::body() const {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = limits::kXmlDepthMax;
  json::value value = json::parse(request.body, error, {}, options);
  if (error) return fail(Code::invalid, "the body is not JSON: {}", error.message());
  return value;
}

Status Context::need(access::ObjectClass object, access::Permission permission, std::string_view scope) const {
  const auto permit = access::may(who, object, permission, scope, own_roles);
  if (!permit.allowed) return fail(Code::forbidden, "{}", permit.reason);
  return {};
}

Status Context::need_target(Repositories& r, std::string_view collection_id) const {
  const auto permit = access::may_target(who, collection_id);
  if (permit.allowed) return {};
  // Whoever may act on a collection may act on what it limits: those are some of its members.
  std::string id(collection_id);
  for (int depth = 0; depth < kLimitingDepthMax && id != kAllSystems; ++depth) {
    const auto found = r.collections.find(id);
    if (!found) break;
    id = found->limiting_id;
    if (id != kAllSystems && access::may_target(who, id).allowed) return {};
  }
  return fail(Code::forbidden, "{}", permit.reason);
}

bool Context::sees_every_device() const { return access::may_target(who, kAllSystems).allowed; }

Status Context::need_device(Repositories& r, const Device& device) const {
  if (sees_every_device()) return {};
  FP_TRY(ids, r.collections.of_device(device.client_id));
  for (const auto& id : ids)
    if (access::may_target(who, id).allowed) return {};
  return fail(Code::forbidden, "device {} is in none of the collections of {}", device.name, who.name);
}

Status Context::audit(Repositories& r, std::string action, std::string kind, std::string id, std::string detail) const {
  AuditLine line;
  line.at = clock.now();
  line.who = who.name;
  line.action = std::move(action);
  line.object_kind = std::move(kind);
  line.object_id = std::move(id);
  line.detail = std::move(detail);
  return r.administration.audit(std::move(line));
}

Status match_revision(const Context& c, std::int64_t revision) {
  const std::string_view wanted = c.request.header("If-Match");
  if (wanted.empty() || wanted == fmt::format("\"{}\"", revision)) return {};
  return fail(Code::conflict, "the object was changed meanwhile: it has revision {} now, you hold {}", revision, wanted);
}

struct AdminApi::Parts {
  store::Store& store;
  const Clock& clock;
  Random& random;
  const site::PolicyMaker& policies;
  site::CollectionEvaluator evaluator;
  Settings settings;
  Hooks hooks;

  struct Failures {
    int count = 0;
    std::int64_t since_ms = 0;
  };
  std::mutex mutex;
  std::map<std::string, Failures> failures;

  Result<Administrator> authenticate(const net::Request& request);
  bool too_many(const std::string& address);
  void note_failure(const std::string& address);
  void note_seen(const Administrator& who);
  net::Response run(Context& context, const Route& route);
};

bool AdminApi::Parts::too_many(const std::string& address) {
  std::lock_guard lock(mutex);
  const auto found = failures.find(address);
  return found != failures.end() && found->second.count >= kFailuresMax &&
         clock.steady_ms() - found->second.since_ms < kFailureWindowMs;
}

void AdminApi::Parts::note_failure(const std::string& address) {
  std::lock_guard lock(mutex);
  if (failures.size() >= kAddressesMax) failures.clear();
  auto& f = failures[address];
  if (clock.steady_ms() - f.since_ms >= kFailureWindowMs) f = {0, clock.steady_ms()};
  ++f.count;
}

Result<Administrator> AdminApi::Parts::authenticate(const net::Request& request) {
  const std::string_view header = request.header("Authorization");
  if (!istarts_with(header, "Bearer "))
    return fail(Code::unauthenticated,
                "an Authorization: Bearer header with an administrator's token is needed");
  if (too_many(request.peer.address)) return fail(Code::unavailable, "too many wrong tokens from this address: wait a minute");
  const std::string hash = hex_lower(crypto::sha256(trim(header.substr(7))));
  auto who = store.read([&](Repositories& r) { return r.administration.find_by_token_hash(hash); });
  if (!who || !who->enabled) {
    note_failure(request.peer.address);
    log::warning("admin", "a wrong or disabled token from {}", request.peer.address);
    return fail(Code::unauthenticated, "the token is not known, or its administrator is disabled");
  }
  note_seen(*who);
  return who;
}

// Not waited for: when somebody was last here is worth no delay.
void AdminApi::Parts::note_seen(const Administrator& who) {
  const Instant now = clock.now();
  if (now.since_ms(who.last_seen_at) < kSeenEveryMs) return;
  const auto noted = store.write_async([name = who.name, now](Repositories& r) -> Status {
    FP_TRY(known, r.administration.find(name));
    known.last_seen_at = now;
    return r.administration.put(known);
  });
  if (!noted.value) log::warning("admin", "{}: {}", who.name, noted.value.error().message);
}

net::Response AdminApi::Parts::run(Context& context, const Route& route) {
  if (const Status permit = context.need(route.object, route.permission); !permit) {
    log::info("admin", "{} {} by {} refused: {}", context.request.method, context.request.path,
              context.who.name, permit.error().message);
    return error_response(permit.error());
  }
  auto answer = route.handle(context);
  if (!answer) return error_response(answer.error());
  if (!answer->text.empty()) return net::Response::text(answer->status, "text/plain; version=0.0.4", std::move(answer->text));
  if (answer->body.is_null()) return net::Response::empty(answer->status == 200 ? 204 : answer->status);
  auto response = net::Response::text(answer->status, "application/json", json::serialize(answer->body) + "\n");
  if (answer->body.is_object())
    if (const auto* revision = answer->body.as_object().if_contains("revision"); revision && revision->is_int64())
      response.set("ETag", fmt::format("\"{}\"", revision->as_int64()));
  return response;
}

AdminApi::AdminApi(store::Store& store, const Clock& clock, Random& random, const site::PolicyMaker& policies,
                   Settings settings, Hooks hooks)
    : parts_(new Parts{store, clock, random, policies, {}, std::move(settings), std::move(hooks), {}, {}}) {}
AdminApi::~AdminApi() = default;

net::Response AdminApi::handle(net::Request& request) {
  const access::Route* door = access::find_route(access::Role::admin, request.path);
  if (!door || door->at(request.peer.door) == access::Auth::absent) return net::Response::empty(404);
  if (!request.path.starts_with(std::string(kRoot) + "/")) return error_response(404, "not found", "the API is below /admin/v1/");
  auto who = parts_->authenticate(request);
  if (!who) {
    auto response = error_response(who.error());
    if (response.status == 401) response.set("WWW-Authenticate", "Bearer");
    if (response.status == 503) response.set("Retry-After", "60");
    return response;
  }
  const std::string_view encoded = std::string_view(request.target).substr(0, request.target.find('?'));
  if (!encoded.starts_with(std::string(kRoot) + "/")) return error_response(404, "not found", "the API is below /admin/v1/");
  const std::string_view path = encoded.substr(kRoot.size());
  std::vector<std::string> params;
  std::string allowed;
  for (const auto& route : table()) {
    if (!matches(route.pattern, path, params)) continue;
    if (route.method != request.method) {
      allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
      continue;
    }
    for (auto& param : params) {
      auto decoded = percent_decode(param);
      if (!decoded) return error_response(decoded.error());
      param = std::move(*decoded);
    }
    auto query = parse_query(request.query);
    if (!query) return error_response(query.error());
    auto own_roles = parts_->store.read([](Repositories& r) { return r.administration.roles(); });
    if (!own_roles) return error_response(own_roles.error());
    Context context{request,
                    params,
                    *query,
                    *who,
                    std::move(*own_roles),
                    parts_->store,
                    parts_->clock,
                    parts_->random,
                    parts_->policies,
                    parts_->evaluator,
                    parts_->settings,
                    parts_->hooks};
    return parts_->run(context, route);
  }
  if (allowed.empty()) return error_response(404, "not found", fmt::format("there is no {}", request.path));
  auto response = error_response(405, "invalid", fmt::format("{} does not take {}", request.path, request.method));
  response.set("Allow", allowed);
  return response;
}

std::size_t AdminApi::body_limit(const net::Request&) { return limits::kAdminBodyBytesMax; }

std::vector<RouteInfo> AdminApi::routes() {
  std::vector<RouteInfo> out;
  for (const auto& route : table()) out.push_back({route.method, route.pattern});
  return out;
}

}  // namespace fp::admin
