// The enrollment point: Enrollment over Secure Transport (RFC 7030) at a site that has an authority of its own (domain.md §26). A token or an
// account of the directory opens simpleenroll; a certificate of a client opens simplereenroll, at the internet's door too. Any thread;
// runs on the worker pool: one signature of the authority each, and for an account a question to a domain controller, which may take
// seconds. One transaction for decision, certificate, record and audit line. Runs in the site server and never in the perimeter; another
// host passes requests on (proxy.hpp). Never: stores or logs a secret, says to a stranger why his secret is refused.
#pragma once
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "domain/access/routes.hpp"
#include "model/account.hpp"
#include "net/http.hpp"
#include "pki/authority.hpp"
#include "roles/enrollment/throttle.hpp"
#include "store/store.hpp"

namespace fp::enrollment {

struct Settings {
  std::int64_t certificate_life_s = 365LL * 24 * 3600;
};

// User and password by the directory; Code::unauthenticated with the reason, Code::unavailable: no domain controller answers. Unset:
// accounts do not enrol here.
using VerifyAccount = std::function<Result<Account>(const std::string& user, const std::string& password)>;

class EnrollmentPoint {
 public:
  EnrollmentPoint(store::Store& store, pki::CertificateAuthority& authority, const Clock& clock, Random& random, const Settings& settings,
                  VerifyAccount verify);
  [[nodiscard]] net::Response handle(net::Request& request);

 private:
  struct Applicant {  // who asks, proved
    std::string who;  // "token FP100001", "account alice@CORP.EXAMPLE", "certificate <serial>"
    EnrollmentKind kind = EnrollmentKind::computer;
    std::string token_id, pattern;                 // of a token
    std::optional<pki::Certificate> certificate;   // of a renewal
  };
  struct Issued {
    pki::Certificate certificate;
    std::string name;
    bool again = false;  // the answer to the same request was lost
  };
  [[nodiscard]] Result<Applicant> authenticate(const net::Request& request);
  [[nodiscard]] Result<Applicant> holder(const net::Request& request);
  [[nodiscard]] net::Response enroll(const net::Request& request, const Applicant& applicant);
  [[nodiscard]] Result<Issued> issue(store::Repositories& r, const net::Request& request, const Applicant& applicant,
                                     const pki::SigningRequest& wanted, const std::string& name);
  [[nodiscard]] Status may_enroll(store::Repositories& r, const Applicant& applicant, const std::string& key, const std::string& name);
  [[nodiscard]] Result<Enrollment> renewed(store::Repositories& r, const Applicant& applicant, const std::string& key, const std::string& name);
  [[nodiscard]] net::Response refuse(const net::Request& request, std::string_view who, const Error& error);
  [[nodiscard]] net::Response authorities() const;

  store::Store& store_;
  pki::CertificateAuthority& authority_;
  const Clock& clock_;
  Random& random_;
  const Settings settings_;
  const VerifyAccount verify_;
  Throttle addresses_, secrets_, renewals_, audited_;
};

}  // namespace fp::enrollment
