#include "roles/gateway/gateway.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "domain/access/routes.hpp"
#include "wire/gateway_limits.hpp"

namespace fp::gateway {
namespace {

constexpr const char* kStatusPath = "/farpoint/gateway/v1/status";

std::int64_t bytes_in(const net::Response& response) {
  std::int64_t sum = 0;
  for (const auto& segment : response.body) {
    const auto* text = std::get_if<std::string>(&segment);
    sum += text ? static_cast<std::int64_t>(text->size()) : std::get<net::FileSlice>(segment).length;
  }
  return sum;
}

}  // namespace

Gateway::Gateway(Settings settings, const Clock& clock)
    : settings_(std::move(settings)), id_(wire::gateway_id(settings_.host)), clock_(clock), started_at_(clock.now()) {}

void Gateway::take_off_prefix(net::Request& head) const {
  auto split = wire::split_gateway_target(head.target);
  if (!split || split->id != id_) return;
  // What the parser took apart it takes apart here too: the whole path could be decoded, so its end can.
  auto path = percent_decode(std::string_view(split->rest).substr(0, split->rest.find('?')));
  if (!path) return;
  head.path = std::move(*path);
  head.target = std::move(split->rest);
}

void Gateway::count(const net::Request& request, const net::Response& response, bool from_store) {
  ++requests_;
  if (response.status >= 400 && response.status < 500) ++refused_;
  if (!from_store) return;
  ++content_requests_;
  if (response.status < 300) content_bytes_ += bytes_in(response);
  if (response.status >= 500) note(fmt::format("{} {} was answered {}", request.method, percent_encode_path(request.path), response.status));
}

void Gateway::passed(const Status& answered) {
  ++passed_;
  if (answered) return;
  ++unanswered_;
  note(answered.error().message);
}

void Gateway::note(std::string why) {
  if (why.size() > wire::kGatewayErrorBytesMax / 2) why.resize(wire::kGatewayErrorBytesMax / 2);
  const std::lock_guard lock(mutex_);
  why_ = is_utf8(why) ? std::move(why) : std::string("what cannot be written down");
  failed_at_ = clock_.now();
}

void Gateway::certificate_until(Instant end) {
  const std::lock_guard lock(mutex_);
  until_ = end;
}

wire::GatewayStatus Gateway::status() const {
  const std::lock_guard lock(mutex_);
  return {started_at_,       requests_,      refused_,  passed_, unanswered_, content_requests_, content_bytes_, settings_.verifies_revocation,
          until_, why_, failed_at_};
}

bool Gateway::owns(std::string_view path) { return access::find_route(access::Role::gateway, path) != nullptr; }

net::Response Gateway::answer_site(const net::Request& request) const {
  const access::Route* route = access::find_route(access::Role::gateway, request.path);
  if (!route) return net::Response::empty(404);
  access::Caller caller = access::caller_of(request.peer);
  caller.site_server = !settings_.site_fingerprint.empty() && request.peer.fingerprint == settings_.site_fingerprint;
  const access::Decision decision = access::decide(*route, access::to_verb(request.method), caller, {});
  if (!decision.allowed()) return net::Response::empty(decision.status);
  if (request.path != kStatusPath || request.method != "GET") return net::Response::empty(404);
  return net::Response::text(200, "application/json", wire::encode_gateway_status(status()));
}

Result<wire::GatewayStatus> status_of(const std::string& name, const Ask& ask) {
  if (!ask) return fail(Code::unavailable, "this site has no certificate for the site link: admin.link_certificate");
  net::Request request;
  request.method = "GET";
  request.target = kStatusPath;
  request.headers = {{"Host", name}};
  request.peer.door = Door::intranet_https;
  FP_TRY(answer, ask(name, request));
  if (answer.status != 200) return fail(Code::unavailable, "{} answered {}: it is no gateway by its own configuration", name, answer.status);
  FP_TRY(text, net::body_of(answer));
  auto status = wire::decode_gateway_status(text);
  if (!status) return std::unexpected(status.error().with_context(name));
  return status;
}

}  // namespace fp::gateway
