// /ccm_system/request: from bytes to a message whose sender is proved, to its endpoint, and back (wire.md §3,
// §4, §16).
#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "roles/mp/context.hpp"
#include "wire/upload.hpp"

namespace fp::mp {
namespace {

using access::EndpointId;
using access::Visibility;

// Of a message that the event loop looks at: larger ones, and what they unpack to, would hold other connections up.
constexpr std::size_t kAtOnceBytesMax = 8U << 10;

std::string_view component_of(EndpointId id) {
  switch (id) {
    case EndpointId::registration:
      return "mp.register";
    case EndpointId::policy:
      return "mp.policy";
    case EndpointId::location:
    case EndpointId::client_id:
      return "mp.location";
    case EndpointId::upload:
      return "mp.upload";
    default:
      return "mp.report";
  }
}

// Device and change time of one moment, in one read.
Result<Sender> record_of(Context& context, const std::string& client_id, EndpointId endpoint) {
  const std::uint64_t generation = context.store.generation();
  auto read = context.store.read([&](store::Repositories& r) -> Result<Sender> {
    Sender sender;
    FP_TRY(device, r.devices.find(client_id));
    sender.device = std::move(device);
    if (endpoint != EndpointId::policy) return sender;
    FP_TRY(latest, r.policies.latest_change(client_id));
    sender.latest_change = latest;
    return sender;
  });
  if (read && endpoint == EndpointId::policy) context.senders.remember(client_id, generation, *read);
  return read;
}

void look_at_id_proof(Context& context, const Device& device, const crypto::PublicKey& key, const wire::SignedBytes& id) {
  if (context.id_proofs.held(device.key_fingerprint, id.signature)) return;
  if (holds(key, id)) return context.id_proofs.remember(device.key_fingerprint, id.signature);
  log::info("mp.message", "{}: ClientIDSignature does not verify; PayloadSignature does, and decides", device.client_id);
}

// The sender by our own record. No proof is no error here: the table decides whether one is needed.
Outcome<Sender> sender_of(Context& context, const wire::Envelope& envelope, EndpointId endpoint, access::Proof& proof,
                          const Peer& peer, const Sender* remembered) {
  auto proofs = wire::decode_proofs(envelope);
  if (!proofs) return refused(proofs.error());
  if (!*proofs) {
    if (envelope.header.auth && !envelope.header.auth->token.empty())
      return refused(200, "this site has no boot media");
    return Sender();
  }
  if (envelope.header.source_id.empty()) return refused(200, "a signed message without SourceID");
  auto sender = remembered != nullptr ? Result<Sender>(*remembered) : record_of(context, envelope.header.source_id, endpoint);
  if (!sender && sender.error().code == Code::not_found) return refused(200, "unknown client");
  if (!sender) return refused(sender.error());
  const std::optional<Device>& device = sender->device;
  const auto key = context.keys.key_of(device->key_fingerprint, device->signing_certificate_der);
  if (!key) return refused(200, "registered certificate: " + key.error().message);
  proof = proof_of(context, *device, peer, holds(*key, (*proofs)->payload));
  if (proof.good && (*proofs)->client_id) look_at_id_proof(context, *device, *key, *(*proofs)->client_id);
  return std::move(*sender);
}

Outcome<void> check_standing(const Device& device) {
  if (device.blocked) return refused(200, "the client is blocked: " + device.block_reason);
  if (device.approval == Approval::rejected) return refused(200, "the client was rejected");
  if (!device.may_have_policy()) return refused(200, "the client is not approved yet");
  return {};
}

// Our own agents say when they wrote a message and count them (design §7): an old one is not taken again.
Outcome<void> check_freshness(Context& context, Message& message) {
  auto freshness = wire::decode_freshness(message.documents.body());
  if (!freshness) return refused(freshness.error());
  if (!*freshness) return {};
  message.freshness = **freshness;
  if (std::abs(context.clock.now().since_ms(message.freshness->sent_at)) > limits::kClockSkewMs)
    return refused(
        200, fmt::format("stale: the message says it was sent at {}", to_iso(message.freshness->sent_at)));
  if (message.freshness->counter < message.device->agent_counter)
    return refused(200, fmt::format("stale: counter {} after {}", message.freshness->counter,
                                    message.device->agent_counter));
  return {};
}

// A signed reference stands for a body that came by BITS (docs/protocol/uploads.md).
Outcome<std::string> replace_uploaded(Context& context, Message& message) {
  const auto reference = wire::decode_uploaded_body(message.documents.body());
  if (!reference) return refused(reference.error());
  if (!*reference) return std::string();
  auto bytes = context.uploads.take((*reference)->upload_id, message.device->client_id,
                                    peer_name(message.request.peer), limits::kXmlBytesMax);
  if (!bytes) return refused(200, "uploaded body: " + bytes.error().message);
  if (!crypto::equal_constant_time(hex_lower(crypto::sha256(*bytes)), (*reference)->sha256))
    return refused(200, "uploaded body: its hash is not the one in the signed message");
  wire::Envelope inner;
  inner.header.compressed = true;
  inner.payload = std::move(*bytes);
  auto documents = wire::open_documents(inner);
  if (!documents) return refused(documents.error());
  message.documents = std::move(*documents);
  return (*reference)->upload_id;
}

Outcome<Answer> dispatch(Context& context, Message& message) {
  switch (message.endpoint.id) {
    case EndpointId::registration:
      return register_client(context, message);
    case EndpointId::location:
      return locate(context, message);
    case EndpointId::policy:
      return request_assignments(context, message);
    case EndpointId::client_id:
      return identify_client(context, message);
    case EndpointId::upload:
      return grant_upload(context, message);
    case EndpointId::discovery:
    case EndpointId::hardware:
    case EndpointId::software:
    case EndpointId::relay:
    case EndpointId::status: {
      auto uploaded = replace_uploaded(context, message);
      if (!uploaded) return std::unexpected(uploaded.error());
      auto answer = take_report(context, message);
      if (answer && !uploaded->empty() && answer->ticket.wait() && !context.uploads.drop(*uploaded))
        log::warning("mp.upload", "upload {} stays on disk until it expires", *uploaded);
      return answer;
    }
    default:
      return refused(200, "this endpoint is not reachable from the network");
  }
}

Outcome<Answer> process(Context& context, const net::Request& request, const access::Endpoint& endpoint,
                        const wire::Envelope& envelope, const std::optional<directory::LoggedIn>& login,
                        const Sender* remembered = nullptr) {
  Sender known;
  access::Proof proof;
  if (endpoint.id != EndpointId::registration) {
    auto sender = sender_of(context, envelope, endpoint.id, proof, request.peer, remembered);
    // Where no proof is asked for, a bad one is as good as none.
    if (sender && proof.good)
      known = std::move(*sender);
    else if (!sender && endpoint.visibility != Visibility::all)
      return std::unexpected(sender.error());
    const access::Decision decision = access::decide(endpoint, access::caller_of(request.peer), proof);
    if (!decision.allowed()) return refused(decision.status, decision.reason);
  }
  if (endpoint.visibility == Visibility::client_signed)
    if (auto standing = check_standing(*known.device); !standing) return std::unexpected(standing.error());
  auto documents = wire::open_documents(envelope);
  if (!documents) return refused(documents.error());
  Message message{request,
                  endpoint,
                  envelope,
                  std::move(*documents),
                  std::move(known.device),
                  hex_lower(crypto::sha256(envelope.payload)),
                  {},
                  known.latest_change,
                  remembered != nullptr,
                  login};
  if (endpoint.visibility == Visibility::client_signed)
    if (auto fresh = check_freshness(context, message); !fresh) return std::unexpected(fresh.error());
  return dispatch(context, message);
}

net::Response response_of(Context& context, const net::Request& request, const wire::MessageHeader& header, const Answer& answer) {
  net::Response response = net::Response::empty(200);
  if (!answer.document.empty() && !header.async) {
    const wire::ReplyOrigin origin{context.host(request), new_guid(context.random), context.clock.now()};
    response = net::Response::text(200, std::string(wire::kMultipartType), wire::encode_reply(header, answer.document, origin));
  }
  response.ticket = answer.ticket;
  return response;
}

}  // namespace

net::Response answer_message(Context& context, const net::Request& request, const std::optional<directory::LoggedIn>& login) {
  if (request.body.size() > limits::kMessageBodyBytesMax)
    return context.refuse("mp.message", request, {},
                          {413, fmt::format("a body of {} bytes", request.body.size())});
  const auto envelope = wire::decode_envelope(request.header("Content-Type"), request.body);
  if (!envelope) return context.refuse("mp.message", request, {}, refused(envelope.error()).error());
  const wire::MessageHeader& header = envelope->header;
  const access::Endpoint* endpoint = access::find_endpoint(header.endpoint);
  if (!endpoint) return context.refuse("mp.message", request, header.source_id, {200, "no such endpoint"});
  auto answer = process(context, request, *endpoint, *envelope, login);
  if (!answer) return context.refuse(component_of(endpoint->id), request, header.source_id, answer.error());
  return response_of(context, request, header, *answer);
}

std::optional<net::Response> answer_message_at_once(Context& context, const net::Request& request) {
  if (request.body.size() > kAtOnceBytesMax) return std::nullopt;
  const auto envelope = wire::decode_envelope(request.header("Content-Type"), request.body);
  if (!envelope) return std::nullopt;
  const access::Endpoint* endpoint = access::find_endpoint(envelope->header.endpoint);
  if (!endpoint || endpoint->id != EndpointId::policy) return std::nullopt;
  const auto remembered = context.senders.find(envelope->header.source_id, context.store.generation());
  if (!remembered) return std::nullopt;
  const auto answer = process(context, request, *endpoint, *envelope, std::nullopt, remembered.get());
  // What is refused here is refused again on the pool, where the reason is logged.
  if (!answer) return std::nullopt;
  return response_of(context, request, envelope->header, *answer);
}

}  // namespace fp::mp
