// What clients report: discovery, inventory, state messages (wire.md §9, domain.md §20, §21). Plain values.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace fp {

enum class ReportType { full, delta, resync };
enum class InstanceContent { fresh, update, removed };  // New, Update, Delete on the wire

struct InventoryInstance {
  std::string class_name;                  // SMS_Processor, Win32_..., CCM_...; as sent, grammar-checked
  InstanceContent content = InstanceContent::fresh;
  std::map<std::string, std::string> properties;
  std::string key;                         // of the instance within its class; empty: derived from the properties
};

struct InventoryReport {
  std::string client_id;
  ReportType type = ReportType::full;
  Instant made_at;
  std::int64_t sequence = 0;               // our agents: counts up by one per report of its kind; 0: unknown
  std::vector<InventoryInstance> instances;
};

struct StateMessage {
  std::string client_id;
  std::int64_t serial = 0;
  int topic_type = 0;                      // 1702, 800, 1000, ...
  std::string topic_id;
  int topic_id_type = 0;
  int state_id = 0;
  int criticality = 0;
  std::vector<std::string> parameters;
  Instant sent_at, received_at;
};

struct StatusEvent {                       // the operator-facing log (domain.md §21.6)
  std::int64_t id = 0;
  Instant at;
  int severity = 0;                        // 0 information, 1 warning, 2 error
  std::string component, client_id, text;
};

}  // namespace fp
