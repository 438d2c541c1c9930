#include "wire/report.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "wire/xml.hpp"

namespace fp::wire {
namespace {

constexpr std::size_t kNameBytesMax = 128;
constexpr std::size_t kKeyBytesMax = 1024;
constexpr std::string_view kActionStart = "{00000000-0000-0000-0000-00000000000";

struct Kind {
  ReportKind kind;
  char action;  // last digit of InventoryActionID; 0: none
  std::string_view content, description;
};
constexpr Kind kKinds[] = {
    {ReportKind::hardware, '1', "Inventory Data", "Hardware"},
    {ReportKind::software, '2', "Inventory Data", "Software"},
    {ReportKind::discovery, '3', "Inventory Data", "Discovery"},
    {ReportKind::state, '\0', "State Message Data", ""},
    {ReportKind::status, '\0', "Status Message Data", ""},
    {ReportKind::other, '\0', "", ""},
};

bool is_name(std::string_view text, std::string_view more) {
  if (text.empty() || text.size() > kNameBytesMax || (text[0] >= '0' && text[0] <= '9')) return false;
  return std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           more.find(c) != std::string_view::npos;
  });
}

Result<int> whole(std::string_view text, std::string_view what, std::int64_t most = 1'000'000'000) {
  FP_TRY(value, parse_int(trim(text)));
  if (value < 0 || value > most) return fail(Code::invalid, "{} of {} in a report", what, value);
  return static_cast<int>(value);
}

int whole_or_zero(std::string_view text) {
  const auto value = whole(text, "");
  return value ? *value : 0;
}

Result<ReportType> report_type(std::string_view text) {
  if (text.empty() || iequals(text, "Full")) return ReportType::full;
  if (iequals(text, "Delta")) return ReportType::delta;
  if (iequals(text, "Resync")) return ReportType::resync;
  return fail(Code::invalid, "a ReportType of {:.40}", text);
}

ReportKind kind_of(const XmlNode& header, const XmlNode& body, const std::string& content) {
  const std::string action = header.text_of("InventoryAction/InventoryActionID");
  for (const Kind& k : kKinds)
    if (k.action != '\0' && iequals(action, fmt::format("{}{}}}", kActionStart, k.action))) return k.kind;
  for (const Kind& k : kKinds)
    if (k.action == '\0' && !k.content.empty() && iequals(content, k.content)) return k.kind;
  if (body.child("StateMessage")) return ReportKind::state;
  if (body.child("StatusMessage")) return ReportKind::status;
  return ReportKind::other;
}

Result<ReportHeader> read_header(const XmlNode& root) {
  const XmlNode node = root.child("ReportHeader");
  const XmlNode machine = node.at("Identification/Machine");
  const XmlNode details = node.child("ReportDetails");
  ReportHeader h;
  if (const std::string id = machine.text_of("ClientID"); !id.empty()) {
    FP_TRY(client_id, parse_client_id(id));
    h.client_id = std::move(client_id);
  }
  h.client_version = machine.text_of("ClientVersion").substr(0, 64);
  h.netbios_name = machine.text_of("NetBIOSName").substr(0, 256);
  h.client_installed = machine.text_of("ClientInstalled") != "0";
  h.content = details.text_of("ReportContent").substr(0, 64);
  FP_TRY(type, report_type(details.text_of("ReportType")));
  h.type = type;
  if (const auto at = parse_time(details.text_of("Date"))) h.made_at = *at;
  if (root.has_attr("FPSequence")) {
    FP_TRY(sequence, parse_int(root.attr("FPSequence")));
    if (sequence < 0) return fail(Code::invalid, "an FPSequence of {}", sequence);
    h.sequence = sequence;
  }
  h.kind = kind_of(node, root.child("ReportBody"), h.content);
  return h;
}

Result<InventoryInstance> read_instance(const XmlNode& node) {
  InventoryInstance instance;
  const auto inside = node.children();
  const XmlNode values = inside.empty() ? XmlNode() : inside.front();
  instance.class_name = node.has_attr("Class") ? node.attr("Class") : values.name();
  if (!is_name(instance.class_name, "")) return fail(Code::invalid, "a class that is no name: {:.60}", instance.class_name);
  const std::string_view content = node.attr("Content");
  if (iequals(content, "Update")) {
    instance.content = InstanceContent::update;
  } else if (iequals(content, "Delete")) {
    instance.content = InstanceContent::removed;
  } else if (!content.empty() && !iequals(content, "New")) {
    return fail(Code::invalid, "an instance with Content={:.40}", content);
  }
  std::size_t count = 0;
  for (const XmlNode& property : values.children()) {
    if (++count > limits::kPropertiesMax)
      return fail(Code::too_large, "an instance of more than {} properties", limits::kPropertiesMax);
    if (!is_name(property.name(), ".-")) return fail(Code::invalid, "a property that is no name: {:.60}", property.name());
    std::string& place = instance.properties[std::string(property.name())];
    if (!place.empty()) place += ",";  // an array is the same element several times
    place += property.trimmed();
  }
  instance.key = node.has_attr("FPKey") ? std::string(node.attr("FPKey")) : derive_instance_key(instance);
  if (instance.key.size() > kKeyBytesMax) return fail(Code::too_large, "an instance key of {} bytes", instance.key.size());
  return instance;
}

Result<StateMessage> read_state(const XmlNode& node, const ReportHeader& header) {
  StateMessage s;
  s.client_id = header.client_id;
  const XmlNode topic = node.child("Topic"), state = node.child("State");
  FP_TRY(type, whole(topic.attr("Type"), "a topic type"));
  FP_TRY(state_id, whole(state.attr("ID"), "a state id"));
  s.topic_type = type;
  s.state_id = state_id;
  if (node.has_attr("SerialNumber")) {
    FP_TRY(serial, parse_int(trim(node.attr("SerialNumber"))));
    if (serial < 0) return fail(Code::invalid, "a serial number of {}", serial);
    s.serial = serial;
  }
  s.topic_id = topic.attr("ID");
  if (s.topic_id.size() > 512) return fail(Code::too_large, "a topic id of {} bytes", s.topic_id.size());
  s.topic_id_type = whole_or_zero(topic.attr("IDType"));
  s.criticality = whole_or_zero(state.attr("Criticality"));
  for (const XmlNode& parameter : node.child("UserParameters").children("Param")) {
    if (s.parameters.size() == limits::kPropertiesMax)
      return fail(Code::too_large, "more than {} parameters", limits::kPropertiesMax);
    s.parameters.push_back(parameter.text());
  }
  const auto at = parse_time(node.attr("MessageTime"));
  s.sent_at = at ? *at : header.made_at;
  return s;
}

Result<StatusEvent> read_event(const XmlNode& node, const ReportHeader& header) {
  StatusEvent e;
  e.client_id = header.client_id;
  FP_TRY(severity, whole(node.attr("Severity"), "a severity", 2));
  e.severity = severity;
  e.component = std::string(node.attr("Component")).substr(0, kNameBytesMax);
  e.text = node.text_of("Text");
  const auto at = parse_time(node.attr("Time"));
  e.at = at ? *at : header.made_at;
  return e;
}

Status read_body(const XmlNode& body, Report& report) {
  for (const XmlNode& node : body.children()) {
    if (node.name() == "Instance") {
      if (report.instances.size() == limits::kInstancesMax)
        return fail(Code::too_large, "a report of more than {} instances", limits::kInstancesMax);
      FP_TRY(instance, read_instance(node));
      report.instances.push_back(std::move(instance));
    } else if (node.name() == "StateMessage") {
      if (report.states.size() == limits::kStateMessagesMax)
        return fail(Code::too_large, "a report of more than {} state messages", limits::kStateMessagesMax);
      FP_TRY(state, read_state(node, report.header));
      report.states.push_back(std::move(state));
    } else if (node.name() == "StatusMessage") {
      if (report.events.size() == limits::kStateMessagesMax)
        return fail(Code::too_large, "a report of more than {} status messages", limits::kStateMessagesMax);
      FP_TRY(event, read_event(node, report.header));
      report.events.push_back(std::move(event));
    }
  }
  return {};
}

std::string_view type_name(ReportType type) {
  return type == ReportType::full ? "Full" : type == ReportType::delta ? "Delta" : "Resync";
}

std::string_view content_name(InstanceContent content) {
  return content == InstanceContent::fresh ? "New" : content == InstanceContent::update ? "Update" : "Delete";
}

void write_header(XmlWriter& x, const ReportHeader& h, const Kind& kind) {
  x.open("ReportHeader").open("Identification").open("Machine");
  x.leaf("ClientInstalled", h.client_installed ? "1" : "0").leaf("ClientType", "1").leaf("ClientID", h.client_id);
  x.leaf("ClientVersion", h.client_version).leaf("NetBIOSName", h.netbios_name).leaf("CodePage", "65001");
  x.leaf("SystemDefaultLCID", "1033").leaf("Priority", "5").close().close();
  x.open("ReportDetails").leaf("ReportContent", kind.content.empty() ? std::string_view(h.content) : kind.content);
  x.leaf("ReportType", type_name(h.type)).leaf("Date", to_cim(h.made_at)).leaf("Version", "1.0").leaf("Format", "1.1").close();
  if (kind.action != '\0') {
    x.open("InventoryAction").attr("ActionType", "Predefined");
    x.leaf("InventoryActionID", fmt::format("{}{}}}", kActionStart, kind.action)).leaf("Description", kind.description);
    x.leaf("InventoryActionLastUpdateTime", to_cim(h.made_at)).close();
  }
  x.close();
}

void write_instance(XmlWriter& x, const InventoryInstance& instance, std::string_view netbios_name) {
  if (!is_name(instance.class_name, "")) return;
  x.open("Instance").attr("Content", content_name(instance.content));
  x.attr("Namespace", fmt::format("\\\\{}\\root\\farpoint", netbios_name)).attr("Class", instance.class_name);
  x.attr("ParentClass", instance.class_name);
  if (!instance.key.empty()) x.attr("FPKey", instance.key);
  x.open(instance.class_name);
  for (const auto& [name, value] : instance.properties)
    if (is_name(name, ".-")) x.leaf(name, value);
  x.close().close();
}

void write_state(XmlWriter& x, const StateMessage& s) {
  x.open("StateMessage").attr("MessageTime", to_cim(s.sent_at)).attr("SerialNumber", s.serial);
  x.open("Topic").attr("ID", s.topic_id).attr("Type", s.topic_type).attr("IDType", s.topic_id_type);
  x.attr("User", "").attr("UserSID", "").close().open("State").attr("ID", s.state_id).attr("Criticality", s.criticality).close();
  x.open("UserParameters").attr("Flags", "0").attr("Count", static_cast<std::int64_t>(s.parameters.size()));
  for (const auto& parameter : s.parameters) x.leaf("Param", parameter);
  x.close().close();
}

}  // namespace

InventoryReport Report::inventory() const {
  return {header.client_id, header.type, header.made_at, header.sequence, instances};
}

Result<Report> decode_report(std::string_view document) {
  FP_TRY(parsed, XmlDocument::parse(document));
  const XmlNode root = parsed.root();
  Report report;
  if (root.name() == "StateMessage") {
    report.header.kind = ReportKind::state;
    FP_TRY(state, read_state(root, report.header));
    report.states.push_back(std::move(state));
    return report;
  }
  if (root.name() != "Report") return fail(Code::invalid, "expected <Report>, got <{:.60}>", root.name());
  FP_TRY(header, read_header(root));
  report.header = std::move(header);
  FP_CHECK(read_body(root.child("ReportBody"), report));
  return report;
}

std::string encode_report(const Report& report) {
  const Kind& kind = *std::ranges::find(kKinds, report.header.kind, &Kind::kind);
  XmlWriter x;
  x.open("Report");
  if (report.header.sequence > 0) x.attr("FPSequence", report.header.sequence);
  write_header(x, report.header, kind);
  x.open("ReportBody");
  for (const auto& instance : report.instances) write_instance(x, instance, report.header.netbios_name);
  for (const auto& state : report.states) write_state(x, state);
  for (const auto& e : report.events) {
    x.open("StatusMessage").attr("Severity", e.severity).attr("Component", e.component).attr("Time", to_cim(e.at));
    x.leaf("Text", e.text).close();
  }
  return x.take();
}

std::string derive_instance_key(const InventoryInstance& instance) {
  for (const char* name : {"InstanceKey", "DeviceID", "PNPDeviceID", "Tag", "Name", "Index", "ID", "Path"})
    if (const auto found = instance.properties.find(name); found != instance.properties.end() && !found->second.empty())
      return found->second.substr(0, kKeyBytesMax);
  std::string key;
  for (const auto& [name, value] : instance.properties) key += name + "=" + value + ";";
  return key.substr(0, kKeyBytesMax);
}

std::string encode_receipt() {
  XmlWriter x;
  x.open("ReportReceipt").attr("SchemaVersion", "1.00");
  return x.take();
}

bool is_receipt(std::string_view document) {
  constexpr XmlLimits kLimits{.bytes_max = 1024};
  return parse_xml_as("ReportReceipt", document, kLimits).has_value();
}

}  // namespace fp::wire
