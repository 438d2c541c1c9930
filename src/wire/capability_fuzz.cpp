// Capability segments of URLs: nothing but a genuine one opens anything.
#include <cstdlib>

#include "wire/capability.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (fp::wire::check_capability(text, "LAB00002.1", "a key that no input knows", {})) std::abort();
  return 0;
}
