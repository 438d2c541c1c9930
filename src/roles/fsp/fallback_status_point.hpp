// The fallback status point as a role: takes what clients post under /SMS_FSP (wire.md §12) into its spool, and gives the spool
// to the site server, over the site link, under /farpoint/fsp/v1/ (docs/protocol/fallback.md). It is open to everybody and believes nobody: it looks
// only at the form of a message, and it knows no client, no key and no database.
// Threads: any. Cost: one XML parse and one durable file for each message; limits stand in limits.hpp, SpoolLimits and
// ThrottleLimits. Never: an answer that tells anything about the site, a line of the log for each refused message.
#pragma once
#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "domain/access/routes.hpp"
#include "net/http.hpp"
#include "roles/fsp/spool.hpp"
#include "roles/fsp/throttle.hpp"

namespace fp::fsp {

struct Settings {
  std::vector<std::string> site_fingerprints;  // SHA-256, lower-case hex: who may fetch; empty: nobody
  ThrottleLimits throttle;
};

class FallbackStatusPoint {
 public:
  FallbackStatusPoint(Spool& spool, const Clock& clock, Random& random, const Settings& settings);

  [[nodiscard]] net::Response handle(net::Request& request);
  [[nodiscard]] static bool owns(std::string_view path);
  [[nodiscard]] static std::size_t body_bytes_max(const net::Request& head);
  // One line for what was taken and refused since the last call, where there was something; called once a minute.
  void say_what_happened();

 private:
  [[nodiscard]] access::Decision authorize(const net::Request& request, const access::Route& route) const;
  [[nodiscard]] net::Response receive(const net::Request& request);
  [[nodiscard]] net::Response answer_site(const net::Request& request);
  [[nodiscard]] net::Response throttled(const net::Request& request, Throttled by);
  [[nodiscard]] wire::SpoolCounts counts() const;

  Spool& spool_;
  const Clock& clock_;
  Random& random_;
  Settings settings_;
  Throttle throttle_;
  std::atomic<std::int64_t> accepted_{0}, refused_{0}, throttled_{0}, full_{0};
  std::atomic<std::int64_t> throttle_said_{0};  // the interval in which the log said so
  std::atomic<bool> spool_full_{false};         // the log says so
  wire::SpoolCounts said_;
  std::int64_t said_full_ = 0;
};

}  // namespace fp::fsp
