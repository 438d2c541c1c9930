// Finds out where this client is and which management point it uses, remembers both, and runs calls against the list
// (domain.md §2.2, §3). One thread; a pass costs one probe of each intranet management point known. Never: reads a network
// hint as proof: every management point still has to show its certificate.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "agent/core/mp_client.hpp"
#include "agent/core/settings.hpp"
#include "domain/location/location.hpp"

namespace fp::agent {

class ServiceLocation {
 public:
  // Asks whether a controller of that domain is near (directory_probe.hpp); unset: nobody is asked.
  using Directory = std::function<std::vector<location::Probe>(const std::string& domain)>;

  // Where this computer is on the intranet (whereabouts.hpp); unset: unknown.
  using Whereabouts = std::function<wire::ClientLocation()>;

  ServiceLocation(memory::Memory& memory, MpClient& mp, const Clock& clock, Random& random, const InstallSettings& settings,
                  Directory directory, Whereabouts whereabouts);

  // Probes, decides, chooses; records the decision, and every probe with its time and outcome (property kProbes, JSON). Does
  // nothing when the last pass is younger than refresh_ms, unless forced.
  [[nodiscard]] Status locate(bool forced, std::int64_t refresh_ms = location::kStayMs);
  // Asks the management point in use for the lists of both locations and keeps what it names.
  [[nodiscard]] Status refresh_list();

  [[nodiscard]] const location::Where& where() const { return where_; }
  [[nodiscard]] const std::string& management_point() const { return current_.url; }

  // What each management point that was tried did when it was last tried; one that answered is not there.
  [[nodiscard]] const std::map<std::string, Error>& unreached() const { return unreached_; }

  // When locate() wants to look again, because the network was new and showed nothing of the intranet (location::look_again_s);
  // zero: not before its time.
  [[nodiscard]] Instant look_again() const { return look_again_; }
  [[nodiscard]] bool look_again_due() const { return look_again_.ms > 0 && clock_.now() >= look_again_; }

  // True when locate() came to another place than the time before: another type, or another network of the intranet.
  [[nodiscard]] bool moved() const { return moved_; }
  // True when locate() looked at all, and did not find its last pass fresh enough.
  [[nodiscard]] bool looked() const { return looked_; }

  // Whether an address is one of the intranet: a management point known as such, or anything else while this client is inside.
  [[nodiscard]] bool is_inside(const std::string& url);

  // Runs `call` against the management point in use and, as long as nobody is reached, against the others in order. Five
  // failures within ten minutes make the next one the one in use. The error is the first one's.
  [[nodiscard]] Status with_mp(const std::function<Status(const std::string& base)>& call);

 private:
  [[nodiscard]] Result<std::vector<location::Candidate>> candidates();
  // `refreshed`: the list or the place is new.
  [[nodiscard]] Status choose(const std::vector<location::Candidate>& list, bool refreshed = false);
  [[nodiscard]] Status load();
  [[nodiscard]] Result<std::vector<wire::MpEntry>> ask_for_list(const std::string& base);
  [[nodiscard]] std::vector<location::Probe> probe(const std::vector<location::Candidate>& list);

  memory::Memory& memory_;
  MpClient& mp_;
  const Clock& clock_;
  Random& random_;
  const InstallSettings& settings_;
  Directory directory_;
  Whereabouts whereabouts_;
  bool moved_ = false, looked_ = false;
  Instant look_again_;
  std::map<std::string, Error> unreached_;
  location::Where where_;
  location::Current current_;
};

// Whether this client was served from the intranet when it looked last.
[[nodiscard]] Result<bool> was_inside(memory::Memory& memory);

inline constexpr std::string_view kLocationType = "location.type";  // in memory: a ConnectionType as a number
inline constexpr std::string_view kProbes = "location.probes";  // in memory: what was tried, JSON
inline constexpr std::string_view kPlace = "location.place";    // in memory: the addresses of the last pass

// "https://host:port" from a property: the scheme it brings, else HTTPS with a PKI certificate and HTTP without.
[[nodiscard]] std::string base_url(std::string_view host, const InstallSettings& settings, bool internet);

}  // namespace fp::agent
