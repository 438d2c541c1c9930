#include "pki/verifier.hpp"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

#include "base/text.hpp"
#include "crypto/openssl.hpp"

namespace fp::pki {

using crypto::Owned;

namespace {

constexpr std::size_t kSentMax = 16;
constexpr int kDepthMax = 8;
constexpr int kRsaBitsMin = 2048, kRsaBitsMax = 8192, kEcBitsMin = 256;

void free_references(STACK_OF(X509) * stack) { sk_X509_free(stack); }
using References = Owned<STACK_OF(X509), free_references>;
using Chain = std::vector<Certificate>;

CertificateCheck refused(CertificateProblem problem, std::string detail) { return {problem, std::move(detail)}; }

CertificateProblem problem_of(int error) {
  switch (error) {
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return CertificateProblem::not_yet_valid;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return CertificateProblem::expired;
    case X509_V_ERR_INVALID_PURPOSE:
      return CertificateProblem::wrong_purpose;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
      return CertificateProblem::weak;
    case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
    case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
    case X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY:
    case X509_V_ERR_INVALID_EXTENSION:
      return CertificateProblem::malformed;
    default:
      return CertificateProblem::untrusted;
  }
}

CertificateCheck dated(const CertificateCheck& check, const Certificate& c) {
  CertificateCheck out = check;
  if (check.problem == CertificateProblem::expired) out.detail += fmt::format(" (it ended {})", to_iso(c.not_after()));
  if (check.problem == CertificateProblem::not_yet_valid) out.detail += fmt::format(" (it begins {})", to_iso(c.not_before()));
  return out;
}

CertificateCheck check_purpose(const Certificate& leaf, Purpose purpose) {
  const bool client = purpose == Purpose::client;
  // OpenSSL lets a leaf without EKU pass for every purpose; here the purpose must be stated.
  if (!leaf.has_eku(client ? kEkuClientAuth : kEkuServerAuth))
    return refused(CertificateProblem::wrong_purpose, fmt::format("{} has no {} purpose (EKU)", leaf.label(),
                                                                  client ? "client authentication" : "server authentication"));
  const unsigned wanted = client ? kDigitalSignature : kDigitalSignature | kKeyEncipherment;
  if ((leaf.key_usage() & wanted) == 0)
    return refused(CertificateProblem::wrong_purpose, fmt::format("{} has a key usage without digitalSignature", leaf.label()));
  return {CertificateProblem::none, {}};
}

// Clients are RSA only (domain.md §5.1); authorities and servers may use NIST curves.
CertificateCheck check_strength(const Chain& chain, Purpose purpose) {
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const Certificate& c = chain[i];
    const auto& key = c.public_key();
    const bool rsa = key.rsa_bits() >= kRsaBitsMin && key.rsa_bits() <= kRsaBitsMax;
    const bool curve = key.is_ec() && key.bits() >= kEcBitsMin && !(i == 0 && purpose == Purpose::client);
    if (!rsa && !curve)
      return refused(CertificateProblem::weak,
                     fmt::format("{} has a {} key of {} bits (RSA of {} to {} is asked for)", c.label(),
                                 key.is_rsa() ? "RSA" : "non-RSA", key.bits(), kRsaBitsMin, kRsaBitsMax));
    // A root is trusted because it is listed, not because of the signature on itself.
    const bool anchor = i + 1 == chain.size();
    if (!anchor && !c.signed_with_sha2())
      return refused(CertificateProblem::weak, fmt::format("{} is not signed with SHA-2", c.label()));
  }
  return {CertificateProblem::none, {}};
}

}  // namespace

struct Verifier::State {
  TrustPolicy policy;
  std::shared_ptr<CrlStore> crls;
  Owned<X509_STORE, X509_STORE_free> store;

  CertificateCheck build(const Certificate& leaf, std::span<const Certificate> sent, Purpose purpose, Instant now,
                         Chain& chain) const;
  CertificateCheck revocation(const Chain& chain, Instant now) const;
  CertificateCheck check(const Certificate& leaf, std::span<const Certificate> sent, Purpose purpose, Instant now) const;
  CertificateCheck check_chain(const Certificate& leaf, std::span<const Certificate> sent, Purpose purpose, Instant now) const;
  Result<Certificate> value_of(X509* x, const Certificate& leaf) const;
};

// The listed certificates come back as the very objects that were put in: no second parse for them.
Result<Certificate> Verifier::State::value_of(X509* x, const Certificate& leaf) const {
  if (x == leaf.native()) return leaf;
  for (const auto* list : {&policy.roots, &policy.intermediates})
    for (const Certificate& c : *list)
      if (c.native() == x) return c;
  return Certificate::from_der(crypto::to_der<i2d_X509>(x));
}

CertificateCheck Verifier::State::build(const Certificate& leaf, std::span<const Certificate> sent, Purpose purpose, Instant now,
                                        Chain& chain) const {
  const References untrusted(sk_X509_new_null());
  for (const Certificate& c : policy.intermediates) sk_X509_push(untrusted.get(), c.native());
  for (const Certificate& c : sent.first(std::min(sent.size(), kSentMax))) sk_X509_push(untrusted.get(), c.native());
  const Owned<X509_STORE_CTX, X509_STORE_CTX_free> context(X509_STORE_CTX_new());
  if (!store || !untrusted || !context || X509_STORE_CTX_init(context.get(), store.get(), leaf.native(), untrusted.get()) != 1)
    return refused(CertificateProblem::untrusted, "the check could not be started");
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(parameters, static_cast<std::time_t>(now.ms / 1000));
  X509_VERIFY_PARAM_set_depth(parameters, kDepthMax);
  X509_VERIFY_PARAM_set_purpose(parameters, purpose == Purpose::client ? X509_PURPOSE_SSL_CLIENT : X509_PURPOSE_SSL_SERVER);
  const bool good = X509_verify_cert(context.get()) == 1;
  const int error = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (!good) {
    X509* at = X509_STORE_CTX_get_current_cert(context.get());
    const auto named = at == nullptr ? Result<Certificate>(leaf) : value_of(at, leaf);
    const Certificate& c = named ? *named : leaf;
    return dated(refused(problem_of(error), fmt::format("{}: {}", c.label(), X509_verify_cert_error_string(error))), c);
  }
  STACK_OF(X509)* found = X509_STORE_CTX_get0_chain(context.get());
  for (int i = 0; i < sk_X509_num(found); ++i) {
    auto c = value_of(sk_X509_value(found, i), leaf);
    if (!c) return refused(CertificateProblem::malformed, fmt::format("in the chain of {}: {}", leaf.label(), c.error().message));
    chain.push_back(std::move(*c));
  }
  return {CertificateProblem::none, {}};
}

// Fails closed: every certificate below the root must be known not to be revoked.
CertificateCheck Verifier::State::revocation(const Chain& chain, Instant now) const {
  if (!policy.check_crl) return {CertificateProblem::none, {}};
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
    if (!crls)
      return refused(CertificateProblem::crl_unavailable,
                     fmt::format("{}: there is no store of revocation lists", chain[i].label()));
    const RevocationAnswer answer = crls->check(chain[i], chain[i + 1], now);
    if (answer.state == Revocation::revoked)
      return refused(CertificateProblem::revoked, fmt::format("{} is revoked: {}", chain[i].label(), answer.detail));
    if (answer.state == Revocation::unavailable)
      return refused(CertificateProblem::crl_unavailable,
                     fmt::format("whether {} is revoked cannot be known: {}", chain[i].label(), answer.detail));
  }
  return {CertificateProblem::none, {}};
}

// Whatever in its chain is at fault, the one that was shown is named.
CertificateCheck Verifier::State::check(const Certificate& leaf, std::span<const Certificate> sent, Purpose purpose,
                                        Instant now) const {
  CertificateCheck check = check_chain(leaf, sent, purpose, now);
  if (!check.ok() && check.detail.find(leaf.label()) == std::string::npos)
    check.detail = fmt::format("in the chain of {}: {}", leaf.label(), check.detail);
  return check;
}

CertificateCheck Verifier::State::check_chain(const Certificate& leaf, std::span<const Certificate> sent, Purpose purpose,
                                              Instant now) const {
  Chain chain;
  if (auto check = build(leaf, sent, purpose, now, chain); !check.ok()) return check;
  if (auto check = check_purpose(leaf, purpose); !check.ok()) return check;
  if (auto check = check_strength(chain, purpose); !check.ok()) return check;
  return revocation(chain, now);
}

Verifier::Verifier(TrustPolicy policy, std::shared_ptr<CrlStore> crls) : state_(std::make_unique<State>()) {
  state_->policy = std::move(policy);
  state_->crls = std::move(crls);
  state_->store.reset(X509_STORE_new());
  for (const Certificate& root : state_->policy.roots)
    if (!state_->store || X509_STORE_add_cert(state_->store.get(), root.native()) != 1) ERR_clear_error();
}
Verifier::~Verifier() = default;
Verifier::Verifier(Verifier&&) noexcept = default;

const TrustPolicy& Verifier::policy() const { return state_->policy; }

CertificateCheck Verifier::check_client(const Certificate& leaf, std::span<const Certificate> sent, Instant now) const {
  return state_->check(leaf, sent, Purpose::client, now);
}

CertificateCheck Verifier::check_server(const Certificate& leaf, std::span<const Certificate> sent, std::string_view host,
                                        Instant now) const {
  if (auto check = state_->check(leaf, sent, Purpose::server, now); !check.ok()) return check;
  if (names_host(leaf, host)) return {CertificateProblem::none, {}};
  return refused(CertificateProblem::wrong_name, fmt::format("{} does not name the host {} (it names {})", leaf.label(), host,
                                                             fmt::join(leaf.alternative_names(), ", ")));
}

CertificateCheck Verifier::check_client_der(std::string_view leaf_der, std::span<const std::string> sent_der, Instant now) const {
  if (leaf_der.empty()) return refused(CertificateProblem::missing, "no certificate was shown");
  const auto leaf = Certificate::from_der(leaf_der);
  if (!leaf) return refused(CertificateProblem::malformed, leaf.error().message);
  Chain sent;
  for (const std::string& der : sent_der.first(std::min(sent_der.size(), kSentMax)))
    if (auto c = Certificate::from_der(der)) sent.push_back(std::move(*c));
  return check_client(*leaf, sent, now);
}

Status add_issuers(TrustPolicy& policy, std::string_view pem) {
  FP_TRY(certificates, Certificate::chain_from_pem(pem));
  for (Certificate& c : certificates) (c.self_signed() ? policy.roots : policy.intermediates).push_back(std::move(c));
  return {};
}

}  // namespace fp::pki
