// farpoint.toml: every file either names its mistakes or gives a configuration that could be run.
#include <cstdlib>

#include "apps/config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  fp::apps::SiteConfig config;
  const auto mistakes =
      fp::apps::parse_config(std::string_view(reinterpret_cast<const char*>(data), size), "farpoint.toml", config, false);
  for (const auto& mistake : mistakes)
    if (mistake.empty()) std::abort();
  if (!mistakes.empty()) return 0;
  if (config.site_code.size() != 3) std::abort();
  for (const auto& listener : config.listeners)
    if (listener.port < 1 || listener.port > 65535) std::abort();
  return 0;
}
