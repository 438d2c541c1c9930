// An X.509 certificate as a value: parsed once, immutable, cheap to copy. Any thread.
// Parsing costs about 30 us. Never decides whether to trust (verifier.hpp), never reads a file or the clock.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "crypto/key.hpp"

struct x509_st;  // OpenSSL's X509; only .cpp files of pki and net look inside

namespace fp::pki {

inline constexpr std::string_view kEkuServerAuth = "1.3.6.1.5.5.7.3.1";
inline constexpr std::string_view kEkuClientAuth = "1.3.6.1.5.5.7.3.2";
inline constexpr std::string_view kEkuSelfSignedClient = "1.3.6.1.4.1.311.101.2";  // domain.md §5.6
inline constexpr std::string_view kEkuSelfSigned = "1.3.6.1.4.1.311.101";

enum KeyUsage : unsigned {  // bits of key_usage()
  kDigitalSignature = 1,
  kNonRepudiation = 2,
  kKeyEncipherment = 4,
  kDataEncipherment = 8,
  kKeyAgreement = 16,
  kKeyCertSign = 32,
  kCrlSign = 64,
};

class Certificate {
 public:
  // Code::invalid: not exactly one certificate; Code::too_large: over limits::kCertificateBytesMax.
  [[nodiscard]] static Result<Certificate> from_der(std::string_view der);
  [[nodiscard]] static Result<Certificate> from_pem(std::string_view pem);  // the first one in the text
  // Every certificate of a PEM text in its order, at least 1, at most kChainMax.
  [[nodiscard]] static Result<std::vector<Certificate>> chain_from_pem(std::string_view pem);
  static constexpr std::size_t kChainMax = 512;

  [[nodiscard]] const std::string& der() const;
  [[nodiscard]] std::string pem() const;
  [[nodiscard]] const std::string& fingerprint() const;  // SHA-256 of the DER, lower-case hex
  [[nodiscard]] const std::string& subject() const;      // "CN=pc1,O=Example", most specific first, RFC 4514 escapes
  [[nodiscard]] const std::string& issuer() const;
  [[nodiscard]] const std::string& common_name() const;  // first CN of the subject; may be empty
  // Values of a subject attribute by dotted OID or short name (DC E CN SN SERIALNUMBER C L S ST STREET O OU T G I,
  // domain.md §5.2; names are case-insensitive). "SAN" or 2.5.29.17: every subject alternative name as text.
  [[nodiscard]] std::vector<std::string> attribute(std::string_view oid_or_name) const;
  // Attributes of subject or issuer as (dotted OID, UTF-8 value), in certificate order.
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& subject_attributes() const;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& issuer_attributes() const;
  [[nodiscard]] const std::vector<std::string>& dns_names() const;          // SAN, as written
  [[nodiscard]] const std::vector<std::string>& ip_addresses() const;       // SAN, as literals
  [[nodiscard]] const std::vector<std::string>& alternative_names() const;  // SAN: dns, ip, mail, URI, UPN in order
  [[nodiscard]] const std::string& serial() const;                          // upper-case hex
  [[nodiscard]] Instant not_before() const;
  [[nodiscard]] Instant not_after() const;
  [[nodiscard]] const std::vector<std::string>& ekus() const;  // dotted OIDs; empty: the extension is absent
  [[nodiscard]] bool has_eku(std::string_view oid) const;
  [[nodiscard]] bool has_key_usage() const;
  [[nodiscard]] unsigned key_usage() const;  // bits of KeyUsage; all of them where the extension is absent
  [[nodiscard]] const crypto::PublicKey& public_key() const;
  [[nodiscard]] bool signed_with_sha2() const;
  [[nodiscard]] bool is_ca() const;
  [[nodiscard]] bool self_signed() const;                          // subject is issuer and the own key verifies the signature
  [[nodiscard]] const std::vector<std::string>& crl_urls() const;  // http and https names of the CRL distribution points
  [[nodiscard]] const std::string& subject_key_id() const;         // raw bytes; empty: no extension
  [[nodiscard]] std::string label() const;                         // for log lines: "CN=pc1 (serial 0A1B, issued by CN=CA)"
  [[nodiscard]] x509_st* native() const;
  bool operator==(const Certificate& other) const { return der() == other.der(); }

 private:
  struct Impl;
  explicit Certificate(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  [[nodiscard]] static Result<Certificate> adopt(x509_st* owned);
  std::shared_ptr<const Impl> impl_;
};

// Whether the issuer's key verifies its signature, and the issuer's name stands in it. Dates and extensions are not looked at.
[[nodiscard]] bool is_signed_by(const Certificate& certificate, const Certificate& issuer);

// Whether the certificate names this server (RFC 6125): SAN dns with a wildcard as the whole left-most label, SAN ip for IP
// literals; the common name counts only where there is no SAN at all.
[[nodiscard]] bool names_host(const Certificate& certificate, std::string_view host);

}  // namespace fp::pki
