// A ticket of this computer or service, got with the keys of a keytab and kept in memory (protocols.md §5).
// One thread for each; from_keytab() waits on the Kerberos servers of the realm, within the limits of the
// Kerberos library (some seconds each). Never: a password, a ticket on disk, a variable of the environment.
#pragma once
#include <memory>
#include <string>

#include "base/file.hpp"
#include "base/result.hpp"

namespace fp::directory {

class KerberosTicket {
 public:
  // Of the realm that is called like the domain. Of several names in the keytab that of the computer account
  // ("PC1$") is taken, else that of a service account ("svc-farpoint"), else the first. Code::not_found: no
  // such file, or no key of that realm; Code::unauthenticated: the realm refuses the key; Code::unavailable:
  // no Kerberos server was reached.
  [[nodiscard]] static Result<std::unique_ptr<KerberosTicket>> from_keytab(const Path& keytab,
                                                                           const std::string& domain);
  ~KerberosTicket();
  KerberosTicket(const KerberosTicket&) = delete;
  KerberosTicket& operator=(const KerberosTicket&) = delete;

  [[nodiscard]] const std::string& principal() const { return principal_; }  // "PC1$@CORP.EXAMPLE"
  [[nodiscard]] const std::string& cache() const { return cache_; }          // "MEMORY:..."

 private:
  struct Parts;
  KerberosTicket();
  std::unique_ptr<Parts> parts_;
  std::string principal_, cache_;
};

// While it lives, logins that the calling thread begins show this ticket.
class TicketInUse {
 public:
  [[nodiscard]] static Result<TicketInUse> begin(const KerberosTicket& ticket);
  TicketInUse(TicketInUse&& other) noexcept : active_(other.active_) { other.active_ = false; }
  TicketInUse& operator=(TicketInUse&&) = delete;
  ~TicketInUse();

 private:
  explicit TicketInUse(bool active) : active_(active) {}
  bool active_;
};

}  // namespace fp::directory
