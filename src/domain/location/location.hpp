// Where is this client, and which management point should it talk to? Pure decisions with their reasons (domain.md §2.2, §3.3,
// §3.4). Any thread; values in, values out. Never: a probe, a clock, a network call of its own.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "model/device.hpp"

namespace fp::location {

// "Currently intranet": as people, heartbeats and the console read it (domain.md §2.2).
[[nodiscard]] std::string_view type_name(ConnectionType type);

// What was tried, and what came of it. `what` names it for the reader of the reason.
struct Probe {
  enum class Kind { domain_controller, intranet_management_point } kind = Kind::intranet_management_point;
  std::string what;    // "https://mp1.corp.example:443"
  bool answered = false;
  std::string detail;  // why not; of one that answered: what it said of itself
  Instant at;
  std::int64_t took_ms = 0;
  std::string ad_site = {};  // of a controller that answered: the site this computer is in
};

struct Where {
  ConnectionType type = ConnectionType::unknown;
  std::string reason;  // one sentence
  bool management_point = true;  // false: a domain controller answered, and no intranet management point did
  [[nodiscard]] bool internet() const { return type != ConnectionType::currently_intranet; }
  // Which management points serve: inside without any of the intranet, one of the internet does (design §7).
  [[nodiscard]] bool served_from_internet() const { return internet() || !management_point; }
};

// Always Internet is settled at installation and needs no probe; otherwise one answer of either kind means intranet and
// silence means internet (domain.md §2.2). An answer is a hint and opens nothing: every server shows its certificate.
[[nodiscard]] Where decide(bool always_internet, const std::vector<Probe>& probes);

// A network that was just joined may carry nothing yet (a tunnel whose other end is slow, a name server that comes later), and no
// further change of it is to be seen: who found nothing of the intranet looks again `looks` times, so many seconds after the look
// before. Empty: it is enough, or there is nothing to look for.
[[nodiscard]] std::optional<std::int64_t> look_again_s(const Where& where, int looks);

struct Candidate {
  std::string url, name;
  bool internet = false;
  int category = 2;   // 0 proxy, 1 local, 2 assigned
  int locality = 3;
  bool ssl = true;
};

inline constexpr int kFailuresMax = 5;                       // in
inline constexpr std::int64_t kFailuresWindowMs = 600'000;   // this long: move on (domain.md §3.4)
inline constexpr std::int64_t kStayMs = 25LL * 3600 * 1000;  // and after this long in any case

struct Current {
  std::string url;                // empty: none chosen yet
  Instant since;
  std::vector<Instant> failures;  // of this management point
  bool refreshed = false;         // the list is new, or the place: on the intranet a nearer one takes over now
};

struct Choice {
  std::string url;     // empty: there is none
  bool changed = false;
  std::string reason;
};

// On the internet: random among the internet management points. On the intranet: by category, then HTTPS first, then
// random; the internet ones where no intranet one answers. The list is never emptied: where no entry fits the location the reason says so and the url is empty.
[[nodiscard]] Choice choose(const std::vector<Candidate>& list, const Where& where, const Current& current, Instant now,
                            Random& random);

// The order in which to try the rest when the chosen one fails: `first` at the head if it is in the list.
[[nodiscard]] std::vector<std::string> order(const std::vector<Candidate>& list, const Where& where, const std::string& first,
                                             Random& random);

}  // namespace fp::location
