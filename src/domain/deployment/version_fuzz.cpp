#include <cstdlib>
#include <string_view>

#include "domain/deployment/version.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, unsigned long size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const auto half = all.find('|');
  const auto a = all.substr(0, half), b = half == all.npos ? std::string_view() : all.substr(half + 1);
  using namespace fp::deployment;
  for (const auto scheme : {VersionScheme::dpkg, VersionScheme::rpm}) {
    const int forward = compare_versions(scheme, a, b), back = compare_versions(scheme, b, a);
    if ((forward > 0) != (back < 0) || (forward == 0) != (back == 0)) std::abort();
    if (compare_versions(scheme, a, a) != 0) std::abort();
  }
  return 0;
}
