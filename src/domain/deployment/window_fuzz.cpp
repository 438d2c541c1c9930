#include <cstdlib>
#include <cstring>

#include "domain/deployment/window.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, unsigned long size) {
  std::int64_t fields[6] = {};
  std::memcpy(fields, data, size < sizeof fields ? size : sizeof fields);
  fp::MaintenanceWindow w;
  w.recurrence = static_cast<fp::Recurrence>(static_cast<std::uint64_t>(fields[0]) & 3);
  w.utc = (fields[0] & 4) != 0;
  w.start = {fields[1]};
  w.duration_min = fields[2];
  w.every = fields[3];
  w.weekdays = static_cast<unsigned>(fields[4]);
  const fp::Instant after{fields[5]};
  const auto offset = [](fp::Instant at) -> std::int64_t { return (at.ms / 15'000'000'000) % 2 == 0 ? 3600 : 7200; };
  const auto found = fp::deployment::next_occurrence(w, after, offset);
  if (found && found->end <= after) std::abort();
  return 0;
}
