// Discovery, inventory, state and status (wire.md §9, domain.md §20, §21). A report is applied once, whatever
// happens to its acknowledgement, and never after a newer one of its kind.
#include <algorithm>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "roles/mp/context.hpp"
#include "wire/report.hpp"

namespace fp::mp {
namespace {

using store::Repositories;

constexpr std::int64_t kRememberReportsMs = std::int64_t{30} * 24 * 3600 * 1000;
constexpr int kBehindGapMax = 500;
constexpr int kTopicEnforcement = 1702;
constexpr int kTopicResync = 700;

// Several discovery reports in one message are one: each by itself would take away what the one before it said. Of an
// instance that comes twice the later counts.
bool joined_earlier_discovery(std::vector<wire::Report>& reports, wire::Report& report) {
  if (report.header.kind != wire::ReportKind::discovery) return false;
  const auto first = std::ranges::find(reports, wire::ReportKind::discovery,
                                       [](const wire::Report& r) { return r.header.kind; });
  if (first == reports.end()) return false;
  for (InventoryInstance& instance : report.instances) {
    std::erase_if(first->instances, [&](const InventoryInstance& i) {
      return i.class_name == instance.class_name && i.key == instance.key;
    });
    first->instances.push_back(std::move(instance));
  }
  if (!report.header.client_version.empty()) first->header.client_version = report.header.client_version;
  return true;
}

Outcome<std::vector<wire::Report>> decode_all(const Message& message) {
  std::vector<wire::Report> reports;
  for (const std::string& document : message.documents.all) {
    auto report = wire::decode_report(document);
    if (!report) return refused(report.error());
    if (!report->header.client_id.empty() && report->header.client_id != message.device->client_id)
      return refused(200, fmt::format("the report speaks of {}, the signature is of {}",
                                      report->header.client_id, message.device->client_id));
    if (report->header.kind == wire::ReportKind::other) {
      log::info("mp.report", "{}: a report of unknown content '{}' is left out", message.device->client_id,
                report->header.content);
      continue;
    }
    report->header.client_id = message.device->client_id;
    if (!joined_earlier_discovery(reports, *report)) reports.push_back(std::move(*report));
  }
  if (reports.empty()) return refused(200, "no report of known content");
  return reports;
}

ConnectionType connection_from(const wire::Report& report, Door door) {
  for (const InventoryInstance& instance : report.instances)
    for (const auto& [name, value] : instance.properties) {
      if (!iequals(name, "ConnectionType")) continue;
      if (icontains(value, "always")) return ConnectionType::always_internet;
      if (icontains(value, "intranet")) return ConnectionType::currently_intranet;
      if (icontains(value, "internet")) return ConnectionType::currently_internet;
    }
  return door == Door::internet_https ? ConnectionType::currently_internet
                                      : ConnectionType::currently_intranet;
}

Status apply_discovery(Repositories& r, Device& device, const wire::Report& report, Door door, Instant now) {
  InventoryReport inventory = report.inventory();
  inventory.type = ReportType::full;
  FP_CHECK(r.inventory.apply(inventory, "discovery"));
  device.last_heartbeat_at = now;
  device.connection = connection_from(report, door);
  if (const auto version = parse_name(report.header.client_version, 64)) device.agent_version = *version;
  return {};
}

// A delta without its predecessor is not applied; the next policy reply asks for everything.
Status apply_inventory(Repositories& r, const wire::Report& report, std::string_view kind, Instant& last_at,
                       bool& resync, Instant now) {
  InventoryReport inventory = report.inventory();
  const bool full = inventory.type != ReportType::delta;
  if (!full && resync) {
    log::info("mp.report", "{}: {} delta ignored, a full report was ordered", inventory.client_id, kind);
    return {};
  }
  const Status applied = r.inventory.apply(inventory, kind);
  if (!applied && applied.error().code == Code::conflict) {
    log::warning("mp.report", "{}: {} resync ordered: {}", inventory.client_id, kind,
                 applied.error().message);
    resync = true;
    return {};
  }
  if (!applied) return applied;
  if (full) resync = false;
  last_at = now;
  return {};
}

Status apply_deployment_state(Repositories& r, const StateMessage& message) {
  const auto id = parse_object_id(message.topic_id);
  if (!id || !r.deployments.find(*id)) {
    log::info("mp.report", "{}: state of an unknown deployment '{}'", message.client_id,
              message.topic_id.substr(0, 64));
    return {};
  }
  return r.deployments.put_state(
      {.deployment_id = *id,
       .client_id = message.client_id,
       .state = message.state_id,
       .detail = message.parameters.empty() ? std::string() : message.parameters.front(),
       .at = message.sent_at});
}

// Topics 500 and 501. Of an update that the catalogue has not (any more): nothing to keep.
Status apply_update_state(Repositories& r, const StateMessage& message) {
  if (message.topic_type == update_state::kTopic) {
    const auto id = parse_guid(message.topic_id);
    const bool known = message.state_id >= update_state::kNotRequired && message.state_id <= update_state::kInstalled;
    if (!id || !known) {
      log::info("mp.report", "{}: state {} of the update '{}' is none", message.client_id, message.state_id, message.topic_id.substr(0, 64));
      return {};
    }
    const Status put = r.updates.put_state({*id, message.client_id, message.state_id, message.sent_at});
    return !put && put.error().code == Code::not_found ? Status() : put;
  }
  const auto parameter = [&](std::size_t n) { return n < message.parameters.size() ? message.parameters[n] : std::string(); };
  if (message.state_id < scan_state::kWaiting || message.state_id > scan_state::kCompleteWithErrors) return {};
  const auto version = parse_int(parameter(0));
  return r.updates.put_scan({message.client_id, message.state_id, version && *version > 0 ? *version : 0, parameter(1).substr(0, 256),
                             parameter(2).substr(0, 1024), message.sent_at});
}

Status apply_states(Repositories& r, Device& device, const wire::Report& report, Instant now) {
  std::int64_t highest = device.state_serial;
  bool everything = report.header.type == ReportType::resync;
  for (StateMessage message : report.states) {
    message.client_id = device.client_id;
    message.received_at = now;
    if (message.sent_at.ms <= 0) message.sent_at = now;  // without a readable time its arrival counts
    everything = everything || message.topic_type == kTopicResync;
    highest = std::max(highest, message.serial);
    FP_TRY(fresh, r.states.add(message));
    if (fresh && message.topic_type == kTopicEnforcement) FP_CHECK(apply_deployment_state(r, message));
    if (fresh && (message.topic_type == update_state::kTopic || message.topic_type == scan_state::kTopic))
      FP_CHECK(apply_update_state(r, message));
  }
  if (everything) FP_CHECK(r.states.clear_gaps(device.client_id));
  FP_TRY(gaps, r.states.gaps(device.client_id, 1));
  if (device.state_resync && gaps.empty()) {  // what came behind the gap counts now
    FP_TRY(newest, r.states.of_device(device.client_id, kBehindGapMax));
    for (const StateMessage& message : newest) highest = std::max(highest, message.serial);
  }
  device.state_serial = gaps.empty() ? highest : gaps.front() - 1;
  if (!gaps.empty() && !device.state_resync)
    log::warning("mp.report", "{}: state message {} is missing, resync ordered", device.client_id,
                 gaps.front());
  device.state_resync = !gaps.empty();
  device.last_state_at = now;
  return {};
}

Status apply_one(Repositories& r, Device& device, const wire::Report& report, Door door, Instant now) {
  switch (report.header.kind) {
    case wire::ReportKind::discovery:
      return apply_discovery(r, device, report, door, now);
    case wire::ReportKind::hardware:
      return apply_inventory(r, report, "hardware", device.last_hardware_at, device.hardware_resync, now);
    case wire::ReportKind::software:
      return apply_inventory(r, report, "software", device.last_software_at, device.software_resync, now);
    case wire::ReportKind::state:
      return apply_states(r, device, report, now);
    case wire::ReportKind::status:
      for (StatusEvent event : report.events) {
        event.client_id = device.client_id;
        FP_CHECK(r.states.add_event(event));
      }
      return {};
    case wire::ReportKind::other:
      break;
  }
  return fail(Code::internal, "a report of unknown kind came through");
}

// Applies the message, or finds that it was applied before. False: before.
Result<bool> apply(Context& context, Repositories& r, const Message& message,
                   const std::vector<wire::Report>& reports) {
  const Instant now = context.clock.now();
  // What our own agents send is stale after five minutes anyway: no longer than that it needs to be remembered.
  const auto remember_ms = message.freshness ? 2 * limits::kClockSkewMs : kRememberReportsMs;
  FP_TRY(fresh, r.site.first_time(message.device->client_id, "report " + message.payload_hash, now.plus_ms(remember_ms)));
  if (!fresh) return false;
  FP_TRY(device, r.devices.find(message.device->client_id));
  if (message.freshness) {
    if (message.freshness->counter <= device.agent_counter)
      return fail(Code::unauthenticated, "stale: counter {} after {}", message.freshness->counter,
                  device.agent_counter);
    device.agent_counter = message.freshness->counter;
  }
  device.last_address = message.request.peer.address;
  device.last_management_point = context.host(message.request);
  for (const wire::Report& report : reports)
    FP_CHECK(apply_one(r, device, report, message.request.peer.door, now));
  FP_CHECK(r.devices.put(device));
  return true;
}

}  // namespace

Outcome<Answer> take_report(Context& context, Message& message) {
  const auto reports = decode_all(message);
  if (!reports) return std::unexpected(reports.error());
  const auto applied =
      context.store.write_async([&](Repositories& r) { return apply(context, r, message, *reports); });
  if (!applied.value) return refused(applied.value.error());
  if (!*applied.value)
    log::info("mp.report", "{}: the same report again, acknowledged again", message.device->client_id);
  else
    log::debug("mp.report", "{}: {} report(s) to {}", message.device->client_id, reports->size(),
               message.endpoint.name);
  return Answer{message.freshness ? wire::encode_receipt() : std::string(), applied.ticket};
}

}  // namespace fp::mp
