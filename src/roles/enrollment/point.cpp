#include "roles/enrollment/point.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "pki/certs_only.hpp"
#include "roles/enrollment/est.hpp"
#include "roles/enrollment/rules.hpp"
#include "site/enrolled_keys.hpp"
#include "site/enrollment_token.hpp"
#include "wire/est.hpp"

namespace fp::enrollment {
namespace {

using access::RouteId;

constexpr int kSecretFailuresMax = 5;                       // of one account or one token ...
constexpr std::int64_t kSecretWindowMs = 15 * 60'000;       // ... so that guessing locks nobody out of the directory
constexpr int kRenewalsMax = 10;
constexpr std::int64_t kRenewalWindowMs = 3600'000;
constexpr int kAuditedRefusalsMax = 60;                     // a minute; more are in the log only
constexpr std::size_t kUserBytesMax = 256;

net::Response certificates(std::span<const pki::Certificate> list, Random& random) {
  const auto message = pki::certs_only(list);
  if (!message) return refusal(message.error(), random);
  net::Response response = net::Response::text(200, std::string(wire::kEstCertificatesType), wire::encode_est_body(*message));
  return std::move(response.set("Content-Transfer-Encoding", "base64"));
}

// Names that site systems go by.
Result<std::set<std::string>> taken_names(store::Repositories& r) {
  std::set<std::string> out;
  FP_TRY(points, r.site.management_points());
  for (const auto& p : points) {
    out.insert(p.name);
    for (const std::string_view url : {std::string_view(p.intranet_url), std::string_view(p.internet_url)}) {
      const auto at = url.find("://");
      if (at != std::string_view::npos) out.insert(lower(url.substr(at + 3, url.find_first_of(":/", at + 3) - at - 3)));
    }
  }
  FP_TRY(dps, r.contents.list_dps());
  for (const auto& d : dps) out.insert(d.name);
  FP_TRY(fallback, r.fallback.points());
  for (const auto& f : fallback) out.insert(lower(f.name));
  FP_TRY(proxies, r.enrollments.proxies());
  for (const auto& p : proxies) out.insert(p.name);
  return out;
}

std::string place_of(const net::Request& request) {
  return fmt::format("from {} ({}{}{})", request.peer.address, to_string(request.peer.door), request.via ? " of " : "",
                     request.via ? request.via->name : "");
}

}  // namespace

EnrollmentPoint::EnrollmentPoint(store::Store& store, pki::CertificateAuthority& authority, const Clock& clock, Random& random,
                                 const Settings& settings, VerifyAccount verify)
    : store_(store), authority_(authority), clock_(clock), random_(random), settings_(settings), verify_(std::move(verify)),
      addresses_(kAddressFailuresMax, kAddressWindowMs), secrets_(kSecretFailuresMax, kSecretWindowMs),
      renewals_(kRenewalsMax, kRenewalWindowMs), audited_(kAuditedRefusalsMax, 60'000) {}

net::Response EnrollmentPoint::handle(net::Request& request) {
  const access::Route* route = access::find_route(access::Role::enrollment, request.path);
  if (!route) return net::Response::empty(404);
  access::Caller caller = access::caller_of(request.peer);
  access::Decision decision = access::decide(*route, access::to_verb(request.method), caller, {});
  std::optional<Applicant> applicant;
  if (decision.status == 401) {
    const std::string address = subject_of_address(request.peer.address);
    if (const auto wait = addresses_.wait_ms(address, clock_.steady_ms()); wait > 0) return too_many(wait);
    auto known = authenticate(request);
    if (!known) {
      // Who asks without a secret only wants to be told how.
      if (known.error().code == Code::not_found) return refusal(known.error(), random_);
      if (known.error().code == Code::unauthenticated) addresses_.count(address, clock_.steady_ms());
      return refuse(request, "nobody", known.error());
    }
    applicant = std::move(*known);
    caller.enrolling = true;
    decision = access::decide(*route, access::to_verb(request.method), caller, {});
  }
  if (decision.status == 405) return std::move(net::Response::empty(405).set("Allow", access::allow_header(route->verbs)));
  if (decision.status == 404) return net::Response::empty(404);
  if (!decision.allowed()) {
    std::string reason = decision.reason;
    if (!request.peer.check.detail.empty()) reason += ": " + request.peer.check.detail;
    return refuse(request, "nobody", {Code::forbidden, reason});
  }
  switch (route->id) {
    case RouteId::enrollment_authorities: return authorities();
    case RouteId::enrollment_attributes: {
      net::Response response = net::Response::text(200, std::string(wire::kEstAttributesType), wire::encode_est_body(wire::est_attributes()));
      return std::move(response.set("Content-Transfer-Encoding", "base64"));
    }
    case RouteId::enrollment_renew: {
      auto known = holder(request);
      if (!known) return refuse(request, "nobody", known.error());
      return enroll(request, *known);
    }
    case RouteId::enrollment_enroll: return enroll(request, *applicant);
    default: return net::Response::empty(404);
  }
}

net::Response EnrollmentPoint::authorities() const {
  const pki::Certificate both[] = {authority_.issuing(), authority_.root()};
  return certificates(both, random_);
}

// Code::not_found: no secret came along. Whether a token is used up is looked at when the request was read: the answer to one that used
// it may have been lost.
Result<EnrollmentPoint::Applicant> EnrollmentPoint::authenticate(const net::Request& request) {
  auto credentials = wire::parse_basic(request.header("Authorization"));
  if (!credentials) {
    if (credentials.error().code == Code::not_found) return std::unexpected(credentials.error());
    return fail(Code::unauthenticated, "{}", credentials.error().message);
  }
  const auto [user, secret] = std::move(*credentials);
  if (secret.starts_with(site::kTokenPrefix)) {
    const auto token = store_.read([&](store::Repositories& r) { return r.enrollments.find_token_by_hash(site::hash_of_token(secret)); });
    if (!token && token.error().code != Code::not_found) return fail(Code::unavailable, "{}", token.error().message);
    if (!token) return fail(Code::unauthenticated, "no such token");
    const std::string subject = "token " + token->id;
    if (secrets_.wait_ms(subject, clock_.steady_ms()) > 0) return fail(Code::unauthenticated, "{} failed too often and rests", subject);
    const auto state = site::state_of(*token, clock_.now());
    if (state == site::TokenState::revoked || state == site::TokenState::expired) {
      secrets_.count(subject, clock_.steady_ms());
      return fail(Code::unauthenticated, "{} is {}", subject, to_string(state));
    }
    return Applicant{subject, token->kind, token->id, token->names, {}};
  }
  if (!verify_) return fail(Code::unauthenticated, "not a token, and accounts do not enrol here (enrollment.domain_accounts)");
  if (user.empty() || user.size() > kUserBytesMax) return fail(Code::unauthenticated, "no user name");
  const std::string subject = "account " + lower(user);
  if (secrets_.wait_ms(subject, clock_.steady_ms()) > 0) return fail(Code::unauthenticated, "{} failed too often and rests", subject);
  const auto account = verify_(user, secret);
  if (!account) {
    if (account.error().code == Code::unavailable) return std::unexpected(account.error());
    secrets_.count(subject, clock_.steady_ms());
    return fail(Code::unauthenticated, "{}: {}", subject, account.error().message);
  }
  return Applicant{"account " + account->full_name(), EnrollmentKind::computer, {}, {}, {}};
}

// The route has seen to it that the certificate holds, and that its device is not blocked.
Result<EnrollmentPoint::Applicant> EnrollmentPoint::holder(const net::Request& request) {
  FP_TRY(certificate, pki::Certificate::from_der(request.peer.certificate_der));
  const std::string who = "certificate " + certificate.serial();
  if (!authority_.has_issued(certificate)) return fail(Code::forbidden, "{} was not issued by this site's authority, which alone renews it", certificate.label());
  if (!certificate.has_eku(pki::kEkuClientAuth) || certificate.has_eku(pki::kEkuServerAuth))
    return fail(Code::forbidden, "{} is no client's", certificate.label());
  if (renewals_.count(certificate.public_key().fingerprint(), clock_.steady_ms()))
    return fail(Code::unavailable, "{} was renewed {} times within the hour", certificate.label(), kRenewalsMax);
  return Applicant{who, pki::is_mobile(certificate) ? EnrollmentKind::mobile : EnrollmentKind::computer, {}, {}, certificate};
}

net::Response EnrollmentPoint::enroll(const net::Request& request, const Applicant& applicant) {
  const auto der = wire::decode_est_request(request.header("Content-Type"), request.body);
  if (!der) return refuse(request, applicant.who, der.error());
  const auto wanted = pki::parse_signing_request(*der);
  if (!wanted) return refuse(request, applicant.who, wanted.error());
  const auto name = requested_name(*wanted);
  if (!name) return refuse(request, applicant.who, name.error());
  const auto issued = store_.write_async([&](store::Repositories& r) { return issue(r, request, applicant, *wanted, *name); });
  if (!issued.value) {
    if (issued.value.error().code == Code::unauthenticated) addresses_.count(subject_of_address(request.peer.address), clock_.steady_ms());
    return refuse(request, applicant.who, issued.value.error());
  }
  log::info("enrollment", "{} by {} {}: {}{}", issued.value->name, applicant.who, place_of(request), issued.value->certificate.label(),
            issued.value->again ? ", issued before" : "");
  net::Response response = certificates({&issued.value->certificate, 1}, random_);
  response.ticket = issued.ticket;
  return response;
}

// A token's use, looked at within the transaction that counts it.
Status EnrollmentPoint::may_enroll(store::Repositories& r, const Applicant& applicant, const std::string& key, const std::string& name) {
  FP_TRY(taken, taken_names(r));
  FP_CHECK(may_have_name(name, applicant.pattern, taken));
  FP_TRY(device, site::device_of_key(r, key));
  if (device && device->blocked) return fail(Code::forbidden, "the key is that of {}, which is blocked", device->name);
  if (applicant.token_id.empty()) return {};
  FP_TRY(token, r.enrollments.find_token(applicant.token_id));
  if (const auto state = site::state_of(token, clock_.now()); state != site::TokenState::good)
    return fail(Code::unauthenticated, "{} is {}", applicant.who, to_string(state));
  ++token.used;
  token.last_used_at = clock_.now();
  token.last_used_by = name;
  return r.enrollments.put_token(token);
}

// What of the record of a renewal follows from the certificate that is renewed.
Result<Enrollment> EnrollmentPoint::renewed(store::Repositories& r, const Applicant& applicant, const std::string& key, const std::string& name) {
  const pki::Certificate& old = *applicant.certificate;
  const std::string& old_key = old.public_key().fingerprint();
  FP_TRY(later, r.enrollments.renewals_of(old_key));
  for (const auto& one : later)
    if (r.devices.find_by_key(one.key_fingerprint)) return fail(Code::forbidden, "{} was renewed before, and its client uses {}", old.label(), one.serial);
  FP_TRY(before, site::enrollment_of(r, old_key));
  FP_TRY(device, site::device_of_key(r, old_key));
  if (!before && !device) return fail(Code::forbidden, "{} belongs to no client of this site", old.label());
  if (device && device->blocked) return fail(Code::forbidden, "{} belongs to {}, which is blocked", old.label(), device->name);
  const std::string own = lower(old.common_name().empty() && !old.dns_names().empty() ? old.dns_names().front() : old.common_name());
  if (name != own) return fail(Code::forbidden, "a renewal keeps the name: {} asked for {}", own, name);
  FP_TRY(other, site::device_of_key(r, key));
  if (other && (!device || other->client_id != device->client_id)) return fail(Code::forbidden, "the key is that of {}", other->name);
  Enrollment record;
  record.kind = before ? before->kind : applicant.kind;
  record.replaces_fingerprint = key != old_key ? old_key : before ? before->replaces_fingerprint : std::string();
  return record;
}

Result<EnrollmentPoint::Issued> EnrollmentPoint::issue(store::Repositories& r, const net::Request& request, const Applicant& applicant,
                                                       const pki::SigningRequest& wanted, const std::string& name) {
  const Instant now = clock_.now();
  const std::string& key = wanted.key.fingerprint();
  FP_TRY(known, site::enrollment_of(r, key));
  if (known && known->by == applicant.who && known->name == name && known->not_after > now) {
    FP_TRY(same, pki::Certificate::from_der(known->certificate_der));
    return Issued{same, name, true};
  }
  Enrollment record;
  record.kind = applicant.kind;
  if (applicant.certificate) {
    FP_TRY(of_renewal, renewed(r, applicant, key, name));
    record = std::move(of_renewal);
  } else {
    FP_CHECK(may_enroll(r, applicant, key, name));
  }
  pki::Order order;
  order.profile = record.kind == EnrollmentKind::mobile ? pki::Profile::mobile : pki::Profile::client;
  order.common_name = name;
  order.dns_names = {name};
  order.not_after = now.plus_s(settings_.certificate_life_s);
  FP_TRY(certificate, authority_.issue(order, wanted.key));
  record.serial = certificate.serial();
  record.name = name;
  record.by = applicant.who;
  record.key_fingerprint = key;
  record.certificate_der = certificate.der();
  record.address = request.peer.address;
  if (request.via) record.via = request.via->name;
  record.at = now;
  record.not_after = certificate.not_after();
  FP_CHECK(r.enrollments.put(record));
  const std::string text = fmt::format("{} ({}) {}: certificate {} until {}", name, to_string(record.kind), place_of(request), record.serial,
                                       to_iso(record.not_after));
  FP_CHECK(r.administration.audit({.at = now, .who = applicant.who, .action = applicant.certificate ? "renew" : "enroll",
                                   .object_kind = "enrollment", .object_id = record.serial, .detail = text}));
  FP_CHECK(r.states.add_event({.at = now, .severity = 0, .component = "enrollment", .client_id = {},
                               .text = fmt::format("{} by {}", text, applicant.who)}));
  return Issued{certificate, name, false};
}

net::Response EnrollmentPoint::refuse(const net::Request& request, std::string_view who, const Error& error) {
  const std::string text = fmt::format("{} {}: {}", request.path.substr(wire::kEstRoot.size()), place_of(request), error.message);
  log::warning("enrollment", "refused {}: {}", who, text);
  net::Response response = refusal(error, random_);
  if (!audited_.count("refusals", clock_.steady_ms())) {
    const auto noted = store_.write_async([&](store::Repositories& r) {
      return r.administration.audit({.at = clock_.now(), .who = std::string(who), .action = "refuse", .object_kind = "enrollment", .detail = text});
    });
    if (!noted.value) log::warning("enrollment", "a refusal was not noted: {}", noted.value.error().message);
    response.ticket = noted.ticket;
  }
  return response;
}

}  // namespace fp::enrollment
