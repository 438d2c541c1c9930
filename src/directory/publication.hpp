// Publishes a site in the directory of a domain, and finds the sites that are published there
// (wire/published.hpp): below CN=System Management,CN=System, where Configuration Manager's sites stand too.
// One thread; a call takes as long as DNS, Kerberos and one LDAP conversation do (their limits: some seconds
// each). Never: objects that are not this site's own; belief in what is found.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/result.hpp"
#include "directory/ldap_session.hpp"
#include "wire/directory/dns.hpp"
#include "wire/directory/published.hpp"

namespace fp::directory {

inline constexpr std::size_t kControllersTriedMax = 3;

struct DomainLogin {
  std::string domain;  // "corp.example"
  Path keytab;         // of an account there: the computer's, or one for this purpose
};

struct Published {
  std::string controller, principal, container;
  std::vector<std::string> added, changed, removed;  // names of objects
  std::vector<std::string> objects;                  // all that are there now
};

// Makes what is there of the site exactly `objects`; none: takes it out. The container is made where it is
// missing. Code::forbidden: no right to, and to whom which right is to be given.
[[nodiscard]] Result<Published> publish(DirectoryAccess& directory, const std::string& domain,
                                        const std::string& site_code,
                                        const std::vector<wire::DirectoryObject>& objects,
                                        const std::string& principal);

// The same at one of the domain's controllers, of those that DNS names the first that answers.
[[nodiscard]] Result<Published> publish_in(const DomainLogin& account, const std::string& site_code,
                                           const std::vector<wire::DirectoryObject>& objects,
                                           const Clock& clock);

// What is published in the domain: of one site, or of all where `site_code` is empty. A domain without the
// container has nothing.
[[nodiscard]] Result<wire::Publication> find_published(const DomainLogin& account, const std::string& controller,
                                                       const std::string& site_code, const Clock& clock);

}  // namespace fp::directory
