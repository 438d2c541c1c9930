// Asks the directory of this computer's domain which sites and management points are published there
// (domain.md §3.1): the domain controller that answers a ping first, by LDAP, with this computer's own key.
// One thread; blocks for some seconds where somebody is slow. Never: on the internet without a domain
// controller in reach anything but a question of DNS; belief in the answer.
#pragma once
#include "agent/core/directory_probe.hpp"
#include "base/file.hpp"
#include "wire/directory/published.hpp"

namespace fp::agent {

struct FoundInDirectory {
  std::string controller;
  wire::Publication publication;
};

// Code::not_found: this computer has no key of the domain; Code::unavailable: no domain controller answers.
[[nodiscard]] Result<FoundInDirectory> find_published_sites(const std::string& domain, const Path& keytab,
                                                            const std::string& site_code,
                                                            const ServiceLookup& services, const Clock& clock,
                                                            Random& random);

}  // namespace fp::agent
