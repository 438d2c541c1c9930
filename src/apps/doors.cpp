#include "apps/doors.hpp"

#include "base/text.hpp"
#include "domain/access/routes.hpp"

namespace fp::apps {
namespace {

// What proxies write about the other side, in the forms that are in use.
std::string_view forwarded_scheme(const net::Request& request) {
  if (const auto proto = request.header("X-Forwarded-Proto"); !proto.empty()) return trim(proto.substr(0, proto.find(',')));
  if (iequals(request.header("Front-End-Https"), "on")) return "https";
  const std::string_view forwarded = request.header("Forwarded");
  for (const auto part : split(forwarded.substr(0, forwarded.find(',')), ';')) {
    const std::string_view pair = trim(part);
    if (!istarts_with(pair, "proto=")) continue;
    std::string_view value = trim(pair.substr(6));
    if (value.size() > 1 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    return value;
  }
  return {};
}

}  // namespace

std::optional<net::Response> refuse_bridging(const net::Request& request, std::string_view internet_name) {
  if (request.peer.door != Door::intranet_http && !request.peer.pinned_proxy) return std::nullopt;
  const std::string_view host = request.header("Host");
  const access::Decision decision = access::decide_bridging(
      access::caller_of(request.peer), {forwarded_scheme(request), host.substr(0, host.find(':'))}, internet_name);
  if (decision.allowed()) return std::nullopt;
  log::warning("bridge", "refused {} {} from {} ({}, Via: {:.80}): {}", request.method, percent_encode_path(request.path),
               request.peer.address, to_string(request.peer.door), request.has_header("Via") ? request.header("Via") : "none",
               decision.reason);
  return net::Response::text(decision.status, "text/plain; charset=utf-8", decision.reason + "\n");
}

std::string_view internet_only_name(const SiteConfig& config) {
  return iequals(config.internet_fqdn, config.intranet_fqdn) ? std::string_view() : std::string_view(config.internet_fqdn);
}

net::ListenerOptions listener_of(const ListenerConfig& config) {
  net::ListenerOptions options;
  options.address = config.address;
  options.port = static_cast<std::uint16_t>(config.port);
  options.door = config.door;
  options.proxy_protocol = config.proxy_protocol;
  if (config.door != Door::intranet_http) {
    options.tls.emplace();
    options.tls->certificate_file = config.certificate.native();
    options.tls->key_file = config.key.native();
  }
  return options;
}

}  // namespace fp::apps
