#include "domain/internet/features.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fp::internet {
namespace {

constexpr std::string_view kDeployment =
    "Client deployment over the internet, such as client push and software update-based client deployment. Use manual client "
    "installation.";

constexpr std::array kFeatures{
    FeatureRule{Feature::client_push, "client-push", "client push", "farpoint client push, API",
                "The site server would have to open a connection to the computer, which nothing on the internet should allow: "
                "install the client by hand, with what farpoint client bundle makes.",
                "", kDeployment},
    FeatureRule{Feature::update_based_installation, "update-based-installation", "software update-based client installation",
                "farpoint client publish, API",
                "A computer without a client has no certificate for an internet software update point, and an update carries no "
                "command line: install the client by hand, with what farpoint client bundle makes.",
                "Farpoint does not offer it yet, not on the intranet either: use farpoint client push or farpoint client bundle.",
                kDeployment},
    FeatureRule{Feature::automatic_site_assignment, "automatic-site-assignment", "automatic site assignment",
                "farpoint-agent install, the agent, farpoint client bundle",
                "A site is never assigned automatically on the internet, because boundaries and the directory tell nothing about "
                "public networks: name the site at installation (SMSSITECODE=).",
                "", "Automatic site assignment"},
    FeatureRule{Feature::wake_on_lan, "wake-on-lan", "Wake-on-LAN", "farpoint device wake, deployments that send wake-up packets",
                "A wake-up packet only works in the computer's own subnet, and the site reaches no subnet of the internet.", "",
                "Wake-on-LAN"},
    FeatureRule{Feature::os_deployment, "os-deployment", "operating system deployment", "deployments, API, task sequences",
                "Deploying an operating system relies on the network it starts from, which is not the company's: task sequences "
                "that deploy none are allowed.",
                "Farpoint does not offer it yet, not on the intranet either: it comes later.",
                "OS deployment. However, you can deploy task sequences that don't deploy an OS."},
    FeatureRule{Feature::remote_control, "remote-control", "remote control", "farpoint device remote-control, API",
                "It needs a connection from the administrator into the computer, which is not appropriate for a public network.",
                "Farpoint does not offer it yet, not on the intranet either: it comes later.", "Remote control"},
    FeatureRule{Feature::deployment_to_users, "deployment-to-users", "software deployment to users", "farpoint deploy, API",
                "It relied upon the application catalog, which is no longer supported: deploy to a collection of devices.",
                "Farpoint deploys to collections of devices only: it relied upon the application catalog, which is no longer "
                "supported.",
                "Software deployment to users. This feature relied upon the application catalog, which is no longer supported."},
    FeatureRule{Feature::roaming, "roaming", "roaming", "the agent and the management point, when they choose distribution points",
                "Which site system is near is known of the company's networks only: one of the internet-based ones is taken "
                "at random.",
                "",
                "Client roaming. Roaming enables clients to always find the closest distribution points to download content. Clients "
                "non-deterministically select one of the internet-based site systems, whatever the bandwidth or physical location."},
};

}  // namespace

std::span<const FeatureRule> features() { return kFeatures; }

const FeatureRule& rule_of(Feature feature) { return kFeatures.at(static_cast<std::size_t>(feature)); }

const FeatureRule* find_feature(std::string_view id) {
  const auto* found = std::ranges::find(kFeatures, id, &FeatureRule::id);
  return found == kFeatures.end() ? nullptr : found;
}

std::string_view to_string(ConnectionType connection) {
  switch (connection) {
    case ConnectionType::always_internet: return "always on the internet";
    case ConnectionType::currently_internet: return "currently on the internet";
    case ConnectionType::currently_intranet: return "currently on the intranet";
    case ConnectionType::unknown: break;
  }
  return "at an unknown place, which counts as the internet";
}

Place place_of(const Device& device, Instant now) {
  // What each of them brings is the place too.
  const Instant heard = std::max({device.registered_at, device.last_policy_at, device.last_heartbeat_at});
  const auto fixed = device.connection == ConnectionType::always_internet || device.connection == ConnectionType::unknown;
  if (fixed || heard.ms == 0)
    return {heard.ms == 0 && !fixed ? ConnectionType::unknown : device.connection,
            fmt::format("{} is {}", device.name, to_string(fixed ? device.connection : ConnectionType::unknown))};
  if (now.since_ms(heard) >= kPlaceFreshMs)
    return {ConnectionType::unknown,
            fmt::format("{} was last heard of at {}, {}: where it is now is not known, which counts as the internet", device.name,
                        to_iso(heard), to_string(device.connection))};
  return {device.connection, fmt::format("{} is {} (last heard of at {})", device.name, to_string(device.connection), to_iso(heard))};
}

Place place_of(ConnectionType connection, std::string_view reason) {
  return {connection, fmt::format("this computer is {}{}{}{}", to_string(connection), reason.empty() ? "" : " (", reason,
                                  reason.empty() ? "" : ")")};
}

Verdict verdict(Feature feature, const Place& place) {
  const FeatureRule& rule = rule_of(feature);
  if (place.internet())
    return {false, kOnInternet, fmt::format("{} is refused: {}. {}", rule.name, place.because, rule.internet), rule.seed};
  if (!rule.missing.empty()) return {false, kNotOffered, fmt::format("{} is refused. {}", rule.name, rule.missing), rule.seed};
  return {true, {}, fmt::format("{} is offered: {}", rule.name, place.because), rule.seed};
}

}  // namespace fp::internet
