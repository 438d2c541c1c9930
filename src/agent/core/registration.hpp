// Registration: once per key, confirmation while pending, again when the certificate changed or the site asks for it
// (domain.md §4.1; wire.md §5). One thread. Never: another identity than the one the site gave for this key.
#pragma once
#include "agent/core/mp_client.hpp"
#include "agent/core/service_location.hpp"

namespace fp::agent {

inline constexpr const char* kAgentVersion = "0.1.0";

// Brings the identity to "registered", or leaves it "pending" or "rejected" with the reason recorded. Registered with this
// certificate already: no request. Between two confirmations lie 30 s to 5 min (retry_at).
struct RegistrationOutcome {
  bool registered = false;
  Instant retry_at;     // not before; 0: done
  std::string reason;
};
[[nodiscard]] Result<RegistrationOutcome> ensure_registered(memory::Memory& memory, MpClient& mp, ServiceLocation& location,
                                                            const Clock& clock, Random& random, bool forced);
// The site no longer knows this client: the next pass registers anew.
[[nodiscard]] Status forget_registration(memory::Memory& memory);

}  // namespace fp::agent
