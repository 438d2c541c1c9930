#include "wire/state_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace fp::wire {
namespace {

struct Topic {
  int type;
  std::string_view words;
};
constexpr Topic kTopics[] = {
    {300, "assignment compliance"},
    {301, "assignment enforcement"},
    {302, "assignment evaluation"},
    {500, "update detection"},
    {501, "update scan"},
    {700, "resynchronisation"},
    {701, "heartbeat"},
    {800, "client deployment"},
    {801, "device client deployment"},
    {810, "co-management"},
    {820, "Windows Update for Business"},
    {1000, "client communication"},
    {1001, "client certificate"},
    {1002, "client communication (1002)"},
    {1003, "client communication (1003)"},
    {1004, "client communication (1004)"},
    {1300, "client health"},
    {1600, "user affinity"},
    {1702, "application enforcement"},
    {2003, "client action"},
    {5000, "certificate enrolment"},
    {5001, "certificate enrolment"},
};

struct State {
  int topic, id;
  bool failure;
  std::string_view words;
};
// clang-format off
constexpr State kStates[] = {
    {500, 1, false, "not required"},
    {500, 2, false, "required"},
    {500, 3, false, "installed"},
    {501, 1, false, "waiting for a software update point"},
    {501, 2, false, "running"},
    {501, 3, false, "complete"},
    {501, 4, true,  "failed, tried again later"},
    {501, 5, true,  "failed"},
    {501, 6, true,  "complete with errors"},
    {800, 100, false, "deployment started"},
    {800, 101, false, "waiting for the download"},
    {800, 102, false, "scheduled"},
    {800, 103, false, "waiting for a maintenance window"},
    {800, 104, false, "skipped"},
    {800, 301, true,  "failed: unknown"},
    {800, 302, true,  "failed: the service could not be created"},
    {800, 303, true,  "failed: the service could not be deleted"},
    {800, 304, true,  "failed: a write filter is in the way"},
    {800, 306, true,  "failed: the download could not be started"},
    {800, 307, true,  "failed: wrong command line"},
    {800, 308, true,  "failed: download over HTTP"},
    {800, 309, true,  "failed: download by BITS"},
    {800, 310, true,  "failed: BITS could not be installed"},
    {800, 311, true,  "failed: a prerequisite is not signed"},
    {800, 312, true,  "failed: the disk is full"},
    {800, 313, true,  "failed: the installer of the client"},
    {800, 314, true,  "failed: the manifest could not be loaded"},
    {800, 315, true,  "failed: no client certificate could be had"},
    {800, 316, true,  "failed: a prerequisite is not signed"},
    {800, 317, true,  "failed: a restart is required first"},
    {800, 318, true,  "failed: management point and client are of different versions"},
    {800, 319, true,  "failed: the operating system is not supported"},
    {800, 320, true,  "failed: not supported"},
    {800, 321, true,  "failed: BITS is missing"},
    {800, 322, true,  "failed: the source folder is missing"},
    {800, 324, true,  "failed: the site is of another version"},
    {800, 325, true,  "failed: the hash of a prerequisite is wrong"},
    {800, 329, true,  "failed: a metered network is not allowed"},
    {800, 400, false, "deployment succeeded"},
    {800, 401, false, "deployed, a restart is required"},
    {800, 402, false, "deployed and restarted"},
    {800, 500, false, "assignment started"},
    {800, 601, true,  "assignment failed: unknown"},
    {800, 602, true,  "assignment failed: wrong site code"},
    {800, 603, true,  "assignment failed: no management point could be reached"},
    {800, 604, true,  "assignment failed: there is no default management point"},
    {800, 605, true,  "assignment failed: the site signing certificate could not be had"},
    {800, 606, true,  "assignment failed: no site was found automatically"},
    {800, 607, true,  "assignment failed: the client is newer than the site"},
    {800, 608, true,  "assignment failed: the version of the site is not known"},
    {800, 609, true,  "assignment failed: the version of the client is not known"},
    {800, 700, false, "assignment succeeded"},
    {1000, 1, false,  "reaches its management point"},
    {1000, 2, true,   "cannot reach a management point"},
    {1001, 1, false,  "has its certificate"},
    {1001, 2, true,   "found no certificate that it may use"},
    {1300, 1, false,  "healthy"},
    {1300, 2, true,   "not healthy"},
};
// clang-format on

const State* find(int topic, int id) {
  const auto* found = std::ranges::find_if(kStates, [&](const State& s) { return s.topic == topic && s.id == id; });
  return found == std::end(kStates) ? nullptr : found;
}

}  // namespace

std::string topic_name(int topic_type) {
  const auto* found = std::ranges::find(kTopics, topic_type, &Topic::type);
  return found == std::end(kTopics) ? fmt::format("topic {}", topic_type) : std::string(found->words);
}

std::string state_name(int topic_type, int state_id) {
  const auto* found = find(topic_type, state_id);
  return found ? std::string(found->words) : fmt::format("state {}", state_id);
}

bool is_failure(int topic_type, int state_id) {
  const auto* found = find(topic_type, state_id);
  return found && found->failure;
}

}  // namespace fp::wire
