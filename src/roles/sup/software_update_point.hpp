// The software update point as a role: answers scans by MS-WUSP at the paths of protocols.md §3.1 (docs/protocol/updates.md), from a
// catalogue in memory that is made anew when its content version changed. Open to everybody who reaches the door: what it gives is
// public, and what is reported to it is counted and logged, never believed.
// Threads: any. Costs a SOAP parse, a look at one value in the store, and a pass over the catalogue for a page of a scan.
// Never: a client certificate asked for, a cookie believed that it did not make, a report taken for compliance.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "net/http.hpp"
#include "roles/sup/catalogue.hpp"
#include "store/store.hpp"
#include "wire/wsus.hpp"

namespace fp::sup {

struct PointSettings {
  std::string cookie_key;              // secret; what is derived from it seals the cookies
  std::int64_t cookie_life_ms = std::int64_t{3600} * 1000;
};

// For metrics.
struct PointCounters {
  std::atomic<std::uint64_t> requests{0}, faults{0}, scans{0}, events{0};
};

class SoftwareUpdatePoint {
 public:
  SoftwareUpdatePoint(store::Store& store, const Clock& clock, Random& random, PointSettings settings);

  [[nodiscard]] net::Response handle(net::Request& request);
  [[nodiscard]] static bool owns(std::string_view path);
  [[nodiscard]] static std::size_t body_limit(const net::Request& head);
  [[nodiscard]] const PointCounters& counters() const { return counters_; }

 private:
  struct Refusal;
  struct Answering;
  [[nodiscard]] Result<std::shared_ptr<const Catalogue>> catalogue();
  [[nodiscard]] std::string seal(std::string_view kind, std::string_view client_id, Instant expires_at) const;
  [[nodiscard]] net::Response fault(const net::Request& request, wire::wsus::Problem problem, std::string_view operation, const std::string& message);

  store::Store& store_;
  const Clock& clock_;
  Random& random_;
  PointSettings settings_;
  Instant started_at_;
  std::mutex mutex_;
  std::int64_t version_ = -1;
  std::shared_ptr<const Catalogue> catalogue_;
  PointCounters counters_;
};

}  // namespace fp::sup
