// Revocation lists: fetched on demand by URL or loaded from files, kept until their nextUpdate. Any thread.
// A check against a list that is here costs microseconds; one that is not waits for one fetch, shared by everybody who waits
// for the same URL, and never longer than the fetch function itself takes. A failed fetch is remembered for negative_s.
// Never trusts a list that its issuer did not sign, never asks a URL before the chain that names it was verified.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/result.hpp"
#include "pki/certificate.hpp"

struct X509_crl_st;  // OpenSSL's X509_CRL

namespace fp::pki {

// A parsed list, immutable.
class Crl {
 public:
  // DER, or the first PEM block. Code::invalid: not a CRL, or one without nextUpdate (it would be current for ever);
  // Code::too_large: over limits::kCrlBytesMax.
  [[nodiscard]] static Result<Crl> parse(std::string_view bytes);
  [[nodiscard]] const std::string& issuer() const;
  [[nodiscard]] Instant this_update() const;
  [[nodiscard]] Instant next_update() const;
  [[nodiscard]] std::string number() const;  // hex; empty: no CRL number
  [[nodiscard]] std::size_t size() const;    // revoked certificates
  // Name, cRLSign and signature; the good answer for one key is remembered, a long list costs its hash only once.
  [[nodiscard]] bool signed_by(const Certificate& issuer) const;
  [[nodiscard]] bool lists(const Certificate& certificate) const;  // by serial; entries with removeFromCRL do not count
  // Why the list cannot speak about this certificate (delta, indirect, other scope, unknown critical extension); empty: it can.
  [[nodiscard]] std::string unfit_for(const Certificate& certificate) const;
  [[nodiscard]] std::string pem() const;
  [[nodiscard]] X509_crl_st* native() const;

 private:
  struct Impl;
  explicit Crl(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

enum class Revocation { good, revoked, unavailable };

struct RevocationAnswer {
  Revocation state = Revocation::unavailable;
  std::string detail;  // why unavailable or revoked, in one clause
};

struct CrlSettings {
  std::int64_t negative_s = 60;         // how long a failed fetch is not tried again
  std::int64_t refetch_s = 3600;       // refresh() asks again for a list that is current: an authority may publish before its time
  std::int64_t refresh_ahead_s = 3600;  // refresh() fetches again this long before nextUpdate (at most half the list's life)
  std::int64_t skew_s = 300;            // a list may be this much from the future
  std::size_t urls_max = 1024;          // beyond that the list fetched longest ago is forgotten
};

// One row of the overview for administrators (`farpoint pki`, health).
struct CrlStatus {
  std::string source;  // URL or file
  std::string issuer;
  Instant this_update, next_update;
  std::size_t revoked = 0;
  std::string problem;  // empty: usable
};

class CrlStore {
 public:
  // Fetches one URL with limits of its own on time and size; called without any lock held.
  using Fetch = std::function<Result<std::string>(const std::string& url)>;

  explicit CrlStore(Fetch fetch = {}, CrlSettings settings = {});
  ~CrlStore();
  CrlStore(const CrlStore&) = delete;

  // A list from a file, read again by refresh() (so a script may replace it). While a loaded list of
  // an issuer is current, its URLs are not asked; of several lists each one can revoke.
  [[nodiscard]] Status load_file(const Path& path);
  [[nodiscard]] Status load(std::string_view bytes, std::string source);

  // `issuer`: the certificate that signed `certificate`, already verified. Fails closed: anything but a usable, current,
  // signed list is `unavailable`.
  [[nodiscard]] RevocationAnswer check(const Certificate& certificate, const Certificate& issuer, Instant now);

  // Fetches every known URL whose list ends soon or was fetched refetch_s ago, and reads the files; call it every few minutes
  // from a timer, on a pool thread. `all`: every URL, because an administrator asks. Returns how many were renewed.
  std::size_t refresh(Instant now, bool all = false);
  [[nodiscard]] std::vector<CrlStatus> status(Instant now) const;
  // Every list that may be used now, the newest of each issuer: what a proxy in front is given.
  [[nodiscard]] std::vector<Crl> current(Instant now) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fp::pki
