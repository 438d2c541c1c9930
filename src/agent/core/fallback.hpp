// What the fallback status point is told (domain.md §7.6, §21.4, §21.5, §25): that no management point can be reached and which check
// failed, that there is no certificate, how installation and assignment went; and when it is over. For a client that has none
// configured it does nothing. One thread. Notes are kept in memory, one for each change, at most kFallbackNotesMax; what a
// management point learnt meanwhile is not told twice. Never: waits longer than one call, stands in the way of the pass, believes an
// answer, sends by anything but POST.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/settings.hpp"
#include "agent/core/transport.hpp"
#include "agent/memory/memory.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "model/fallback.hpp"

namespace fp::agent {

// How a pass went, as far as the status point is concerned.
struct FallbackOutcome {
  bool certificate_found = true;
  std::string certificate_reason;
  std::optional<Error> trouble;             // no management point served this client
  std::map<std::string, Error> unreached;   // by URL: what each management point that was tried did
  bool registered = false;
  int assignment_failure = 0;               // 602, 605, 606; 0: none but the trouble
};

// The check that failed, in a word or two: "DNS", "connect", "timeout", "proxy", "TLS expired", "TLS not yet valid", "TLS revoked",
// "TLS name", "TLS chain", "TLS", "CRL", "403", "refused", "other".
[[nodiscard]] std::string_view failed_check(const Error& error);

struct FallbackSender {
  std::string site_code, client_id, name;
  std::string sealing_certificate_der;      // empty: sent in the clear
};

// Posts one message. Code::unavailable, timed_out: later again; invalid: it does not want this one; forbidden: an answer that is
// not that of a status point (a portal).
[[nodiscard]] Status send_fallback(Transport& transport, std::string_view point, const FallbackSender& sender, const memory::FallbackNote& note,
                                   Instant at, std::int64_t& retry_after_s);

class FallbackReporter {
 public:
  FallbackReporter(memory::Memory& memory, const Clock& clock, Random& random, std::string point);

  // Turns an outcome into notes: each change once.
  [[nodiscard]] Status account(const FallbackOutcome& outcome);
  // Tells what was not told, oldest first, at most a handful; `at_once`: without waiting for the back-off. Returns when to try
  // again; 0: nothing is left.
  [[nodiscard]] Result<Instant> deliver(Transport& transport, const FallbackSender& sender, bool at_once);

 private:
  [[nodiscard]] Status note(int topic, int state, std::string key, std::vector<std::string> parameters, std::string details);
  [[nodiscard]] Status settle_what_others_know();
  [[nodiscard]] Result<Instant> put_off(const Error& error, std::int64_t retry_after_s);

  memory::Memory& memory_;
  const Clock& clock_;
  Random& random_;
  const std::string point_;
};

}  // namespace fp::agent
