#include "roles/mp/context.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "crypto/signature.hpp"
#include "pki/certificate.hpp"

namespace fp::mp {

std::unexpected<Refused> refused(const Error& error) {
  switch (error.code) {
    case Code::invalid:
      return refused(400, error.message);
    case Code::too_large:
      return refused(413, error.message);
    case Code::unauthenticated:
    case Code::forbidden:
    case Code::not_found:
    case Code::conflict:
      return refused(200, error.message);
    default:
      return refused(503, error.message);
  }
}

Result<crypto::PublicKey> KeyCache::key_of(const std::string& name, std::string_view certificate_der) {
  {
    const std::lock_guard guard(lock_);
    if (const auto it = keys_.find(name); it != keys_.end()) return it->second;
  }
  FP_TRY(certificate, pki::Certificate::from_der(certificate_der));
  const std::lock_guard guard(lock_);
  if (keys_.size() >= kKeysMax) keys_.clear();
  keys_.emplace(name, certificate.public_key());
  return certificate.public_key();
}

std::shared_ptr<const Sender> SenderMemory::find(const std::string& client_id, std::uint64_t generation) {
  const std::lock_guard guard(lock_);
  const auto it = senders_.find(client_id);
  return it != senders_.end() && it->second.generation == generation ? it->second.sender : nullptr;
}

void SenderMemory::remember(const std::string& client_id, std::uint64_t generation, const Sender& sender) {
  if (generation == 0) return;
  auto kept = std::make_shared<const Sender>(sender);
  const std::lock_guard guard(lock_);
  if (senders_.size() >= kSendersMax) senders_.clear();
  senders_.insert_or_assign(client_id, Entry{generation, std::move(kept)});
}

bool IdProofs::held(const std::string& key_fingerprint, const std::string& signature) {
  const std::lock_guard guard(lock_);
  const auto it = signatures_.find(key_fingerprint);
  return it != signatures_.end() && it->second == signature;
}

void IdProofs::remember(const std::string& key_fingerprint, const std::string& signature) {
  const std::lock_guard guard(lock_);
  if (signatures_.size() >= kProofsMax) signatures_.clear();
  signatures_.insert_or_assign(key_fingerprint, signature);
}

bool TokenMemory::seen_within_a_second(const std::string& key, Instant now) {
  const std::lock_guard guard(lock_);
  const auto it = first_seen_.find(key);
  if (it != first_seen_.end()) return now.since_ms(it->second) < 1000;
  if (order_.size() >= kTokensMax) {
    first_seen_.erase(order_.front());
    order_.pop_front();
  }
  first_seen_.emplace(key, now);
  order_.push_back(key);
  return false;
}

namespace {

constexpr std::string_view kForbiddenPage =
    "<HTML><HEAD><TITLE>403 Forbidden</TITLE></HEAD><BODY><H1>403 Forbidden</H1></BODY></HTML>";

std::string_view short_reason(const Refused& refused) {
  return refused.status == 403 && refused.reason == "Client certificate required" ? refused.reason
                                                                                  : std::string_view();
}

}  // namespace

net::Response Context::refuse(std::string_view component, const net::Request& request,
                              std::string_view client_id, const Refused& refused) const {
  log::warning(component, "refused {} {} from {} ({}){}{}: {}", request.method, request.path,
               request.peer.address, to_string(request.peer.door), client_id.empty() ? "" : " ", client_id,
               refused.reason);
  if (hook) hook({std::string(component), refused.status, std::string(client_id), refused.reason});
  // The caller of a message learns nothing from an empty 200; what is at fault stands in our log.
  net::Response response = refused.status == 403 && request.method != "CCM_POST" && request.method != "HEAD"
                               ? net::Response::text(403, "text/html", std::string(kForbiddenPage))
                               : net::Response::empty(refused.status);
  response.reason = short_reason(refused);
  if (refused.status == 503) response.set("Retry-After", "60");
  return response;
}

std::string peer_name(const Peer& peer) {
  if (peer.pinned_proxy) return std::string(kProxyPeer);
  return peer.fingerprint.empty() ? "ip:" + peer.address : "tls:" + peer.fingerprint;
}

bool is_own_site(const Context& context, const net::Request& request, std::string_view site_code) {
  if (site_code.empty() || iequals(site_code, context.settings.site_code)) return true;
  log::warning("mp.location", "{} ({}) asks for site {}, and this management point serves {}: nothing is named to it",
               request.peer.address, to_string(request.peer.door), site_code, context.settings.site_code);
  return false;
}

bool is_tls_key(Context& context, const Peer& peer, std::string_view key_fingerprint) {
  if (peer.certificate_der.empty() || peer.pinned_proxy || key_fingerprint.empty()) return false;
  const auto key = context.keys.key_of("tls:" + peer.fingerprint, peer.certificate_der);
  return key && key->fingerprint() == key_fingerprint;
}

access::Proof proof_of(Context& context, const Device& device, const Peer& peer, bool good) {
  access::Proof proof{.present = true, .good = good};
  proof.key_is_tls_key = peer.check.ok() && is_tls_key(context, peer, device.key_fingerprint);
  proof.pair_fixed = !device.tls_fingerprint.empty();
  proof.pair_matches = proof.pair_fixed && device.tls_fingerprint == peer.fingerprint;
  return proof;
}

bool holds(const crypto::PublicKey& key, const wire::SignedBytes& bytes) {
  for (const std::string& alternative : bytes.alternatives)
    if (crypto::cm_verify(key, alternative, bytes.signature)) return true;
  return false;
}

Outcome<Device> prove_headers(Context& context, const net::Request& request) {
  const auto identity = wire::decode_identity(request.headers);
  if (!identity) return refused(403, identity.error().message);
  if (!*identity) return refused(403, "no identity headers");
  const wire::HttpIdentity& who = **identity;
  if (who.media) return refused(403, "this site has no boot media");
  const auto device =
      context.store.read([&](store::Repositories& r) { return r.devices.find(who.client_id); });
  if (!device)
    return refused(device.error().code == Code::not_found ? 403 : 503,
                   "identity headers: " + device.error().message);
  const auto key = context.keys.key_of(device->key_fingerprint, device->signing_certificate_der);
  if (!key) return refused(403, "registered certificate: " + key.error().message);
  bool good = !who.must_verify.empty();
  for (const wire::SignedBytes& bytes : who.must_verify) good = good && holds(*key, bytes);
  const access::Decision decision =
      access::decide_headers(access::caller_of(request.peer), proof_of(context, *device, request.peer, good));
  if (!decision.allowed()) return refused(decision.status, "identity headers: " + decision.reason);
  const Instant now = context.clock.now();
  if (std::abs(now.since_ms(who.sent_at)) > limits::kClockSkewMs)
    return refused(403, fmt::format("the time in the identity headers, {}, is more than 5 minutes off",
                                    to_iso(who.sent_at)));
  if (!device->may_have_policy())
    return refused(403, device->blocked ? "the client is blocked" : "the client is not approved");
  const std::string key_text = device->client_id + " " + who.replay_key;
  const bool same_second = context.tokens.seen_within_a_second(key_text, now);
  const auto fresh = context.store.write_async([&](store::Repositories& r) -> Result<bool> {
    return r.site.first_time(device->client_id, who.replay_key, now.plus_ms(2 * limits::kClockSkewMs));
  });
  if (!fresh.value) return refused(503, "replay memory: " + fresh.value.error().message);
  if (!*fresh.value && !same_second) return refused(403, "identity headers were used before");
  return *device;
}

Result<std::vector<ManagementPoint>> points_for(Context& context, Door door) {
  FP_TRY(all, context.store.read([](store::Repositories& r) { return r.site.management_points(); }));
  std::vector<ManagementPoint> out;
  for (ManagementPoint& mp : all) {
    const bool internet = door == Door::internet_https;
    const bool wanted = internet ? mp.connections != Connections::intranet && !mp.internet_url.empty()
                                 : mp.connections != Connections::internet && !mp.intranet_url.empty();
    if (!wanted) continue;
    // Nobody learns at one door what stands behind the other.
    (internet ? mp.intranet_url : mp.internet_url).clear();
    out.push_back(std::move(mp));
  }
  if (out.empty())
    out.push_back({.name = context.settings.host,
                   .intranet_url = {},
                   .internet_url = {},
                   .connections = Connections::both});
  return out;
}

}  // namespace fp::mp
