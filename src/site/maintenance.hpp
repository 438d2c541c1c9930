// The site's maintenance tasks (domain.md §31.1): what is old enough is forgotten, a batch at a time. Called by one background
// thread; costs one write transaction for each batch. Never: a blocked device's record, whose loss would lift the block.
#pragma once
#include <cstdint>
#include <functional>

#include "store/store.hpp"

namespace fp::site {

// In days; 0: kept for ever.
struct MaintenanceDays {
  int devices = 90;      // that were not heard of: they register again if they come back
  int states = 90;       // state messages, once those before them were seen; what they said of deployments stays
  int events = 30;       // what the site noticed
  int fallback = 30;     // what came through fallback status points
  int audit = 0;
  int tombstones = 90;   // what policy was lost; a device that was away longer gets its policy in full
};

struct Maintained {
  store::Forgotten forgotten;
  std::int64_t devices = 0;
};

// Goes on until nothing old is left or `stop` says so.
[[nodiscard]] Result<Maintained> maintain(store::Store& store, const MaintenanceDays& days, Instant now,
                                          const std::function<bool()>& stop);

}  // namespace fp::site
