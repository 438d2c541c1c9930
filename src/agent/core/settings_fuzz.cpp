// agent.conf: what can be read is written and read again as the same settings.
#include <cstdlib>

#include "agent/core/settings.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto first = fp::agent::parse_settings(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!first) return 0;
  const std::string text = fp::agent::to_text(*first);
  const auto second = fp::agent::parse_settings(text);
  if (!second || fp::agent::to_text(*second) != text) std::abort();
  return 0;
}
