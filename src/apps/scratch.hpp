// A throw-away site in one command, for trying out and for clients written by others (`farpointd scratch`).
// Makes the site in a folder where there is none yet, fills it with samples of everything, and gives back its configuration.
#pragma once
#include <string>
#include <vector>

#include "apps/setup.hpp"
#include "apps/site_server.hpp"

namespace fp::apps {

struct ScratchOptions {
  bool open = false;                      // the most open intranet setting; else the shipped, closed one
  bool legacy_cms = false;
  Path data;
  std::string site_code = "LAB";
  std::optional<Endpoint> http, https;
};

// Code::invalid: a combination that the profile does not allow, with the reason.
[[nodiscard]] Result<SiteConfig> prepare_scratch(const ScratchOptions& options, const Clock& clock, Random& random);

// Sample content, application and policies of every kind; once for each site.
[[nodiscard]] Status put_samples(SiteServer& site, const SiteConfig& config, const Clock& clock, Random& random);

// What the person at the terminal should know: files, addresses, what is open.
[[nodiscard]] std::vector<std::string> describe_scratch(const ScratchOptions& options, const SiteConfig& config);

}  // namespace fp::apps
