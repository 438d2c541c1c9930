#include "roles/mp/perimeter.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "roles/mp/context.hpp"
#include "wire/bits.hpp"

namespace fp::mp {
namespace {

using access::RouteId;
using access::Visibility;


struct Refusal {
  std::string client_id;
  Refused refused;
};

// What can be said of a message without the site: that it is one, within limits, for an endpoint that is reachable, signed where
// only signed ones are taken. Whether the signature holds is the site's to say.
std::optional<Refusal> examine_message(const net::Request& request) {
  if (request.body.size() > limits::kMessageBodyBytesMax) return Refusal{{}, {413, fmt::format("a body of {} bytes", request.body.size())}};
  const auto envelope = wire::decode_envelope(request.header("Content-Type"), request.body);
  if (!envelope) return Refusal{{}, refused(envelope.error()).error()};
  const auto& header = envelope->header;
  const access::Endpoint* endpoint = access::find_endpoint(header.endpoint);
  if (!endpoint) return Refusal{header.source_id, {200, "no such endpoint"}};
  if (endpoint->visibility == Visibility::internal) return Refusal{header.source_id, {200, "this endpoint is not reachable from the network"}};
  const auto proofs = wire::decode_proofs(*envelope);
  if (!proofs && endpoint->visibility != Visibility::all) return Refusal{header.source_id, refused(proofs.error()).error()};
  if (endpoint->visibility == Visibility::client_signed && !*proofs) return Refusal{header.source_id, {200, "the message is not signed"}};
  const auto documents = wire::open_documents(*envelope);
  if (!documents) return Refusal{header.source_id, refused(documents.error()).error()};
  return std::nullopt;
}

std::optional<net::Response> examine(const net::Request& request, const access::Route& route) {
  const Refuse refuse = &refusal_response;
  switch (route.id) {
    case RouteId::mp_messages: {
      const auto bad = examine_message(request);
      if (!bad) return std::nullopt;
      return refuse("mp.message", request, bad->client_id, bad->refused);
    }
    case RouteId::mp_authority: {
      const auto query = wire::parse_authority_query(request.query);
      if (query) return std::nullopt;
      return refuse("mp.location", request, {}, {query.error().code == Code::not_found ? 404 : 400, query.error().message});
    }
    case RouteId::mp_uploads: {
      const auto packet = wire::decode_bits(request.headers, request.body.size());
      if (packet) return std::nullopt;
      return refused_packet(request, packet.error(), refuse);
    }
    default:
      return std::nullopt;  // a path and a query of limited length, which the site reads
  }
}

}  // namespace

bool PerimeterPoint::owns(std::string_view path) { return access::find_route(access::Role::mp, path) != nullptr; }
std::size_t PerimeterPoint::body_limit(const net::Request& head) { return body_bytes_max(head); }
std::optional<net::Response> PerimeterPoint::too_large(const net::Request& head) { return too_large_packet(head, &refusal_response); }

net::Response PerimeterPoint::handle(net::Request& request) {
  Admission admission = admit(request, {}, &refusal_response);
  if (admission.refusal) return std::move(*admission.refusal);
  if (auto bad = examine(request, *admission.route)) return std::move(*bad);
  return pass_on(request);
}

net::Response PerimeterPoint::pass_on(net::Request& request) {
  auto answer = forward_(request);
  if (answer) return std::move(*answer);
  log::warning("mp.forward", "{} {} from {}: {}", request.method, request.path, request.peer.address, answer.error().message);
  net::Response response = net::Response::empty(503);
  response.set("Retry-After", retry_after(random_));
  return response;
}

}  // namespace fp::mp
