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

  ServiceLocation(memory::Memory& memory, MpClient& mp, const Clock& clock, Random& random, const InstallSettings& settings,
                  Directory directory);

  // Probes, decides, chooses; records the decision, and every probe with its time and outcome (property kProbes, JSON). Does
  // nothing when the last pass is younger than refresh_ms, unless forced.
  [[nodiscard]] Status locate(bool forced, std::int64_t refresh_ms = location::kStayMs);
  // Asks the management point in use for the lists of both locations and keeps what it names.
  [[nodiscard]] Status refresh_list();

  [[nodiscard]] const location::Where& where() const { return where_; }
  [[nodiscard]] const std::string& management_point() const { return current_.url; }

  // True when locate() came to another place than the time before.
  [[nodiscard]] bool moved() const { return moved_; }

  // Runs `call` against the management point in use and, as long as nobody is reached, against the others in order. Five
  // failures within ten minutes make the next one the one in use. The error is the first one's.
  [[nodiscard]] Status with_mp(const std::function<Status(const std::string& base)>& call);

 private:
  [[nodiscard]] Result<std::vector<location::Candidate>> candidates();
  [[nodiscard]] Status choose(const std::vector<location::Candidate>& list);
  [[nodiscard]] Status load();
  [[nodiscard]] std::vector<location::Probe> probe(const std::vector<location::Candidate>& list);

  memory::Memory& memory_;
  MpClient& mp_;
  const Clock& clock_;
  Random& random_;
  const InstallSettings& settings_;
  Directory directory_;
  bool moved_ = false;
  location::Where where_;
  location::Current current_;
};

inline constexpr std::string_view kLocationType = "location.type";  // in memory: a ConnectionType as a number
inline constexpr std::string_view kProbes = "location.probes";  // in memory: what was tried, JSON

// "https://host:port" from a property: the scheme it brings, else HTTPS with a PKI certificate and HTTP without.
[[nodiscard]] std::string base_url(std::string_view host, const InstallSettings& settings, bool internet);

}  // namespace fp::agent
