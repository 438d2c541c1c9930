// The order to install the client on one computer of the intranet, and what became of every attempt (domain.md §24). Plain values.
#pragma once
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace fp {

// What a client is made for when it is installed (seed "Plan for internet-based clients").
enum class BundleKind { internet_only, dual, intranet };

enum class PushState { waiting, running, succeeded, failed, cancelled };
enum class PushLogon { key, kerberos };

struct PushAttempt {
  Instant at;
  bool succeeded = false;
  std::string reason;       // one sentence
};

struct ClientPush {
  std::string id;           // site code + 5
  std::string host;         // fully qualified
  int port = 22;
  std::string user = "root";
  PushLogon logon = PushLogon::key;
  std::string fingerprint;  // SHA256:... of the host key; empty: the one seen first is believed, and no other afterwards
  BundleKind kind = BundleKind::intranet;
  bool issue = true;        // brings a certificate of the site's own authority along
  std::string fsp;
  PushState state = PushState::waiting;
  Instant created_at, next_at, give_up_at, finished_at;
  std::string created_by;
  std::vector<PushAttempt> attempts;
};

[[nodiscard]] constexpr bool is_open(PushState state) { return state == PushState::waiting || state == PushState::running; }

}  // namespace fp
