// BITS_POST below /CCM_Incoming (wire.md §10) and the message that asks for a destination
// (docs/protocol/uploads.md).
#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "roles/mp/context.hpp"
#include "wire/bits.hpp"
#include "wire/upload.hpp"

namespace fp::mp {
namespace {

constexpr std::string_view kFolder = "/CCM_Incoming/";

net::Response acknowledge(int status, wire::BitsHeaders headers) {
  net::Response response = net::Response::empty(status);
  response.headers = std::move(headers);
  return response;
}

net::Response turn_down(Context& context, const net::Request& request, const wire::BitsError& error) {
  net::Response response = context.refuse("mp.upload", request, {}, {error.status, error.reason});
  response.body.clear();
  response.headers = wire::bits_error_ack(error, {});
  return response;
}

}  // namespace

net::Response take_packet(Context& context, const net::Request& request) {
  const auto packet = wire::decode_bits(request.headers, request.body.size());
  if (!packet) return turn_down(context, request, packet.error());
  const std::string_view path = request.path;
  const std::string_view name =
      path.size() > kFolder.size() ? path.substr(kFolder.size()) : std::string_view();
  const auto destination = parse_guid(name);
  if (!destination && packet->kind != wire::BitsKind::ping)
    return turn_down(context, request,
                     wire::bits_bad_argument("the destination is not /CCM_Incoming/{guid}"));
  const auto answer = context.uploads.packet(destination.value_or(std::string()), peer_name(request.peer),
                                             *packet, request.body);
  if (!answer) return turn_down(context, request, answer.error());
  switch (packet->kind) {
    case wire::BitsKind::create:
      log::info("mp.upload", "{} from {}: session {}", *destination, request.peer.address, answer->session);
      return acknowledge(200, wire::bits_create_ack(answer->session));
    case wire::BitsKind::fragment:
      if (answer->wrong_start)
        log::info("mp.upload", "{}: fragment at {}, wanted at {}", *destination, packet->first, answer->next);
      return acknowledge(answer->wrong_start ? 416 : 200,
                         wire::bits_fragment_ack(answer->session, answer->next));
    case wire::BitsKind::close:
      log::info("mp.upload", "{}: complete", *destination);
      break;
    default:
      break;
  }
  return acknowledge(200, wire::bits_ack(answer->session));
}

Outcome<Answer> grant_upload(Context& context, Message& message) {
  const auto request = wire::decode_upload_request(message.documents.body());
  if (!request) return refused(request.error());
  if (request->client_id != message.device->client_id)
    return refused(200, fmt::format("the body asks for {}, the signature is of {}", request->client_id,
                                    message.device->client_id));
  const auto id = context.uploads.grant(message.device->client_id, peer_name(message.request.peer));
  if (!id) return refused(id.error());
  return Answer{wire::encode_upload_reply({.upload_id = *id, .host = context.host(message.request)}), {}};
}

}  // namespace fp::mp
