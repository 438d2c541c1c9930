#include "agent/sensors/reading.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, unsigned long size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& p : fp::sensors::parse_dpkg_status(text)) {
    if (p.name.empty() || p.version.empty()) __builtin_trap();
  }
  (void)fp::sensors::parse_assignments(text);
  (void)fp::sensors::parse_colons(text);
  (void)fp::sensors::parse_mounts(text);
  (void)fp::sensors::parse_rpm_list(text);
  return 0;
}
