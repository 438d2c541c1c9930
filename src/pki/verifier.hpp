// Decides whether a certificate may be believed: chain to a listed issuer, dates, purpose, strength, revocation (design §7).
// Any thread. Costs a few RSA verifications, and a CRL fetch where the CrlStore has to make one: call it on a pool thread.
// Never throws a connection away: it returns a CertificateCheck whose detail names the failed check and the certificate.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "model/peer.hpp"
#include "pki/certificate.hpp"
#include "pki/crl_store.hpp"

namespace fp::pki {

enum class Purpose { client, server };

struct TrustPolicy {
  std::vector<Certificate> roots;          // the issuers list: nothing else is an anchor, least of all the system's store
  std::vector<Certificate> intermediates;  // help to build chains, are not trusted by themselves
  bool check_crl = true;                   // switching it off is for site systems' certificates only (domain.md §5.4)
};

// Sorts the certificates of a PEM text: self-signed ones become roots, the others intermediates.
[[nodiscard]] Status add_issuers(TrustPolicy& policy, std::string_view pem);

class Verifier {
 public:
  // `crls` may be null where check_crl is false; with check_crl and null every certificate below a root is crl_unavailable.
  Verifier(TrustPolicy policy, std::shared_ptr<CrlStore> crls);
  ~Verifier();
  Verifier(Verifier&&) noexcept;

  // `sent`: further certificates that the peer sent, untrusted, at most 16 are looked at.
  // A client needs RSA >= 2048 bits, clientAuth, digitalSignature; a server serverAuth and the name `host`.
  [[nodiscard]] CertificateCheck check_client(const Certificate& leaf, std::span<const Certificate> sent, Instant now) const;
  [[nodiscard]] CertificateCheck check_server(const Certificate& leaf, std::span<const Certificate> sent, std::string_view host,
                                              Instant now) const;
  // The same for DER that was not parsed yet (TLS peer, certificate inside a registration). Empty: missing.
  [[nodiscard]] CertificateCheck check_client_der(std::string_view leaf_der, std::span<const std::string> sent_der,
                                                  Instant now) const;
  [[nodiscard]] const TrustPolicy& policy() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fp::pki
