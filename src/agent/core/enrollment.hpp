// How this client gets a certificate from its site's enrollment point, and a new one before it ends (RFC 7030; docs/enrollment.md). One
// thread; each call makes a key (about 0.1 s) and two requests. Key and certificate come into one file, which is replaced in one step.
// Never: lets the key leave this computer, believes an answer for another key, another name or by another authority.
#pragma once
#include <string>

#include "agent/core/certificate.hpp"
#include "agent/core/transport.hpp"
#include "base/clock.hpp"
#include "base/file.hpp"

namespace fp::agent {

struct EnrollmentRequest {
  std::string proxy_point;     // host[:port]
  std::string name;            // host name to be in the certificate
  std::string user, secret;    // of HTTP Basic; without a secret the transport's own certificate is renewed
  Path file;                   // where certificate, chain and key come to lie
  Path pending_key;            // the key, until its certificate is there: a lost answer can be asked for again
};
// Code::unauthenticated: the secret was refused (why stands in the site's audit log); Code::forbidden: the name, key or certificate was;
// Code::unavailable: nobody answered, or wants to be asked later; Code::invalid: an answer that is not what was asked for.
[[nodiscard]] Result<pki::Certificate> enroll(Transport& transport, const EnrollmentRequest& request);

// When a third of its life is left, and up to a twenty-fourth earlier, by the certificate: not all clients come at once.
[[nodiscard]] Instant renewal_time(const pki::Certificate& certificate);

}  // namespace fp::agent
