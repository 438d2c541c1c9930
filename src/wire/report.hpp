// Reports (wire.md §9, docs/protocol/reports.md): discovery, hardware and software inventory, state messages, status. Both
// directions. Any thread; pure; one document is one report, several in one message come out of open_documents (envelope.hpp).
// Names of classes, properties and topics are checked for their grammar, values are kept as sent.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "model/report.hpp"

namespace fp::wire {

enum class ReportKind { discovery, hardware, software, state, status, other };

struct ReportHeader {
  ReportKind kind = ReportKind::other;
  std::string client_id;             // must be the verified SourceID; empty where the report names none
  std::string client_version, netbios_name;
  bool client_installed = true;
  std::string content;               // ReportContent: "Inventory Data", "State Message Data", ...
  ReportType type = ReportType::full;
  Instant made_at;                   // absent or unreadable: zero
  std::int64_t sequence = 0;         // ours: FPSequence; 0: none
};

struct Report {
  ReportHeader header;
  std::vector<InventoryInstance> instances;  // discovery, hardware, software
  std::vector<StateMessage> states;          // client_id and sent_at filled; received_at is the role's
  std::vector<StatusEvent> events;           // client_id filled
  [[nodiscard]] InventoryReport inventory() const;  // header and instances as the store wants them
};

// A bare StateMessage without header is a state report too. Code::invalid, Code::too_large (limits.hpp).
[[nodiscard]] Result<Report> decode_report(std::string_view document);

// The kind decides content, action id and body. header.client_id is set.
[[nodiscard]] std::string encode_report(const Report& report);

// What our own agents get for a report once it is applied (docs/protocol/reports.md); without it they count nothing as told.
[[nodiscard]] std::string encode_receipt();
[[nodiscard]] bool is_receipt(std::string_view document);

// Properties that tell apart instances of one class when no key was sent: Name, DeviceID, Index, ... or all of them.
[[nodiscard]] std::string derive_instance_key(const InventoryInstance& instance);

}  // namespace fp::wire
