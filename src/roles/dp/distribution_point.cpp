#include "roles/dp/distribution_point.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "domain/access/routes.hpp"
#include "net/diagnosis.hpp"
#include "roles/dp/serve.hpp"
#include "roles/dp/site_link.hpp"
#include "roles/dp/tree.hpp"
#include "wire/capability.hpp"
#include "wire/dav.hpp"

namespace fp::dp {
namespace {

std::string_view trim_slashes(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

// "/sccm?/sub/file" below a content means the file of its root. The question mark arrives raw, and so has become the query,
// or percent-encoded.
std::string with_sccm_form(const net::Request& request, std::string_view rest) {
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos) return std::string(rest);
  const std::string_view content = rest.substr(0, slash), below = rest.substr(slash + 1);
  if (iequals(below, "sccm") && request.target.find('?') != std::string::npos) {
    const auto decoded = percent_decode(request.query);
    const std::string path(decoded ? trim_slashes(*decoded) : std::string_view{});
    return std::string(content) + (path.empty() ? "" : "/" + path);
  }
  if (istarts_with(below, "sccm?")) {
    const std::string path(trim_slashes(below.substr(5)));
    return std::string(content) + (path.empty() ? "" : "/" + path);
  }
  return std::string(rest);
}

bool is_host(std::string_view host) {
  if (host.empty() || host.size() > 260) return false;
  return std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':' ||
           c == '[' || c == ']' || c == '_';
  });
}

net::Response refusal(const access::Decision& decision, const access::Route* route) {
  net::Response response = net::Response::text(decision.status, "text/plain; charset=utf-8", decision.reason + "\n");
  if (decision.status == 403 && decision.reason == "Client certificate required") response.reason = decision.reason;
  if (decision.status == 405 && route) response.set("Allow", access::allow_header(route->verbs));
  return response;
}

}  // namespace

struct DistributionPoint::Target {
  const access::Route* route = nullptr;
  std::string rest;        // behind the virtual directory and the capability, no slashes at the ends
  std::string url_prefix;  // decoded path up to and with what stands before `rest`, for links
  std::string capability;  // the segment, empty: none
};

DistributionPoint::DistributionPoint(content::Library& library, const Clock& clock, Settings settings, PullOrders* pulls)
    : library_(library), clock_(clock), settings_(std::move(settings)), pulls_(pulls) {}

bool DistributionPoint::owns(std::string_view path) { return access::find_route(access::Role::dp, path) != nullptr; }

std::size_t DistributionPoint::body_bytes_max(const net::Request& head) {
  const access::Route* route = access::find_route(access::Role::dp, head.path);
  if (!route) return 0;
  if (route->id == access::RouteId::dp_link && !head.peer.fingerprint.empty()) return site_body_bytes_max(head.method, head.path);
  return head.method == "CCM_POST" ? limits::kMessageBodyBytesMax : wire::kPropfindBodyBytesMax;
}

access::Caller DistributionPoint::caller_of(const net::Request& request) const {
  access::Caller caller = access::caller_of(request.peer);
  caller.site_server =
      request.peer.tls() && !request.peer.fingerprint.empty() &&
      std::ranges::find(settings_.site_fingerprints, request.peer.fingerprint) != settings_.site_fingerprints.end();
  return caller;
}

access::Decision DistributionPoint::decide(const net::Request& request, const Target& target, const access::Caller& caller) const {
  access::Settings settings;
  settings.anonymous_content = settings_.anonymous_intranet;
  return access::decide(*target.route, access::to_verb(request.method), caller, settings);
}

Status DistributionPoint::check_capability(const Target& target) const {
  const DeliveredTrust* delivered = settings_.delivered.get();
  const std::string key = delivered ? delivered->key() : settings_.capability_key;
  if (key.empty()) return fail(Code::unavailable, "the site has not delivered its capability key yet");
  const auto id = parse_content_id(target.rest.substr(0, target.rest.find('/')));
  std::string content_id = id ? *id : std::string{};
  if (!id && target.rest.ends_with(".manifest"))
    content_id = parse_content_id(std::string_view(target.rest).substr(0, target.rest.size() - 9)).value_or("");
  FP_TRY(capability, wire::check_capability(target.capability, content_id, key, clock_.now()));
  const bool blocked = delivered ? delivered->blocked(capability.client_id) : settings_.blocked && settings_.blocked(capability.client_id);
  if (blocked) return fail(Code::forbidden, "{} is blocked or unknown", capability.client_id);
  return {};
}

access::Decision DistributionPoint::authorize(const net::Request& request, const Target& target) const {
  access::Caller caller = caller_of(request);
  std::string why;
  if (!target.capability.empty() && caller.pinned_proxy) {
    const Status holds = check_capability(target);
    caller.capability = holds.has_value();
    if (!holds) why = holds.error().message;
  }
  access::Decision decision = decide(request, target, caller);
  if (decision.status == 403)
    log::warning("dp", "{} {}/{} from {} at {}: 403: {}{}{}{}{}", request.method, target.route->path,
                 percent_encode_path(target.rest), request.peer.address,
                 to_string(request.peer.door), decision.reason, request.peer.check.detail.empty() ? "" : ": ",
                 request.peer.check.detail, why.empty() || caller.capability ? "" : "; ",
                 caller.capability ? std::string{} : why);
  return decision;
}

DistributionPoint::Target DistributionPoint::target_of(const net::Request& request) {
  Target target;
  target.route = access::find_route(access::Role::dp, request.path);
  if (!target.route) return target;
  const std::size_t prefix_size = target.route->path.size();
  target.url_prefix = request.path.substr(0, prefix_size);
  target.rest = trim_slashes(std::string_view(request.path).substr(prefix_size));
  if (wire::is_capability_segment(target.rest)) {
    const auto slash = target.rest.find('/');
    target.capability = target.rest.substr(0, slash);
    target.url_prefix += "/" + target.capability;
    target.rest =
        slash == std::string::npos ? std::string{} : std::string(trim_slashes(std::string_view(target.rest).substr(slash)));
  }
  return target;
}

// No listing, no capability (its client is looked up in the store), no refusal (it is logged): those are the pool's.
std::optional<net::Response> DistributionPoint::handle_at_once(const net::Request& request) const {
  if (request.method != "GET" && request.method != "HEAD") return std::nullopt;
  const Target target = target_of(request);
  if (!target.route || target.route->id != access::RouteId::dp_content || !target.capability.empty()) return std::nullopt;
  if (!decide(request, target, caller_of(request)).allowed()) return std::nullopt;
  const auto found = find_file(library_, with_sccm_form(request, target.rest));
  if (!found) return std::nullopt;
  const auto file = library_.open_file_at_once(found->sha256);
  if (!file) return std::nullopt;
  return serve_opened(request, *found, *file);
}

std::string DistributionPoint::name_at(Door door) const {
  return door == Door::internet_https && !settings_.internet_host.empty() ? settings_.internet_host : settings_.host;
}

net::Response DistributionPoint::handle(net::Request& request) {
  const Target target = target_of(request);
  if (!target.route) return net::Response::text(404, "text/plain", "Not found\n");
  const access::Decision decision = authorize(request, target);
  if (decision.status == 405 && request.method == "CCM_POST")  // a message elsewhere (wire.md §16)
    return net::Response::text(400, "text/plain", "Messages go to a management point.\n");
  if (!decision.allowed()) return refusal(decision, target.route);
  switch (target.route->id) {
    case access::RouteId::dp_link: return answer_site(request, target.rest, library_, pulls_, settings_.delivered.get());
    case access::RouteId::dp_content: return content(request, target);
    case access::RouteId::dp_diagnosis: return net::answer_diagnosis(request, "distribution point", name_at(request.peer.door), clock_.now());
    case access::RouteId::dp_signatures:  // no signature archives are made: a client then downloads in full (wire.md §11.3)
      return net::Response::text(404, "text/plain", "Not found\n");
    default: return net::Response::text(404, "text/plain", "Not found\n");
  }
}

net::Response DistributionPoint::content(const net::Request& request, const Target& target) {
  if (request.method == "OPTIONS") {
    net::Response response = net::Response::empty(200);
    response.set("DAV", "1,2").set("MS-Author-Via", "DAV").set("Accept-Ranges", "bytes");
    return std::move(response.set("Allow", access::allow_header(target.route->verbs)));
  }
  const std::string rest = with_sccm_form(request, target.rest);
  const auto found = find_resource(library_, rest, request.method == "PROPFIND" ? Children::dav : Children::listing);
  if (!found) return net::Response::text(404, "text/plain", "Not found\n");
  if (log::wanted(log::Level::debug))
    log::debug("dp", "{} {} for {}", request.method, percent_encode_path(rest), request.peer.address);
  if (request.method != "PROPFIND" && !found->self.folder) return serve_bytes(request, library_, *found);
  const std::string_view host = is_host(request.header("Host")) ? request.header("Host") : std::string_view(settings_.host);
  const std::string path = target.url_prefix + (rest.empty() ? "" : "/" + rest);
  const std::string url = fmt::format("{}://{}{}", request.peer.tls() ? "https" : "http", host, percent_encode_path(path));
  return request.method == "PROPFIND" ? serve_propfind(request, url, *found) : serve_page(request, url, *found);
}

}  // namespace fp::dp
