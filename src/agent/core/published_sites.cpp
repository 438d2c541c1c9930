#include "agent/core/published_sites.hpp"

#include <algorithm>

#include "directory/publication.hpp"

namespace fp::agent {

Result<FoundInDirectory> find_published_sites(const std::string& domain, const Path& keytab,
                                              const std::string& site_code, const ServiceLookup& services,
                                              const Clock& clock, Random& random) {
  if (!file_exists(keytab))
    return fail(Code::not_found, "this computer is not joined to it: there is no {}", keytab.native());
  const auto probes = ask_directory(domain, services, clock, random);
  const auto nearest = std::ranges::find_if(probes, [](const auto& p) { return p.answered; });
  if (nearest == probes.end())
    return fail(Code::unavailable, "no domain controller answers{}",
                probes.empty() ? "" : fmt::format(": {}", probes.front().detail));
  FoundInDirectory out{nearest->what, {}};
  FP_TRY(publication, directory::find_published({domain, keytab}, nearest->what, site_code, clock));
  out.publication = std::move(publication);
  return out;
}

}  // namespace fp::agent
