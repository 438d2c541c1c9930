// Control fields of packages that an administrator uploaded: whatever stands in them, clauses come out that are not empty.
#include <cstdlib>

#include "packages/deb_dependency.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto cut = text.find('\n');
  fp::packages::Available available{{"libc6", {"2.36-9+deb12u9"}}};
  fp::packages::add_provided(available, text.substr(0, cut));
  if (cut == text.npos) return 0;
  for (const auto& clause : fp::packages::missing_dependencies(text.substr(cut + 1), available))
    if (clause.empty()) std::abort();
  return 0;
}
