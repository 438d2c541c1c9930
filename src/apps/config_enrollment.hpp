// The sections of enrolment in the configuration. One thread, while it is read.
#pragma once
#include <functional>
#include <string_view>

#include "apps/config.hpp"
#include "apps/config_section.hpp"

namespace fp::apps {

void read_enrollment(Section point, Section proxy, SiteConfig& out);
// What only several settings together can get wrong. `say`: section, setting, sentence. `files`: whether files are looked for.
void check_enrollment(const std::function<void(const char*, const char*, std::string_view)>& say, const SiteConfig& config, bool files);

}  // namespace fp::apps
