// A small certification authority that lives in a folder: root.pem, root.key, issuing.pem, issuing.key (keys 0600),
// root.crl, issuing.crl (DER, for publishing), chain.pem (issuing, root), index.tsv (one line for each certificate issued or
// revoked, only ever appended), authority.conf. root.key may be kept elsewhere: it is read only to renew root.crl.
// Any thread, and several processes: a lock file keeps them apart. Every change is on the disk before the call returns.
// Never keeps the keys of those it issues to.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "pki/issue.hpp"

namespace fp::pki {

struct AuthoritySettings {
  std::string name = "Farpoint";  // CN "<name> Root CA" and "<name> Issuing CA"
  std::string organisation;
  std::string crl_base_url;  // "http://crl.example.org/": CRLs are <base>root.crl and <base>issuing.crl; empty: no CDP
  std::int64_t crl_life_s = 7 * 24 * 3600;  // of issuing.crl; root.crl lives half a year or this, whichever is longer
  std::int64_t root_life_s = 20LL * 365 * 24 * 3600;
  std::int64_t issuing_life_s = 10LL * 365 * 24 * 3600;
  int key_bits = 3072;
};

struct IssuedRecord {  // a line of index.tsv
  std::string serial;
  std::string profile;
  std::string common_name;
  std::string fingerprint;
  Instant issued_at, not_after;
  Instant revoked_at;  // 0: not revoked
  int reason = 0;
};

class CertificateAuthority {
 public:
  // Code::conflict: there is one in the folder already.
  [[nodiscard]] static Result<CertificateAuthority> init(const Path& folder, const AuthoritySettings& settings,
                                                         const Clock& clock, Random& random);
  [[nodiscard]] static Result<CertificateAuthority> open(const Path& folder, const Clock& clock, Random& random);
  CertificateAuthority(CertificateAuthority&&) noexcept;
  ~CertificateAuthority();

  [[nodiscard]] const Certificate& root() const;
  [[nodiscard]] const Certificate& issuing() const;
  [[nodiscard]] std::string chain_pem(const Certificate& leaf) const;  // leaf and issuing: what a TLS server presents
  // order.not_before 0: now less 5 minutes; order.not_after 0: one year; order.crl_url empty: the folder's own.
  [[nodiscard]] Result<Certificate> issue(Order order, const crypto::PublicKey& key);
  [[nodiscard]] Result<Identity> issue_with_new_key(Order order, int key_bits = 2048);
  // Names of the request unless `order` brings some; the profile is the administrator's, never the request's.
  [[nodiscard]] Result<Certificate> issue_request(std::string_view signing_request, Order order);

  // Whether the issuing authority signed it; says nothing of dates and revocation.
  [[nodiscard]] bool has_issued(const Certificate& certificate) const;

  // Writes the index line and a new issuing.crl. Code::not_found: never issued here. Revoking again changes nothing.
  [[nodiscard]] Status revoke(std::string_view serial_hex, int reason = 0);
  // Both lists anew, whatever their age; root.crl only where root.key is in the folder. refresh_crl_if_due: each list when
  // less than half of its life is left; true: one was made anew. Call it about every hour from a timer.
  [[nodiscard]] Status refresh_crl();
  [[nodiscard]] Result<bool> refresh_crl_if_due();
  [[nodiscard]] Result<std::vector<IssuedRecord>> issued() const;  // oldest first

 private:
  struct State;
  explicit CertificateAuthority(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace fp::pki
