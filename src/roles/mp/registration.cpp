// MP_ClientRegistration (wire.md §5, docs/protocol/registration.md): identity is the signing key. The same
// key gets the same GUID; the same name with another key is a conflict and a new GUID, never a takeover.
#include "wire/registration.hpp"

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "crypto/signature.hpp"
#include "pki/certificate.hpp"
#include "roles/mp/context.hpp"
#include "site/enrolled_keys.hpp"

namespace fp::mp {
namespace {

using wire::RegistrationReply;
using wire::RegistrationRequest;

constexpr int kKeyBitsMin = 2048;
constexpr int kMobileDevice = 2;  // AgentType

// What the request proves about its sender.
struct Applicant {
  RegistrationRequest request;
  std::string key_fingerprint;
  bool pki = false;      // certificate of a listed issuer, in TLS or through the bridge: needs no approval
  bool trusted = false;  // the signing certificate itself is one of a listed issuer
  bool withdrawn = false;  // it was, and is revoked or expired
  std::string tls_fingerprint;  // of the pair that is fixed now; empty: none
  bool mobile = false;     // says so, or was enrolled as one: internet-only
  std::string account;  // the computer account of a trusted domain that is logged in; empty: none
  std::string name, fqdn;
};

Outcome<void> check_encryption_certificate(const RegistrationRequest& request) {
  const auto certificate = pki::Certificate::from_der(request.encryption_certificate_der);
  if (!certificate) return refused(400, "encryption certificate: " + certificate.error().message);
  if (certificate->public_key().rsa_bits() < kKeyBitsMin)
    return refused(200, "the encryption key is not RSA of 2048 bits or more");
  return {};
}

// A confirmation names its client and may leave the certificates out: they are on record, and so is the key it must be signed by.
Outcome<void> complete(Context& context, RegistrationRequest& request) {
  if (!request.signing_certificate_der.empty() || request.client_id.empty()) return {};
  auto device = context.store.read([&](store::Repositories& r) { return r.devices.find(request.client_id); });
  if (!device) return refused(device.error());
  request.signing_certificate_der = std::move(device->signing_certificate_der);
  request.encryption_certificate_der = std::move(device->encryption_certificate_der);
  return {};
}

Outcome<Applicant> examine(Context& context, Message& message) {
  auto decoded = wire::decode_registration(message.documents.body());
  if (!decoded) return refused(decoded.error());
  Applicant applicant;
  applicant.request = std::move(*decoded);
  RegistrationRequest& request = applicant.request;
  if (auto good = complete(context, request); !good) return std::unexpected(good.error());
  if (request.encryption_certificate_der.empty())
    request.encryption_certificate_der = request.signing_certificate_der;
  const auto signing = pki::Certificate::from_der(request.signing_certificate_der);
  if (!signing) return refused(400, "signing certificate: " + signing.error().message);
  if (signing->public_key().rsa_bits() < kKeyBitsMin)
    return refused(200, "the signing key is not RSA of 2048 bits or more");
  if (auto good = check_encryption_certificate(request); !good) return std::unexpected(good.error());
  applicant.key_fingerprint = signing->public_key().fingerprint();

  const Peer& peer = message.request.peer;
  const auto enrolled = context.store.read([&](store::Repositories& r) { return site::enrollment_of(r, applicant.key_fingerprint); });
  if (!enrolled) return refused(503, enrolled.error().message);
  applicant.mobile = request.agent_type == kMobileDevice || (*enrolled && (*enrolled)->kind == EnrollmentKind::mobile);
  if (peer.pinned_proxy && applicant.mobile)
    return refused(403, "mobile devices are not served through SSL bridging: publish with SSL tunnelling for them");
  const bool tls_good = peer.tls() && peer.check.ok() && !peer.pinned_proxy;
  access::Proof proof{.present = !request.signature.empty()};
  proof.good = crypto::cm_verify(signing->public_key(), request.signed_bytes, request.signature);
  if (!proof.good)
    return refused(200, proof.present ? "the registration's signature does not verify"
                                      : "the registration is not signed");
  proof.key_is_tls_key = tls_good && is_tls_key(context, peer, applicant.key_fingerprint);
  // Behind a bridge, and where TLS proved nothing, the certificate inside is checked here: chain, dates,
  // revocation.
  if (!tls_good && context.verify) {
    const CertificateCheck check = context.verify(request.signing_certificate_der, context.clock.now());
    proof.request_certificate = check.problem;
    applicant.trusted = check.ok();
    applicant.withdrawn = check.problem == CertificateProblem::revoked || check.problem == CertificateProblem::expired;
    if (!check.ok()) log::debug("mp.register", "certificate in the request: {}", check.detail);
  }
  if (message.login && message.login->account.computer) {
    applicant.trusted = true;
    applicant.account = message.login->account.full_name();
  }
  const access::Decision decision = access::decide(message.endpoint, access::caller_of(peer), proof);
  if (!decision.allowed()) return refused(decision.status, decision.reason);
  if (std::abs(context.clock.now().since_ms(request.sent_at)) > limits::kClockSkewMs)
    return refused(200, fmt::format("the TimeStamp {} is more than 5 minutes off", to_iso(request.sent_at)));
  applicant.pki = tls_good || (peer.pinned_proxy && applicant.trusted);
  if (tls_good) applicant.tls_fingerprint = peer.fingerprint;
  const std::string& name =
      request.netbios_name.empty() ? message.envelope.header.source_host : request.netbios_name;
  applicant.name = parse_name(name, 256).value_or("unnamed");
  applicant.fqdn = parse_host(request.fqdn).value_or("");
  return applicant;
}

Approval approval_of(const Applicant& applicant, ApprovalMode mode) {
  if (applicant.pki) return Approval::not_applicable;
  if (mode == ApprovalMode::all) return Approval::approved;
  return mode == ApprovalMode::trusted && applicant.trusted ? Approval::approved : Approval::pending;
}

void refresh(Context& context, Device& device, const Applicant& applicant, const Message& message,
             Instant now) {
  device.name = applicant.name;
  if (!applicant.fqdn.empty()) device.fqdn = applicant.fqdn;
  device.signing_certificate_der = applicant.request.signing_certificate_der;
  device.encryption_certificate_der = applicant.request.encryption_certificate_der;
  device.key_fingerprint = applicant.key_fingerprint;
  if (!applicant.tls_fingerprint.empty()) device.tls_fingerprint = applicant.tls_fingerprint;
  if (const auto version = parse_name(applicant.request.agent_version, 64)) device.agent_version = *version;
  device.pki = device.pki || applicant.pki;
  device.last_address = message.request.peer.address;
  device.last_management_point = context.host(message.request);
  device.connection = applicant.mobile                                   ? ConnectionType::always_internet
                      : message.request.peer.door == Door::internet_https ? ConnectionType::currently_internet
                                                                          : ConnectionType::currently_intranet;
  device.registered_at = now;
}

Status report(store::Repositories& r, const Device& device, Instant now, std::string text) {
  return r.states.add_event({.at = now,
                             .severity = device.conflict ? 1 : 0,
                             .component = "mp.register",
                             .client_id = device.client_id,
                             .text = std::move(text)});
}

Result<Device> admit_new(Context& context, store::Repositories& r, const Applicant& applicant,
                         const Message& message, Instant now) {
  Device device;
  device.client_id = new_client_id(context.random);
  device.approval = approval_of(applicant, context.settings.approval);
  refresh(context, device, applicant, message, now);
  FP_TRY(same_name, r.devices.find_by_name(device.name));
  device.conflict = !same_name.empty();
  FP_CHECK(r.devices.put(device));
  FP_CHECK(r.collections.add_member(kAllSystems,
                                    {.client_id = device.client_id, .reason = "registered", .since = now}));
  FP_CHECK(report(r, device, now,
                  fmt::format("{} registered as {}{}{}", device.name, device.client_id,
                              applicant.account.empty() ? "" : ", logged in as " + applicant.account,
                              device.conflict ? "; another client has that name" : "")));
  return device;
}

Result<Device> admit_again(Context& context, store::Repositories& r, Device device,
                           const Applicant& applicant, const Message& message, Instant now) {
  if (device.blocked || device.approval == Approval::rejected) return device;
  if (device.key_fingerprint != applicant.key_fingerprint)
    FP_CHECK(report(r, device, now, fmt::format("{} comes with a renewed certificate, and stays {}", device.name, device.client_id)));
  refresh(context, device, applicant, message, now);
  // What the certificate of an earlier registration opened is not kept by a key whose certificate was withdrawn.
  const bool lost = applicant.withdrawn && device.approval == Approval::not_applicable;
  if (applicant.pki || lost || device.approval == Approval::pending)
    device.approval = approval_of(applicant, context.settings.approval);
  device.pki = device.pki && !applicant.withdrawn;
  // Whoever registers begins to count anew: an agent that was installed again or came back from a snapshot remembers nothing.
  device.agent_counter = 0;
  device.state_serial = 0;
  device.state_resync = false;
  FP_CHECK(r.states.begin_anew(device.client_id));
  FP_CHECK(r.devices.put(device));
  FP_TRY(member, r.collections.is_member(kAllSystems, device.client_id));
  if (!member)
    FP_CHECK(r.collections.add_member(kAllSystems,
                                      {.client_id = device.client_id, .reason = "registered", .since = now}));
  return device;
}

// By its key, or by one that it was renewed from: the enrollment point saw the proof of both (docs/enrollment.md).
// A confirmation asks how the approval went, and a request that was seen before changes nothing.
Result<std::optional<Device>> look_up(store::Repositories& r, const std::string& key_fingerprint) {
  return site::device_of_key(r, key_fingerprint);
}

Result<std::optional<Device>> settle(Context& context, store::Repositories& r, const Applicant& applicant,
                                     const Message& message) {
  const Instant now = context.clock.now();
  FP_TRY(known, look_up(r, applicant.key_fingerprint));
  if (applicant.request.type == RegistrationRequest::Type::confirmation) return known;
  const std::string once =
      hex_lower(crypto::sha256(applicant.request.signed_bytes + applicant.request.signature));
  FP_TRY(fresh, r.site.first_time("registration", once, now.plus_ms(2 * limits::kClockSkewMs)));
  if (!fresh) {
    log::info("mp.register", "{}: the same registration again, answered again",
              known ? known->client_id : applicant.name);
    return known;
  }
  if (known) {
    FP_TRY(device, admit_again(context, r, std::move(*known), applicant, message, now));
    return std::optional(std::move(device));
  }
  FP_TRY(device, admit_new(context, r, applicant, message, now));
  return std::optional(std::move(device));
}

RegistrationReply reply_for(const std::optional<Device>& device, const RegistrationRequest& request,
                            Instant now) {
  RegistrationReply reply{.type = request.type, .status = RegistrationReply::Status::reset, .sent_at = now};
  if (!device) return reply;
  reply.client_id = device->client_id;
  reply.approval = device->approval;
  reply.status = device->blocked || device->approval == Approval::rejected
                     ? RegistrationReply::Status::rejected
                 : device->may_have_policy() ? RegistrationReply::Status::registered
                                             : RegistrationReply::Status::pending;
  return reply;
}

}  // namespace

Outcome<Answer> register_client(Context& context, Message& message) {
  auto applicant = examine(context, message);
  if (!applicant) return std::unexpected(applicant.error());
  const auto settled =
      context.store.write_async([&](store::Repositories& r) -> Result<std::optional<Device>> {
        return settle(context, r, *applicant, message);
      });
  if (!settled.value) return refused(503, settled.value.error().message);
  const std::optional<Device>& device = *settled.value;
  const RegistrationReply reply = reply_for(device, applicant->request, context.clock.now());
  if (device && reply.status == RegistrationReply::Status::rejected && context.hook)
    context.hook({"mp.register", 200, device->client_id, "the client is blocked or rejected"});
  log::info("mp.register", "{} ({}) from {} at {}: status {}{}{}", applicant->name, reply.client_id,
            message.request.peer.address, to_string(message.request.peer.door),
            static_cast<int>(reply.status), device && device->pki ? ", PKI" : "",
            device && device->conflict ? ", conflict of names" : "");
  return Answer{wire::encode_registration_reply(reply), settled.ticket};
}

}  // namespace fp::mp
