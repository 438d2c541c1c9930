#include "agent/core/reporting.hpp"

#include <boost/json.hpp>

#include "agent/core/registration.hpp"
#include "agent/core/upload.hpp"
#include "agent/core/whereabouts.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "wire/envelope.hpp"
#include "wire/model_json.hpp"
#include "wire/report.hpp"

namespace fp::agent {

namespace {

constexpr std::size_t kStatesInReport = 500;
constexpr std::size_t kProbesMax = 32;

wire::ReportHeader header_of(const memory::Identity& identity, const MpClient& mp, wire::ReportKind kind, Instant now) {
  wire::ReportHeader h;
  h.kind = kind;
  h.client_id = identity.client_id;
  h.client_version = kAgentVersion;
  h.netbios_name = mp.names().netbios_name;
  h.made_at = now;
  return h;
}

InventoryInstance instance(std::string class_name, std::map<std::string, std::string> properties, std::string key) {
  std::erase_if(properties, [](const auto& p) { return p.second.empty(); });
  return {std::move(class_name), InstanceContent::fresh, std::move(properties), std::move(key)};
}

// Every probe of the last look around, with its time and outcome: what the site shows beside the decision.
std::vector<InventoryInstance> probe_instances(const std::string& text) {
  std::vector<InventoryInstance> out;
  boost::system::error_code error;
  const auto all = boost::json::parse(text, error);
  if (error || !all.is_array()) return out;
  for (const auto& probe : all.as_array()) {
    if (!probe.is_object() || out.size() == kProbesMax) break;
    std::map<std::string, std::string> properties;
    for (const auto& [name, value] : probe.as_object())
      properties[std::string(name)] = value.is_string() ? std::string(value.as_string()) : boost::json::serialize(value);
    out.push_back(instance("CCM_LocationProbe", std::move(properties), std::to_string(out.size())));
  }
  return out;
}

std::string snapshot_key(const InventoryInstance& i) { return i.class_name + "\x1f" + i.key; }

}  // namespace

Reporting::Reporting(memory::Memory& memory, MpClient& mp, ServiceLocation& location, Machine& machine, const Clock& clock)
    : memory_(memory), mp_(mp), location_(location), machine_(machine), clock_(clock) {}

Status Reporting::send(std::string_view endpoint, const std::string& document) {
  const auto large = wire::make_payload({document}).bytes;
  if (large.size() <= kUploadAboveBytes) {
    return location_.with_mp([&](const std::string& base) { return mp_.report(base, endpoint, document); });
  }
  return location_.with_mp([&](const std::string& base) -> Status {
    Uploader uploader(memory_, mp_);
    auto uploaded = uploader.send(base, endpoint, large, location_.where().internet());
    if (!uploaded && (uploaded.error().code == Code::forbidden || uploaded.error().code == Code::not_found)) {
      log::info("content-transfer", "{}; the report goes in a message", uploaded.error().message);
      return mp_.report(base, endpoint, document);
    }
    if (!uploaded) return std::unexpected(uploaded.error());
    FP_CHECK(mp_.report(base, endpoint, wire::encode_uploaded_body(*uploaded)));
    log::info("content-transfer", "{}: {} bytes uploaded", endpoint, large.size());
    return uploader.forget(endpoint);
  });
}

Status Reporting::send_states() {
  FP_TRY(resync, memory_.property("resync.state"));
  if (!resync.empty()) {
    const auto again = memory_.together([&]() -> Status {
      FP_CHECK(memory_.resend_from(0));
      return memory_.set_property("resync.state", "");
    });
    FP_CHECK(again);
  }
  for (;;) {
    FP_TRY(waiting, memory_.unsent(kStatesInReport));
    if (waiting.empty()) return {};
    FP_TRY(identity, memory_.identity());
    wire::Report report;
    report.header = header_of(identity, mp_, wire::ReportKind::state, clock_.now());
    report.header.content = "State Message Data";
    for (const auto& m : waiting) {
      report.states.push_back({identity.client_id, m.serial, m.topic_type, m.topic_id, m.topic_id_type, m.state_id, m.criticality,
                               m.parameters, m.at, {}});
    }
    FP_CHECK(send("MP_RelayEndpoint", wire::encode_report(report)));
    FP_CHECK(memory_.mark_sent(waiting.back().serial));
    log::info("state-message", "{} state messages sent, up to serial {}", waiting.size(), waiting.back().serial);
  }
}

Status Reporting::send_heartbeat() {
  FP_TRY(identity, memory_.identity());
  const auto d = machine_.discover();
  wire::Report report;
  report.header = header_of(identity, mp_, wire::ReportKind::discovery, clock_.now());
  report.header.content = "Inventory Data";
  // What could not be decided is internet.
  const auto type = location_.where().type == ConnectionType::unknown ? ConnectionType::currently_internet : location_.where().type;
  FP_TRY(chosen, memory_.decisions("management-point", 1));
  const std::string mp_reason = chosen.empty() ? "" : chosen[0].reason;
  FP_TRY(ad_site, memory_.property(kAdSite));
  auto& out = report.instances;
  out.push_back(instance("CCM_ComputerSystem", {{"Name", mp_.names().netbios_name}, {"FQDN", mp_.names().fqdn},
                                                {"HostName", d.fqdn}, {"MachineId", d.machine_id}}, "1"));
  out.push_back(instance("CCM_Client", {{"ClientVersion", kAgentVersion}, {"ClientId", identity.client_id},
                                        {"ConnectionType", std::string(location::type_name(type))},
                                        {"ConnectionReason", location_.where().reason},
                                        {"ManagementPoint", location_.management_point()},
                                        {"ManagementPointReason", mp_reason}, {"ADSite", ad_site}}, "1"));
  FP_TRY(probes, memory_.property(kProbes));
  for (auto& probe : probe_instances(probes)) out.push_back(std::move(probe));
  out.push_back(instance("CCM_OperatingSystem", {{"Caption", d.os_caption}, {"Version", d.os_version},
                                                 {"Architecture", d.architecture}}, "1"));
  for (std::size_t n = 0; n < std::max(d.addresses.size(), d.macs.size()); ++n) {
    out.push_back(instance(
        "CCM_ExtNetworkAdapterConfiguration",
        {{"IPAddress", n < d.addresses.size() ? d.addresses[n] : ""}, {"MACAddress", n < d.macs.size() ? d.macs[n] : ""}},
        std::to_string(n)));
  }
  FP_CHECK(send("MP_DdrEndpoint", wire::encode_report(report)));
  log::info("inventory-agent", "heartbeat sent");
  return {};
}

// Makes the report and remembers it together with the snapshot it leads to.
Status Reporting::make_inventory(const std::string& kind, bool full) {
  FP_TRY(identity, memory_.identity());
  FP_TRY(resync, memory_.property("resync." + kind));
  FP_TRY(before, memory_.snapshot(kind));
  FP_TRY(sequence_text, memory_.property(kind + ".sequence"));
  const auto sequence = parse_int(sequence_text).value_or(0) + 1;
  auto collected = machine_.inventory(kind);
  for (const auto& f : collected.failed) log::warning("inventory-agent", "{}: {}", kind, f);
  std::map<std::string, std::string> after;
  for (const auto& i : collected.instances) after[snapshot_key(i)] = wire::to_json(i);
  wire::Report report;
  report.header =
      header_of(identity, mp_, kind == "hardware" ? wire::ReportKind::hardware : wire::ReportKind::software, clock_.now());
  report.header.content = "Inventory Data";
  report.header.sequence = sequence;
  const bool complete = full || before.empty() || !resync.empty();
  report.header.type = !resync.empty() ? ReportType::resync : complete ? ReportType::full : ReportType::delta;
  if (complete) {
    report.instances = std::move(collected.instances);
  } else {
    sensors::Instances old;
    for (const auto& [key, json] : before) {
      FP_TRY(i, wire::inventory_instance_from_json(json));
      old.push_back(std::move(i));
    }
    report.instances = sensors::delta(old, collected.instances);
  }
  const auto document = wire::encode_report(report);
  log::info("inventory-agent", "{}: {} report {} with {} instances", kind, complete ? "full" : "delta", sequence,
            report.instances.size());
  return memory_.together([&]() -> Status {
    FP_CHECK(memory_.set_property(kind + ".pending", document));
    FP_CHECK(memory_.set_property(kind + ".sequence", std::to_string(sequence)));
    FP_CHECK(memory_.set_property("resync." + kind, ""));
    return memory_.replace_snapshot(kind, after);
  });
}

Status Reporting::send_inventory(const std::string& kind, bool full) {
  const std::string_view endpoint = kind == "hardware" ? "MP_HinvEndpoint" : "MP_SinvEndpoint";
  const auto flush = [&]() -> Status {
    FP_TRY(pending, memory_.property(kind + ".pending"));
    if (pending.empty()) return {};
    FP_CHECK(send(endpoint, pending));
    return memory_.set_property(kind + ".pending", "");
  };
  // What an earlier pass could not bring goes first; a resync makes it pointless.
  FP_TRY(resync, memory_.property("resync." + kind));
  if (resync.empty()) FP_CHECK(flush());
  FP_CHECK(make_inventory(kind, full));
  return flush();
}

}  // namespace fp::agent
