#include <cstdlib>

#include "packages/deb_dependency.hpp"
#include "packages/fileset_record.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, unsigned long size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto record = fp::packages::decode_fileset(text)) {
    const auto again = fp::packages::decode_fileset(fp::packages::encode(*record));
    if (!again || again->files.size() != record->files.size()) std::abort();
  }
  fp::packages::Available available = {{"a", {"1"}}};
  fp::packages::add_provided(available, text.substr(0, size / 2));
  (void)fp::packages::missing_dependencies(text, available);
  return 0;
}
