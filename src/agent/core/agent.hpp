// One pass of the agent: everything that is due, in order: account for what was interrupted, certificate, location,
// registration, policy, enforcement, reports (domain.md §35). One thread, one pass; the resident process starts a new worker
// for the next. Works on with the last policy while no server is in reach. Never: sleeps, reads the clock beside the seam.
#pragma once
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "agent/core/directory_probe.hpp"
#include "agent/core/enforcement.hpp"
#include "agent/core/http_transport.hpp"
#include "agent/core/machine.hpp"
#include "agent/core/policy_cycle.hpp"
#include "agent/core/published_sites.hpp"
#include "agent/core/service_location.hpp"
#include "agent/core/settings.hpp"
#include "wire/directory/dns.hpp"

namespace fp::agent {

// After whatever failed, a cycle is tried again at a random moment within so long: nobody waits for the next poll, or comes by.
inline constexpr std::int64_t kRetryWithinMs = 15LL * 60 * 1000;

inline constexpr std::string_view kWayOut = "outbound.way";  // in memory: the way to the internet that was taken last, JSON

inline constexpr std::string_view kRenewal = "certificate-renewal";  // subject of decisions

struct World {
  memory::Memory& memory;
  Machine& machine;
  const Clock& clock;
  Random& random;
  InstallSettings settings;
  Paths paths;
  // Makes the transport for a certificate; tests give their own.
  std::function<std::unique_ptr<Transport>(const HttpTransportOptions&)> connect;
  std::function<bool()> stop;  // a signal came: end soon
  // Asks DNS; unset: there is none.
  ServiceLookup services = {};
  // Looks for a domain controller of that domain; unset: there is none.
  ServiceLocation::Directory directory = {};
  // Where the service's web proxy is looked up; unset: nowhere.
  Environment environment = {};
  // What is published in the directory of this computer's domain; unset: nobody is asked.
  std::function<Result<FoundInDirectory>(const std::string& site_code)> published = {};
};

struct PassOptions {
  std::set<std::string>
      now;  // cycles to run although they are not due: policy, heartbeat, hardware, software, state, evaluation, updates, all
  bool network_changed = false;  // look again where this client is
  bool started = false;          // first pass after the agent started
  [[nodiscard]] bool wants(const std::string& cycle) const { return now.contains("all") || now.contains(cycle); }
};

struct PassResult {
  Instant next;          // when the next pass is due
  std::string problem;   // empty: everything went well; else the first thing that did not
  bool offline = false;  // no management point was reached
  bool look_again = false;  // it is time for another look at the network, for which this pass ended: the next one follows at once
};

class Agent {
 public:
  explicit Agent(World world);
  ~Agent();
  [[nodiscard]] Result<PassResult> pass(const PassOptions& options);

 private:
  struct Session;
  [[nodiscard]] bool stopped() const { return outer_stop_ && outer_stop_(); }
  [[nodiscard]] bool look_again_due() const;
  [[nodiscard]] Status open_session();
  [[nodiscard]] Result<HttpTransportOptions> way_out();
  [[nodiscard]] Status check_revocation(const ClientCertificate& chosen, HttpTransportOptions& options);
  [[nodiscard]] Status note_no_proxy(const std::string& ignored);
  void note_way(const WayTaken& taken);
  [[nodiscard]] Result<pki::Certificate> signing_certificate();
  // site_assignment.cpp: whom to ask for the site and its policy, and which site is this computer's.
  [[nodiscard]] Result<bool> find_management_points(bool look_again, std::int64_t refresh_ms);
  [[nodiscard]] Result<bool> learn_published(bool look_again, bool none_answers);
  [[nodiscard]] Status learn_service_records();
  [[nodiscard]] Status find_site();
  [[nodiscard]] Status ask_other_sites(const wire::ClientLocation& where, std::string& found, std::string& from);
  [[nodiscard]] Status assign(const std::string& site_code, const std::string& from);
  [[nodiscard]] Status confirm_site();
  [[nodiscard]] Status check_against_directory(const pki::Certificate& signing, const std::string& base);
  [[nodiscard]] Status online(const PassOptions& options, PassResult& result);
  [[nodiscard]] Result<PolicyCycle::Outcome> poll(const PassOptions& options);
  [[nodiscard]] Status asked_for_policy(const std::string& problem, bool whole);
  [[nodiscard]] Status enforce(const PassOptions& options);
  [[nodiscard]] Status scan_updates(const PassOptions& options, bool offline);  // sources.cpp
  [[nodiscard]] Status report(const PassOptions& options, PassResult& result);
  [[nodiscard]] Status renew_certificate(const PassOptions& options, PassResult& result);  // renewal.cpp
  [[nodiscard]] Result<bool> due(const std::string& cycle, const PassOptions& options);
  [[nodiscard]] Status ran(const std::string& cycle, std::int64_t interval_min, std::int64_t random_min, bool good);
  [[nodiscard]] Status tell_certificate(bool found, const std::string& reason);
  [[nodiscard]] Result<Offer> sources(const std::string& content_id, std::int64_t waited_min);  // sources.cpp
  [[nodiscard]] Status tell_fallback(const PassOptions& options, PassResult& result, std::optional<Error> trouble);
  void note(PassResult& result, const Error& error, std::string_view doing);

  World world_;
  std::function<bool()> outer_stop_;  // of the world; its place there has the one that also knows when to look at the network again
  std::unique_ptr<Session> session_;
  std::string site_code_;  // the one of the settings, or the one that was found for AUTO
  FoundInDirectory in_directory_;     // in this pass
  bool directory_asked_ = false;      // once in a pass
  std::vector<std::string> sources_;  // what the sources of a management point said in this pass, where they named none
  EffectivePolicy policy_;
  bool polled_ = false;          // this pass asked for policy, or tried to
  Instant enforcement_next_;
  Instant registration_next_, fallback_next_;
  DeviceKind kind_ = DeviceKind::computer;  // what its certificate says
  std::string no_certificate_;   // why this client has none; empty: it has
  bool renewed_ = false;         // the certificate, in this pass: the next one is due at once
  int assignment_failure_ = 0;   // state of topic 800, where it was not for want of a management point
};

}  // namespace fp::agent
