// What clients say through a fallback status point (domain.md §25): said by anybody, proven by nothing. Plain values, kept apart
// from the states of registered devices.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace fp {

struct FallbackMessage {
  std::int64_t id = 0;                 // the site's own; 0: not stored yet
  std::string fsp, message_id;         // which status point received it, and its id for what was posted
  int part = 0;                        // of several states in one message
  bool sealed = false;                 // only the site could read it on the way
  std::string address;                 // where it came from
  std::string site_code, client_id, name, sender;  // claimed: all may be empty; sender: as sent (a MAC, a component)
  int topic_type = 0;                  // 800, 1000, 1001, ...
  std::string topic_id;
  int state_id = 0;
  int criticality = 0;
  std::vector<std::string> parameters;
  std::string details;
  Instant sent_at, received_at, stored_at;  // by the client's clock, the status point's, the site's
};

struct FallbackPoint {
  std::string name;                    // of the host
  // As of a management point: how the site knows it on the site link, which the site opens. Both empty: another role of the same host,
  // a gateway, has the link.
  std::string fingerprint, link;
  std::string comment;
  Instant asked_at, answered_at;
  std::string problem;                 // why it did not answer; empty: it did
  std::int64_t waiting = 0, accepted = 0, refused = 0, throttled = 0;  // as it last said
  std::int64_t fetched = 0;            // states that the site has of it
};

// Of this `client_id`, or of this `name` (without case; also as the first part of a longer one); both empty: all.
struct FallbackFilter {
  std::string client_id, name;
  std::int64_t before_id = 0;          // 0: from the newest
  int limit = 200;
};

}  // namespace fp
