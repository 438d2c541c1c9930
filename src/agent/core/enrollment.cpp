#include "agent/core/enrollment.hpp"

#include <cstdlib>

#include "base/log.hpp"
#include "base/text.hpp"
#include "crypto/key.hpp"
#include "pki/certs_only.hpp"
#include "pki/issue.hpp"
#include "wire/est.hpp"

namespace fp::agent {
namespace {

constexpr int kKeyBits = 2048;
constexpr std::size_t kReplyBytesMax = 128U << 10;
constexpr std::size_t kReasonBytesMax = 500;

std::string url_of(const EnrollmentRequest& request, std::string_view operation) {
  return fmt::format("https://{}{}{}", request.proxy_point, wire::kEstRoot, operation);
}

Result<crypto::PrivateKey> key_for(const EnrollmentRequest& request) {
  if (file_exists(request.pending_key)) {
    FP_TRY(pem, read_file(request.pending_key, 64U << 10));
    if (auto kept = crypto::PrivateKey::from_pem(pem)) return kept;
  }
  FP_TRY(key, crypto::PrivateKey::generate_rsa(kKeyBits));
  FP_TRY(pem, key.to_pem());
  FP_CHECK(make_dirs(request.pending_key.parent_path(), 0700));
  FP_CHECK(write_file(request.pending_key, pem, 0600));
  return key;
}

// PKCS#10 in DER, as the body of the request has it.
Result<std::string> signing_request(const crypto::PrivateKey& key, const std::string& name) {
  pki::Order order;
  order.common_name = name;
  order.dns_names = {name};
  FP_TRY(pem, pki::make_signing_request(key, order));
  const auto begin = pem.find('\n'), end = pem.rfind("-----END");
  if (begin == std::string::npos || end == std::string::npos) return fail(Code::internal, "a signing request without its frame");
  return unbase64(pem.substr(begin, end - begin));
}

Result<std::vector<pki::Certificate>> answer_of(Transport& transport, const Call& call) {
  FP_TRY(reply, transport.send(call));
  const std::string said(trim(std::string_view(reply.body).substr(0, kReasonBytesMax)));
  switch (reply.status) {
    case 200: break;
    case 401: return fail(Code::unauthenticated, "the token or account was refused; the audit log of the site says why");
    case 400:
    case 403: return fail(Code::forbidden, "refused: {}", is_utf8(said) && !said.starts_with('<') ? said : "see the log of the site");
    case 404: return fail(Code::unavailable, "{}: no enrollment there", call.url);
    default: return fail(Code::unavailable, "{} answered {}", call.url, reply.status);
  }
  FP_TRY(der, wire::decode_est_certificates(reply.header("Content-Type"), reply.body, pki::kCertsOnlyBytesMax));
  return pki::parse_certs_only(der);
}

// The authorities between the certificate and the root, which the site systems want to see.
Result<std::string> chain_of(Transport& transport, const EnrollmentRequest& request, const pki::Certificate& leaf) {
  Call call;
  call.url = url_of(request, "cacerts");
  call.reply_bytes_max = kReplyBytesMax;
  FP_TRY(authorities, answer_of(transport, call));
  std::string pem;
  bool found = false;
  for (const auto& authority : authorities) {
    found = found || pki::is_signed_by(leaf, authority);
    if (!authority.self_signed()) pem += authority.pem();
  }
  if (!found) return fail(Code::invalid, "the certificate that came is by no authority of {}", request.proxy_point);
  return pem;
}

}  // namespace

Result<pki::Certificate> enroll(Transport& transport, const EnrollmentRequest& request) {
  FP_TRY(key, key_for(request));
  FP_TRY(body, signing_request(key, request.name));
  Call call;
  call.method = "POST";
  call.url = url_of(request, request.secret.empty() ? "simplereenroll" : "simpleenroll");
  call.headers = {{"Content-Type", std::string(wire::kEstRequestType)}, {"Content-Transfer-Encoding", "base64"}};
  if (!request.secret.empty()) call.headers.emplace_back("Authorization", wire::encode_basic({request.user, request.secret}));
  call.body = wire::encode_est_body(body);
  call.reply_bytes_max = kReplyBytesMax;
  FP_TRY(issued, answer_of(transport, call));
  const pki::Certificate& leaf = issued.front();
  if (!(leaf.public_key() == key.public_key()) || !pki::names_host(leaf, request.name))
    return fail(Code::invalid, "the certificate that came is for another key or name: {}", leaf.label());
  FP_TRY(chain, chain_of(transport, request, leaf));
  FP_TRY(key_pem, key.to_pem());
  FP_CHECK(make_dirs(request.file.parent_path(), 0700));
  FP_CHECK(write_file(request.file, leaf.pem() + chain + key_pem, 0600));
  if (const Status gone = remove_tree(request.pending_key); !gone) log::warning("enrollment", "{}", gone.error().message);
  return leaf;
}

Instant renewal_time(const pki::Certificate& certificate) {
  constexpr std::int64_t kPart = 3, kSpread = 24, kSteps = 1000;
  const std::int64_t life_ms = certificate.not_after().since_ms(certificate.not_before());
  const auto step = static_cast<std::int64_t>(std::strtoul(certificate.fingerprint().substr(0, 6).c_str(), nullptr, 16) % kSteps);
  return certificate.not_after().plus_ms(-life_ms / kPart - life_ms / kSpread * step / kSteps);
}

}  // namespace fp::agent
