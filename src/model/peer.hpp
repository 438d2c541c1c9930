// Who is at the other end of a connection, and what TLS proved about it (design §7). Plain values.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fp {

// The three columns of the trust table. A listener is exactly one of them.
enum class Door { intranet_http, intranet_https, internet_https };

enum class CertificateProblem {
  none,
  missing,
  malformed,
  untrusted,        // does not chain to a listed issuer
  not_yet_valid,
  expired,
  wrong_purpose,    // no client-authentication EKU, or no digitalSignature key usage
  weak,             // not RSA >= 2048 with SHA-2
  revoked,
  crl_unavailable,  // counts as revoked
  blocked,          // by an administrator
  wrong_name,       // a server whose certificate does not name the host that was asked for
  unpinned_proxy,   // of a proxy web server that is not pinned: names what is published here, and may serve too
};

// Verification is recorded, never enforced, by `net`; the route decides.
struct CertificateCheck {
  CertificateProblem problem = CertificateProblem::missing;
  std::string detail;  // one sentence for the log: which check failed, on which certificate
  [[nodiscard]] bool ok() const { return problem == CertificateProblem::none; }
};

struct Peer {
  Door door = Door::internet_https;
  std::string address;          // IP literal
  std::uint16_t port = 0;
  std::string certificate_der;  // leaf, empty if none was shown
  std::string fingerprint;      // SHA-256 of the leaf, lower-case hex
  std::shared_ptr<const std::vector<std::string>> chain_der;  // what was shown besides the leaf; null: nothing
  CertificateCheck check;
  bool pinned_proxy = false;    // the leaf is one of the pinned bridging proxies: never the client
  [[nodiscard]] bool tls() const { return door != Door::intranet_http; }
};

[[nodiscard]] constexpr std::string_view to_string(Door door) {
  return door == Door::intranet_http ? "intranet-http" : door == Door::intranet_https ? "intranet-https" : "internet-https";
}
[[nodiscard]] constexpr std::string_view to_string(CertificateProblem p) {
  switch (p) {
    case CertificateProblem::none: return "ok";
    case CertificateProblem::missing: return "no certificate";
    case CertificateProblem::malformed: return "malformed certificate";
    case CertificateProblem::untrusted: return "untrusted issuer";
    case CertificateProblem::not_yet_valid: return "not yet valid";
    case CertificateProblem::expired: return "expired";
    case CertificateProblem::wrong_purpose: return "wrong purpose (EKU or key usage)";
    case CertificateProblem::weak: return "weak key or hash";
    case CertificateProblem::revoked: return "revoked";
    case CertificateProblem::crl_unavailable: return "CRL unavailable";
    case CertificateProblem::blocked: return "blocked by an administrator";
    case CertificateProblem::wrong_name: return "wrong host name";
    case CertificateProblem::unpinned_proxy: return "a proxy's certificate that is not pinned";
  }
  return "?";
}

}  // namespace fp
