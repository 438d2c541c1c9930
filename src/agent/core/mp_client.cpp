#include "agent/core/mp_client.hpp"

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "crypto/signature.hpp"
#include "wire/envelope.hpp"
#include "wire/identity.hpp"
#include "wire/multipart.hpp"
#include "wire/report.hpp"

namespace fp::agent {

bool is_unreachable(const Error& error) {
  return error.code == Code::unavailable || error.code == Code::timed_out || error.code == Code::unauthenticated;
}

struct MpClient::Message {
  std::string_view endpoint;  // "MP_PolicyManager"
  std::string document;
  bool is_signed = true;
};

MpClient::MpClient(memory::Memory& memory, Transport& transport, const Clock& clock, Random& random,
                   const ClientCertificate& certificate, Names names)
    : memory_(memory),
      transport_(transport),
      clock_(clock),
      random_(random),
      certificate_(certificate),
      names_(std::move(names)) {}

namespace {

Error of_status(const Reply& reply, const std::string& url) {
  const Code code = reply.status == 403 || reply.status == 401 ? Code::forbidden
                    : reply.status == 404                      ? Code::not_found
                                                               : Code::unavailable;
  return Error{code, fmt::format("{} answered {}", url, reply.status)};
}

// Messages hold for five minutes: a clock that is further off is the likely reason of a refusal. Empty: it is not.
std::string clock_fault(const Reply& reply, Instant now) {
  const auto theirs = parse_http_date(reply.header("Date"));
  if (!theirs || std::abs(now.since_ms(*theirs)) <= limits::kClockSkewMs) return {};
  const auto seconds = now.since_ms(*theirs) / 1000;
  return fmt::format("the clock of this computer is {} s {} that of the server: set it right", std::abs(seconds),
                     seconds < 0 ? "behind" : "before");
}

bool is_web_page(const Reply& reply) {
  const auto body = trim(std::string_view(reply.body).substr(0, 64));
  return istarts_with(body, "<!doctype html") || istarts_with(body, "<html");
}

}  // namespace

Result<std::string> MpClient::post(const std::string& base, const Message& message) {
  FP_TRY(identity, memory_.identity());
  wire::MessageHeader header;
  header.id = new_guid(random_);
  header.source_id = identity.client_id;
  header.source_host = names_.netbios_name;
  header.target_address = fmt::format("mp:{}", message.endpoint);
  header.target_endpoint = std::string(message.endpoint);
  header.target_host = base;
  header.reply_to = fmt::format("direct:{}:FarpointAgent", names_.netbios_name);
  header.sent_at = clock_.now();
  header.reply_compression = "zlib";
  std::string document = message.document;
  if (message.is_signed) {
    FP_TRY(counter, memory_.next_counter());
    document = wire::with_freshness(document, {hex(random_.bytes(16)), counter, clock_.now()});
  }
  const auto payload = wire::make_payload({document});
  if (message.is_signed) {
    wire::ClientAuth auth;
    auth.sender_machine = names_.netbios_name;
    FP_TRY(blob, crypto::to_public_key_blob(certificate_.key.public_key()));
    auth.public_key = blob;
    FP_TRY(id_signature, crypto::cm_sign(certificate_.key, wire::client_id_bytes(identity.client_id)));
    auth.client_id_signature = id_signature;
    FP_TRY(payload_signature, crypto::cm_sign(certificate_.key, payload.bytes));
    auth.payload_signature = payload_signature;
    auth.capabilities = "SSL";
    auth.hash_algorithm = "1.2.840.113549.1.1.11";
    header.auth = auth;
  }
  Call call;
  call.method = "CCM_POST";
  call.url = base + "/ccm_system/request";
  call.headers = {{"Content-Type", std::string(wire::kMultipartType)}};
  call.body = wire::encode_request(header, payload);
  FP_TRY(reply, transport_.send(call));
  if (reply.status != 200) return std::unexpected(of_status(reply, call.url));
  if (is_web_page(reply))
    return fail(Code::unavailable, "{} answered with a web page: a login portal, or a proxy, stands in its place", base);
  auto decoded = wire::decode_reply(reply.header("Content-Type"), reply.body);
  // The empty reply: not a management point out of reach, but one that does not want this message (wire.md §3.4).
  if (!decoded && decoded.error().code == Code::unavailable) {
    if (auto clock = clock_fault(reply, clock_.now()); !clock.empty())
      return fail(Code::conflict, "{} gave {} no answer: {}", base, message.endpoint, clock);
    return fail(Code::forbidden, "{} gave {} no answer: refused, or not ready yet", base, message.endpoint);
  }
  if (!decoded) return std::unexpected(decoded.error().with_context(base));
  return std::move(decoded->document);
}

Result<wire::RegistrationReply> MpClient::register_client(const std::string& base, wire::RegistrationRequest request) {
  request.sent_at = clock_.now();
  request.signing_certificate_der = certificate_.certificate.der();
  request.encryption_certificate_der = certificate_.certificate.der();
  request.netbios_name = names_.netbios_name;
  request.fqdn = names_.fqdn;
  const auto data = wire::registration_data(request);
  FP_TRY(signature, crypto::cm_sign(certificate_.key, to_utf16le(data)));
  FP_TRY(document, post(base, {"MP_ClientRegistration", wire::encode_registration(data, signature), false}));
  return wire::decode_registration_reply(document);
}

Result<wire::ReceivedAssignments> MpClient::assignments(const std::string& base, wire::AssignmentRequest request) {
  FP_TRY(identity, memory_.identity());
  request.client_id = identity.client_id;
  request.fqdn = names_.fqdn;
  request.netbios_name = names_.netbios_name;
  FP_TRY(document, post(base, {"MP_PolicyManager", wire::encode_assignment_request(request)}));
  return wire::decode_assignment_reply(document);
}

Result<std::string> MpClient::policy_body(const std::string& url, bool identify) {
  Call call;
  call.url = url;
  if (identify) {
    FP_TRY(identity, memory_.identity());
    wire::IdentityToSign to_sign(wire::HttpIdentity::Family::ccm_client, identity.client_id, clock_.now());
    std::vector<std::string> signatures;
    for (const auto& bytes : to_sign.to_sign()) {
      FP_TRY(signature, crypto::cm_sign(certificate_.key, bytes));
      signatures.push_back(signature);
    }
    call.headers = to_sign.headers(signatures);
  }
  FP_TRY(reply, transport_.send(call));
  if (reply.status != 200) return std::unexpected(of_status(reply, url));
  return std::move(reply.body);
}

Result<std::string> MpClient::get_authority(const std::string& base, std::string_view query) {
  Call call;
  call.url = fmt::format("{}/SMS_MP/.sms_aut?{}", base, query);
  FP_TRY(reply, transport_.send(call));
  if (reply.status != 200) return std::unexpected(of_status(reply, call.url));
  return std::move(reply.body);
}

Result<std::vector<wire::MpEntry>> MpClient::mp_list(const std::string& base, std::string_view keyword) {
  FP_TRY(body, get_authority(base, keyword));
  return wire::decode_mp_list(body);
}

Result<std::vector<wire::MpEntry>> MpClient::mp_locations(const std::string& base, const wire::MpLocationRequest& request) {
  FP_TRY(document, post(base, {"MP_LocationManager", wire::encode_location_request(request), false}));
  return wire::decode_mp_locations(document);
}

Result<MpClient::SigningCertificate> MpClient::site_sign_certificate(const std::string& base) {
  FP_TRY(body, get_authority(base, "SITESIGNCERT"));
  FP_TRY(der, wire::decode_site_sign_certificate(body));
  FP_TRY(proof, wire::decode_site_sign_proof(body));
  return SigningCertificate{std::move(der), std::move(proof)};
}

Result<std::string> MpClient::assigned_site(const std::string& base, const wire::ClientLocation& where) {
  FP_TRY(document, post(base, {"MP_LocationManager", wire::encode_location_request(wire::AssignedSiteRequest{where}), false}));
  return wire::decode_assigned_site(document);
}

Result<bool> MpClient::serves_site(const std::string& base, const std::string& site_code) {
  FP_TRY(document, post(base, {"MP_LocationManager", wire::encode_location_request(wire::SiteInformationRequest{site_code}), false}));
  FP_TRY(sites, wire::decode_site_information(document));
  return std::ranges::any_of(sites, [&](const auto& site) { return iequals(site.site_code, site_code); });
}

// Signed although nobody asks for it: behind a bridging proxy the signature is all that says who this is, and the content
// capability of design §7 is given out for it.
Result<wire::ContentLocationReply> MpClient::locations(const std::string& base, const wire::ContentLocationRequest& request) {
  FP_TRY(document, post(base, {"MP_LocationManager", wire::encode_location_request(request)}));
  return wire::decode_content_locations(document);
}

Result<std::vector<wire::WsusLocation>> MpClient::update_points(const std::string& base, const wire::WsusLocationRequest& request) {
  FP_TRY(document, post(base, {"MP_LocationManager", wire::encode_location_request(request)}));
  return wire::decode_wsus_locations(document);
}

Status MpClient::report(const std::string& base, std::string_view endpoint, const std::string& document) {
  FP_TRY(answer, post(base, {endpoint, document}));
  if (wire::is_receipt(answer)) return {};
  return fail(Code::corrupt, "{} answered a report to {} with something that is no receipt", base, endpoint);
}

Result<wire::UploadReply> MpClient::upload_destination(const std::string& base, const wire::UploadRequest& request) {
  FP_TRY(document, post(base, {"MP_UploadManager", wire::encode_upload_request(request)}));
  return wire::decode_upload_reply(document);
}

Result<Reply> MpClient::bits(const std::string& base, std::string_view upload_id, HeaderList headers, std::string body) {
  Call call;
  call.method = "BITS_POST";
  FP_TRY(id, parse_guid(upload_id));
  call.url = base + percent_encode_path(wire::upload_path(id));
  call.headers = std::move(headers);
  call.body = std::move(body);
  call.reply_bytes_max = 64U << 10;
  return transport_.send(call);
}

Status MpClient::probe(const std::string& base) {
  Call call;
  call.url = base + "/SMS_MP/.sms_aut?SMSTRC";
  FP_TRY(reply, transport_.send(call));
  if (reply.status == 200 && is_web_page(reply))
    return fail(Code::unavailable, "{} answered with a web page: a login portal stands in its place", base);
  if (reply.status == 200 || reply.status == 403) return {};
  return std::unexpected(of_status(reply, call.url));
}

}  // namespace fp::agent
