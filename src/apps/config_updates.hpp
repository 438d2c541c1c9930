// The repositories of a software update point in the configuration. One thread, while it is read.
#pragma once
#include <vector>

#include "apps/config.hpp"
#include "apps/config_section.hpp"

namespace fp::apps {

// [[software_update_point.source]]: everything that is wrong with one goes into the mistakes of `parent`.
void read_update_sources(Section& parent, std::vector<sup::RepositorySource>& out, bool files_must_exist);

}  // namespace fp::apps
