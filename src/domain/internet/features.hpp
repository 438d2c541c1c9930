// What is not for clients on the internet, and why: the seed's "Unsupported features" as one table (domain.md §2.4, §24, §28).
// Whatever refuses one of these asks here, so that API, command line, agent and console give the same reason. Pure; any
// thread; a look-up in eight lines. Never: a feature that is left out in silence.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "model/device.hpp"

namespace fp::internet {

enum class Feature {
  client_push,
  update_based_installation,
  automatic_site_assignment,
  wake_on_lan,
  os_deployment,
  remote_control,
  deployment_to_users,
  roaming,
};

struct FeatureRule {
  Feature feature;
  std::string_view id;        // "wake-on-lan": in paths, commands and answers
  std::string_view name;      // in sentences
  std::string_view asked_by;  // who comes across the refusal
  std::string_view internet;  // why not on the internet: one sentence
  std::string_view missing;   // why not on the intranet either: one sentence; empty: it is offered there
  std::string_view seed;      // the statement it rests on
};

[[nodiscard]] std::span<const FeatureRule> features();
[[nodiscard]] const FeatureRule& rule_of(Feature feature);
[[nodiscard]] const FeatureRule* find_feature(std::string_view id);  // null: no such feature

// Where a device is, as far as features are concerned. What is not known counts as the internet.
struct Place {
  ConnectionType connection = ConnectionType::unknown;  // unknown: it is not known, or not known any more
  std::string because;                                  // one sentence
  [[nodiscard]] bool internet() const { return connection != ConnectionType::currently_intranet; }
};

// Older than this, what a device said about its place says nothing about now: the heartbeat's default interval (domain.md §20).
inline constexpr std::int64_t kPlaceFreshMs = std::int64_t{7} * 24 * 3600 * 1000;

// The site's view of a device.
[[nodiscard]] Place place_of(const Device& device, Instant now);
// The agent's view of itself; `reason` is that of the decision.
[[nodiscard]] Place place_of(ConnectionType connection, std::string_view reason);

// Codes of a refusal, as the API answers them.
inline constexpr std::string_view kOnInternet = "unsupported_on_internet", kNotOffered = "not_offered";

struct Verdict {
  bool offered = true;
  std::string_view code;  // of a refusal
  std::string reason;     // one or two sentences, also where it is offered
  std::string_view seed;
};
[[nodiscard]] Verdict verdict(Feature feature, const Place& place);

[[nodiscard]] std::string_view to_string(ConnectionType connection);  // "currently on the intranet"

}  // namespace fp::internet
