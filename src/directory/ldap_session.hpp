// One conversation with a domain controller by LDAP (RFC 4511): Kerberos proves both sides (SASL, GSSAPI; RFC
// 4752), and everything behind the login is encrypted. One thread; a call waits kLdapWaitS at most, and
// open() kLdapConnectS more for each address of the controller. Never: a password, an unencrypted answer, a
// referral followed, an alias, more of an answer than the limits below.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "directory/kerberos_ticket.hpp"
#include "wire/directory/published.hpp"

namespace fp::directory {

inline constexpr int kLdapPort = 389;
inline constexpr int kLdapConnectS = 3, kLdapWaitS = 10;
inline constexpr std::size_t kLdapMessageBytesMax = 256U << 10;  // one message of the server
inline constexpr std::size_t kLdapEntriesMax = wire::kPublishedObjectsMax;
inline constexpr int kLdapSealBits = 56;  // the least that SASL calls encryption with Kerberos

struct DirectoryEntry {
  std::string place;  // distinguished name
  wire::DirectoryObject object;
};

// What is asked of a directory; the session below, or a stand-in of a test.
class DirectoryAccess {
 public:
  virtual ~DirectoryAccess() = default;
  // The children of `container` that `filter` (RFC 4515) finds. Code::not_found: there is no such container,
  // or it is not shown to us; Code::too_large: an answer over the limits.
  [[nodiscard]] virtual Result<std::vector<DirectoryEntry>> children(const std::string& container,
                                                                     const std::string& filter) = 0;
  // Code::forbidden: no right to; Code::conflict: it is there.
  [[nodiscard]] virtual Status add(const std::string& place, const wire::DirectoryAttributes& attributes) = 0;
  [[nodiscard]] virtual Status replace(const std::string& place,
                                       const wire::DirectoryAttributes& attributes) = 0;
  [[nodiscard]] virtual Status remove(const std::string& place) = 0;
};

class LdapSession final : public DirectoryAccess {
 public:
  // Code::unavailable, timed_out: nobody answers there; Code::unauthenticated: one side does not believe the
  // other.
  [[nodiscard]] static Result<std::unique_ptr<LdapSession>> open(const std::string& controller,
                                                                 const KerberosTicket& ticket,
                                                                 const Clock& clock, int port = kLdapPort);
  ~LdapSession() override;
  LdapSession(const LdapSession&) = delete;
  LdapSession& operator=(const LdapSession&) = delete;

  Result<std::vector<DirectoryEntry>> children(const std::string& container,
                                               const std::string& filter) override;
  Status add(const std::string& place, const wire::DirectoryAttributes& attributes) override;
  Status replace(const std::string& place, const wire::DirectoryAttributes& attributes) override;
  Status remove(const std::string& place) override;

 private:
  struct Parts;
  explicit LdapSession(std::unique_ptr<Parts> parts);
  [[nodiscard]] Status change(const std::string& place, const wire::DirectoryAttributes& attributes,
                              int operation);
  std::unique_ptr<Parts> parts_;
};

}  // namespace fp::directory
