// Whatever apt says, what is taken from it are names that a package tool takes as names.
#include <cstdint>
#include <cstdlib>

#include "packages/technologies.hpp"
#include "packages/upgrade.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const auto& name : fp::packages::security_upgrades({reinterpret_cast<const char*>(data), size}))
    if (!fp::packages::check_package_name(name)) std::abort();
  return 0;
}
