// Device collections and maintenance windows (domain.md §18, §19). Plain values.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace fp {

inline constexpr const char* kAllSystems = "SMS00001";  // the root: every registered device; limits itself

enum class RuleKind { direct, query, include, exclude };
struct CollectionRule {
  RuleKind kind = RuleKind::direct;
  std::string name;
  std::string target;  // client id (direct), collection id (include, exclude)
  std::string wql;     // query
};

enum class WindowKind { all_deployments, software_updates, task_sequences };
enum class Recurrence { once, daily, weekly, monthly };
struct MaintenanceWindow {
  std::string name;
  WindowKind kind = WindowKind::all_deployments;
  Recurrence recurrence = Recurrence::weekly;
  Instant start;                      // first occurrence; its time of day and, if weekly/monthly, its day recur
  std::int64_t duration_min = 180;    // 5 min .. below 24 h
  std::int64_t every = 1;             // every n days, weeks, months
  unsigned weekdays = 0;              // bit 0 = Sunday; weekly only; 0: the day of `start`
  bool utc = true;                    // false: the client's local time
  bool enabled = true;
};

struct CollectionVariable {
  std::string name, value;
  bool secret = false;
};

struct Collection {
  std::string id;  // site code + 5 hex
  std::string name, comment;
  std::string limiting_id;
  std::vector<CollectionRule> rules;
  bool incremental = false;                        // within 5 minutes of a change
  std::int64_t full_interval_s = 7 * 86400;
  std::vector<MaintenanceWindow> windows;
  std::vector<CollectionVariable> variables;
  std::int64_t revision = 1;
  Instant changed_at, evaluated_at;
  std::int64_t member_count = 0;
};

struct CollectionMember {
  std::string client_id;
  std::string reason;  // "direct", "query: <name>", "include: <collection id>": the first rule that matched
  Instant since;
};

}  // namespace fp
